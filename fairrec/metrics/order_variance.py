"""How much of an item's rank comes from the item, and how much from the order it was shown in.

The same N candidates are ranked S times, shown in another order each time. With one rank per item
and order this is a two-way layout without repeats, whose column means are all equal, so what is
left of an item's rank varies with the order (and with noise) alone. The analysis of variance
estimates the items' own component as the mean covariance of two lists (Searle, Casella and
McCulloch, "Variance Components", 1992, 4.3; without ties it is the mean Spearman correlation times
the variance: Kendall and Babington Smith, "The Problem of m Rankings", Annals of Mathematical
Statistics 10, 1939).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


class RankVariance(NamedTuple):
    """Variance components of the ranks of each user's candidates, shape (n,) each.

    Attributes:
        total: Variance of the ranks within a list, with N - 1; the mean over lists.
        shared: The part that stays when the order changes: the items' own. Without bias it can
            fall below 0.
    """

    total: Values
    shared: Values


def rank_variance(ranks: Values) -> RankVariance:
    """Return the variance components of ranks of the same items in several lists.

    ``total - shared`` is what varies with the list. It is 0 when all lists are equal and, on
    average over random orders, the total when lists have nothing in common.

    Args:
        ranks: Shape (n, S, N): rank of each of N items in S lists, for n users; NaN in all of a
            missing list and for items beyond a user's last.

    Returns:
        NaN where a user has fewer than two lists or two items.

    >>> parts = rank_variance(np.array([[[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]]))
    >>> parts.total.tolist(), parts.shared.tolist()
    ([1.0], [-1.0])
    """
    there = ~np.isnan(ranks)
    items = there.sum(axis=2, keepdims=True)
    mean = np.nansum(ranks, axis=2, keepdims=True) / np.maximum(items, 1)
    centred = np.where(there, ranks - mean, 0.0)
    lists, size = (items[..., 0] > 0).sum(axis=1), items[..., 0].max(axis=1, initial=0)
    freedom = np.maximum(size - 1, 1)
    own = (centred**2).sum(axis=(1, 2)) / freedom
    # The square of the sum over lists holds every pair twice and each list with itself once.
    pairs = ((centred.sum(axis=1) ** 2).sum(axis=1) / freedom - own) / np.maximum(
        lists * (lists - 1), 1
    )
    known = (lists > 1) & (size > 1)
    return RankVariance(
        np.where(known, own / np.maximum(lists, 1), np.nan), np.where(known, pairs, np.nan)
    )
