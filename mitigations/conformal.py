"""Conformal fairness: answers that depend unusually much on an attribute are asked for again.

An answer's dissimilarity is how far its list is from the list for the same request with another
value of the attribute, or none. On a calibration set, every group gets the threshold that at
most a share alpha of its answers exceeds, with split conformal prediction's guarantee for finite
samples (Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005, section 4.5:
conditional on groups; Angelopoulos and Bates, "Conformal Prediction: A Gentle Introduction",
2023, section 1). Whatever exceeds it is asked for again with the violation described.

The idea is that of Fayyazi, Kamal and Pedram, "FACTER: Fairness-Aware Conformal Thresholding and
Prompt Engineering for Enabling Fair LLM-Based Recommender Systems", ICML 2025. Theirs has one
threshold for everybody, which promises no group anything, and it moves with the answers that it
judges; here thresholds are fixed before and by group, and none of its metrics is used.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np

from fairrec.catalogs import Catalog
from fairrec.errors import BadData, WrongUse
from fairrec.metrics.similarity import jaccard, rbo
from fairrec.mitigations.conformal_coverage import (
    GroupCoverage,
    check_alpha,
    conformal_threshold,
    coverage,
)
from fairrec.mitigations.mitigation import Mitigation, OnError
from fairrec.types import Outcome, Ranking, Request

if TYPE_CHECKING:
    from fairrec.mitigations.conformal_reasking import ReaskingRecommender
    from fairrec.protocols import Recommender

Similarity = Literal["jaccard", "rbo"]


class Judgement(NamedTuple):
    """How far an answer is from its counterfactual.

    Attributes:
        group: The stated value; None where none is stated.
        dissimilarity: In [0, 1]; NaN where there is nothing to compare.
        counterfactual: The counterfactual answer that is furthest away.
    """

    group: str | None
    dissimilarity: float
    counterfactual: Ranking | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class ConformalFairness(Mitigation):
    """Asks again where the list depends more on an attribute than it does for most of the group.

    `fit` on calibration requests returns one with thresholds; `wrap` returns a recommender that
    asks twice where it must (see `fairrec.mitigations.conformal_reasking`). What it answers with
    is whichever of the two answers is nearer to the counterfactual, so what holds of the first
    answers holds of those that are returned:

    Of a request that is exchangeable with its group's calibration requests, the dissimilarity is
    at most the group's threshold with probability 1 - alpha at least. The probability is over
    calibration set and request together, and it is about the original's counterfactual answers.
    A group is so promised what is usual for it, which is not what is fair: a group whose answers
    depend much on the attribute gets a high threshold. Compare the thresholds; lower ones for
    some groups can be set by hand, at the price of more calls. An answer without a
    counterfactual to compare with, because one of the two was not ANSWERED, is never asked again.

    `combine` alone asks nothing: it returns the first answers, and says in the `detail` of those
    above their threshold that they are.

    Attributes:
        catalog: The items, for the titles in the description of a violation.
        attribute: The attribute in a request's profile whose values are the groups.
        counterfactual: What turns a request into its counterfactuals: a mitigation whose
            `expand` removes the attribute or gives it its other values. Of several answers the
            one that is furthest away counts.
        alpha: Share of each group's answers that may be asked for again, in [0, 1); 0 asks
            nothing again.
        similarity: "jaccard" of the two lists as sets, or "rbo", which heeds their order.
        persistence: p of rank-biased overlap, in (0, 1).
        language: Of the description: en, de, es or zh.
        thresholds: By group; None where calibration requests are too few for a finite one, so
            that nothing is asked again. Empty before `fit`.
        calibrated_on: Calibration requests by group that had a counterfactual.

    Raises:
        WrongUse: A setting is out of range, or (from `expand`) there are no thresholds yet.
    """

    name: ClassVar[str] = "conformal"
    strength: ClassVar[str] = "alpha"

    catalog: Catalog
    attribute: str
    counterfactual: Mitigation
    alpha: float = 0.1
    similarity: Similarity = "jaccard"
    persistence: float = 0.9
    language: str = "en"
    thresholds: Mapping[str, float | None] = field(default_factory=dict)
    calibrated_on: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_alpha(self.alpha)
        if self.similarity not in ("jaccard", "rbo"):
            raise WrongUse(
                f"the similarity {self.similarity!r} is unknown.", expected="'jaccard' or 'rbo'."
            )
        if not 0 < self.persistence < 1:
            raise WrongUse(
                f"the persistence is {self.persistence}.", expected="a number between 0 and 1."
            )
        if self.language not in _words():
            raise WrongUse(
                f"the language {self.language!r} is unknown.",
                expected=f"one of {', '.join(_words())}.",
            )

    @property
    def warnings(self) -> tuple[str, ...]:
        """Groups whose calibration requests were too few to promise anything."""
        return tuple(
            f"{self.attribute} = {group!r}: {self.calibrated_on.get(group, 0)} calibration "
            f"requests are too few for alpha = {self.alpha:g}; nothing is asked again."
            for group, threshold in self.thresholds.items()
            if threshold is None
        )

    def fit(self, recommender: Recommender, requests: Sequence[Request]) -> ConformalFairness:
        """Return this mitigation with thresholds calibrated on the answers to these requests.

        Groups promise something for requests that come as these did; requests of one user are
        more alike than that, so name one a user. They are asked with their counterfactuals.

        Raises:
            BadData: No request states the attribute.
        """
        from fairrec.mitigations.mitigated import answers_to

        stated = [request for request in requests if self.attribute in request.profile]
        if not stated:
            raise BadData(
                f"none of the {len(requests)} calibration requests states {self.attribute!r}.",
                expected=f"requests whose profile has {self.attribute!r}.",
            )
        answers = answers_to(recommender, [self._asked(request) for request in stated])
        found: dict[str, list[float]] = {}
        for request, rankings in zip(stated, answers, strict=True):
            judged = found.setdefault(request.profile[self.attribute], [])
            dissimilarity = self.judgement(request, rankings).dissimilarity
            if not math.isnan(dissimilarity):
                judged.append(dissimilarity)
        thresholds = {g: conformal_threshold(d, self.alpha) for g, d in sorted(found.items())}
        return replace(
            self,
            thresholds={g: t if math.isfinite(t) else None for g, t in thresholds.items()},
            calibrated_on={group: len(judged) for group, judged in sorted(found.items())},
        )

    def coverage(
        self, recommender: Recommender, requests: Sequence[Request], level: float = 0.95
    ) -> list[GroupCoverage]:
        """Return what coverage is achieved on requests other than those of the calibration."""
        return coverage(self.wrap(recommender), requests, level)

    # Not a MitigatedRecommender: that one's questions are known before the first answer.
    def wrap(self, recommender: Recommender, *, on_error: OnError = "raise") -> ReaskingRecommender:
        """Return a recommender that asks `recommender` again where it must."""
        from fairrec.mitigations.conformal_reasking import ReaskingRecommender

        return ReaskingRecommender(self, recommender, on_error)

    def expand(self, request: Request) -> list[Request]:
        """Return the request and its counterfactuals; alone where nothing can be asked again."""
        self.check_fitted()
        return [request] if self.threshold_of(request) is None else self._asked(request)

    def combine(
        self,
        requests: Sequence[Request],
        answers: Sequence[Sequence[Ranking]],
        state: Any = None,
    ) -> list[Ranking]:
        """Return the first answers; those above their threshold say so."""
        found = []
        for request, rankings in zip(requests, answers, strict=True):
            first, judged = rankings[0], self.judgement(request, rankings)
            if self.violated(request, judged):
                first = noted(first, f"{self._distance(request, judged)} is above the threshold")
            found.append(first)
        return found

    def check_fitted(self) -> None:
        """Raise WrongUse where there are no thresholds yet."""
        if not self.thresholds:
            raise WrongUse(
                "conformal fairness has no thresholds yet.",
                expected="thresholds calibrated on answers of the recommender.",
                do="use the one that fit(recommender, requests) returns.",
            )

    def judgement(self, request: Request, answers: Sequence[Ranking]) -> Judgement:
        """Return how far the first answer is from the furthest of the others."""
        first, *others = answers
        group = request.profile.get(self.attribute)
        if not others or any(ranking.outcome is not Outcome.ANSWERED for ranking in answers):
            return Judgement(group, math.nan)
        far = [self._dissimilarity(first, other) for other in others]
        worst = int(np.argmax(far))
        return Judgement(group, far[worst], others[worst])

    def threshold_of(self, request: Request) -> float | None:
        """Return the threshold of the request's group; None if nothing is asked again."""
        return self.thresholds.get(request.profile.get(self.attribute, ""))

    def violated(self, request: Request, judged: Judgement) -> bool:
        """Tell whether an answer is above its group's threshold."""
        threshold = self.threshold_of(request)
        return threshold is not None and judged.dissimilarity > threshold

    def again(self, request: Request, first: Ranking, judged: Judgement) -> Request:
        """Return the request with the violation described, and in `slots["dissimilarity"]`."""
        other = judged.counterfactual
        assert other is not None
        words = _words()[self.language]
        described = words["again"].format(
            attribute=self.attribute,
            k=len(first.items),
            shared=len({*first.items} & {*other.items}),
            only_here=self._titles(first, other) or words["nothing"],
            left_out=self._titles(other, first) or words["nothing"],
        )
        return replace(
            request,
            instruction=f"{request.instruction}\n\n{described}" if request.instruction else "",
            slots={**request.slots, "dissimilarity": f"{judged.dissimilarity:.4f}"},
        )

    def settled(
        self, request: Request, answers: Sequence[Ranking], second: Ranking
    ) -> tuple[Ranking, Judgement]:
        """Return the nearer to the counterfactuals of the first and the second answer.

        The first stands where the second is not ANSWERED.
        """
        first, *others = answers
        judged = self.judgement(request, answers)
        anew = self.judgement(request, [second, *others])
        said = f"{self._distance(request, judged)} was above the threshold; asked again, "
        if anew.dissimilarity < judged.dissimilarity:
            return noted(second, f"{said}it is {anew.dissimilarity:.4f}"), anew
        return noted(first, f"{said}it was no nearer, so the first answer stands"), judged

    def _asked(self, request: Request) -> list[Request]:
        return [request, *self.counterfactual.expand(request)]

    def _dissimilarity(self, one: Ranking, other: Ranking) -> float:
        if self.similarity == "jaccard":
            return 1 - jaccard(one.items, other.items)
        return 1 - rbo(one.items, other.items, self.persistence)

    def _distance(self, request: Request, judged: Judgement) -> str:
        return (
            f"conformal: dissimilarity {judged.dissimilarity:.4f} to the counterfactual over "
            f"{self.attribute} (threshold {self.threshold_of(request):.4f})"
        )

    def _titles(self, ranking: Ranking, without: Ranking) -> str:
        """Return the catalogue's titles of what one list has and the other lacks."""
        only = [item for item in ranking.items if item not in without.items]
        return "; ".join(self.catalog.title(item) for item in only if item in self.catalog)


def noted(ranking: Ranking, detail: str) -> Ranking:
    """Return the ranking with something added to its detail."""
    return replace(ranking, detail=f"{ranking.detail}; {detail}" if ranking.detail else detail)


@cache
def _words() -> dict[str, dict[str, str]]:
    import yaml

    text = (resources.files("fairrec.mitigations.data") / "conformal.yaml").read_text("utf-8")
    return yaml.safe_load(text)
