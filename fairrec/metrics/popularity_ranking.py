"""Popularity-opportunity bias: are popular items ranked higher among those a user likes?

Zhu, He, Zhao, Zhang, Wang and Caverlee, "Popularity-Opportunity Bias in Collaborative Filtering",
WSDM 2021. Both measures correlate popularity with ranks; equal ones share the mean of theirs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from fairrec.errors import WrongUse
from fairrec.metrics.item_lists import ItemLists, relevance_at

Values = NDArray[np.float64]


def relevant_ranks(
    lists: ItemLists, relevant: csr_matrix, unlisted: float | None = None
) -> csr_matrix:
    """Return the rank of every item that a user likes, users x catalogue, sparse.

    The paper ranks the whole catalogue. A list of k leaves most of it out, and what becomes of a
    liked item that is not listed is a choice: left out, one sees the order of hits alone; with a
    rank, also whether popular items are hit more often.

    Args:
        lists: n lists.
        relevant: Shape (n, N), as `relevant_items` makes it: what is above 0 is liked.
        unlisted: Rank of liked items that a list leaves out, above k, such as k + 1 or the mean
            of the ranks left, (k + 1 + N) / 2; None leaves them out.

    Raises:
        WrongUse: `unlisted` is a rank of the list, or relevance does not fit.
    """
    if unlisted is not None and not unlisted > lists.k:
        raise WrongUse(
            f"what is not listed has rank {unlisted:g}, in lists of {lists.k}.",
            expected=f"a rank above {lists.k}, or None.",
        )
    rows, places = np.nonzero(relevance_at(lists, relevant) > 0)
    found = csr_matrix((places + 1.0, (rows, lists.items[rows, places])), shape=relevant.shape)
    if unlisted is None:
        return found
    liked = csr_matrix(relevant > 0, dtype=np.float64)
    return csr_matrix(found + unlisted * (liked - (found > 0)))


def popularity_rank_correlation_of_users(ranks: csr_matrix, popularity: ArrayLike) -> Values:
    """Return PRU of each user, shape (n,); the measure is its mean.

    ``-ρ(popularity, rank)`` over the items that a user likes, ρ being Spearman's correlation and
    rank the place at which the recommender puts an item, 1 first. In [-1, 1]: 0 when popularity
    has nothing to do with ranks, 1 when the more popular of the items that a user likes always
    stands first. Nearest 0 is fairest. NaN for fewer than two items, or where all are equally
    popular or equally placed.

    Args:
        ranks: Shape (n, N), sparse: the rank, at least 1, of every item that a user likes, as
            `relevant_ranks` makes it.
        popularity: Shape (N,).

    Raises:
        WrongUse: Popularity has another shape.

    >>> ranks = csr_matrix([[1.0, 2.0, 3.0], [0.0, 2.0, 1.0]])
    >>> popularity_rank_correlation_of_users(ranks, [9.0, 5.0, 1.0]).tolist()
    [1.0, -1.0]
    """
    x = _fitting(popularity, ranks)
    liked = np.diff(ranks.indptr)
    rows = np.repeat(np.arange(len(liked)), liked)
    return -_spearman(rows, x[ranks.indices], np.asarray(ranks.data, dtype=float), len(liked))


def popularity_rank_correlation_of_items(ranks: csr_matrix, popularity: ArrayLike) -> float:
    """Return PRI, ``-ρ(popularity, mean rank)`` over items that somebody likes.

    The mean rank is over the users who like the item. Range, direction, arguments and errors as
    for users; NaN for fewer than two items, or where all are equal.
    """
    x = _fitting(popularity, ranks)
    count = np.bincount(ranks.indices, minlength=len(x))
    total = np.bincount(ranks.indices, ranks.data, minlength=len(x))
    liked = count > 0
    one_row = np.zeros(liked.sum(), dtype=np.int64)
    return float(-_spearman(one_row, x[liked], total[liked] / count[liked], 1)[0])


def _spearman(rows: NDArray[np.int64], x: Values, y: Values, n: int) -> Values:
    """Return each row's rank correlation of x and y, which stand row by row; shape (n,)."""
    a, b = _centred_ranks(rows, x, n), _centred_ranks(rows, y, n)
    product, of_a, of_b = (np.bincount(rows, values, n) for values in (a * b, a * a, b * b))
    spread = np.sqrt(of_a * of_b)
    rho = np.where(spread > 0, product / np.where(spread > 0, spread, 1.0), np.nan)
    return np.clip(rho, -1.0, 1.0)


def _centred_ranks(rows: NDArray[np.int64], values: Values, n: int) -> Values:
    """Return each value's rank within its row, ties sharing the mean, less the row's mean."""
    order = np.lexsort((values, rows))
    row, value = rows[order], values[order]
    new = np.ones(len(row), dtype=bool)
    new[1:] = (row[1:] != row[:-1]) | (value[1:] != value[:-1])
    first = np.flatnonzero(new)
    length = np.diff(np.append(first, len(row)))
    size = np.bincount(rows, minlength=n)
    middle = (np.cumsum(size) - size + (size - 1) / 2)[row]
    ranks = np.empty(len(row))
    ranks[order] = np.repeat(first + (length - 1) / 2, length) - middle
    return ranks


def _fitting(popularity: ArrayLike, ranks: csr_matrix) -> Values:
    x = np.asarray(popularity, dtype=np.float64)
    n_items = len(ranks.getnnz(axis=0))
    if x.shape != (n_items,):
        raise WrongUse(
            f"popularity has the shape {x.shape}.", expected=f"({n_items},): one per item."
        )
    return x
