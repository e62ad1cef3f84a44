"""How useful lists are to their users: measured against items that a user went on to like.

All measures take the same two arrays, made by `relevance_matrix`, and return one number per list,
NaN where it is undefined: a list is missing, or nothing is known to be relevant. Relevance is
binary. Higher is better, 1 is the best there can be, 0 means that nothing relevant was found.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from fairrec.errors import WrongUse
from fairrec.types import Outcome, Ranking

Hits = NDArray[np.bool_]
Values = NDArray[np.float64]


def relevance_matrix(
    lists: Sequence[Ranking], relevant: Sequence[Collection[str]], k: int
) -> tuple[Hits, Values]:
    """Return where lists hold relevant items, and how many relevant items there are.

    Args:
        lists: n rankings.
        relevant: The relevant item ids of each list's user.
        k: Ranks that count, at least 1.

    Returns:
        ``hits`` of shape (n, k), False beyond the end of a list, and ``n_relevant`` of shape
        (n,), NaN where a list was not answered or its user has no relevant item.

    Raises:
        WrongUse: k is below 1, or there is not one set of relevant items per list.
    """
    if k < 1 or len(lists) != len(relevant):
        raise WrongUse(
            f"k is {k}, with {len(lists)} lists and {len(relevant)} sets of relevant items.",
            expected="k of at least 1, and one set of relevant items per list.",
        )
    hits = np.zeros((len(lists), k), dtype=bool)
    n_relevant = np.full(len(lists), np.nan)
    for row, (ranking, liked) in enumerate(zip(lists, relevant, strict=True)):
        if ranking.outcome is not Outcome.ANSWERED or not liked:
            continue
        liked = frozenset(liked)
        n_relevant[row] = len(liked)
        hits[row, : len(ranking.items)] = [item in liked for item in ranking.items[:k]]
    return hits, n_relevant


def ndcg_at_k(hits: Hits, n_relevant: Values) -> Values:
    """Return NDCG@k: ``Σ hit_r / log2(r + 1)`` over the most that it could be.

    The ideal list has min(k, number of relevant items) of them at its top (Järvelin and
    Kekäläinen, "Cumulated Gain-Based Evaluation of IR Techniques", TOIS 2002; binary gains).

    >>> ndcg_at_k(np.array([[False, True]]), np.array([1.0])).round(3).tolist()
    [0.631]
    """
    discounts = 1 / np.log2(np.arange(hits.shape[1]) + 2)
    ideal = np.concatenate([[np.nan], np.cumsum(discounts)])
    most = np.minimum(np.nan_to_num(n_relevant), hits.shape[1]).astype(int)
    # Sums in another order differ in the last bits; the best list scores exactly 1.
    return _where_known(np.minimum(hits @ discounts / ideal[most], 1.0), n_relevant)


def hit_rate(hits: Hits, n_relevant: Values) -> Values:
    """Return 1 where any relevant item is among the first k, else 0."""
    return _where_known(hits.any(axis=1).astype(float), n_relevant)


def recall(hits: Hits, n_relevant: Values) -> Values:
    """Return the share of the relevant items that is among the first k."""
    return hits.sum(axis=1) / n_relevant


def precision(hits: Hits, n_relevant: Values) -> Values:
    """Return the share of the k places that hold a relevant item; short lists leave some empty."""
    return _where_known(hits.mean(axis=1), n_relevant)


def reciprocal_rank(hits: Hits, n_relevant: Values) -> Values:
    """Return 1 / rank of the first relevant item, 0 without one; its mean is MRR@k.

    Voorhees, "The TREC-8 Question Answering Track Report", 1999.
    """
    first = np.where(hits.any(axis=1), 1 / (hits.argmax(axis=1) + 1), 0.0)
    return _where_known(first, n_relevant)


def coverage(n_listing: NDArray[Any], n_lists: int, n_items: int, of: int | None = None) -> Values:
    """Return the share of the catalogue that lists name, or that `of` of the lists would.

    The more lists, the more items they name, so groups are compared at an equal number of lists:
    ``Σ_i [1 - C(n - n_i, m) / C(n, m)] / n_items`` is the expected share over random choices of m
    of the n lists (Hurlbert, "The Nonconcept of Species Diversity", Ecology 52, 1971; there of
    species in samples). In [0, 1] when the items are of the catalogue. Set-valued: it belongs to a
    group of users, none of them has one.

    Args:
        n_listing: Shape (..., items): how many of the n lists name each item.
        n_lists: n, at least 1.
        n_items: Items in the catalogue, at least 1.
        of: m, from 1 to n; n when None.

    Returns:
        Shape (...).

    Raises:
        WrongUse: A number is out of its range.

    >>> float(coverage(np.array([2, 1, 0]), n_lists=2, n_items=4))
    0.5
    """
    m = n_lists if of is None else of
    if not 1 <= m <= n_lists or n_items < 1:
        raise WrongUse(
            f"coverage of {n_items} item(s) by {m} of {n_lists} list(s).",
            expected="at least 1 item, and at least 1 but no more than all of the lists.",
        )
    named = np.asarray(n_listing).astype(np.intp)
    # Chance that none of m lists names an item, by the number of lists that do.
    listing = np.arange(n_lists + 1)
    missed = np.zeros(n_lists + 1)
    possible = listing <= n_lists - m
    rest = n_lists - listing[possible]
    missed[possible] = np.exp(
        gammaln(rest + 1) - gammaln(rest - m + 1) - gammaln(n_lists + 1) + gammaln(n_lists - m + 1)
    )
    missed[0] = 1.0
    return (1 - missed[named]).sum(axis=-1) / n_items


UTILITIES = {
    "ndcg": ndcg_at_k,
    "hit_rate": hit_rate,
    "recall": recall,
    "reciprocal_rank": reciprocal_rank,
}
"""The measures by the name that findings give them."""


def _where_known(values: Values, n_relevant: Values) -> Values:
    return np.where(np.isnan(n_relevant), np.nan, values)
