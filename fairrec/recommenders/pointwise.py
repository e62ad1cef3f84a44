"""What recommenders share that ask a model about one candidate at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.catalogs import Catalog
from fairrec.errors import BackendFailed, WrongUse
from fairrec.protocols import Prompt
from fairrec.recommenders.fitting import Fitted, fit_histories, noted
from fairrec.recommenders.score_ranking import best, candidates_of
from fairrec.types import Outcome, Ranking, Request


class Pointwise(ABC):
    """One prompt for each candidate: the request's words, then a question about its title.

    A sensitive attribute enters through the request's words alone.

    Args:
        model: Who is asked; where it knows its limits, histories are shortened to them.
        catalog: The items.
        question: Follows the words; ``{title}`` stands for the candidate.
        prefill: Start of the model's reply.
        room: Tokens to leave for the answer.

    Raises:
        WrongUse: The question does not name the title.
    """

    score_kind = "logit"
    kind = "pointwise"

    def __init__(
        self, model: Any, catalog: Catalog, question: str, prefill: str = "", room: int = 8
    ) -> None:
        if "{title}" not in question:
            raise WrongUse(
                f"the question {question!r} does not name a candidate.",
                expected="{title} where the title goes.",
            )
        self.model = model
        self.catalog = catalog
        self.question = question
        self.prefill = prefill
        self.room = room

    @abstractmethod
    def score_candidates(self, request: Request) -> NDArray[np.float64]:
        """Return one score per candidate of a request; NaN where the model did not say.

        Raises:
            BackendFailed: It could not be asked.
        """

    @property
    def description(self) -> Mapping[str, Any]:
        """See `fairrec.protocols.Recommender`."""
        return {
            "recommender": self.kind,
            "version": 1,
            "model": dict(self.model.description),
            "catalog": self.catalog.content_hash,
            "question": self.question,
            "prefill": self.prefill,
        }

    def request_text(self, request: Request) -> str:
        """Return what of the request reaches the model, but for the candidates."""
        return f"{request.system or ''}\n\n{request.instruction}"

    def prompt(self, request: Request, item: str) -> Prompt:
        """Return what the model is asked about one candidate."""
        # Not str.format: other braces of a question are its own.
        question = self.question.replace("{title}", one_line(self.catalog.title(item)))
        return Prompt(f"{request.instruction}\n\n{question}", request.system, self.prefill)

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        """Rank each request's candidates; without any, all items.

        What of a history did not fit is in the ranking's detail. A request that cannot be asked,
        or of which a candidate could not be scored, has no list.

        Raises:
            WrongUse: See `fairrec.recommenders.score_ranking.candidates_of`.
        """
        pools = [candidates_of(request, self.catalog) for request in requests]
        asked = [replace(r, candidates=pool) for r, pool in zip(requests, pools, strict=True)]
        return [self._ranking(one) for one in self._fit(asked)]

    def _ranking(self, one: Fitted) -> Ranking:
        if not one.fits:
            return Ranking(outcome=Outcome.ERROR, detail=one.note)
        try:
            scores = self.score_candidates(one.request)
        except BackendFailed as failure:
            return Ranking(outcome=Outcome.ERROR, detail=failure.seen)
        return noted(best(one.request.candidates or (), scores, one.request.k), one.note)

    def score(self, requests: Sequence[Request], items: Sequence[str]) -> list[NDArray[np.float64]]:
        """Return, per request, one score for each of `items`; NaN where it cannot be told."""
        pool = tuple(items)
        fitted = self._fit([replace(request, candidates=pool) for request in requests])
        return [
            self.score_candidates(one.request) if one.fits else np.full(len(pool), np.nan)
            for one in fitted
        ]

    def prompts(self, request: Request) -> list[Prompt]:
        """Return what the model is asked, one prompt per candidate."""
        return [self.prompt(request, item) for item in request.candidates or ()]

    def _fit(self, requests: Sequence[Request]) -> list[Fitted]:
        return fit_histories(self.model, self.catalog, requests, self.prompts, self.room)


def one_line(title: str) -> str:
    """Return a title without line ends, which would end its place in a list."""
    return " ".join(title.split())
