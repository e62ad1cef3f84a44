"""Estimates with intervals that are right, also for few clusters and also at no effect.

Percentile intervals of the bootstrap are too narrow for few clusters (Hesterberg, "What Teachers
Should Know About the Bootstrap", The American Statistician 69(4), 2015). As he does, they are
widened by sqrt(n/(n-1)) t/z, t being Student's quantile with n-1 degrees of freedom and z the
normal one; here the draws themselves are stretched about the estimate, which also serves two or
three clusters, whose draws take few values.

SNSR and SNSV cannot be negative, and noise makes them positive even when nothing differs: a
percentile interval then never holds the true 0. Both are seminorms s of the vector of means, so
|s(m) - s(μ)| <= s(m - μ). The lower end is s(m) less a high quantile of s(m* - m) over the
draws m*, cut at 0. For the upper end, s(μ) is the largest of linear functions u·μ: over pairs
of values for SNSR, over directions for SNSV. One of them equals s(μ), so the largest of their
one-sided upper limits covers it, without paying for looking at many.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from fairrec.errors import WrongUse
from fairrec.evidence.bootstrap import bootstrap_means
from fairrec.metrics.similarity import snsr, snsv
from fairrec.results import Estimate

Table = NDArray[np.float64]
Upper = Callable[[Table, Table, float], float]

SPREAD_METHOD = (
    "bootstrap over {0}s: lower end by the spread of the noise, upper end by the least favourable "
    "contrast, quantiles widened for few {0}s"
)


def mean_estimate(
    values: NDArray[np.float64],
    rng: np.random.Generator,
    draws: int = 10_000,
    *,
    level: float = 0.95,
    unit: str = "topic",
    direction: str = "higher",
) -> Estimate:
    """Return the mean of one value per cluster, of shape (n,); see `mean_estimates`."""
    table = np.asarray(values, dtype=np.float64)[:, None]
    return mean_estimates(table, rng, draws, level=level, unit=unit, direction=direction)[0]


def mean_estimates(
    values: Table,
    rng: np.random.Generator,
    draws: int = 10_000,
    *,
    level: float = 0.95,
    unit: str = "topic",
    direction: str = "higher",
) -> list[Estimate]:
    """Return the mean of each column with its interval by the cluster bootstrap.

    A cluster in which a column is missing is left out of that column and counted as missing.
    With a single cluster there is a value and no interval; with none there is no value.

    Args:
        values: n clusters x V values, NaN where missing.
        rng: Source of the draws; all columns share them.
        draws: Bootstrap draws.
        level: Confidence level, in (0, 1).
        unit: What a cluster is.
        direction: Which means are fairer, "higher" or "lower", or "" for neither.
    """
    n = (~np.isnan(values)).sum(axis=0)
    draw_means = bootstrap_means(values, rng, draws) if (n > 1).any() else None
    estimates = []
    for column, count in zip(values.T, n.tolist(), strict=True):
        common = {
            "level": level,
            "n": count,
            "n_missing": len(values) - count,
            "unit": unit,
            "direction": direction,
        }
        if count == 0:
            estimates.append(Estimate(None, reason=f"no {unit} has a value", **common))
            continue
        mean = float(np.nanmean(column))
        if count == 1 or draw_means is None:
            reason = f"one {unit} alone says nothing about the spread"
            estimates.append(Estimate(mean, reason=reason, **common))
            continue
        means = draw_means[:, len(estimates)]
        means = stretched(mean, means[~np.isnan(means)], count, level)
        low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
        method = f"cluster bootstrap over {unit}s, percentiles widened for few {unit}s"
        estimates.append(Estimate(mean, float(low), float(high), method=method, **common))
    return estimates


def snsr_estimate(
    values: Table,
    rng: np.random.Generator,
    draws: int = 10_000,
    *,
    level: float = 0.95,
    unit: str = "topic",
) -> Estimate:
    """Return SNSR, the range of the column means, with its interval.

    Means are over the clusters in which a column is present: a cluster that lacks one value
    still counts for the others. Columns that are missing everywhere are left out.

    Args:
        values: n clusters x V values, NaN where missing.
        rng: Source of the draws.
        draws: Bootstrap draws.
        level: Confidence level, in (0, 1).
        unit: What a cluster is.
    """
    return _spread_estimate(snsr, snsr_upper, values, rng, draws, level, unit)


def snsv_estimate(
    values: Table,
    rng: np.random.Generator,
    draws: int = 10_000,
    *,
    level: float = 0.95,
    unit: str = "topic",
) -> Estimate:
    """Return SNSV, the standard deviation (ddof=0) of the column means, with its interval.

    Arguments and missing values as in `snsr_estimate`.
    """
    return _spread_estimate(snsv, snsv_upper, values, rng, draws, level, unit)


def _spread_estimate(
    statistic: Callable[[Table], Table],
    upper: Upper,
    values: Table,
    rng: np.random.Generator,
    draws: int,
    level: float,
    unit: str,
) -> Estimate:
    present = ~np.isnan(values)
    columns = present.any(axis=0)
    n = int(present.any(axis=1).sum())
    common = {
        "level": level,
        "n": n,
        "n_missing": len(values) - n,
        "unit": unit,
        "direction": "lower",
    }
    if columns.sum() < 2:
        return Estimate(None, reason="fewer than two values have any list to compare", **common)
    values, present = values[:, columns], present[:, columns]
    means = np.nanmean(values, axis=0)
    value = float(statistic(means))
    fewest = int(present.sum(axis=0).min())
    if fewest < 2:
        reason = f"a value is present in one {unit} alone, which says nothing about its spread"
        return Estimate(value, reason=reason, **common)
    draw_means = bootstrap_means(values, rng, draws)
    draw_means = draw_means[~np.isnan(draw_means).any(axis=1)]
    if 2 * len(draw_means) < draws:
        return Estimate(value, reason=f"values are present in too few {unit}s", **common)
    draw_means = stretched(means, draw_means, fewest, level)
    low, high = spread_limits(statistic, upper, means, draw_means, level)
    return Estimate(value, low, high, method=f"cluster {SPREAD_METHOD}".format(unit), **common)


def spread_limits(
    statistic: Callable[[Table], Table], upper: Upper, means: Table, draws: Table, level: float
) -> tuple[float, float]:
    """Return the limits of a spread of V numbers, as this module says.

    Args:
        statistic: `snsr` or `snsv`, over the last axis.
        upper: `snsr_upper` or `snsv_upper`.
        means: The numbers, shape (V,); at least 2, none of them missing.
        draws: Their bootstrap draws, shape (draws, V), widened for few clusters.
        level: Confidence level, in (0, 1).
    """
    value, tail = float(statistic(means)), (1 - level) / 2
    low = max(0.0, value - float(np.quantile(statistic(draws - means), 1 - tail)))
    return low, max(value, upper(means, draws, tail))


def snsr_upper(means: Table, draw_means: Table, tail: float) -> float:
    """Return the largest upper limit of the difference of any ordered pair of columns."""
    differences = (draw_means - column[:, None] for column in draw_means.T)
    return max(float(np.quantile(d, 1 - tail, axis=0).max()) for d in differences)


def snsv_upper(means: Table, draw_means: Table, tail: float) -> float:
    """Return the largest upper limit of u·μ / sqrt(V) over directions u of length 1.

    The direction is sought with a normal limit, u·m + z |Σ^½ u|, whose maximum steps along the
    gradient approach; the limit along it is a quantile of the draws.
    """
    z = -ndtri(tail)
    centred = means - means.mean()
    noise = draw_means - draw_means.mean(axis=1, keepdims=True)
    covariance = np.atleast_2d(np.cov(noise, rowvar=False))
    _, axes = np.linalg.eigh(covariance)
    starts = np.vstack([axes.T, -axes.T])
    best, along = -np.inf, centred
    for u in starts:
        for _ in range(50):
            step = covariance @ u
            gradient = centred + (z / np.sqrt(u @ step) * step if u @ step > 0 else 0.0)
            length = np.linalg.norm(gradient)
            if length == 0:
                break
            u = gradient / length
        limit = u @ centred + z * np.sqrt(max(u @ covariance @ u, 0.0))
        if limit > best:
            best, along = limit, u
    return float(np.quantile(noise @ along, 1 - tail) / np.sqrt(len(means)))


def widening(n: int, level: float) -> float:
    """Return by what factor percentiles are widened for n clusters (n >= 2); see this module."""
    if not 0 < level < 1:
        raise WrongUse(f"the confidence level is {level}.", expected="a number between 0 and 1.")
    tail = (1 - level) / 2
    return float(np.sqrt(n / (n - 1)) * stdtrit(n - 1, tail) / ndtri(tail))


def stretched(means: Table | float, draw_means: Table, n: int, level: float) -> Table:
    """Return the draws moved away from the means to make up for few clusters (n >= 2)."""
    return means + widening(n, level) * (draw_means - means)
