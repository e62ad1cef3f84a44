"""Stella: what a model's bias for places is known to be, taken out of its answers by Bayes' rule.

A probing stage places an item that is known to be right at every place of the list and counts
which place the model then names first: a transition matrix. At recommendation, the place that
it names first is evidence of where the right item stands, the stronger the less biased the
places are. Ma, Cheng, Zhu and Xiong, "Large Language Models are Not Stable Recommender Systems",
arXiv 2312.15746, 2023 (STELLA).

Theirs names one item. Here the following places are filled in the same way from what is left, so
that the answer is a list; the first place is chosen as by them. The prior is even.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fairrec.catalogs import Catalog
from fairrec.errors import BadData, WrongUse
from fairrec.mitigations.mitigation import Mitigation
from fairrec.mitigations.prompting.order_bootstrap import different_orders, merged
from fairrec.mitigations.prompting.position_posterior import (
    Table,
    ranked_by_posterior,
    transition_matrix,
)
from fairrec.mitigations.rank_aggregation import mean_ranks
from fairrec.prompts.shown_titles import check_distinct, reordered
from fairrec.seeds import generator
from fairrec.types import Outcome, Ranking, Request

if TYPE_CHECKING:
    from fairrec.protocols import Recommender


@dataclass(frozen=True, kw_only=True, eq=False)
class StellaCalibration(Mitigation):
    """Asks in several orders and ranks by the posterior of being the right item.

    `fit` on requests whose right item is known returns one with transition counts. It fits
    requests with as many candidates as those had; a request without candidates is asked as it
    is. The orders are those of `OrderBootstrap`, so the answer does not depend on the order in
    which the request has its candidates. Candidates of equal posterior stand by mean rank over
    the answers, then by id: where the transitions say nothing, the answer is OrderBootstrap's,
    less what is no candidate.

    Attributes:
        catalog: The items, for the titles in the words; None where the words show ids.
        orders: Different orders to ask in; at least 1.
        smoothing: Pseudo-observations added to each row of the transition matrix, evenly over
            its places (a Dirichlet prior of smoothing / c each); above 0.
        minimum_confidence: From 0 to 1. Where the posterior is less sure of the first place
            (see `confidence_of` in `fairrec.mitigations.prompting.position_posterior`), the
            answers are merged by mean rank instead.
        seed: Run seed of the orders.
        counts: Shape (c, c): how often the place of the column was named first when the right
            item stood at the place of the row. Empty before `fit`.

    Raises:
        WrongUse: A setting is out of range. From `expand`: there are no counts yet, the request
            has another number of candidates, or the words do not show them.
    """

    name: ClassVar[str] = "stella"

    catalog: Catalog | None = None
    orders: int = 3
    smoothing: float = 1.0
    minimum_confidence: float = 0.0
    seed: int = 0
    counts: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        if self.orders < 1:
            raise WrongUse(f"stella has {self.orders} orders.", expected="at least 1.")
        if not 0 < self.smoothing < np.inf:
            raise WrongUse(f"the smoothing is {self.smoothing}.", expected="a number above 0.")
        if not 0 <= self.minimum_confidence <= 1:
            raise WrongUse(
                f"the minimum confidence is {self.minimum_confidence}.", expected="from 0 to 1."
            )
        if any(len(row) != len(self.counts) for row in self.counts):
            raise WrongUse("the counts of stella are not square.", expected="places by places.")

    @property
    def transitions(self) -> Table:
        """Probability of naming each place (columns) by the place of the right item (rows)."""
        return transition_matrix(self.counts, self.smoothing)

    def probes(
        self, requests: Sequence[Request], truths: Sequence[str], places: int | None = None
    ) -> tuple[list[Request], list[str]]:
        """Return what to ask for the transitions, and the right item of each.

        Args:
            requests: All with equally many candidates, at least 2.
            truths: The candidate of each that is right.
            places: Places to put each right item at, in turn, so that all places are probed
                alike; None for all of them.

        Raises:
            BadData: A right item is no candidate, or the numbers of candidates differ.
        """
        sizes = {len(request.candidates or ()) for request in requests}
        if len(sizes) != 1 or min(sizes) < 2:
            raise BadData(
                f"the probing requests have {sorted(sizes)} candidates.",
                expected="one and the same number, at least 2, in all.",
                do="cut the candidates to one number.",
            )
        (size,) = sizes
        each = size if places is None else max(1, min(places, size))
        asked, right = [], []
        for number, (request, truth) in enumerate(zip(requests, truths, strict=True)):
            items = check_distinct(request)
            if truth not in items:
                raise BadData(
                    f"the right item {truth!r} of probing request {number} is no candidate.",
                    expected="one of its candidates.",
                )
            rng = generator(self.seed, self.name, truth, *items)
            others = [item for item in items if item != truth]
            others = [others[place] for place in rng.permutation(len(others))]
            for turn in range(each):
                place = (number * each + turn) % size
                order = (*others[:place], truth, *others[place:])
                asked.append(reordered(request, order, self.catalog))
                right.append(truth)
        return asked, right

    def learnt(
        self, probes: Sequence[Request], truths: Sequence[str], answers: Sequence[Ranking]
    ) -> StellaCalibration:
        """Return this mitigation with the counts of answers to probes.

        An answer that is not ANSWERED, or names none of the candidates, counts nowhere.

        Raises:
            BadData: No answer counts.
        """
        size = max((len(probe.candidates or ()) for probe in probes), default=0)
        counts = np.zeros((size, size), dtype=np.int64)
        for probe, truth, answer in zip(probes, truths, answers, strict=True):
            shown = probe.candidates or ()
            named = _among(answer.items, shown) if answer.outcome is Outcome.ANSWERED else []
            if named:
                counts[shown.index(truth), named[0]] += 1
        if not counts.any():
            raise BadData(
                f"none of the {len(answers)} probing answers names a candidate.",
                expected="answers that name candidates.",
                do="look at the answers: the words may not show the candidates.",
            )
        return replace(self, counts=tuple(map(tuple, counts.tolist())))

    def fit(
        self,
        recommender: Recommender,
        requests: Sequence[Request],
        truths: Sequence[str],
        places: int | None = None,
    ) -> StellaCalibration:
        """Ask what `probes` says and return what is `learnt` of it."""
        asked, right = self.probes(requests, truths, places)
        return self.learnt(asked, right, recommender.recommend(asked))

    def expand(self, request: Request) -> list[Request]:
        """Return the request with its candidates in each order."""
        if request.candidates is None:
            return [request]
        return [reordered(request, order, self.catalog) for order in self._orders(request)]

    def combine(
        self,
        requests: Sequence[Request],
        answers: Sequence[Sequence[Ranking]],
        state: Any = None,
    ) -> list[Ranking]:
        """Return one ranking per request, by posterior.

        Its scores are missing: a posterior of one place cannot be compared with that of the
        next. Answers that are not ANSWERED are left out; where none is, the first is the answer.
        """
        return [
            self._ranked(request, rankings)
            for request, rankings in zip(requests, answers, strict=True)
        ]

    def _orders(self, request: Request) -> list[tuple[str, ...]]:
        items = check_distinct(request)
        if len(items) != len(self.counts):
            learnt = f"from {len(self.counts)} candidates" if self.counts else "nowhere yet"
            raise WrongUse(
                f"a request has {len(items)} candidates; stella's transitions are {learnt}.",
                expected="as many candidates as in the probing stage.",
                do="use what fit() returns for requests like these.",
            )
        return different_orders(items, self.orders, self.seed)

    def _ranked(self, request: Request, rankings: Sequence[Ranking]) -> Ranking:
        fallback = merged(request, rankings, self.name)
        answered = [ranking.outcome is Outcome.ANSWERED for ranking in rankings]
        if request.candidates is None or not any(answered):
            return fallback
        orders = [o for o, there in zip(self._orders(request), answered, strict=True) if there]
        lists = [ranking.items for ranking, there in zip(rankings, answered, strict=True) if there]
        items = sorted(request.candidates)
        places = np.array([[order.index(item) for item in items] for order in orders])
        named = [_among(ranked, items) for ranked in lists]
        if not any(named):
            return fallback
        means = mean_ranks([[items[n] for n in some] for some in named], items)
        chosen, confidence = ranked_by_posterior(
            self.transitions, places, named, [means[item] for item in items], request.k
        )
        if confidence < self.minimum_confidence:
            return fallback
        best = tuple(items[number] for number in chosen)
        return replace(
            fallback,
            items=best,
            scores=None,
            embedding=None,
            matches=tuple(m for m in fallback.matches if m.item_id is None or m.item_id in best),
        )


def _among(items: Iterable[str], candidates: Sequence[str]) -> list[int]:
    """Return the numbers of those items that are candidates."""
    number = {item: n for n, item in enumerate(candidates)}
    return [number[item] for item in items if item in number]
