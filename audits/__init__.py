"""One file per audit: what to ask and how to judge it."""

from fairrec.audits.counterfactual import CounterfactualAudit
from fairrec.audits.implicit_cue import ImplicitCueAudit
from fairrec.audits.sensitivity import SensitivityAudit

__all__ = ["CounterfactualAudit", "ImplicitCueAudit", "SensitivityAudit"]
