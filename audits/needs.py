"""What an audit needs of a recommender beyond rankings."""

from __future__ import annotations

from typing import Literal

from fairrec.recommenders.kinds import Kind

NEEDS: dict[str, tuple[str, ...]] = {"scoring": ("scores",)}
"""By audit; every other audit judges rankings, and what else the answers hold."""

STATES_ATTRIBUTES = ("sensitivity", "counterfactual", "implicit_cue", "stereotype", "scoring")
"""Audits that compare what is recommended under stated attributes. A recommender that no statement
reaches is their control: what they find there is nothing but noise."""


def fits(audit: str, kind: Kind) -> Literal["yes", "control", "no"]:
    """Return whether an audit can judge a kind of recommender."""
    if not all(map(kind.may_give, NEEDS.get(audit, ()))):
        return "no"
    unmoved = kind.enters in ("nowhere", "history")
    return "control" if unmoved and audit in STATES_ATTRIBUTES else "yes"
