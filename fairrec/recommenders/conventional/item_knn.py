"""Recommends what is similar to the history: item-based nearest neighbours.

Mukund Deshpande and George Karypis, "Item-Based Top-N Recommendation Algorithms", TOIS 2004.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.recommenders.conventional.histories import ConventionalModel, history_matrix
from fairrec.types import Request
from fairrec.users import User


class ItemKNN(ConventionalModel):
    """Scores an item by its summed similarity to the items of the history.

    The similarity of two items is the cosine of who has them, users in common over
    (sqrt(users of one x users of the other) + shrinkage), and each item knows its nearest ones
    alone.

    Args:
        catalog: The items.
        neighbours: Similar items that each item knows, at least 1.
        shrinkage: What pulls similarities of rare items towards 0, at least 0.

    Raises:
        WrongUse: A number is out of range.
    """

    kind = "item k-nearest neighbours"

    def __init__(self, catalog: Catalog, *, neighbours: int = 50, shrinkage: float = 0.0) -> None:
        if neighbours < 1 or shrinkage < 0:
            raise WrongUse(
                f"{neighbours} neighbours, shrinkage {shrinkage}.",
                expected="at least 1 neighbour and no negative shrinkage.",
            )
        super().__init__(catalog, neighbours=neighbours, shrinkage=shrinkage)
        self.neighbours = neighbours
        self.shrinkage = shrinkage
        self.similarities = sparse.csr_matrix((len(catalog), len(catalog)))

    def _learn(self, matrix: sparse.csr_matrix, users: Sequence[User]) -> None:
        together = (matrix.T @ matrix).astype(np.float64).tocsr()
        together.setdiag(0)
        together.eliminate_zeros()
        roots = np.sqrt(self.popularity)
        rows = np.repeat(np.arange(len(roots)), np.diff(together.indptr))
        together.data /= roots[rows] * roots[together.indices] + self.shrinkage
        for item in range(len(roots)):
            row = together.data[together.indptr[item] : together.indptr[item + 1]]
            if len(row) > self.neighbours:
                # Of equal ones the first in the catalogue stay, whatever the sort does inside.
                row[np.argsort(-row, kind="stable")[self.neighbours :]] = 0.0
        together.eliminate_zeros()
        self.similarities = together

    def _score_all(self, requests: Sequence[Request]) -> NDArray[np.float64]:
        had = history_matrix(self.catalog, [request.history for request in requests])
        # Item i is scored by how near the history's items are among i's own neighbours.
        return np.asarray((had.astype(np.float64) @ self.similarities.T).todense())
