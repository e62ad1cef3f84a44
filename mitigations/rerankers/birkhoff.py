"""Marginal probabilities of places as a lottery over rankings (Birkhoff 1946, von Neumann 1953)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from fairrec.errors import BadData

NOTHING = 1e-12
"""Probabilities below this are rounding."""


class Lottery(NamedTuple):
    """Rankings, one of which is drawn.

    Attributes:
        rankings: Shape (s, k): the candidate at each place.
        weights: Shape (s,): chances, which sum to 1.
    """

    rankings: NDArray[np.int64]
    weights: NDArray[np.float64]

    def marginals(self, n: int) -> NDArray[np.float64]:
        """Return the chance of each of n candidates to stand at each place, shape (n, k)."""
        found = np.zeros((n, self.rankings.shape[1]))
        for ranking, weight in zip(self.rankings, self.weights, strict=True):
            found[ranking, np.arange(len(ranking))] += weight
        return found

    def draw(self, seed: int) -> NDArray[np.int64]:
        """Return one of the rankings, shape (k,)."""
        point = np.random.default_rng(seed).random() * self.weights.sum()
        last = len(self.weights) - 1
        return self.rankings[min(int(np.searchsorted(np.cumsum(self.weights), point)), last)]


def birkhoff(marginals: ArrayLike, tolerance: float = 1e-9) -> Lottery:
    """Return a lottery over rankings with these marginals.

    A matrix of n candidates by k < n places is filled up with n - k places that nobody sees. In
    turn a ranking is found that only uses places of a positive chance, by bipartite matching,
    and as much of it is taken away as there is; at most (n - 1)² + 1 are needed.

    Args:
        marginals: Shape (n, k), k <= n: not negative; columns sum to 1, rows to at most 1.
        tolerance: By how much sums may be off.

    Raises:
        BadData: It is no such matrix.

    >>> birkhoff([[0.5, 0.5], [0.5, 0.5]]).weights.tolist()
    [0.5, 0.5]
    """
    p = np.array(marginals, dtype=np.float64)
    if p.ndim != 2 or not 1 <= p.shape[1] <= p.shape[0] or not np.isfinite(p).all():
        raise BadData(
            f"marginals have the shape {p.shape}, or are no finite numbers.",
            expected="candidates by places, with at least as many candidates.",
        )
    n, k = p.shape
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    if (
        (p < -tolerance).any()
        or np.abs(columns - 1).max() > tolerance
        or rows.max() > 1 + tolerance
    ):
        raise BadData(
            f"columns sum to {columns.min():.12g} to {columns.max():.12g}, rows to at most "
            f"{rows.max():.12g}, and the least chance is {p.min():.3g}.",
            expected="columns that sum to 1, rows to at most 1, and nothing below 0.",
        )
    left = np.zeros((n, n))
    left[:, :k] = np.maximum(p, 0.0)
    # Filled along the diagonal, from one corner to the other: dense, it would take many rankings.
    ends = np.cumsum(np.maximum(1 - rows, 0.0))[:, None]
    starts, column = np.vstack([[0.0], ends[:-1]]), np.arange(n - k)
    left[:, k:] = np.maximum(np.minimum(ends, column + 1) - np.maximum(starts, column), 0.0)
    left[left < NOTHING] = 0.0
    rankings, weights = [], []
    while left.max() > NOTHING and len(weights) <= (n - 1) ** 2 + 1:
        # Row of every column, or -1 where rounding has left no ranking.
        of = maximum_bipartite_matching(csr_matrix(left > NOTHING), perm_type="row")
        if (of < 0).any():
            break
        weight = left[of, np.arange(n)].min()
        left[of, np.arange(n)] -= weight
        left[left < NOTHING] = 0.0
        rankings.append(of[:k])
        weights.append(weight)
    chances = np.array(weights)
    return Lottery(np.array(rankings, dtype=np.int64), chances / chances.sum())
