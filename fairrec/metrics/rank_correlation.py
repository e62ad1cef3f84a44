"""How far two orders of the same things agree: Kendall's tau-b, Spearman's rho, displacement.

All of them take two arrays with one number per thing along the last axis, such as the rank of
each candidate in two lists, and broadcast over the others: many pairs of orders at once. Only the
order of the numbers counts; equal numbers are ties. NaN is a thing that is not there: it counts in
neither order. A value is NaN where an order ties everything, or fewer than two things are there.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fairrec.errors import WrongUse

Values = NDArray[np.float64]

BLOCK = 2_000_000
"""Pairs of things compared at a time (16 MB)."""


def list_ranks(lists: NDArray[np.integer], sizes: NDArray[np.integer]) -> Values:
    """Return the rank of each candidate in ranked lists; what a list leaves out ties at its end.

    A list that names m of its N candidates ranks them 1 to m; the others share the mean of the
    ranks m + 1 to N.

    Args:
        lists: Shape (n, k): candidates of each list as numbers from 0, best first, each once, and
            -1 after the end.
        sizes: Shape (n,): how many candidates, N, each list had.

    Returns:
        Shape (n, largest N); NaN beyond a list's candidates, and in all of a list that is empty:
        it says nothing of their order.

    Raises:
        WrongUse: A list names a candidate that it does not have, or one twice.

    >>> list_ranks(np.array([[2, 0, -1]]), np.array([4])).tolist()
    [[2.0, 3.5, 1.0, 3.5]]
    """
    named = lists >= 0
    counts = named.sum(axis=1)
    if (lists >= sizes[:, None]).any():
        raise WrongUse(
            "a list names a candidate beyond its last.", expected="numbers from 0 to N - 1."
        )
    there = np.arange(sizes.max(initial=0)) < sizes[:, None]
    ranks = np.where(there, ((counts + 1 + sizes) / 2)[:, None], np.nan)
    rows, places = np.nonzero(named)
    ranks[rows, lists[rows, places]] = places + 1.0
    if (np.bincount(rows * max(there.shape[1], 1) + lists[rows, places]) > 1).any():
        raise WrongUse("a list names a candidate twice.", expected="every candidate once.")
    ranks[counts == 0] = np.nan
    return ranks


def average_ranks(values: ArrayLike) -> Values:
    """Return ranks along the last axis, the smallest number first; ties share their mean rank.

    >>> average_ranks([30.0, 10.0, 10.0, np.nan]).tolist()
    [3.0, 1.5, 1.5, nan]
    """

    def ranks(x: Values) -> Values:
        below = (x[:, None, :] < x[:, :, None]).sum(axis=2)
        equal = (x[:, None, :] == x[:, :, None]).sum(axis=2)
        return np.where(np.isnan(x), np.nan, below + (equal + 1) / 2)

    return _over_blocks(ranks, np.asarray(values, dtype=np.float64))


def kendall_tau_b(x: ArrayLike, y: ArrayLike) -> Values:
    """Return Kendall's tau-b: (C - D) / sqrt((C + D + T_x) (C + D + T_y)).

    C and D count the pairs of things that are in the same and in opposite order, T_x the pairs
    tied in y alone and T_y those tied in x alone (Kendall, "The Treatment of Ties in Ranking
    Problems", Biometrika 33, 1945). Other forms go under the same name: tau-a divides by all
    pairs, tau-c by what tables of unequal sides allow.

    Args:
        x, y: Shape (..., n).

    Returns:
        Shape (...), in [-1, 1]: 1 for the same order with the same ties, -1 for the reverse, 0 on
        average for unrelated orders.

    >>> round(float(kendall_tau_b([1, 2, 3, 4], [1, 2, 4, 3])), 3)
    0.667
    """

    def tau(x: Values, y: Values) -> Values:
        first, second = np.triu_indices(x.shape[1], 1)
        # As float32, which holds counts of pairs exactly up to 16 million.
        signs = [np.sign(v[:, first] - v[:, second]).astype(np.float32) for v in (x, y)]
        a, b = (np.nan_to_num(sign) for sign in signs)
        agreed = np.einsum("np,np->n", a, b, dtype=np.float64)
        untied = np.einsum("np,np->n", a, a, dtype=np.float64) * np.einsum(
            "np,np->n", b, b, dtype=np.float64
        )
        return np.where(untied > 0, agreed / np.sqrt(np.maximum(untied, 1)), np.nan)

    return _over_blocks(tau, *_both(x, y))


def spearman(x: ArrayLike, y: ArrayLike) -> Values:
    """Return Spearman's rho: the correlation of the ranks, ties sharing their mean rank.

    Spearman, "The Proof and Measurement of Association Between Two Things", American Journal of
    Psychology 15, 1904. The short form 1 - 6 Σ d² / (n³ - n) is the same without ties and another
    number with them.

    Args:
        x, y: Shape (..., n).

    Returns:
        Shape (...), in [-1, 1]; 1 for the same order, 0 on average for unrelated ones.

    >>> round(float(spearman([1, 2, 3, 4], [1, 2, 4, 3])), 3)
    0.8
    """
    x, y = (_centred(average_ranks(values)) for values in _both(x, y))
    spread = np.sqrt((x * x).sum(axis=-1) * (y * y).sum(axis=-1))
    product = (x * y).sum(axis=-1)
    rho = np.where(spread > 0, product / np.where(spread > 0, spread, 1.0), np.nan)
    return np.clip(rho, -1.0, 1.0)[()]


def displacement(x: ArrayLike, y: ArrayLike) -> Values:
    """Return how far things stand from where they stood, against what unrelated orders would do.

    The mean of |rank in x - rank in y| over its expectation when y is put in a random order,
    Σ_ij |x_i - y_j| / n². Without ties this is 3 Σ |d| / (n² - 1), that is 1 less Spearman's
    footrule coefficient (Spearman, "Footrule for Measuring Correlation", British Journal of
    Psychology 2, 1906; Diaconis and Graham, "Spearman's Footrule as a Measure of Disarray", JRSS B
    39, 1977).

    Args:
        x, y: Shape (..., n).

    Returns:
        Shape (...): 0 for the same order, 1 on average for unrelated ones, and at most about 1.5,
        for the reverse.

    >>> round(float(displacement([1, 2, 3, 4, 5], [5, 4, 3, 2, 1])), 3)
    1.5
    """

    def ratio(x: Values, y: Values) -> Values:
        moved = np.nansum(np.abs(x - y), axis=1)
        expected = np.nansum(np.abs(x[:, :, None] - y[:, None, :]), axis=(1, 2))
        expected /= np.maximum((~np.isnan(x)).sum(axis=1), 1)
        tied = (_spread(x) == 0) | (_spread(y) == 0)
        return np.where(tied, np.nan, moved / np.where(expected > 0, expected, 1.0))

    return _over_blocks(ratio, *map(average_ranks, _both(x, y)))


def _both(x: ArrayLike, y: ArrayLike) -> tuple[Values, Values]:
    """Return both with the things that only one of them has taken out."""
    x, y = np.broadcast_arrays(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))
    gone = np.isnan(x) | np.isnan(y)
    return np.where(gone, np.nan, x), np.where(gone, np.nan, y)


def _centred(ranks: Values) -> Values:
    """Return ranks less their mean; 0 for what is not there."""
    there = ~np.isnan(ranks)
    count = np.maximum(there.sum(axis=-1, keepdims=True), 1)
    mean = np.nansum(ranks, axis=-1, keepdims=True) / count
    return np.where(there, ranks - mean, 0.0)


def _spread(ranks: Values) -> Values:
    return np.abs(_centred(ranks)).max(axis=-1, initial=0.0)


def _over_blocks(function: Callable[..., Values], *arrays: Values) -> Values:
    """Apply a function of (m, n) arrays to a few rows at a time: it compares all n² pairs."""
    *outer, n = arrays[0].shape
    rows = [np.ascontiguousarray(array).reshape(-1, n) for array in arrays]
    step = max(1, BLOCK // max(1, n * n))
    parts = [
        function(*(array[start : start + step] for array in rows))
        for start in range(0, max(len(rows[0]), 1), step)
    ]
    found = np.concatenate(parts)
    return found.reshape((*outer, *found.shape[1:]))[()]
