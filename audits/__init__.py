"""One file per audit: what to ask and how to judge it."""

from fairrec.audits.sensitivity import SensitivityAudit

__all__ = ["SensitivityAudit"]
