"""A recommender around a recommender: same call, same kind of answer, something changed between.

`Mitigation.wrap` makes one. It keeps those capabilities of the original that still hold: what
it answers with can be scored or read as text only where the mitigation says how.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, cast, get_args, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import RunBroken, WrongUse
from fairrec.mitigations.mitigation import Mitigation, OnError, RewritesRequests
from fairrec.protocols import ReadsText, Recommender, ScoresItems
from fairrec.types import Outcome, Ranking, Request, content_hash, request_content


@runtime_checkable
class CombinesScores(Protocol):
    """A mitigation of which scores remain scores."""

    def combine_scores(
        self, request: Request, items: Sequence[str], scores: Sequence[NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """Return the scores of `items`, of the scores under each request of `expand`."""
        ...


class MitigatedRecommender:
    """What `Mitigation.wrap` returns; wrap it again to put one mitigation on another.

    Attributes:
        mitigation: What is changed.
        original: The recommender that is asked.
        on_error: "raise", or "original": where the mitigation fails, the first answer of the
            original stands, cut to k, and its `detail` says so.
        state: What a mitigation that ranks one list after another remembers; `recommend`
            advances it, `combine` alone (as in an audit) starts from it and leaves it.
    """

    def __init__(self, mitigation: Mitigation, original: Recommender, on_error: OnError) -> None:
        self.mitigation = mitigation
        self.original = original
        self.on_error = on_error
        self.state = mitigation.start()

    @property
    def description(self) -> Mapping[str, Any]:
        """The mitigation, its fail policy and the original."""
        return {
            "recommender": "mitigated",
            "mitigation": dict(self.mitigation.description),
            "on_error": self.on_error,
            "original": dict(self.original.description),
        }

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        """Ask the original what the mitigation wants to know, equal questions once.

        Methods that share exposure out among lists see the lists of one call together.

        Raises:
            RunBroken: The mitigation failed and `on_error` is "raise".
        """
        if not requests:
            return []
        expanded = [self.expand(request) for request in requests]
        return self._combined(requests, answers_to(self.original, expanded), self.state)

    def expand(self, request: Request) -> list[Request]:
        """Return what to ask the original; the request itself if that fails and may."""
        try:
            return self.mitigation.expand(request)
        except Exception as error:
            if self.on_error == "raise":
                raise self._broken(error) from error
            return [request]

    def combine(
        self, requests: Sequence[Request], answers: Sequence[Sequence[Ranking]]
    ) -> list[Ranking]:
        """Return one ranking per request; nothing is asked, and `state` stays as it is."""
        return self._combined(requests, answers, copy.deepcopy(self.state))

    def _combined(
        self, requests: Sequence[Request], answers: Sequence[Sequence[Ranking]], state: Any
    ) -> list[Ranking]:
        try:
            return self.mitigation.combine(requests, answers, state)
        except Exception as error:
            if self.on_error == "raise":
                raise self._broken(error) from error
            detail = f"{self.mitigation.name} failed ({error}); the original's answer stands"
            return [
                _cut(first, request.k, detail)
                for request, (first, *_) in zip(requests, answers, strict=True)
            ]

    def _broken(self, error: Exception) -> Exception:
        if isinstance(error, WrongUse):
            return error
        return RunBroken(
            f"the mitigation {self.mitigation.name!r} failed: {type(error).__name__}: {error}",
            expected="answers that it can work on.",
            do='change its settings, or wrap with on_error="original" to let answers stand.',
        )


def mitigated(
    mitigation: Mitigation, recommender: Recommender, on_error: OnError = "raise"
) -> MitigatedRecommender:
    """Return `recommender` wrapped, with those of its capabilities that still hold.

    Raises:
        WrongUse: It is no recommender, or the fail policy is unknown.
    """
    if on_error not in get_args(OnError):
        raise WrongUse(f"on_error is {on_error!r}.", expected=" or ".join(get_args(OnError)) + ".")
    if not isinstance(recommender, Recommender):
        raise WrongUse(
            f"{type(recommender).__name__} is no recommender.",
            expected="something with description and recommend(requests).",
            do="make one of it with fairrec.as_recommender, or use mitigation.applied_to(object).",
        )
    kind = MitigatedRecommender
    if isinstance(recommender, ScoresItems) and isinstance(mitigation, CombinesScores):
        reads = isinstance(recommender, ReadsText) and isinstance(mitigation, RewritesRequests)
        kind = _ReadingScorer if reads else _Scorer
    elif isinstance(recommender, ReadsText) and isinstance(mitigation, RewritesRequests):
        kind = _Reader
    return kind(mitigation, recommender, on_error)


class _Reader(MitigatedRecommender):
    """The original reads text alone, and so does this one."""

    def request_text(self, request: Request) -> str:
        """Return all that reaches the original's model."""
        original = cast(ReadsText, self.original)
        texts = [original.request_text(expanded) for expanded in self.expand(request)]
        return texts[0] if len(texts) == 1 else json.dumps(texts, ensure_ascii=False)


class _Scorer(MitigatedRecommender):
    """The original scores items, and so does this one."""

    @property
    def score_kind(self) -> str:
        """The original's."""
        return cast(ScoresItems, self.original).score_kind

    def score(self, requests: Sequence[Request], items: Sequence[str]) -> list[NDArray[np.float64]]:
        """Return one array of scores per request, of the original's under what it is asked."""
        mitigation = cast(CombinesScores, self.mitigation)
        expanded = [self.expand(request) for request in requests]
        original = cast(ScoresItems, self.original)
        scores = iter(original.score([r for some in expanded for r in some], items))
        return [
            mitigation.combine_scores(request, items, [next(scores) for _ in some])
            for request, some in zip(requests, expanded, strict=True)
        ]


class _ReadingScorer(_Scorer, _Reader):
    """Both."""


def answers_to(
    recommender: Recommender, questions: Sequence[Sequence[Request]]
) -> list[list[Ranking]]:
    """Return the answers to all questions, equal ones asked once."""
    keys = [[content_hash(request_content(request)) for request in some] for some in questions]
    asked = {
        key: request
        for some, requests in zip(keys, questions, strict=True)
        for key, request in zip(some, requests, strict=True)
    }
    if not asked:
        return []
    found = dict(zip(asked, recommender.recommend(list(asked.values())), strict=True))
    return [[found[key] for key in some] for some in keys]


def _cut(ranking: Ranking, k: int, detail: str) -> Ranking:
    if ranking.outcome is not Outcome.ANSWERED:
        return ranking
    kept = set(ranking.items[:k])
    return replace(
        ranking,
        items=ranking.items[:k],
        scores=None if ranking.scores is None else ranking.scores[:k],
        matches=tuple(m for m in ranking.matches if m.item_id is None or m.item_id in kept),
        detail=f"{ranking.detail}; {detail}" if ranking.detail else detail,
    )
