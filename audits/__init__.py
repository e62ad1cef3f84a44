"""One file per audit: what to ask and how to judge it.

About users: sensitivity, counterfactual, implicit_cue, group_utility, attribute_leakage,
stereotype and scoring. About items: exposure, popularity, position_bias, grounding and provider;
and impression_log, which judges a log instead of asking. Files that begin with an audit's name
hold a part of it. What several of them stand on: asking (requests of users), contrasts and pairs
(which lists are compared with which), answered_lists (lists as positions in a catalogue), excess
(effects beyond noise), families (adjusting p-values), funnel and missingness (what became of the
prompts), intersections, and recorded (audits of answers that are there already).
"""

from fairrec.audits.attribute_leakage import AttributeLeakageAudit
from fairrec.audits.counterfactual import CounterfactualAudit
from fairrec.audits.exposure import ExposureAudit
from fairrec.audits.grounding import GroundingAudit
from fairrec.audits.group_utility import GroupUtilityAudit
from fairrec.audits.implicit_cue import ImplicitCueAudit
from fairrec.audits.popularity import PopularityAudit
from fairrec.audits.position_bias import PositionBiasAudit
from fairrec.audits.provider import ProviderAudit
from fairrec.audits.scoring import ScoringAudit
from fairrec.audits.sensitivity import SensitivityAudit
from fairrec.audits.stereotype import StereotypeAudit

__all__ = [
    "AttributeLeakageAudit",
    "CounterfactualAudit",
    "ExposureAudit",
    "GroundingAudit",
    "GroupUtilityAudit",
    "ImplicitCueAudit",
    "PopularityAudit",
    "PositionBiasAudit",
    "ProviderAudit",
    "ScoringAudit",
    "SensitivityAudit",
    "StereotypeAudit",
]
