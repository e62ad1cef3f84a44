"""What a scoring recommender thinks of an item beyond how popular or how likely it is anyway.

Both corrections ask for all candidates and take something off every score: a share of the log
popularity, or of the score that the item gets when nothing is known of the user.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fairrec.catalogs import Catalog
from fairrec.errors import BadData, WrongUse
from fairrec.mitigations.mitigation import Mitigation
from fairrec.types import Outcome, Ranking, Request

Scores = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoreCorrection(Mitigation):
    """Base: every candidate is asked for, its score is corrected, and the best k are kept.

    The recommender is to give scores. The words of the request stay as they are, k in them too:
    a scoring recommender writes no list, and other words would change the scores. Items of equal
    corrected score stay in the original's order, so strength 0 is the identity.

    Attributes:
        weight: How much of the correction is taken off; 0 changes nothing.
        depth: Items to ask for where a request names no candidates; None takes the k of the
            request, so that only their order changes. Candidates are always all asked for.
    """

    strength: ClassVar[str] = "weight"

    weight: float = 1.0
    depth: int | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.weight) or self.weight < 0:
            raise WrongUse(
                f"the weight of {self.name} is {self.weight}.", expected="a number of at least 0."
            )
        if self.depth is not None and self.depth < 1:
            raise WrongUse(f"the depth of {self.name} is {self.depth}.", expected="at least 1.")

    @abstractmethod
    def combine_scores(
        self, request: Request, items: Sequence[str], scores: Sequence[Scores]
    ) -> Scores:
        """Return corrected scores of the items, of those under each request of `expand`."""

    def expand(self, request: Request) -> list[Request]:
        """Return the request for all its candidates, or for `depth` items."""
        return [replace(request, k=self._asked(request))]

    def combine(
        self,
        requests: Sequence[Request],
        answers: Sequence[Sequence[Ranking]],
        state: Any = None,
    ) -> list[Ranking]:
        """Return the best k of each request by corrected score.

        An answer that is not ANSWERED is returned as it is.

        Raises:
            WrongUse: An answer has no scores.
            BadData: The answers to one request are not about the same items.
        """
        return [
            self._corrected(request, rankings)
            for request, rankings in zip(requests, answers, strict=True)
        ]

    def _asked(self, request: Request) -> int:
        if request.candidates is not None:
            return max(request.k, len(request.candidates))
        return max(request.k, self.depth or 0)

    def _corrected(self, request: Request, rankings: Sequence[Ranking]) -> Ranking:
        missing = next((r for r in rankings if r.outcome is not Outcome.ANSWERED), None)
        if missing is not None:
            return missing
        first = rankings[0]
        scores = self.combine_scores(
            request, first.items, [self._scores(ranking, first.items) for ranking in rankings]
        )
        best = np.argsort(-scores, kind="stable")[: request.k]
        kept = {first.items[place] for place in best}
        return replace(
            first,
            items=tuple(first.items[place] for place in best),
            scores=tuple(float(scores[place]) for place in best),
            matches=tuple(m for m in first.matches if m.item_id is None or m.item_id in kept),
        )

    def _scores(self, ranking: Ranking, items: Sequence[str]) -> Scores:
        """Return the scores of these items in one answer."""
        if ranking.scores is None:
            raise WrongUse(
                f"{self.name} corrects scores, and the recommender gives none.",
                expected="a recommender whose rankings have scores, such as CatalogueLikelihood.",
                do="use a mitigation of the words or of the order for this one.",
            )
        of = dict(zip(ranking.items, ranking.scores, strict=True))
        lacking = [item for item in items if item not in of]
        if lacking:
            raise BadData(
                f"{self.name}: {len(lacking)} item(s), {lacking[0]!r} first, have no score when "
                "nothing is known of the user.",
                expected="the same items scored with and without a user.",
                do="give the requests candidates, or set depth to the size of the catalogue.",
            )
        return np.array([of[item] for item in items])


@dataclass(frozen=True, kw_only=True, eq=False)
class PopularityCorrection(ScoreCorrection):
    """Takes a share of the log popularity off each score.

    s'(u, i) = s(u, i) - weight · log((popularity_i + smoothing) / Σ_j (popularity_j + smoothing))

    With log-probabilities and weight 1 this ranks by p(i | u) / p(i), how much more likely the
    user makes the item; the same term is the logit adjustment of Menon et al., "Long-Tail
    Learning via Logit Adjustment", ICLR 2021 (post hoc). Scores of other kinds need a weight in
    their own units. An item of unknown popularity (missing, or off the catalogue) gets the mean
    log popularity of the others: neither raised nor lowered.

    Attributes:
        catalog: The items.
        popularity: Its column of counts (ratings, plays, votes), at least 0; `fairrec audit`
            adds "interactions" from the data set.
        smoothing: Added to every count, above 0: what nobody has seen is not infinitely rare.

    Raises:
        WrongUse: The column is unknown or no numbers, or a setting is out of range.
        BadData: A popularity is negative or infinite, or all are missing.
    """

    name: ClassVar[str] = "popularity_correction"

    catalog: Catalog
    popularity: str = "interactions"
    smoothing: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.smoothing < math.inf:
            raise WrongUse(f"the smoothing is {self.smoothing}.", expected="a number above 0.")
        counts = self.catalog.numbers(self.popularity)
        known = counts[~np.isnan(counts)]
        if len(known) == 0 or not np.isfinite(known).all() or (known < 0).any():
            raise BadData(
                f"column {self.popularity!r} holds no popularity, or a negative or infinite one.",
                expected="counts of at least 0; missing ones are allowed.",
                do="choose the column that counts ratings, plays or votes.",
            )

    def combine_scores(
        self, request: Request, items: Sequence[str], scores: Sequence[Scores]
    ) -> Scores:
        """Return the scores less `weight` times the log popularity."""
        log_popularity, unknown = self._log_popularity
        return scores[0] - self.weight * np.array([log_popularity.get(i, unknown) for i in items])

    @cached_property
    def _log_popularity(self) -> tuple[dict[str, float], float]:
        """Log share of every item whose popularity is known, and their mean."""
        counts = self.catalog.numbers(self.popularity) + self.smoothing
        known = ~np.isnan(counts)
        logs = np.log(counts[known] / counts[known].sum())
        items = [item for item, there in zip(self.catalog.ids, known, strict=True) if there]
        return dict(zip(items, logs.tolist(), strict=True)), float(logs.mean())


@dataclass(frozen=True, kw_only=True, eq=False)
class PriorCorrection(ScoreCorrection):
    """Takes off each score what the item scores when nothing is known of the user.

    s'(u, i) = s(u, i) - weight · s(nobody, i)

    Contextual calibration, Zhao, Wallace, Feng, Klein and Singh, "Calibrate Before Use", ICML
    2021, section 5: with log-probabilities and weight 1, their W = diag(p_cf)^-1 and b = 0. Theirs
    averages several content-free inputs; here there is one, a request without a history, a
    profile and a topic. It costs one more question for each different set of candidates. Not to
    be put on `CatalogueLikelihood(variant="prior_corrected")`, which has done the same already.

    Attributes:
        empty_instruction: The words of the request of somebody about whom nothing is known; not
            used where the request itself has no words.
    """

    name: ClassVar[str] = "prior_correction"

    empty_instruction: str = "Please recommend something to me."

    def expand(self, request: Request) -> list[Request]:
        """Return the request, and that of nobody: equal for all requests of these candidates."""
        (asked,) = super().expand(request)
        candidates = request.candidates
        nobody = Request(
            k=asked.k,
            instruction=self.empty_instruction if request.instruction else "",
            system=request.system,
            candidates=None if candidates is None else tuple(sorted(candidates)),
        )
        return [asked, nobody]

    def combine_scores(
        self, request: Request, items: Sequence[str], scores: Sequence[Scores]
    ) -> Scores:
        """Return the scores less `weight` times those of nobody."""
        return scores[0] - self.weight * scores[1]
