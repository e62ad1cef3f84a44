"""One file per audit: what to ask and how to judge it.

The audits are sensitivity, counterfactual, implicit_cue, group_utility, attribute_leakage,
stereotype and scoring. Files that begin with an audit's name hold a part of it. What several of
them stand on: asking (requests of users), contrasts and pairs (which lists are compared with
which), excess (effects beyond noise), families (adjusting p-values), funnel and missingness (what
became of the prompts), intersections, and recorded (audits of answers that are there already).
"""

from fairrec.audits.attribute_leakage import AttributeLeakageAudit
from fairrec.audits.counterfactual import CounterfactualAudit
from fairrec.audits.group_utility import GroupUtilityAudit
from fairrec.audits.implicit_cue import ImplicitCueAudit
from fairrec.audits.scoring import ScoringAudit
from fairrec.audits.sensitivity import SensitivityAudit
from fairrec.audits.stereotype import StereotypeAudit

__all__ = [
    "AttributeLeakageAudit",
    "CounterfactualAudit",
    "GroupUtilityAudit",
    "ImplicitCueAudit",
    "ScoringAudit",
    "SensitivityAudit",
    "StereotypeAudit",
]
