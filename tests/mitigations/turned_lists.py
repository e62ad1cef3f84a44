"""A reranker small enough to check by eye, and what it is tried on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fairrec.catalogs import Catalog
from fairrec.metrics.item_lists import END
from fairrec.mitigations.mitigation import RewritesRequests
from fairrec.mitigations.rerankers.candidates import Reranked
from fairrec.mitigations.rerankers.reranker import Batch, Reranker
from fairrec.types import Ranking, Request

CATALOG = Catalog(
    ids=tuple("abcdef"),
    titles=tuple(f"Film {c}" for c in "ABCDEF"),
    columns={"maker": np.array(["X", "X", "X", "Y", "Y", "Y"])},
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Turned(Reranker):
    """The k best candidates, last first; short of its target by the letters beyond `most`."""

    name: ClassVar[str] = "turned"
    most: int = 100

    def rerank(self, batch: Batch, state: Any = None) -> Reranked:
        top = batch.candidates.top(batch.k)
        places = np.full_like(top, END)
        for row, listed in enumerate(top):
            found = listed[listed != END][::-1]
            places[row, : len(found)] = found
        return Reranked(places, np.maximum((top != END).sum(axis=1) - self.most, 0).astype(float))


@dataclass(frozen=True, kw_only=True, eq=False)
class Politely(RewritesRequests):
    """Says please."""

    name: ClassVar[str] = "politely"

    def expand(self, request: Request) -> list[Request]:
        from dataclasses import replace

        return [replace(request, instruction=f"{request.instruction} Please.")]


class Alphabet:
    """Recommends a, b, c, ... with falling scores; reads text alone; counts what it is asked."""

    score_kind = "rating"

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.name = "alphabet"

    @property
    def description(self) -> dict[str, str]:
        return {"recommender": self.name}

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        self.asked += requests
        return [
            Ranking(
                tuple("abcdef"[: r.k]),
                scores=tuple(6.0 - n for n in range(min(r.k, 6))),
                text=r.instruction,
            )
            for r in requests
        ]

    def request_text(self, request: Request) -> str:
        return request.instruction

    def score(self, requests: Sequence[Request], items: Sequence[str]) -> list[NDArray[np.float64]]:
        return [
            np.array([len(r.instruction) - "abcdef".index(i) for i in items], float)
            for r in requests
        ]
