"""Rates of yes/no decisions by group, and how far apart they are, through Fairlearn.

Four rates, each a share of some pairs of user and candidate:

- selection rate: selected, of all (statistical or demographic parity);
- true positive rate: selected, of the relevant (equal opportunity; Hardt, Price and Srebro,
  "Equality of Opportunity in Supervised Learning", NeurIPS 2016);
- false positive rate: selected, of the irrelevant (with the former: equalized odds);
- positive predictive value: relevant, of the selected (predictive parity; Chouldechova, "Fair
  Prediction with Disparate Impact", Big Data 5(2), 2017).

All lie in [0, 1]. Gaps are highest less lowest over the groups: 0 for equal groups; ratios lowest
over highest: 1. A pair whose relevance is not known (NaN) counts for the selection rate alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Booleans = NDArray[np.bool_]

RATES = (
    "selection_rate",
    "true_positive_rate",
    "false_positive_rate",
    "positive_predictive_value",
)


def rate_parts(
    rate: str, selected: Booleans, relevant: NDArray[np.float64]
) -> tuple[Booleans, Booleans]:
    """Return which pairs are counted above the bar of a rate, and which below it.

    Args:
        rate: One of `RATES`.
        selected: N pairs, whether each is selected.
        relevant: N labels, 1 or 0, NaN where not known.

    >>> parts = rate_parts("true_positive_rate", np.array([True, True]), np.array([1.0, 0.0]))
    >>> [part.tolist() for part in parts]
    [[True, False], [True, False]]
    """
    positive, negative = relevant == 1, relevant == 0
    part, whole = {
        "selection_rate": (selected, np.ones_like(selected)),
        "true_positive_rate": (selected, positive),
        "false_positive_rate": (selected, negative),
        "positive_predictive_value": (positive, selected & (positive | negative)),
    }[rate]
    return part & whole, whole


def group_rates(
    rate: str, selected: Booleans, relevant: NDArray[np.float64], groups: Sequence[Any] | NDArray
) -> Any:
    """Return Fairlearn's `MetricFrame` of a rate by group, or None when no group has one.

    Groups in which nothing can be counted (no relevant pair, or none selected) are left out:
    Fairlearn would take their rate for 0. With one group left there is a rate and no gap.

    Args:
        rate, selected, relevant: As for `rate_parts`.
        groups: The group of each of the N pairs.
    """
    from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate
    from fairlearn.metrics import true_positive_rate as recall
    from pandas import Series
    from sklearn.metrics import precision_score

    groups = np.asarray(groups)
    _, whole = rate_parts(rate, selected, relevant)
    known = np.isin(groups, np.unique(groups[whole]))
    if rate != "selection_rate":
        known &= ~np.isnan(relevant)
    if not known.any():
        return None
    metrics: dict[str, Any] = {
        "selection_rate": selection_rate,
        "true_positive_rate": recall,
        "false_positive_rate": false_positive_rate,
        "positive_predictive_value": precision_score,
    }
    return MetricFrame(
        metrics=metrics[rate],
        y_true=(relevant[known] == 1).astype(int),
        y_pred=selected[known].astype(int),
        sensitive_features=Series(groups[known]),  # an array of one would lose its shape
    )


def equalized_odds_gap(
    selected: Booleans, relevant: NDArray[np.float64], groups: Sequence[Any] | NDArray
) -> float:
    """Return Fairlearn's equalized odds difference: the larger gap of true and false positive rate.

    NaN when a group lacks relevant or irrelevant pairs. Arguments as for `group_rates`.
    """
    from fairlearn.metrics import equalized_odds_difference

    groups = np.asarray(groups)
    every = len(np.unique(groups))
    known = ~np.isnan(relevant)
    for label in (0, 1):
        if len(np.unique(groups[relevant == label])) < every:
            return float("nan")
    return float(
        equalized_odds_difference(
            relevant[known].astype(int),
            selected[known].astype(int),
            sensitive_features=groups[known],
        )
    )
