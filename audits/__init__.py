"""One file per audit: what to ask and how to judge it."""

from fairrec.audits.attribute_leakage import AttributeLeakageAudit
from fairrec.audits.counterfactual import CounterfactualAudit
from fairrec.audits.group_utility import GroupUtilityAudit
from fairrec.audits.implicit_cue import ImplicitCueAudit
from fairrec.audits.sensitivity import SensitivityAudit
from fairrec.audits.stereotype import StereotypeAudit

__all__ = [
    "AttributeLeakageAudit",
    "CounterfactualAudit",
    "GroupUtilityAudit",
    "ImplicitCueAudit",
    "SensitivityAudit",
    "StereotypeAudit",
]
