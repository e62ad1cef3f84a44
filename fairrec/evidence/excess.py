"""Do lists change more when something is stated than when the same is asked again?

One reference list per cluster is compared with repeats of the same prompt (the floor) and with
lists for which something was stated (the effects). If stating it changes nothing beyond noise,
all these lists are draws from one distribution. Given the reference, their similarities to it are
then exchangeable, so permuting which of them play the floor gives equally likely tables, and the
test is exact for any number of clusters, however noisy the recommender is.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import WrongUse
from fairrec.evidence.intervals import mean_estimate
from fairrec.evidence.permutation import PermutationTest
from fairrec.results import Estimate

Table = NDArray[np.float64]


def cluster_excess(floor: Table, effects: Table) -> Table:
    """Return, per cluster, the mean of the floor less the mean of the effects.

    Args:
        floor: Similarity of each cluster's reference list to its repeats, of shape (n,) or
            (n, F); NaN where missing. Each is a comparison with the reference itself.
        effects: Similarity of the reference to the list for each value, of shape (n,) or (n, V);
            NaN where missing.

    Returns:
        n numbers, 0 where stating changes no more than asking again, positive where it changes
        more; NaN where a cluster has no floor or no effect.

    Raises:
        WrongUse: The tables have different numbers of clusters.

    >>> cluster_excess(np.array([0.9]), np.array([[0.5, 0.7]])).round(3).tolist()
    [0.3]
    """
    floor, effects = _two_tables(floor, effects)
    return _row_means(floor) - _row_means(effects)


def excess_estimate(
    floor: Table,
    effects: Table,
    rng: np.random.Generator,
    draws: int = 10_000,
    *,
    level: float = 0.95,
    unit: str = "user",
    bound: float = 1.0,
) -> Estimate:
    """Return the mean of `cluster_excess`, with its interval by the cluster bootstrap.

    The interval lies above 0 only if `exceedance_test` too, which is exact, calls out at
    (1 - level) / 2. The bootstrap alone is too sure where lists hardly ever change: in 50 users
    the noise that the floor is there to show may not have turned up once.

    Where all n clusters have the same excess c, as with a recommender that hardly ever changes
    its answer, the bootstrap sees no spread and would claim certainty. The interval is then of
    the means m under which n values of c have a chance of more than (1 - level) / 2: for m above
    c, one value is c with a chance of at most (bound - m) / (bound - c) (Markov's inequality).

    Args:
        floor, effects: As for `cluster_excess`; a cluster that lacks either is counted as missing.
        rng: Source of the draws.
        draws: Bootstrap draws.
        level: Confidence level, in (0, 1).
        unit: What a cluster is.
        bound: Largest absolute value an excess can have; 1 for similarities.
    """
    values = cluster_excess(floor, effects)
    estimate = mean_estimate(values, rng, draws, level=level, unit=unit, direction="lower")
    present = values[~np.isnan(values)]
    if estimate.low is None:
        return estimate
    if np.ptp(present) > 1e-12 * bound:
        low, high = (max(-bound, min(bound, end)) for end in (estimate.low, estimate.high or 0.0))
        estimate = replace(estimate, low=low, high=high)
        if low <= 0:
            return estimate
        p_value = exceedance_test(floor, effects, rng, draws).p_value
        if p_value is not None and p_value <= (1 - level) / 2:
            return estimate
        return replace(estimate, low=0.0, method=f"{estimate.method}, lower end by permutations")
    rest = ((1 - level) / 2) ** (1 / len(present))
    mean = float(present.mean())
    low, high = -bound + (bound + mean) * rest, bound - (bound - mean) * rest
    method = f"exact limits of the mean, all {unit}s being alike"
    return replace(estimate, low=low, high=high, method=method)


def exceedance_test(
    floor: Table, effects: Table, rng: np.random.Generator, draws: int = 10_000
) -> PermutationTest:
    """Test, one-sided, whether stating something changes lists more than asking again does.

    The statistic is the mean of `cluster_excess`. Within each cluster, which of the present
    similarities play the floor is permuted; missing ones stay missing, which is exact if what is
    missing does not depend on the similarities. All ways are looked at when there are no more
    than `draws`. Otherwise `draws` are drawn and p = (1 + number at least as large) / (1 + draws)
    (Phipson and Smyth, "Permutation P-values Should Never Be Zero", 2010).

    Args:
        floor, effects: As for `cluster_excess`; clusters that lack either are left out.
        rng: Source of the draws.
        draws: Number of draws, at least 1.

    Returns:
        The p-value; `null_mean` is 0, the mean over all permutations.

    Raises:
        WrongUse: The tables have different numbers of clusters.
    """
    floor, effects = _two_tables(floor, effects)
    rows = [_Row(a[~np.isnan(a)], b[~np.isnan(b)]) for a, b in zip(floor, effects, strict=True)]
    rows = [row for row in rows if row.floors and row.floors < len(row.values)]
    if not rows:
        return PermutationTest(None, None, reason="no cluster has both a repeat and an effect")
    exhaustive = math.prod(row.ways for row in rows) <= draws
    totals = np.zeros(1 if exhaustive else draws)
    for row in rows:
        if exhaustive:
            totals = (totals[:, None] + row.all()).ravel()
        else:
            totals += row.drawn(rng, draws)
    seen = sum(row.seen() for row in rows)
    # Sums in another order differ in the last bits; ties must count as ties.
    tolerance = 1e-10 * sum(float(np.abs(row.values).max()) for row in rows)
    extreme = int((totals >= seen - tolerance).sum())
    p_value = extreme / len(totals) if exhaustive else (1 + extreme) / (1 + draws)
    return PermutationTest(p_value, 0.0, len(totals), exhaustive)


class _Row:
    """The present similarities of one cluster, those of the floor first."""

    def __init__(self, floor: Table, effects: Table) -> None:
        self.values = np.concatenate([floor, effects])
        self.floors = len(floor)
        self.ways = math.comb(len(self.values), self.floors)

    def seen(self) -> float:
        return float(self._excess(self.values[: self.floors].sum()))

    def all(self) -> Table:
        """Return the excess for every choice of the floor."""
        return self._excess(self.values[_choices(len(self.values), self.floors)].sum(axis=1))

    def drawn(self, rng: np.random.Generator, draws: int) -> Table:
        if self.ways <= draws:  # cheaper to draw among all choices
            return self.all()[rng.integers(0, self.ways, draws)]
        orders = rng.permuted(np.tile(self.values, (draws, 1)), axis=1)
        return self._excess(orders[:, : self.floors].sum(axis=1))

    def _excess(self, floor_sum: Table) -> Table:
        rest = self.values.sum() - floor_sum
        return floor_sum / self.floors - rest / (len(self.values) - self.floors)


@cache
def _choices(size: int, chosen: int) -> NDArray[np.intp]:
    return np.array(list(combinations(range(size), chosen)))


def _two_tables(floor: Table, effects: Table) -> tuple[Table, Table]:
    tables = [np.asarray(t, dtype=np.float64) for t in (floor, effects)]
    floor, effects = (t[:, None] if t.ndim == 1 else t for t in tables)
    if len(floor) != len(effects):
        raise WrongUse(
            f"the floor has {len(floor)} clusters and the effects have {len(effects)}.",
            expected="one row per cluster in both, NaN where something is missing.",
        )
    return floor, effects


def _row_means(table: Table) -> Table:
    """Return the mean of the present values of each row, NaN where there is none."""
    counts = (~np.isnan(table)).sum(axis=1)
    return np.where(counts > 0, np.nansum(table, axis=1) / np.maximum(counts, 1), np.nan)
