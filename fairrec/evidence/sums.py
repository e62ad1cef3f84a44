"""How sure a function of sums over users is: ratios of sums, shares, gaps between groups.

Rows of a table of sums are users, or random shares of many users (`fairrec.metrics.accumulators`).
Whole rows are drawn with replacement, by weights and without copying any, and the function is
applied to each draw's sums: the bootstrap for ratios (Davison and Hinkley, "Bootstrap Methods and
their Application", 1997, 2.4 and 3.2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from fairrec.evidence.bootstrap import bootstrap_means
from fairrec.evidence.intervals import (
    SPREAD_METHOD,
    snsr_upper,
    snsv_upper,
    spread_limits,
    stretched,
)
from fairrec.metrics.similarity import snsr, snsv
from fairrec.results import Estimate

Table = NDArray[np.float64]
Function = Callable[[Table], Table]


def sum_draws(sums: Table, rng: np.random.Generator, draws: int) -> Table:
    """Return the column sums of bootstrap samples of the rows, shape (draws, F).

    Args:
        sums: Shape (B, F): one row per user, or per share of users; no NaN.
        rng: Source of the draws.
        draws: Number of draws.
    """
    return bootstrap_means(sums, rng, draws) * len(sums)


def function_estimates(
    sums: Table,
    function: Function,
    rng: np.random.Generator,
    draws: int = 2_000,
    *,
    n: int,
    n_missing: int = 0,
    level: float = 0.95,
    unit: str = "user",
    direction: str | Sequence[str] = "",
    bounds: tuple[float, float] = (-np.inf, np.inf),
    undefined: str = "undefined: nothing to divide by",
) -> list[Estimate]:
    """Return estimates of S functions of the column sums, with percentile intervals.

    For functions that are smooth in the sums, such as means, shares and ratios. A range over
    groups is not: see `fairrec.evidence.intervals.snsr_estimate`.

    Args:
        sums: Shape (B, F): one row per user, or per random share of many users; no NaN.
        function: Takes sums of shape (..., F) to values of shape (..., S), NaN where undefined;
            it must not change when all sums are multiplied by one number.
        rng: Source of the draws.
        draws: Bootstrap draws.
        n: Users behind the sums.
        n_missing: Users left out.
        level: Confidence level, in (0, 1).
        unit: What n counts.
        direction: Which is fairer, for all or one for each of the S.
        bounds: Ends that the values cannot lie beyond.
        undefined: Reason where a value is NaN.
    """
    rows = sums[(sums != 0).any(axis=1)] if n < len(sums) else sums
    values = np.atleast_1d(function(sums.sum(axis=0)))
    directions = [direction] * len(values) if isinstance(direction, str) else list(direction)
    common = {"level": level, "n": n, "n_missing": n_missing, "unit": unit}
    drawn = function(sum_draws(rows, rng, draws)) if len(rows) > 1 and n > 1 else None
    estimates = []
    for place, (value, better) in enumerate(zip(values.tolist(), directions, strict=True)):
        if np.isnan(value):
            reason = f"no {unit} has a value" if n == 0 else undefined
            estimates.append(Estimate(None, reason=reason, direction=better, **common))
            continue
        column = np.empty(0) if drawn is None else drawn.reshape(draws, -1)[:, place]
        column = column[np.isfinite(column)]
        if 2 * len(column) < draws:
            reason = f"too few {unit}s to say how sure this is"
            estimates.append(Estimate(value, reason=reason, direction=better, **common))
            continue
        spread = stretched(value, column, len(rows), level)
        low, high = np.quantile(spread, [(1 - level) / 2, (1 + level) / 2])
        estimates.append(
            Estimate(
                value,
                float(np.clip(min(low, value), *bounds)),
                float(np.clip(max(high, value), *bounds)),
                method=f"bootstrap over {unit}s of ratios of sums, percentiles widened for few "
                f"{unit}s",
                direction=better,
                **common,
            )
        )
    return estimates


def spread_estimate(
    sums: Table,
    function: Function,
    rng: np.random.Generator,
    draws: int = 2_000,
    *,
    spread: Literal["range", "sd"] = "range",
    n: int,
    n_missing: int = 0,
    level: float = 0.95,
    unit: str = "user",
    undefined: str = "undefined: fewer than two groups have a value",
) -> Estimate:
    """Return how far V functions of the column sums lie apart: their range or deviation.

    A spread is never negative, so percentiles would never hold a true 0; these limits do (see
    `fairrec.evidence.intervals`). Of logarithms the range is the log of the largest ratio.

    Args:
        sums, function, rng, draws, n, n_missing, level, unit: As of `function_estimates`. Values
            that are NaN are left out.
        spread: "range", or "sd" for the population standard deviation.
        undefined: Reason where fewer than two values are left.
    """
    common = {"level": level, "n": n, "n_missing": n_missing, "unit": unit, "direction": "lower"}
    rows = sums[(sums != 0).any(axis=1)] if n < len(sums) else sums
    values = np.atleast_1d(function(sums.sum(axis=0)))
    there = ~np.isnan(values)
    if there.sum() < 2:
        return Estimate(None, reason=f"no {unit} has a value" if n == 0 else undefined, **common)
    statistic, upper = (snsr, snsr_upper) if spread == "range" else (snsv, snsv_upper)
    value = float(statistic(values[there]))
    drawn = function(sum_draws(rows, rng, draws))[:, there] if len(rows) > 1 and n > 1 else None
    drawn = np.empty((0, 0)) if drawn is None else drawn[np.isfinite(drawn).all(axis=1)]
    if 2 * len(drawn) < draws:
        reason = f"too few {unit}s to say how sure this is"
        return Estimate(value, reason=reason, **common)
    drawn = stretched(values[there], drawn, len(rows), level)
    low, high = spread_limits(statistic, upper, values[there], drawn, level)
    return Estimate(value, low, high, method=SPREAD_METHOD.format(unit), **common)


def jackknife_estimate(
    value: float,
    left_out: Table,
    *,
    n: int,
    n_missing: int = 0,
    level: float = 0.95,
    unit: str = "user",
    direction: str = "",
    bounds: tuple[float, float] = (-np.inf, np.inf),
    undefined: str = "undefined: nothing was recommended",
) -> Estimate:
    """Return an estimate from what it is with each share of the users left out.

    For what is no function of a few sums: Gini's index over all items, say. With B shares left
    out in turn, ``se² = (B - 1) / B Σ (left_out - mean)²`` and the interval is value ± t se, t
    with B - 1 degrees of freedom (the delete-a-group jackknife: Kott, "The Delete-a-Group
    Jackknife", Journal of Official Statistics 17, 2001). It says what as many other users would
    have given: such measures depend on how many lists there are, so compare equally many.

    Args:
        value: From all users; NaN where undefined.
        left_out: Shape (B,): the value without the users of each share.
        n: Users behind the value.
        n_missing: Users left out for want of a list.
        level: Confidence level, in (0, 1).
        unit: What n counts.
        direction: Which is fairer.
        bounds: Ends that the value cannot lie beyond.
        undefined: Reason where the value is NaN.
    """
    common = {"level": level, "n": n, "n_missing": n_missing, "unit": unit, "direction": direction}
    if np.isnan(value):
        return Estimate(None, reason=f"no {unit} has a value" if n == 0 else undefined, **common)
    shares = len(left_out)
    if shares < 2 or not np.isfinite(left_out).all():
        reason = f"too few {unit}s to say how sure this is"
        return Estimate(float(value), reason=reason, **common)
    se = float(np.sqrt((shares - 1) / shares * ((left_out - left_out.mean()) ** 2).sum()))
    reach = float(stdtrit(shares - 1, (1 + level) / 2)) * se
    return Estimate(
        float(value),
        float(np.clip(value - reach, *bounds)),
        float(np.clip(value + reach, *bounds)),
        method=f"jackknife over {shares} {'' if shares == n else 'shares of the '}{unit}s: what "
        f"as many other {unit}s would give",
        **common,
    )
