"""Popularity-opportunity bias: are popular items ranked higher among those a user likes?

Zhu, He, Zhao, Zhang, Wang and Caverlee, "Popularity-Opportunity Bias in Collaborative Filtering",
WSDM 2021. Both measures correlate popularity with places; equal ones share the mean of theirs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix
from scipy.stats import rankdata

from fairrec.errors import WrongUse

Values = NDArray[np.float64]


def popularity_rank_correlation_of_users(ranks: csr_matrix, popularity: ArrayLike) -> Values:
    """Return PRU of each user, shape (n,); the measure is its mean.

    ``-ρ(popularity, rank)`` over the items that a user likes, ρ being Spearman's correlation and
    rank the place at which the recommender puts an item, 1 first. In [-1, 1]: 0 when popularity
    has nothing to do with places, 1 when the more popular of the items that a user likes always
    stands first. Nearest 0 is fairest. NaN for fewer than two items, or where all are equally
    popular or equally placed.

    Args:
        ranks: Shape (n, N), sparse: the place, at least 1, of every item that a user likes.
        popularity: Shape (N,).
    """
    table = csr_matrix(ranks)
    x = _fitting(popularity, table.shape[1])
    found = np.full(table.shape[0], np.nan)
    for user in np.flatnonzero(np.diff(table.indptr) > 1).tolist():
        row = slice(table.indptr[user], table.indptr[user + 1])
        found[user] = -_spearman(x[table.indices[row]], table.data[row])
    return found


def popularity_rank_correlation_of_items(ranks: csr_matrix, popularity: ArrayLike) -> float:
    """Return PRI, ``-ρ(popularity, mean rank)`` over items that somebody likes.

    The mean rank is over the users who like the item. Range, direction and arguments as for users;
    NaN for fewer than two items.
    """
    table = csr_matrix(ranks)
    x = _fitting(popularity, table.shape[1])
    count = np.bincount(table.indices, minlength=table.shape[1])
    total = np.bincount(table.indices, table.data, minlength=table.shape[1])
    liked = count > 0
    if liked.sum() < 2:
        return float("nan")
    return -_spearman(x[liked], total[liked] / count[liked])


def _spearman(x: Values, y: Values) -> float:
    a, b = rankdata(x), rankdata(y)
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / spread if spread > 0 else float("nan")


def _fitting(popularity: ArrayLike, n_items: int) -> Values:
    x = np.asarray(popularity, dtype=np.float64)
    if x.shape != (n_items,):
        raise WrongUse(
            f"popularity has the shape {x.shape}.", expected=f"({n_items},): one per item."
        )
    return x
