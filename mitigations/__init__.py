"""Mitigations: recommenders around recommenders, and objects changed in place."""

from fairrec.mitigations.mitigation import Mitigation, RewritesRequests

MITIGATIONS: dict[str, type[Mitigation]] = {kind.name: kind for kind in ()}
"""All mitigations by the name that commands and settings use."""

__all__ = ["MITIGATIONS", "Mitigation", "RewritesRequests"]
