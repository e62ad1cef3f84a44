"""Recommends at random: what any other recommender has to beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.catalogs import Catalog
from fairrec.recommenders.score_ranking import recommend_by_score
from fairrec.seeds import generator
from fairrec.types import Ranking, Request, content_hash


class RandomItems:
    """Scores every item by chance, uniformly in [0, 1).

    The draws depend on the seed and on who asks (slots, history and candidates), not on the
    profile, the words or the replicate: all arms of a comparison get one list.

    Args:
        catalog: The items.
        seed: Of the draws.
    """

    score_kind = "similarity"

    def __init__(self, catalog: Catalog, *, seed: int = 0) -> None:
        self.catalog = catalog
        self.seed = seed

    @property
    def description(self) -> Mapping[str, Any]:
        """See `fairrec.protocols.Recommender`."""
        catalog = self.catalog.content_hash
        return {"recommender": "random", "version": 1, "seed": self.seed, "catalog": catalog}

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        """Return k candidates, or items that are not in the history."""
        return recommend_by_score(self, self.catalog, requests)

    def score(self, requests: Sequence[Request], items: Sequence[str]) -> list[NDArray[np.float64]]:
        """Return, per request, one score for each of `items`."""
        rows = np.array([self.catalog.index(item) for item in items], dtype=np.intp)
        return [self._draws(request)[rows] for request in requests]

    def _draws(self, request: Request) -> NDArray[np.float64]:
        who = content_hash([request.slots.get("user", ""), list(request.history)])
        return generator(self.seed, "random items", who).random(len(self.catalog))
