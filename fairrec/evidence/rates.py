"""Rates such as "selected, of the relevant": sums over sums, with users resampled as a whole.

Tables have one row per user and one column per attribute value: `parts` counts what is above the
bar, `wholes` what is below it; NaN where nothing was asked. A rate is the sum of its parts over
the sum of its wholes, so users with more candidates weigh more.

A user's linearised value, R + (part - R whole) / mean whole, has the rate R as its mean and, for
many users, the rate's spread (Woodruff, "A Simple Method for Approximating the Variance of a
Complicated Estimate", JASA 66, 1971). So whatever holds of means of clusters holds of rates:
gaps get the intervals of `snsr_estimate`.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.evidence.bounded_means import BoundedMean
from fairrec.evidence.equivalence import equivalence_p
from fairrec.evidence.intervals import snsr_estimate
from fairrec.evidence.permutation import PermutationTest, permutation_test
from fairrec.results import Estimate

Table = NDArray[np.float64]


def rates(parts: Table, wholes: Table) -> Table:
    """Return the rate of each column, NaN where its wholes add up to 0.

    >>> rates(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[2.0, 0.0], [2.0, 0.0]])).tolist()
    [0.5, nan]
    """
    part, whole = np.nansum(parts, axis=0), np.nansum(wholes, axis=0)
    return np.where(whole > 0, part / np.maximum(whole, 1e-300), np.nan)


def linearised(parts: Table, wholes: Table) -> Table:
    """Return each user's linearised value of each column; NaN where their whole is 0 or missing."""
    there = wholes > 0
    mean_whole = np.where(there, wholes, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    rate = rates(parts, wholes)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(there, rate + (parts - rate * wholes) / mean_whole, np.nan)


def rate_estimates(
    parts: Table, wholes: Table, *, level: float = 0.95, unit: str = "user"
) -> list[Estimate]:
    """Return the rate of each column, with Wilson's interval for clustered shares.

    The effective number of decisions is that of as many independent ones as would know as much;
    where all users are alike, at 0 or 1, it is the number of users (Kott and Liu, "One-Sided
    Coverage Intervals for a Proportion", International Statistical Review 77, 2009).

    Args:
        parts, wholes: n users x V values; see this module.
        level: Confidence level, in (0, 1).
        unit: What a row is.
    """
    values, asked = linearised(parts, wholes), len(parts)
    found = []
    for rate, column in zip(rates(parts, wholes).tolist(), values.T, strict=True):
        known = column[~np.isnan(column)]
        n = len(known)
        common: dict[str, Any] = {"level": level, "n": n, "n_missing": asked - n, "unit": unit}
        if n == 0:
            found.append(Estimate(None, reason="there is nothing to take a share of", **common))
            continue
        spread = float(known.var())
        alike = rate in (0.0, 1.0) or spread <= 1e-24
        mean = BoundedMean(rate, n, float(n) if alike else n * rate * (1 - rate) / spread)
        if n < 2:
            reason = f"one {unit} alone says nothing about the spread"
            found.append(Estimate(rate, reason=reason, **common))
            continue
        low, high = mean.limits((1 - level) / 2)
        method = f"Wilson’s interval with the effective number of {unit}s’ decisions"
        found.append(Estimate(rate, low, high, method=method, **common))
    return found


def rate_gap_estimate(
    parts: Table,
    wholes: Table,
    rng: np.random.Generator,
    draws: int = 10_000,
    *,
    level: float = 0.95,
    unit: str = "user",
) -> Estimate:
    """Return the highest rate less the lowest, with an interval that holds 0 when none differs.

    Columns without a rate are left out. The interval is that of `snsr_estimate`, and never
    narrower than what n users who are all alike leave open: of the users who were not seen, a
    share of 1 - ((1 - level) / 2)^(1/n) could differ by all there is (see `excess_estimate`).

    Args:
        parts, wholes: n users x V values; see this module.
        rng: Source of the draws.
        draws: Bootstrap draws.
        level: Confidence level, in (0, 1).
        unit: What a row is.
    """
    values = linearised(parts, wholes)
    estimate = snsr_estimate(values, rng, draws, level=level, unit=unit)
    if estimate.value is None:
        return replace(estimate, reason="fewer than two values have anything to take a share of")
    if estimate.low is None or estimate.high is None:
        return estimate
    low, high = _limits_of_alike(estimate.value, _fewest(values), level)
    return replace(
        estimate,
        low=max(0.0, min(estimate.low, low)),
        high=min(1.0, max(estimate.high, high)),
        method=f"{estimate.method}; rates linearised",
    )


def rate_ratio_estimate(
    parts: Table,
    wholes: Table,
    rng: np.random.Generator,
    draws: int = 10_000,
    *,
    level: float = 0.95,
    unit: str = "user",
) -> Estimate:
    """Return the lowest rate over the highest, with an interval that holds 1 when none differs.

    It is exp(-range of the logarithms), and the interval that of the range. Without a value where
    all rates are 0, without an interval where one is. Arguments as for `rate_gap_estimate`.
    """
    gap = rate_gap_estimate(parts, wholes, rng, draws, level=level, unit=unit)
    gap = replace(gap, direction="higher")
    if gap.value is None:
        return gap
    known = rates(parts, wholes)
    lowest, highest = float(np.nanmin(known)), float(np.nanmax(known))
    bare = replace(gap, low=None, high=None, method="")
    if highest == 0:
        return replace(bare, value=None, reason="every rate is 0")
    if lowest == 0 or gap.low is None:
        reason = gap.reason or "a rate is 0: nothing is known of the spread of its ratio"
        return replace(bare, value=lowest / highest, reason=reason)
    values = linearised(parts, wholes)
    logarithms = np.log(known) + (values - known) / known
    spread = snsr_estimate(logarithms, rng, draws, level=level, unit=unit)
    assert spread.low is not None and spread.high is not None  # as the gap has them
    low, high = _limits_of_alike(gap.value, _fewest(values), level)
    return replace(
        gap,
        value=lowest / highest,
        low=max(0.0, min(float(np.exp(-spread.high)), 1 - high / highest)),
        high=min(1.0, max(float(np.exp(-spread.low)), 1 - low / highest)),
        method=f"{spread.method}; logarithms of rates linearised",
    )


def rate_gap_test(
    parts: Table, wholes: Table, rng: np.random.Generator, draws: int = 10_000
) -> PermutationTest:
    """Test "which value is stated does not matter" by permuting the values within each user.

    A user's parts and wholes move together. The statistic is the range over the values of
    Σ (part - R whole) / Σ whole with the overall rate R, which is the gap where every value has
    the same candidates. Exact however few the users (see `permutation_test`).

    Args:
        parts, wholes: n users x V values; see this module.
        rng: Source of the draws.
        draws: Number of draws, at least 1.
    """
    if (~np.isnan(rates(parts, wholes))).sum() < 2:
        return PermutationTest(None, None, reason="fewer than two values have a rate")
    overall = np.nansum(parts) / np.nansum(wholes)
    return permutation_test((parts - overall * wholes) / np.nanmean(wholes), "snsr", rng, draws)


def rate_equivalence_p(parts: Table, wholes: Table, margin: float) -> float | None:
    """Return the p-value of "two of the rates are at least `margin` apart"; small: equivalent.

    The largest over the pairs of values: all must be equivalent. It never claims more than n
    users who are all alike would (see `equivalence_p`), as the interval of the gap does not.
    None where a pair has fewer than two users with both.
    """
    values = linearised(parts, wholes)
    values = values[:, ~np.isnan(values).all(axis=0)]
    found: list[float] = []
    for a, b in combinations(values.T, 2):
        p_value = equivalence_p(a - b, margin)
        if p_value is None:
            return None
        known = (a - b)[~np.isnan(a - b)]
        alike = equivalence_p(np.full(len(known), known.mean()), margin)
        found.append(max(p_value, alike or 0.0))
    return max(found, default=None)


def _fewest(values: Table) -> int:
    counts = (~np.isnan(values)).sum(axis=0)
    return int(counts[counts > 0].min())


def _limits_of_alike(gap: float, n: int, level: float) -> tuple[float, float]:
    """Return the mean differences under which n users could all show the same one, `gap`."""
    rest = ((1 - level) / 2) ** (1 / n)
    return -1 + (1 + gap) * rest, 1 - (1 - gap) * rest
