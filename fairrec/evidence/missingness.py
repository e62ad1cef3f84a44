"""Answers that are missing: whether unequally by value, and what they could hide at worst.

Tables have one row per cluster and one column per attribute value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import WrongUse
from fairrec.evidence.bootstrap import bootstrap_means
from fairrec.evidence.intervals import snsr_estimate, stretched
from fairrec.evidence.permutation import PermutationTest, permutation_test
from fairrec.results import Estimate

Table = NDArray[np.float64]
BLOCK = 4_000_000


def answered_test(
    answered: Table, rng: np.random.Generator, draws: int = 10_000
) -> PermutationTest:
    """Test "whether an answer comes does not depend on the value"; the statistic is the range
    of the values' shares of answers.

    Where clusters hold several values, these are permuted within each (see `permutation_test`).
    Where every cluster holds one value alone (users grouped by what they are), the clusters are
    permuted over the values, and p = (1 + number at least as large) / (1 + draws).

    Args:
        answered: n x V shares of answers in [0, 1], mostly 0 or 1; NaN where nothing was asked.
        rng: Source of the draws.
        draws: Number of draws, at least 1.
    """
    asked = ~np.isnan(answered)
    if (asked.sum(axis=1) > 1).any():
        return permutation_test(answered, "snsr", rng, draws)
    sizes = asked.sum(axis=0)
    sizes = sizes[sizes > 0]
    if len(sizes) < 2:
        return PermutationTest(None, None, reason="fewer than two values were asked for")
    values = answered.T[asked.T]  # value by value
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])

    def ranges(orders: Table) -> Table:
        return np.ptp(np.add.reduceat(orders, starts, axis=1) / sizes, axis=1)

    null = np.empty(draws)
    for start in range(0, draws, block := max(1, BLOCK // len(values))):
        size = min(block, draws - start)
        null[start : start + size] = ranges(rng.permuted(np.tile(values, (size, 1)), axis=1))
    # Sums in another order differ in the last bits; ties must count as ties.
    extreme = int((null >= ranges(values[None])[0] - 1e-10).sum())
    return PermutationTest((1 + extreme) / (1 + draws), float(null.mean()), draws)


def answered_estimate(
    answered: Table,
    rng: np.random.Generator,
    draws: int = 10_000,
    *,
    level: float = 0.95,
    unit: str = "user",
) -> Estimate:
    """Return the range of the values' shares of answers with its interval, see `snsr_estimate`.

    Where all were answered, or none, the bootstrap sees no spread. The upper end is then the
    largest share that could have been otherwise with n of n alike (Clopper and Pearson, 1934).

    Args:
        answered: As for `answered_test`.
        rng: Source of the draws.
        draws: Bootstrap draws.
        level: Confidence level, in (0, 1).
        unit: What a cluster is.
    """
    estimate = snsr_estimate(answered, rng, draws, level=level, unit=unit)
    asked = ~np.isnan(answered)
    alike = np.ptp(answered[asked]) == 0 if asked.any() else False
    if estimate.low is None or not alike:
        return estimate
    counts = asked.sum(axis=0)
    high = 1 - ((1 - level) / 2) ** (1 / int(counts[counts > 0].min()))
    return Estimate(
        estimate.value,
        0.0,
        high,
        level=level,
        method=f"exact upper limit of a share, all {unit}s being alike",
        n=estimate.n,
        n_missing=estimate.n_missing,
        unit=unit,
        direction="lower",
    )


def worst_case_bounds(
    values: Table, low: float = 0.0, high: float = 1.0, asked: NDArray[np.bool_] | None = None
) -> tuple[float, float]:
    """Return the least and the largest range of the column means that missing values allow.

    They may be anything in [low, high] (Manski, "Nonparametric Bounds on Treatment Effects",
    1990). With two columns the upper bound is the largest absolute difference of their means.

    Args:
        values: n x V, NaN where missing.
        low, high: What a value can be.
        asked: n x V, False where nothing was asked: such an entry is no answer withheld. Every
            missing value counts as asked for when it is None.

    Raises:
        WrongUse: Values lie outside [low, high], or fewer than two columns were asked for.

    >>> worst_case_bounds(np.array([[0.5, 0.5], [0.5, np.nan]]))
    (0.0, 0.25)
    """
    lowest, highest = _filled(values, low, high, asked)
    means = np.nanmean(lowest, axis=0), np.nanmean(highest, axis=0)
    gaps = means[1][:, None] - means[0]
    return max(0.0, float(_apart(*means))), float(gaps[~np.eye(len(gaps), dtype=bool)].max())


def worst_case_estimate(
    values: Table,
    rng: np.random.Generator,
    draws: int = 10_000,
    *,
    low: float = 0.0,
    high: float = 1.0,
    asked: NDArray[np.bool_] | None = None,
    level: float = 0.95,
    unit: str = "user",
) -> Estimate:
    """Return the range of the column means of present values, and an interval that holds the
    range of all, whatever the missing ones are and however the clusters were drawn.

    The ends are those of `worst_case_bounds` moved outward by the spread of the cluster
    bootstrap, in the way of `snsr_estimate`: with nothing missing the two agree.

    Args:
        values, low, high, asked: As for `worst_case_bounds`.
        rng: Source of the draws.
        draws: Bootstrap draws.
        level: Confidence level, in (0, 1).
        unit: What a cluster is.
    """
    lowest, highest = _filled(values, low, high, asked)
    some = ~np.isnan(lowest).all(axis=1)
    lowest, highest, present = lowest[some], highest[some], ~np.isnan(values[some])
    n = int(present.any(axis=1).sum())
    common = {
        "level": level,
        "n": n,
        "n_missing": len(values) - n,
        "unit": unit,
        "direction": "lower",
    }
    counted = present.any(axis=0)
    if counted.sum() < 2:
        return Estimate(None, reason="fewer than two values have any list to compare", **common)
    seen = np.nanmean(values[some][:, counted], axis=0)
    value = float(np.ptp(seen))
    fewest = int((~np.isnan(lowest)).sum(axis=0).min())
    if fewest < 2:
        reason = f"a value was asked of one {unit} alone, which says nothing about its spread"
        return Estimate(value, reason=reason, **common)
    both = np.hstack([lowest, highest])
    means = np.nanmean(both, axis=0)
    draw_means = bootstrap_means(both, rng, draws)
    draw_means = draw_means[~np.isnan(draw_means).any(axis=1)]
    if 2 * len(draw_means) < draws:
        return Estimate(value, reason=f"values were asked of too few {unit}s", **common)
    draw_means = stretched(means, draw_means, fewest, level)
    tail, size = (1 - level) / 2, lowest.shape[1]
    noise = draw_means - means
    reach = np.quantile(_apart(noise[:, :size], noise[:, size:]), 1 - tail)
    bounds = worst_case_bounds(values, low, high, asked)
    # The one-sided upper limit of every ordered pair of columns; one of them is the largest.
    upper = max(
        float(np.quantile(draw_means[:, size:] - column[:, None], 1 - tail, axis=0)[others].max())
        for column, others in zip(draw_means[:, :size].T, ~np.eye(size, dtype=bool), strict=True)
    )
    return Estimate(
        value,
        max(0.0, bounds[0] - float(reach)),
        max(bounds[1], upper),
        method=(
            f"worst case over missing values in [{low:g}, {high:g}], widened by the cluster "
            f"bootstrap over {unit}s"
        ),
        **common,
    )


def _filled(
    values: Table, low: float, high: float, asked: NDArray[np.bool_] | None
) -> tuple[Table, Table]:
    """Return the asked columns with what is missing at its lowest and at its highest."""
    missing = np.isnan(values)
    if (values < low).any() or (values > high).any():
        raise WrongUse(
            f"values run from {np.nanmin(values):g} to {np.nanmax(values):g}.",
            expected=f"numbers between low={low:g} and high={high:g}.",
            do="name the bounds of the metric.",
        )
    asked = np.ones_like(missing) if asked is None else asked | ~missing
    columns = asked.any(axis=0)
    if columns.sum() < 2:
        raise WrongUse(
            "fewer than two values were asked for.", expected="at least two columns to compare."
        )
    lowest, highest = (
        np.where(missing & asked, end, values)[:, columns] for end in (float(low), float(high))
    )
    return lowest, highest


def _apart(lowest: Table, highest: Table) -> Table:
    """Return by how much some range of numbers lies above another, over the last axis.

    It is 0 or less where all of them overlap.
    """
    return lowest.max(axis=-1) - highest.min(axis=-1)
