"""FA*IR: does every prefix of a list hold enough of a protected group to look like chance?

Zehlike, Bonchi, Castillo, Hajian, Megahed and Baeza-Yates, "FA*IR: A Fair Top-k Ranking
Algorithm", CIKM 2017. If every place were given to the protected group with probability p, the
first i places would hold Binomial(i, p) of it. A list fails where a prefix has fewer than the
table asks for. As k prefixes are looked at, the chance of failing by luck is above alpha, and
alpha has to be adjusted.

Lists come as flags of shape (n, k): 1 (or True) where a protected item stands, 0 where another
does, `END` after the end, `OFF` for what is off the catalogue, which takes a place and is not
protected.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.item_lists import END

Values = NDArray[np.float64]
Rule = Literal["exact", "closest", "bisection"]

SAME = 1e-12
"""Probabilities that differ by less, relatively, are one: their rounding differs, not they."""


class AdjustedTable(NamedTuple):
    """A table for all prefixes together.

    Attributes:
        alpha: Level at which each prefix is tested.
        table: Least number of protected items in every prefix, shape (k,).
        fail_probability: Chance that a list made by chance fails anywhere.
    """

    alpha: float
    table: NDArray[np.int64]
    fail_probability: float


def protected_flags(codes: NDArray[np.integer], group: int) -> NDArray[np.int64]:
    """Return flags of one group from the groups of places, ends and off places kept; (n, k)."""
    return np.where(codes >= 0, codes == group, codes).astype(np.int64)


def minimum_table(k: int, p: float, alpha: float) -> NDArray[np.int64]:
    """Return the least number of protected items in each prefix, shape (k,) (Table 2).

    ``m(i)`` is the alpha-quantile of Binomial(i, p): the smallest m with ``P(X <= m) >= alpha``.

    Args:
        k: Length of lists, at least 1.
        p: Share of the protected group that is aimed at, in (0, 1).
        alpha: Level of the test of each prefix, in [0, 1).

    Raises:
        WrongUse: A number is out of its range.

    >>> minimum_table(10, 0.2, 0.15).tolist()
    [0, 0, 0, 0, 0, 0, 0, 0, 1, 1]
    """
    _check(k, p, alpha)
    return np.maximum(binom.ppf(alpha, np.arange(1, k + 1), p), 0).astype(np.int64)


def fail_probability(table: ArrayLike, p: float) -> float:
    """Return the chance that a list made by chance has too few protected items somewhere.

    Exact, by going through the places: the distribution of the number of protected items, of
    which what lies below the table is taken away at every place. In [0, 1); 0 for a table of
    zeros. Programs that go by blocks of the table and drop its last block give less where the
    table rises at the last place.

    Args:
        table: Shape (k,): least number in every prefix, rising by at most 1.
        p: Share of the protected group, in (0, 1).

    Raises:
        BadData: The table falls, or asks for more items than there are places.

    >>> round(fail_probability(minimum_table(20, 0.25, 0.1), 0.25), 4)
    0.1469
    """
    m = np.asarray(table, dtype=np.int64)
    _check(max(m.size, 1), p, 0.0)
    if m.ndim != 1 or (np.diff(m, prepend=0) < 0).any() or (m > np.arange(1, m.size + 1)).any():
        raise BadData(
            f"the table of minima is {m.tolist()[:20]}.",
            expected="numbers that do not fall, at most 1 for one place, 2 for two and so on.",
        )
    chances = np.zeros(m.size + 1)
    chances[0] = 1.0
    failed = 0.0
    for least in m.tolist():
        chances[1:] = chances[1:] * (1 - p) + chances[:-1] * p
        chances[0] *= 1 - p
        failed += float(chances[:least].sum())
        chances[:least] = 0.0
    return failed


@lru_cache(maxsize=256)
def adjusted_table(k: int, p: float, alpha: float, rule: Rule = "exact") -> AdjustedTable:
    """Return the table whose chance of failing by luck is alpha, as nearly as there is one.

    Rules:
        "exact": of the finitely many tables that levels in [0, 1) give, the strictest that fails
            by luck with a chance of at most alpha. The level returned is the middle of those
            that give it.
        "closest": halves [0, alpha] until the tables at both ends differ in one place, and takes
            the one whose chance is nearer to alpha, above or below (as fairsearchcore does; its
            chances lack the last block where the table rises at the last place, so there it can
            choose another one).
        "bisection": halves [0, 1] until the chance is alpha or the ends meet, and takes their
            middle (as LensKit does): the chance can be above alpha.

    Args:
        k: Length of lists, at least 1.
        p: Share of the protected group that is aimed at, in (0, 1).
        alpha: Chance of failing by luck that is wanted, in (0, 1).
        rule: Which of them.

    Raises:
        WrongUse: A number is out of its range, or the rule is unknown.
    """
    _check(k, p, alpha)
    if alpha == 0:
        raise WrongUse("alpha is 0.", expected="a chance in (0, 1).")
    match rule:
        case "exact":
            return _strictest(k, p, alpha)
        case "closest":
            return _closest(k, p, alpha)
        case "bisection":
            return _bisected(k, p, alpha)
    raise WrongUse(f"the rule is {rule!r}.", expected="'exact', 'closest' or 'bisection'.")


def adjusted_alpha(k: int, p: float, alpha: float, rule: Rule = "exact") -> float:
    """Return the level of each prefix's test under which all together have alpha.

    See `adjusted_table`.
    """
    return adjusted_table(k, p, alpha, rule).alpha


def prefix_p(flags: NDArray[np.integer] | NDArray[np.bool_], p: float) -> Values:
    """Return each prefix's p-value of "no fewer protected than by chance", shape (n, k).

    ``P(X <= protected in the first i)`` with X from Binomial(i, p); NaN after the end of a list.

    Raises:
        WrongUse: p is not in (0, 1).
    """
    flags = np.asarray(flags, dtype=np.int64)
    k = flags.shape[1]
    _check(max(k, 1), p, 0.0)
    chances = binom.cdf(np.arange(k + 1)[None, :], np.arange(1, k + 1)[:, None], p)
    counts = (flags == 1).cumsum(axis=1)
    return np.where(flags == END, np.nan, chances[np.arange(k)[None, :], counts])


def smallest_prefix_p(flags: NDArray[np.integer] | NDArray[np.bool_], p: float) -> Values:
    """Return the smallest p-value over prefixes, shape (n,); NaN for an empty list.

    In (0, 1], higher is fairer. It is not adjusted for the many prefixes: compare it with
    `adjusted_alpha`.
    """
    return np.fmin.reduce(prefix_p(flags, p), axis=1)  # leaves NaN out


def mean_prefix_p(flags: NDArray[np.integer] | NDArray[np.bool_], p: float) -> Values:
    """Return the mean p-value over prefixes, shape (n,); NaN for an empty list.

    In (0, 1], higher is fairer to the protected group; the FAIR measure of Raj and Ekstrand,
    "Measuring Fairness in Ranked Results", SIGIR 2022. A mean of p-values is no p-value.
    """
    values = prefix_p(flags, p)
    count = (~np.isnan(values)).sum(axis=1)
    return np.where(count > 0, np.nansum(values, axis=1) / np.maximum(count, 1), np.nan)


def prefix_test(flags: NDArray[np.integer] | NDArray[np.bool_], table: ArrayLike) -> Values:
    """Return 1 for a list that has the table's minimum in every prefix, else 0; shape (n,).

    A list that ends early is tested up to its end; an empty one is NaN. 1 is fairer.

    Args:
        flags: Shape (n, k).
        table: Shape (k,) or longer, as `minimum_table` or `adjusted_table` makes it.

    Raises:
        WrongUse: The table is shorter than the lists.
    """
    flags = np.asarray(flags, dtype=np.int64)
    m = np.asarray(table, dtype=np.int64)
    if m.ndim != 1 or m.size < flags.shape[1]:
        raise WrongUse(
            f"the table has {m.size} places for lists of {flags.shape[1]}.",
            expected="a minimum for every place of the lists.",
        )
    listed = flags != END
    enough = (flags == 1).cumsum(axis=1) >= m[: flags.shape[1]]
    met = (enough | ~listed).all(axis=1)
    return np.where(listed.any(axis=1), met, np.nan)


def _at(k: int, p: float, alpha: float) -> AdjustedTable:
    table = minimum_table(k, p, alpha)
    return AdjustedTable(alpha, table, fail_probability(table, p))


def _strictest(k: int, p: float, alpha: float) -> AdjustedTable:
    # A table changes only where the level passes P(X <= m) of some prefix i and some m < i.
    places = np.arange(1, k + 1)[:, None]
    chances = binom.cdf(np.arange(k)[None, :], places, p)
    steps = np.unique(chances[np.arange(k)[None, :] < places])
    steps = steps[(steps > 0) & (np.diff(steps, prepend=0) > SAME * steps)]
    ends = np.append(steps, 1.0)
    middles = (np.concatenate([[0.0], steps]) + ends) / 2
    low, high = 0, len(middles)  # the table at `low` fails rarely enough; that at `high` does not
    while high - low > 1:
        middle = (low + high) // 2
        if _at(k, p, float(middles[middle])).fail_probability <= alpha:
            low = middle
        else:
            high = middle
    return _at(k, p, float(middles[low]))


def _closest(k: int, p: float, alpha: float) -> AdjustedTable:
    def mass(some: AdjustedTable) -> int:
        return int(some.table.sum())

    def off(some: AdjustedTable) -> float:
        return abs(some.fail_probability - alpha)

    low, high, middle = _at(k, p, 0.0), _at(k, p, alpha), _at(k, p, alpha / 2)
    while mass(low) < mass(high) and middle.fail_probability != alpha:
        if middle.fail_probability < alpha:
            low = middle
        else:
            high = middle
        middle = _at(k, p, (low.alpha + high.alpha) / 2)
        if mass(high) - mass(low) == 1 or high.alpha - low.alpha <= 1e-16:
            return min(low, high, key=off)
        if mass(high) - mass(middle) == 1 and mass(middle) - mass(low) == 1:
            return min(middle, low, high, key=off)
    return middle


def _bisected(k: int, p: float, alpha: float, tolerance: float = 1e-10) -> AdjustedTable:
    low, high = 0.0, 1.0
    while True:
        middle = (low + high) / 2
        failed = _at(k, p, middle).fail_probability
        if failed > alpha:
            high = middle
        else:
            low = middle
        if abs(failed - alpha) < tolerance or high - low < tolerance:
            return _at(k, p, (low + high) / 2)


def _check(k: int, p: float, alpha: float) -> None:
    if k < 1 or not 0 < p < 1 or not 0 <= alpha < 1:
        raise WrongUse(
            f"k is {k}, p is {p} and alpha is {alpha}.",
            expected="k of at least 1, p in (0, 1) and alpha in [0, 1).",
        )
