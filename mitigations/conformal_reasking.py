"""The recommender around a recommender that asks twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from fairrec.errors import RunBroken, WrongUse
from fairrec.mitigations.mitigated import answers_to
from fairrec.mitigations.mitigation import OnError
from fairrec.protocols import Recommender
from fairrec.types import Ranking, Request

if TYPE_CHECKING:
    from fairrec.mitigations.conformal import ConformalFairness, Judgement


class Settled(NamedTuple):
    """A ranking that is returned, with how far the first answer and itself are from fair."""

    ranking: Ranking
    first: Judgement
    final: Judgement
    asked_again: bool


class ReaskingRecommender:
    """What `ConformalFairness.wrap` returns: a recommender that asks `original` twice.

    A request that states the attribute costs its counterfactuals besides, and one more call where
    its answer is above the threshold: a share of about alpha. What was done stands in the
    ranking's `detail`. What is asked the second time depends on the first answer; so, unlike with
    other mitigations, the answers that a run records are these, not the original's.

    Raises:
        WrongUse: The mitigation has no thresholds yet.
    """

    def __init__(
        self, mitigation: ConformalFairness, original: Recommender, on_error: OnError = "raise"
    ) -> None:
        mitigation.check_fitted()
        self.mitigation = mitigation
        self.original = original
        self.on_error = on_error

    @property
    def description(self) -> Mapping[str, Any]:
        """The mitigation with its thresholds, the fail policy and the original."""
        return {
            "recommender": "asks again",
            "mitigation": dict(self.mitigation.description),
            "on_error": self.on_error,
            "original": dict(self.original.description),
        }

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        """Ask every request with its counterfactuals, and again where it must be.

        Raises:
            RunBroken: No counterfactual could be made, and `on_error` is "raise".
        """
        return [settled.ranking for settled in self.settle(requests)]

    def settle(self, requests: Sequence[Request]) -> list[Settled]:
        """Return the rankings with how they came about."""
        conformal = self.mitigation
        answers = answers_to(self.original, [self._questions(request) for request in requests])
        judged = [
            conformal.judgement(request, rankings)
            for request, rankings in zip(requests, answers, strict=True)
        ]
        again = {
            place: conformal.again(request, answers[place][0], judged[place])
            for place, request in enumerate(requests)
            if conformal.violated(request, judged[place])
        }
        seconds = answers_to(self.original, [[request] for request in again.values()])
        found = [Settled(a[0], j, j, False) for a, j in zip(answers, judged, strict=True)]
        for place, (second,) in zip(again, seconds, strict=True):
            ranking, final = conformal.settled(requests[place], answers[place], second)
            found[place] = Settled(ranking, judged[place], final, True)
        return found

    def _questions(self, request: Request) -> list[Request]:
        try:
            return self.mitigation.expand(request)
        except WrongUse:
            if self.on_error == "raise":
                raise
        except Exception as error:
            if self.on_error == "raise":
                raise RunBroken(
                    f"the counterfactual of a request failed: {type(error).__name__}: {error}",
                    expected="a request that can be asked with another value or none.",
                    do='wrap with on_error="original" to let the original\'s answers stand.',
                ) from error
        return [request]
