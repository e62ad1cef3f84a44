"""What conventional models learn from: who consumed what, as a matrix; and what they share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from fairrec.catalogs import Catalog
from fairrec.errors import BadData, WrongUse
from fairrec.recommenders.score_ranking import recommend_by_score
from fairrec.types import Ranking, Request, content_hash
from fairrec.users import User


class ConventionalModel(ABC):
    """Learns from users' histories and scores by a request's history.

    Items of a history that nobody had while it learnt are without effect, and so are words,
    profile and replicate: no arm of a comparison can differ.

    Args:
        catalog: The items.
        settings: What else changes an answer, in plain JSON types.
    """

    kind = "conventional"
    score_kind = "similarity"

    def __init__(self, catalog: Catalog, **settings: Any) -> None:
        self.catalog = catalog
        self.settings = settings
        self.popularity: NDArray[np.float64] = np.zeros(len(catalog))
        self._learnt = ""

    def fit(self, users: Sequence[User]) -> Self:
        """Learn from the users' histories; what they hold out is not looked at.

        Raises:
            BadData: There are no users, or none of them has a history.
        """
        matrix = history_matrix(self.catalog, [user.history for user in users])
        if not matrix.nnz:
            raise BadData(
                f"{len(users)} users have no history with items of the catalogue.",
                expected="histories to learn from.",
                do="check that the users and the catalogue belong together.",
            )
        self.popularity = np.asarray(matrix.sum(axis=0), dtype=np.float64).reshape(-1)
        self._learn(matrix, users)
        self._learnt = content_hash([[user.id, list(user.history)] for user in users])
        return self

    @abstractmethod
    def _learn(self, matrix: sparse.csr_matrix, users: Sequence[User]) -> None:
        """Learn from users x items of 0 and 1; the histories are in order in `users`."""

    @abstractmethod
    def _score_all(self, requests: Sequence[Request]) -> NDArray[np.float64]:
        """Return requests x all items; only requests with a known history are given."""

    @property
    def description(self) -> Mapping[str, Any]:
        """See `fairrec.protocols.Recommender`."""
        self.check_fitted()
        return {
            "recommender": self.kind,
            "version": 1,
            **self.settings,
            "catalog": self.catalog.content_hash,
            "learnt": self._learnt,
        }

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        """Return the k best candidates, or items that are not in the history."""
        return recommend_by_score(self, self.catalog, requests)

    def score(self, requests: Sequence[Request], items: Sequence[str]) -> list[NDArray[np.float64]]:
        """Return, per request, one score for each of `items`; higher is better.

        Somebody without a known history is scored by popularity.
        """
        self.check_fitted()
        rows = np.array([self.catalog.index(item) for item in items], dtype=np.intp)
        scores = np.tile(self.popularity, (len(requests), 1))
        known = [i for i, request in enumerate(requests) if self.places(request)]
        if known:
            scores[known] = self._score_all([requests[i] for i in known])
        return list(scores[:, rows])

    def places(self, request: Request) -> list[int]:
        """Return the places in the catalogue of a history's items that somebody had, in order."""
        history = (self.catalog.index(item) for item in request.history if item in self.catalog)
        return [place for place in history if self.popularity[place] > 0]

    def check_fitted(self) -> None:
        """Check that there is something to answer with.

        Raises:
            WrongUse: `fit` has not been called.
        """
        if not self._learnt:
            raise WrongUse(
                f"{type(self).__name__} has not learnt anything yet.",
                expected="fit(users) before it is asked.",
                do=f"call {type(self).__name__}(...).fit(users).",
            )


def history_matrix(catalog: Catalog, histories: Sequence[Sequence[str]]) -> sparse.csr_matrix:
    """Return histories x items: 1 where an item is in a history, 0 elsewhere; float32.

    Items outside the catalogue are left out.
    """
    rows = [
        sorted({catalog.index(item) for item in history if item in catalog})
        for history in histories
    ]
    starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int32)
    columns = np.array([place for row in rows for place in row], dtype=np.int32)
    ones = np.ones(len(columns), dtype=np.float32)
    return sparse.csr_matrix((ones, columns, starts), shape=(len(histories), len(catalog)))
