"""Testing whether the stated value matters, by permuting the values within each cluster."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import WrongUse
from fairrec.metrics.similarity import snsr, snsv

SHIFTED_FROM = 11
"""From this many values on, each draw is among the cyclic shifts of a cluster's values in an order
drawn once per cluster, which is many times faster than among all orders. Shifts are a group as
orders are, and that is all that an exact test needs (Lehmann and Romano, "Testing Statistical
Hypotheses", 15.2)."""

STATISTICS: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "snsr": snsr,
    "snsv": snsv,
}
"""Statistics of a vector of per-value means, over the last axis."""


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """What a permutation test found.

    Attributes:
        p_value: Share of permutations at least as extreme as what was seen; None when nothing
            can be permuted.
        null_mean: Mean of the statistic over the permutations: its noise floor.
        draws: Permutations looked at.
        exhaustive: Whether these are all there are.
        reason: Why there is no p-value.
    """

    p_value: float | None
    null_mean: float | None
    draws: int = 0
    exhaustive: bool = False
    reason: str = ""


def permutation_test(
    values: NDArray[np.float64],
    statistic: str,
    rng: np.random.Generator,
    draws: int = 10_000,
) -> PermutationTest:
    """Test "which value is stated does not matter" for a statistic of the per-value means.

    Under it the values of a cluster are exchangeable, so permuting them within each cluster
    gives equally likely tables. The test is then exact for any number of clusters, whatever
    differs between clusters. Missing values stay where they are and the present ones of the
    cluster are permuted among their places, which is exact if what is missing does not depend
    on the similarities.

    All permutations are looked at when there are no more than `draws`. Otherwise `draws` are
    drawn and p = (1 + number at least as extreme) / (1 + draws) (Phipson and Smyth,
    "Permutation P-values Should Never Be Zero", 2010).

    Args:
        values: n clusters x V values, NaN where missing.
        statistic: A name in `STATISTICS`; large means unequal.
        rng: Source of the draws.
        draws: Number of draws, at least 1.

    Raises:
        WrongUse: The statistic is unknown.
    """
    if statistic not in STATISTICS:
        raise WrongUse(f"the statistic is {statistic!r}.", expected=f"one of {list(STATISTICS)}.")
    function = STATISTICS[statistic]
    counts = (~np.isnan(values)).sum(axis=0)
    values, counts = values[:, counts > 0], counts[counts > 0]
    if values.shape[1] < 2:
        return PermutationTest(None, None, reason="fewer than two values have any list to compare")
    rows = [_Row(np.flatnonzero(~np.isnan(row)), row) for row in values]
    rows = [row for row in rows if len(row.places) > 1]
    if not rows:
        return PermutationTest(None, None, reason="no cluster has two values to exchange")
    fixed = np.nansum(values, axis=0)
    for row in rows:
        fixed[row.places] -= row.values
    exhaustive = math.prod(math.factorial(len(row.places)) for row in rows) <= draws
    sums = _all_sums(fixed, rows) if exhaustive else _drawn_sums(fixed, rows, rng, draws)
    null = function(sums / counts)
    seen = function(np.nansum(values, axis=0) / counts)
    # Sums in another order differ in the last bits; ties must count as ties.
    extreme = int((null >= seen - 1e-10 * np.nanmax(np.abs(values))).sum())
    p_value = extreme / len(null) if exhaustive else (1 + extreme) / (1 + draws)
    return PermutationTest(p_value, float(null.mean()), len(null), exhaustive)


class _Row:
    """The present values of one cluster and the columns they stand in."""

    def __init__(self, places: NDArray[np.intp], row: NDArray[np.float64]) -> None:
        self.places = places
        self.values = row[places]

    def all_orders(self) -> NDArray[np.float64]:
        return self.values[np.array(list(permutations(range(len(self.values)))))]


def _all_sums(fixed: NDArray[np.float64], rows: list[_Row]) -> NDArray[np.float64]:
    """Return the column sums of every permuted table."""
    sums = fixed[None, :]
    for row in rows:
        orders = np.zeros((math.factorial(len(row.places)), len(fixed)))
        orders[:, row.places] = row.all_orders()
        sums = (sums[:, None, :] + orders).reshape(-1, len(fixed))
    return sums


def _drawn_sums(
    fixed: NDArray[np.float64], rows: list[_Row], rng: np.random.Generator, draws: int
) -> NDArray[np.float64]:
    """Return the column sums of randomly permuted tables, adding up cluster by cluster."""
    sums = np.repeat(fixed[:, None], draws, axis=1)  # a column's draws side by side: faster
    for row in rows:
        size = len(row.places)
        if size >= SHIFTED_FROM:
            order = rng.permutation(size)
            shifts = np.add.outer(np.arange(size), np.arange(size)) % size
            turned = row.values[order][shifts]
            sums[row.places[order]] += turned[:, rng.integers(0, size, draws)]
        elif math.factorial(len(row.values)) <= draws:  # cheaper to draw among all orders
            orders = row.all_orders()
            sums[row.places] += orders.T[:, rng.integers(0, len(orders), draws)]
        else:
            sums[row.places] += rng.permuted(np.tile(row.values, (draws, 1)), axis=1).T
    return sums.T
