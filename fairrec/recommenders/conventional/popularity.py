"""Recommends to everybody what most people consumed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from fairrec.recommenders.conventional.histories import ConventionalModel
from fairrec.types import Request
from fairrec.users import User


class Popularity(ConventionalModel):
    """Scores an item by the number of users who have it in their history.

    Args:
        catalog: The items.
    """

    kind = "popularity"

    def _learn(self, matrix: sparse.csr_matrix, users: Sequence[User]) -> None:
        """The counts are all there is to learn."""

    def _score_all(self, requests: Sequence[Request]) -> NDArray[np.float64]:
        return np.tile(self.popularity, (len(requests), 1))
