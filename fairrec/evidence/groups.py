"""Comparing groups of different users: one value in [0, 1] per user, such as NDCG or a hit.

Intervals are those of `fairrec.evidence.bounded_means`, which hold where the bootstrap's are too
narrow. Where the largest or the smallest group counts, the end that would be bent by choosing it
is divided among all that could have been chosen (Bonferroni), which also holds when no group
differs.

Groups are given as arrays of their users' values by name, NaN where missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import WrongUse
from fairrec.evidence.bounded_means import (
    BoundedMean,
    difference_limits,
    difference_p,
    ratio_limits,
)
from fairrec.evidence.permutation import PermutationTest
from fairrec.results import Estimate

Values = NDArray[np.float64]
Groups = Mapping[str, Values]

BLOCK = 4_000_000
"""Permuted values held at a time (32 MB)."""

PRIOR = 0.25
"""Users of the overall variance that the variance of each permuted group is mixed with."""

METHOD = "score interval over {unit}s with their effective number"


def group_mean(
    values: Values, *, level: float = 0.95, unit: str = "user", direction: str = "higher"
) -> Estimate:
    """Return the mean of one group with its interval.

    A single user has a value and no interval, nobody has no value.

    Raises:
        WrongUse: A value lies outside [0, 1].
    """
    common = _common({"": values}, level, unit, direction)
    if common["n"] == 0:
        return Estimate(None, reason=f"no {unit} has a value", **common)
    mean = BoundedMean.of(values)
    if not mean.has_limits:
        return Estimate(mean.value, reason=_no_limits(mean, unit), **common)
    low, high = mean.limits((1 - level) / 2)
    return Estimate(mean.value, low, high, method=METHOD.format(unit=unit), **common)


def comparable(groups: Groups, least: int = 2) -> tuple[dict[str, Values], dict[str, str]]:
    """Return the groups in which at least `least` users have a value, and why others do not count.

    The reasons are by name of the group.
    """
    counts = {name: len(_known(values)) for name, values in groups.items()}
    kept = {name: values for name, values in groups.items() if counts[name] >= max(least, 1)}
    return kept, {
        name: f"{n} with a value, fewer than {least}"
        for name, n in counts.items()
        if name not in kept
    }


def range_estimate(groups: Groups, *, level: float = 0.95, unit: str = "user") -> Estimate:
    """Return the highest group mean less the lowest, with an interval that holds 0 when no group
    differs. Groups of fewer than two users do not count (see `comparable`)."""
    common = _common(groups, level, unit, "lower")
    means = _means(groups)
    if len(means) < 2:
        return _nothing_to_compare(unit, common)
    value = max(m.value for m in means) - min(m.value for m in means)
    if reason := _lacking(means, unit):
        return Estimate(value, reason=reason, **common)
    tail = (1 - level) / 2
    shared = tail / (len(means) * (len(means) - 1) / 2)
    low = max(difference_limits(a, b, shared)[0] for a, b in permutations(means, 2))
    high = max(difference_limits(a, b, tail)[1] for a, b in permutations(means, 2))
    return Estimate(value, max(0.0, low), high, method=_pairs_method(unit), **common)


def ratio_estimate(groups: Groups, *, level: float = 0.95, unit: str = "user") -> Estimate:
    """Return the lowest group mean over the highest, with an interval that holds 1 when no group
    differs. Without a value when all means are 0. Groups count as in `range_estimate`."""
    common = _common(groups, level, unit, "higher")
    means = _means(groups)
    if len(means) < 2:
        return _nothing_to_compare(unit, common)
    highest = max(m.value for m in means)
    if highest == 0:
        return Estimate(None, reason="the mean of every group is 0", **common)
    value = min(m.value for m in means) / highest
    if reason := _lacking(means, unit):
        return Estimate(value, reason=reason, **common)
    tail = (1 - level) / 2
    shared = tail / (len(means) * (len(means) - 1) / 2)
    low = min(ratio_limits(a, b, tail)[0] for a, b in permutations(means, 2))
    high = min(ratio_limits(a, b, shared)[1] for a, b in permutations(means, 2))
    return Estimate(
        value,
        min(low, value),
        min(1.0, max(high, value)),
        method=_pairs_method(unit),
        **common,
    )


def extreme_estimate(
    groups: Groups, which: str, *, level: float = 0.95, unit: str = "user"
) -> tuple[str | None, Estimate]:
    """Return the name of the group with the lowest mean (`which` "min") or the highest ("max"),
    and the mean of the group that is truly lowest or highest, whichever it is.

    Of equal groups the first is named. Groups count as in `range_estimate`.
    """
    common = _common(groups, level, unit, "higher")
    kept, _ = comparable(groups)
    if not kept:
        return None, Estimate(None, reason=f"no group has two {unit}s with a value", **common)
    choose = min if which == "min" else max
    means = {name: BoundedMean.of(values) for name, values in kept.items()}
    name = choose(means, key=lambda group: means[group].value)
    if reason := _lacking(list(means.values()), unit):
        return name, Estimate(means[name].value, reason=reason, **common)
    tail = (1 - level) / 2
    ends = [m.limits(tail) for m in means.values()]
    shared = [m.limits(tail / len(means)) for m in means.values()]
    lows, highs = (ends, shared) if which == "min" else (shared, ends)
    low, high = choose(end[0] for end in lows), choose(end[1] for end in highs)
    method = METHOD.format(unit=unit) + ", widened for the choice of the group"
    return name, Estimate(means[name].value, low, high, method=method, **common)


def difference_estimate(
    first: Values, second: Values, *, level: float = 0.95, unit: str = "user"
) -> tuple[Estimate, float | None]:
    """Return the mean of one group less that of another, its interval, and the p-value.

    They fit: p is below 1 - level where the interval does not hold 0. Where hits are rare and
    groups unequal this keeps its rate, and Welch's test does not.
    """
    common = _common({"first": first, "second": second}, level, unit, "")
    if min(len(_known(first)), len(_known(second))) == 0:
        return Estimate(None, reason=f"a group has no {unit} with a value", **common), None
    a, b = BoundedMean.of(first), BoundedMean.of(second)
    if reason := _lacking([a, b], unit):
        return Estimate(a.value - b.value, reason=reason, **common), None
    low, high = difference_limits(a, b, (1 - level) / 2)
    estimate = Estimate(a.value - b.value, low, high, method=_pairs_method(unit), **common)
    return estimate, difference_p(a, b)


def label_permutation_test(
    groups: Groups, rng: np.random.Generator, draws: int = 10_000
) -> PermutationTest:
    """Test "no group differs in its mean" by permuting which group each user is in.

    The statistic is Welch's: ``Σ w_g (m_g - m)²`` with ``w_g = n_g / variance_g`` and m the
    weighted mean. If groups have the same distribution the test is exact; if they have the same
    mean and unequal variances it keeps its rate as groups grow, which the range itself does not
    (Chung and Romano, "Exact and Asymptotically Robust Permutation Tests", Annals of Statistics
    41, 2013). Where values are of two kinds, such as hits, groups of equal means have equal
    variances, and all take the overall one: of few users none may have a hit, and a variance of
    their own would say that this is certain. `null_mean` is the mean range of the means over the
    permutations: what chance makes of it. p = (1 + number at least as large) / (1 + draws)
    (Phipson and Smyth, 2010).

    Args:
        groups: Those of fewer than two users do not count.
        rng: Source of the draws.
        draws: Number of draws, at least 1.
    """
    kept, _ = comparable(groups)
    samples = [_known(values) for values in kept.values()]
    if len(samples) < 2:
        return PermutationTest(None, None, reason="fewer than two groups have two values")
    values = np.concatenate(samples)
    values = values - values.mean()
    sizes = np.array([len(sample) for sample in samples])
    if np.ptp(values) == 0:
        return PermutationTest(1.0, 0.0, draws)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    overall = values.var()
    two_valued = len(np.unique(values)) == 2

    def statistics(orders: Values) -> tuple[Values, Values]:
        means = np.add.reduceat(orders, starts, axis=1) / sizes
        if two_valued:
            weights = np.broadcast_to(sizes / overall, means.shape)
        else:
            squares = np.add.reduceat(orders * orders, starts, axis=1)
            # As if each group had a little more of the overall variance: none has one of 0.
            within = np.maximum(squares - sizes * means**2, 0) + PRIOR * overall
            weights = sizes * (sizes - 1 + PRIOR) / within
        centre = (weights * means).sum(axis=1, keepdims=True) / weights.sum(axis=1, keepdims=True)
        return (weights * (means - centre) ** 2).sum(axis=1), np.ptp(means, axis=1)

    seen = statistics(values[None])[0][0]
    extreme, ranges = 0, 0.0
    for start in range(0, draws, block := max(1, BLOCK // len(values))):
        orders = np.tile(values, (min(block, draws - start), 1))
        null, spread = statistics(rng.permuted(orders, axis=1, out=orders))
        # Sums in another order differ in the last bits; ties must count as ties.
        extreme += int((null >= seen - 1e-9 * max(1.0, seen)).sum())
        ranges += float(spread.sum())
    return PermutationTest((1 + extreme) / (1 + draws), ranges / draws, draws)


def _known(values: Values) -> Values:
    return values[~np.isnan(values)]


def _means(groups: Groups) -> list[BoundedMean]:
    return [BoundedMean.of(values) for values in comparable(groups)[0].values()]


def _common(groups: Groups, level: float, unit: str, direction: str) -> dict[str, Any]:
    if not 0 < level < 1:
        raise WrongUse(f"the confidence level is {level}.", expected="a number between 0 and 1.")
    n = sum(len(_known(values)) for values in groups.values())
    missing = sum(map(len, groups.values())) - n
    return {"level": level, "n": n, "n_missing": missing, "unit": unit, "direction": direction}


def _nothing_to_compare(unit: str, common: Mapping[str, Any]) -> Estimate:
    reason = f"fewer than two groups have two {unit}s with a value"
    return Estimate(None, reason=reason, **common)


def _no_limits(mean: BoundedMean, unit: str) -> str:
    if mean.n < 2:
        return f"one {unit} alone says nothing about the spread"
    return f"all {unit}s of a group are alike: nothing is known of their spread"


def _lacking(means: list[BoundedMean], unit: str) -> str:
    return next((_no_limits(mean, unit) for mean in means if not mean.has_limits), "")


def _pairs_method(unit: str) -> str:
    return METHOD.format(unit=unit) + ", limits of pairs of groups put together"
