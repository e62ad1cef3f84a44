"""Findings of the regression: what makes an item recommended, beyond how popular it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.excess import finding_id
from fairrec.audits.families import adjusted
from fairrec.audits.popularity_regression import Effect, PopularityRegression
from fairrec.results import Finding


def opportunities(
    pools: Sequence[tuple[str, ...] | None], position: Mapping[str, int]
) -> NDArray[np.float64] | None:
    """Return how many lists could have held each item, shape (N,), or None where all could.

    Args:
        pools: Candidates of every list; None where the choice was free.
        position: Position in the catalogue by item id.
    """
    counts = np.zeros(len(position))
    if not pools or None in pools:
        return None
    for pool in pools:
        np.add.at(counts, [position[item] for item in pool or () if item in position], 1.0)
    return counts


def effect_findings(found: PopularityRegression, column: str) -> list[Finding]:
    """Return the rate ratios; those of the column's groups are one family of tests."""
    first = [_finding("items", None, "popularity_effect", found.popularity)]
    if found.quality is not None:
        first.append(_finding("items", None, "quality_effect", found.quality))
    groups = [
        _finding(column, name, "group_effect", _against(effect, found.reference))
        for name, effect in found.groups.items()
    ]
    first = adjusted(first, "effects of popularity and quality")
    return [*first, *adjusted(groups, f"effects of {column} beyond popularity")]


def _against(effect: Effect, reference: str) -> Effect:
    """Return the effect with what it is held against said in its method."""
    said = effect.estimate.method
    if not said:
        return effect
    return replace(effect, estimate=replace(effect.estimate, method=f"{said}, against {reference}"))


def _finding(attribute: str, value: str | None, metric: str, effect: Effect) -> Finding:
    return Finding(
        finding_id("popularity", attribute, value, metric, "rate_ratio"),
        audit="popularity",
        metric=metric,
        statistic="rate_ratio",
        attribute=attribute,
        value=value,
        estimate=effect.estimate,
        p_value=effect.p_value,
    )
