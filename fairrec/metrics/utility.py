"""How useful lists are to their users: measured against items that a user went on to like.

All measures take the same two arrays, made by `relevance_matrix`, and return one number per list,
NaN where it is undefined: a list is missing, or nothing is known to be relevant. Relevance is
binary. Higher is better, 1 is the best there can be, 0 means that nothing relevant was found.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

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
    return _where_known(hits @ discounts / ideal[most], n_relevant)


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


UTILITIES = {
    "ndcg": ndcg_at_k,
    "hit_rate": hit_rate,
    "recall": recall,
    "reciprocal_rank": reciprocal_rank,
}
"""The measures by the name that findings give them."""


def _where_known(values: Values, n_relevant: Values) -> Values:
    return np.where(np.isnan(n_relevant), np.nan, values)
