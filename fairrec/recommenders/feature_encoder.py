"""A text encoder makes vectors of items and users; a conventional model compares them.

The pattern of UniSRec (Hou et al., KDD 2022), MoRec (Yuan et al., SIGIR 2023), ZESRec (Ding et al.,
2021) and of news recommenders with pre-trained encoders (Wu et al., PLM-NR, SIGIR 2021).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.protocols import EmbedsTexts
from fairrec.recommenders.retrieval import item_texts
from fairrec.recommenders.score_ranking import recommend_by_score
from fairrec.types import Ranking, Request

Pooling = Literal["mean", "recent", "attention"]

_HALVED = 10
"""Places after which an item of the history weighs half, in "recent" pooling."""

_SHARP = 10.0
"""How sharply attention prefers what is similar; cosines lie in [-1, 1]."""


class FeatureEncoder:
    """Scores a candidate by the cosine of its text's vector and the user's.

    A user is the pooled vectors of the history. With `words` above 0, the request's words are
    embedded too and mixed in: that is where a stated attribute enters. At 0, only an attribute that
    shows in the history can.

    Args:
        encoder: Turns texts into vectors.
        catalog: The items.
        columns: Text columns that are embedded with the title, such as ``("genres",)``.
        pooling: "mean" of the history; "recent" weighs what is older less; "attention" weighs for
            each candidate what resembles it more (then a user has no one vector, and `embed_users`
            gives the mean).
        words: Weight of the request's words, in [0, 1].

    Raises:
        WrongUse: The pooling is unknown, a column is missing or the weight out of range.
    """

    score_kind = "similarity"

    def __init__(
        self,
        encoder: EmbedsTexts,
        catalog: Catalog,
        *,
        columns: Sequence[str] = (),
        pooling: Pooling = "mean",
        words: float = 0.0,
    ) -> None:
        if pooling not in get_args(Pooling) or not 0 <= words <= 1:
            raise WrongUse(
                f"pooling {pooling!r}, words {words}.",
                expected=f"one of {', '.join(get_args(Pooling))}, and a weight from 0 to 1.",
            )
        self.encoder = encoder
        self.catalog = catalog
        self.columns = tuple(columns)
        self.pooling = pooling
        self.words = words
        self.items = unit_rows(encoder.embed(item_texts(catalog, columns)))

    @property
    def description(self) -> Mapping[str, Any]:
        """See `fairrec.protocols.Recommender`."""
        return {
            "recommender": "feature encoder",
            "version": 1,
            "encoder": dict(self.encoder.description),
            "catalog": self.catalog.content_hash,
            "columns": list(self.columns),
            "pooling": self.pooling,
            "words": self.words,
        }

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        """Return the k best candidates, or items that are not in the history."""
        return recommend_by_score(self, self.catalog, requests)

    def embed_users(self, requests: Sequence[Request]) -> NDArray[np.float64]:
        """Return the users' vectors of length 1; of nobody about whom nothing is said, zeros."""
        pooled = np.array([self._pooled(request) for request in requests])
        return self._with_words(pooled.reshape(len(requests), self.items.shape[1]), requests)

    def score(self, requests: Sequence[Request], items: Sequence[str]) -> list[NDArray[np.float64]]:
        """Return, per request, one cosine for each of `items`."""
        if not requests:
            return []
        candidates = self.items[[self.catalog.index(item) for item in items]]
        if self.pooling != "attention":
            return list(self.embed_users(requests) @ candidates.T)
        said = self._said(requests)
        return [
            (1 - self.words) * self._attended(request, candidates) + self.words * candidates @ words
            for request, words in zip(requests, said, strict=True)
        ]

    def _pooled(self, request: Request) -> NDArray[np.float64]:
        history = self._history(request)
        if not len(history):
            return np.zeros(self.items.shape[1])
        weights = np.ones(len(history))
        if self.pooling == "recent":
            weights = 0.5 ** (np.arange(len(history))[::-1] / _HALVED)
        return unit_rows((weights @ history)[None])[0]

    def _attended(self, request: Request, candidates: NDArray[np.float64]) -> NDArray[np.float64]:
        history = self._history(request)
        if not len(history):
            return np.zeros(len(candidates))
        alike = candidates @ history.T
        weights = np.exp(_SHARP * (alike - alike.max(axis=1, keepdims=True)))
        return (weights * alike).sum(1) / weights.sum(1)

    def _history(self, request: Request) -> NDArray[np.float64]:
        known = [self.catalog.index(item) for item in request.history if item in self.catalog]
        return self.items[known]

    def _said(self, requests: Sequence[Request]) -> NDArray[np.float64]:
        if not self.words:
            return np.zeros((len(requests), self.items.shape[1]))
        return unit_rows(self.encoder.embed([request.instruction for request in requests]))

    def _with_words(
        self, users: NDArray[np.float64], requests: Sequence[Request]
    ) -> NDArray[np.float64]:
        return unit_rows((1 - self.words) * users + self.words * self._said(requests))


def unit_rows(vectors: NDArray[Any]) -> NDArray[np.float64]:
    """Return vectors at length 1, in double precision; a vector of zeros stays."""
    vectors = np.asarray(vectors, dtype=np.float64)
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
