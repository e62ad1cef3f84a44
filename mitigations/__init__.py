"""Mitigations: recommenders around recommenders, and objects changed in place."""

from fairrec.mitigations.conformal import ConformalFairness
from fairrec.mitigations.mitigation import Mitigation, RewritesRequests
from fairrec.mitigations.popularity_correction import PopularityCorrection, PriorCorrection
from fairrec.mitigations.prompting.history_focus import HistoryFocus
from fairrec.mitigations.prompting.order_bootstrap import OrderBootstrap
from fairrec.mitigations.prompting.stella import StellaCalibration

MITIGATIONS: dict[str, type[Mitigation]] = {
    kind.name: kind
    for kind in (
        ConformalFairness,
        HistoryFocus,
        OrderBootstrap,
        PopularityCorrection,
        PriorCorrection,
        StellaCalibration,
    )
}
"""All mitigations by the name that commands and settings use."""

__all__ = [
    "MITIGATIONS",
    "ConformalFairness",
    "HistoryFocus",
    "Mitigation",
    "OrderBootstrap",
    "PopularityCorrection",
    "PriorCorrection",
    "RewritesRequests",
    "StellaCalibration",
]
