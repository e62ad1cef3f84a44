"""A conventional model chooses a few candidates; another recommender orders the hard ones.

Yubo Ma, Yixin Cao, YongChing Hong and Aixin Sun, "Large Language Model Is Not a Good Few-shot
Information Extractor, but a Good Reranker for Hard Samples!", Findings of EMNLP 2023; Hou et al.,
LLMRank, ECIR 2024, for recommendation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fairrec.errors import WrongUse
from fairrec.protocols import Recommender
from fairrec.types import Outcome, Ranking, Request


class FilterThenRerank:
    """The first recommender keeps its best items, the second orders them.

    A sensitive attribute enters where it enters the two: through words for a language model as
    the second, not at all for a conventional model as the first, which then gives all arms of a
    comparison the same candidates. An answer that the second fails to give stays missing: the
    first's list in its place would make the arms differ by more than what was stated.

    Args:
        first: Chooses; with scores where `easy` is set.
        second: Orders; it is asked for the request's k with the chosen items as candidates, the
            first's best first.
        keep: Items that are chosen; all candidates where there are fewer.
        easy: How clear the first's choice must be for its order to stand: the gap between its two
            best scores as a share of the gap between its best and its last, in [0, 1]. None
            reranks everything.

    Raises:
        WrongUse: A number is out of range. From `recommend`: k is above `keep`, or there are no
            scores to tell the easy requests by.
    """

    def __init__(
        self, first: Recommender, second: Recommender, *, keep: int = 20, easy: float | None = None
    ) -> None:
        if keep < 1 or (easy is not None and not 0 <= easy <= 1):
            raise WrongUse(
                f"keep {keep}, easy {easy}.", expected="at least 1 item, and a share of the gap."
            )
        self.first = first
        self.second = second
        self.keep = keep
        self.easy = easy

    @property
    def description(self) -> Mapping[str, Any]:
        """See `fairrec.protocols.Recommender`."""
        return {
            "recommender": "filter then rerank",
            "version": 1,
            "first": dict(self.first.description),
            "second": dict(self.second.description),
            "keep": self.keep,
            "easy": self.easy,
        }

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        """Answer every request; the detail says whose order was easy."""
        chosen = self.first.recommend([self._filtering(request) for request in requests])
        hard = [
            i
            for i, ranking in enumerate(chosen)
            if ranking.outcome is Outcome.ANSWERED and not self._is_easy(ranking)
        ]
        narrowed = [replace(requests[i], candidates=chosen[i].items) for i in hard]
        reranked = dict(zip(hard, self.second.recommend(narrowed), strict=True))
        return [
            reranked.get(i) or _first_k(ranking, requests[i].k) for i, ranking in enumerate(chosen)
        ]

    def _filtering(self, request: Request) -> Request:
        if request.k > self.keep:
            raise WrongUse(
                f"k is {request.k}, but {self.keep} items are kept.",
                expected="k of at most `keep`.",
                do="keep more items or ask for fewer.",
            )
        there = len(request.candidates) if request.candidates is not None else self.keep
        return replace(request, k=max(request.k, min(self.keep, there)))

    def _is_easy(self, ranking: Ranking) -> bool:
        if self.easy is None or len(ranking.items) < 2:
            return False
        if ranking.scores is None:
            raise WrongUse(
                "the first recommender gives no scores.",
                expected="scores, to tell the easy requests by.",
                do="leave `easy` out, or choose a first recommender that scores.",
            )
        best, next_best, last = ranking.scores[0], ranking.scores[1], ranking.scores[-1]
        return best > last and (best - next_best) / (best - last) >= self.easy


def _first_k(ranking: Ranking, k: int) -> Ranking:
    if ranking.outcome is not Outcome.ANSWERED:
        return ranking
    scores = None if ranking.scores is None else ranking.scores[:k]
    detail = "easy: the first recommender's order stands"
    return replace(ranking, items=ranking.items[:k], scores=scores, detail=detail)
