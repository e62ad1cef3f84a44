"""Ranks catalogue titles by how likely a language model finds them after the prompt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.protocols import LanguageModel, Prompt, ScoresContinuations
from fairrec.recommenders.fitting import fit_histories, noted
from fairrec.recommenders.score_ranking import recommend_by_score
from fairrec.types import Outcome, Ranking, Request

Variant = Literal["raw", "per_token", "prior_corrected"]

_TITLE_TOKENS = 64
"""Room to leave for a title."""

Prior = Callable[[tuple[str, ...], str | None], NDArray[np.float64]]
"""How likely (nats) each item of a pool is after the empty profile and a system turn."""


class CatalogueLikelihood:
    """A language model as a recommender of real items: nothing is written, nothing parsed.

    Every candidate's title is scored by its log-likelihood (nats) as the model's next words
    after the prompt and `prefill`.

    Args:
        model: A language model that scores continuations.
        catalog: The items; all of them are candidates of a request that names none.
        variant: "raw" sums the log-likelihood over the title's tokens; "per_token" takes the
            mean, which favours long titles less against short ones; "prior_corrected" is the
            sum less the sum after `empty_profile`: what the user and topic add to a title's
            own likelihood (pointwise mutual information).
        prefill: Start of the model's reply, the same for every request.
        empty_profile: The prompt of somebody about whom nothing is known.

    Raises:
        WrongUse: The variant is unknown or the model cannot score continuations.
    """

    score_kind = "log-probability"

    def __init__(
        self,
        model: LanguageModel,
        catalog: Catalog,
        *,
        variant: Variant = "prior_corrected",
        prefill: str = "1.",
        empty_profile: str = "Please recommend a movie to me.",
    ) -> None:
        if variant not in get_args(Variant):
            raise WrongUse(
                f"the variant {variant!r} is unknown.",
                expected=f"one of {', '.join(get_args(Variant))}.",
                do="choose one of them.",
            )
        if not isinstance(model, ScoresContinuations):
            raise WrongUse(
                f"{type(model).__name__} cannot score continuations.",
                expected="a model with continuation_logprobs(), such as a local one.",
                do="use OpenGeneration with this model.",
            )
        self._model = model
        self._score = model.continuation_logprobs
        self._catalog = catalog
        self._variant = variant
        self._prefill = prefill
        self._empty_profile = empty_profile
        self._prior: Prior = lru_cache(maxsize=64)(self._prior_of)

    @property
    def description(self) -> Mapping[str, Any]:
        """See `fairrec.protocols.Recommender`."""
        return {
            "adapter": "catalogue likelihood",
            "version": 1,
            "model": dict(self._model.description),
            "catalog": self._catalog.content_hash,
            "variant": self._variant,
            "prefill": self._prefill,
            "empty_profile": self._empty_profile,
        }

    def request_text(self, request: Request) -> str:
        """Return what of the request reaches the model."""
        return f"{request.system or ''}\n\n{request.instruction}"

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        """Rank each request's candidates; requests with the same ones share the work.

        Where the words are longer than the model can read, the oldest titles of the history go,
        and the ranking's detail says how many.

        Raises:
            WrongUse: A request asks for more items than it has candidates, names one twice, or
                names one that is not in the catalogue.
        """
        fitted = fit_histories(
            self._model,
            self._catalog,
            requests,
            lambda request: [self._prompt(request)],
            _TITLE_TOKENS,
        )
        asked = [one.request for one in fitted if one.fits]
        ranked = iter(recommend_by_score(self, self._catalog, asked, seen=True))
        return [
            noted(next(ranked), one.note)
            if one.fits
            else Ranking(outcome=Outcome.ERROR, detail=one.note)
            for one in fitted
        ]

    def score(self, requests: Sequence[Request], items: Sequence[str]) -> list[NDArray[np.float64]]:
        """Return, per request, one score (nats) for each of `items`; higher is better."""
        pool = tuple(items)
        prompts = [self._prompt(request) for request in requests]
        found = self._score(prompts, self._continuations(pool))
        if self._variant == "per_token":
            return [np.array([tokens.mean() for tokens in row]) for row in found]
        sums = [np.array([tokens.sum() for tokens in row]) for row in found]
        if self._variant == "raw":
            return sums
        return [
            row - self._prior(pool, request.system)
            for row, request in zip(sums, requests, strict=True)
        ]

    def _prompt(self, request: Request) -> Prompt:
        return Prompt(request.instruction, request.system, self._prefill)

    def _prior_of(self, pool: tuple[str, ...], system: str | None) -> NDArray[np.float64]:
        prompt = Prompt(self._empty_profile, system, self._prefill)
        (row,) = self._score([prompt], self._continuations(pool))
        return np.array([tokens.sum() for tokens in row])

    def _continuations(self, pool: tuple[str, ...]) -> list[str]:
        """Titles as they go on from the prefill: tokenisers expect a space before a word."""
        return [f" {self._catalog.title(item)}" for item in pool]
