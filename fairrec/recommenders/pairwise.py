"""Asks a language model which of two candidates the user would prefer, again and again.

Sunhao Dai et al., "Uncovering ChatGPT's Capabilities in Recommender Systems", RecSys 2023, for
pairwise recommendation; Zhen Qin et al., "Large Language Models are Effective Text Rankers with
Pairwise Ranking Prompting", 2023, for asking in both orders.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from fairrec.catalogs import Catalog
from fairrec.errors import BackendFailed, WrongUse
from fairrec.protocols import GenerationParameters, LanguageModel, Prompt, ScoresChoices
from fairrec.recommenders.fitting import Fitted, fit_histories
from fairrec.recommenders.generations import described, generate_seeded, texts_of
from fairrec.recommenders.pairwise_schedules import SCHEDULES, Pair, Schedule
from fairrec.recommenders.pointwise import one_line
from fairrec.recommenders.score_ranking import candidates_of
from fairrec.types import Outcome, Ranking, Request

QUESTION = "Which of these two would I like more? Answer with A or B only.\n[A] {a}\n[B] {b}"

_LETTER = re.compile(r"\W*(?:(?:the|my|option|answer|choice|is)\W+)*([AB])\b", re.IGNORECASE)


class PairwiseRanking:
    """A language model that compares candidates two at a time.

    A sensitive attribute enters through the request's words alone.

    A model that scores choices is asked how probable A is against B; another writes its answer,
    and one that names neither counts as a draw and is counted in the ranking's detail, beside the
    pairs and calls. A request of which no answer could be read has no list, and neither has one at
    which the back-end failed, however often.

    Args:
        model: What compares.
        catalog: The items.
        schedule: "all_pairs", "sorting_network" or "swiss"; see
            `fairrec.recommenders.pairwise_schedules` for how many pairs each compares.
        both_orders: Whether each pair is asked twice, either title first: models prefer a place.
        question: Follows the request's words; ``{a}`` and ``{b}`` are the titles.
        written: Whether the model writes its answer even if it could score choices.
        parameters: How text is generated.

    Raises:
        WrongUse: The schedule is unknown or the question lacks a title. From `recommend`: see
            `fairrec.recommenders.score_ranking.candidates_of`.
    """

    def __init__(
        self,
        model: LanguageModel,
        catalog: Catalog,
        *,
        schedule: Literal["all_pairs", "sorting_network", "swiss"] = "sorting_network",
        both_orders: bool = True,
        question: str = QUESTION,
        written: bool = False,
        parameters: GenerationParameters | None = None,
    ) -> None:
        if schedule not in SCHEDULES:
            raise WrongUse(
                f"the schedule {schedule!r} is unknown.", expected=f"one of {', '.join(SCHEDULES)}."
            )
        if "{a}" not in question or "{b}" not in question:
            raise WrongUse(f"the question {question!r}.", expected="{a} and {b} for the titles.")
        self.model = model
        self.catalog = catalog
        self.schedule = schedule
        self.both_orders = both_orders
        self.question = question
        self.written = written or not isinstance(model, ScoresChoices)
        self.parameters = parameters or GenerationParameters(max_new_tokens=16)

    @property
    def description(self) -> Mapping[str, Any]:
        """See `fairrec.protocols.Recommender`."""
        told = {
            "recommender": "pairwise ranking",
            "version": 1,
            "model": dict(self.model.description),
            "catalog": self.catalog.content_hash,
            "schedule": self.schedule,
            "both_orders": self.both_orders,
            "question": self.question,
            "written": self.written,
        }
        if self.written:
            told["parameters"] = described(self.parameters)
        return told

    def request_text(self, request: Request) -> str:
        """Return what of the request reaches the model, but for the candidates."""
        return json.dumps([request.system, request.instruction], ensure_ascii=False)

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        """Rank each request's candidates by comparisons and return the first k."""
        pools = [candidates_of(request, self.catalog) for request in requests]
        asked = [replace(r, candidates=pool) for r, pool in zip(requests, pools, strict=True)]
        fitted = fit_histories(
            self.model, self.catalog, asked, self._longest, self.parameters.max_new_tokens
        )
        return [self._tournament(one) for one in fitted]

    def _tournament(self, one: Fitted) -> Ranking:
        if not one.fits:
            return Ranking(outcome=Outcome.ERROR, detail=one.note)
        tournament = _Tournament(SCHEDULES[self.schedule](len(one.request.candidates or ())))
        try:
            while tournament.pairs:
                tournament.tell(self.compare(one.request, tournament.pairs))
        except BackendFailed as failure:
            return Ranking(outcome=Outcome.ERROR, detail=failure.seen)
        return self._ranking(one.request, tournament, one.note)

    def compare(self, request: Request, pairs: Sequence[Pair]) -> NDArray[np.float64]:
        """Return for each pair of places among the candidates how probable it is, in [0, 1], that
        the first is preferred; NaN where no answer could be read."""
        turned = [(b, a) for a, b in pairs] if self.both_orders else []
        prompts = [self.prompt(request, pair) for pair in [*pairs, *turned]]
        if self.written:
            first = self._read(prompts, request)
        else:
            logprobs = self.model.choice_logprobs(prompts, ["A", "B"])  # type: ignore[attr-defined]
            first = expit(logprobs[:, 0] - logprobs[:, 1])
        if not self.both_orders:
            return first
        asked = np.stack([first[: len(pairs)], 1 - first[len(pairs) :]])
        known = ~np.isnan(asked)
        sums = np.where(known, asked, 0.0).sum(0)
        counts = known.sum(0)
        return np.divide(sums, counts, out=np.full(len(pairs), np.nan), where=counts > 0)

    def prompt(self, request: Request, pair: Pair) -> Prompt:
        """Return the comparison of two candidates, the first of them as A."""
        items = request.candidates or ()
        a, b = (one_line(self.catalog.title(items[place])) for place in pair)
        # One pass, so that a title that holds "{b}" is left alone.
        titles = {"{a}": a, "{b}": b}
        question = re.sub(r"\{[ab]\}", lambda match: titles[match[0]], self.question)
        return Prompt(f"{request.instruction}\n\n{question}", request.system)

    def _longest(self, request: Request) -> list[Prompt]:
        titles = [self.catalog.title(item) for item in request.candidates or ()]
        order = sorted(range(len(titles)), key=lambda place: -len(titles[place]))
        return [self.prompt(request, (order[0], order[min(1, len(order) - 1)]))]

    def _read(self, prompts: Sequence[Prompt], request: Request) -> NDArray[np.float64]:
        requests = [request] * len(prompts)
        written = generate_seeded(self.model, prompts, requests, self.parameters, "pairwise")
        letters = [_LETTER.match(text) for text in texts_of(written)]
        return np.array(
            [np.nan if match is None else float(match[1].upper() == "A") for match in letters]
        )

    def _ranking(self, request: Request, tournament: _Tournament, note: str) -> Ranking:
        pairs = tournament.compared
        calls = pairs * (2 if self.both_orders else 1)
        told = [note, f"{pairs} pairs in {calls} calls"]
        if tournament.draws:
            told.append(f"{tournament.draws} pairs without a readable answer counted as draws")
        detail = "; ".join(part for part in told if part)
        if pairs and tournament.draws == pairs:
            return Ranking(outcome=Outcome.UNPARSABLE, detail=detail)
        kept = list(tournament.order[: request.k])
        scores = tournament.scores
        return Ranking(
            tuple((request.candidates or ())[place] for place in kept),
            scores=None if scores is None else tuple(scores[kept].tolist()),
            detail=detail,
        )


@dataclass
class _Tournament:
    """A schedule on its way."""

    schedule: Schedule
    pairs: list[Pair] = field(default_factory=list)
    order: Sequence[int] = ()
    scores: NDArray[np.float64] | None = None
    compared: int = 0
    draws: int = 0

    def __post_init__(self) -> None:
        self._go_on(None)

    def tell(self, preferred: NDArray[np.float64]) -> None:
        """Take the results of a round and find the next."""
        self.compared += len(preferred)
        self.draws += int(np.isnan(preferred).sum())
        self._go_on(np.where(np.isnan(preferred), 0.5, preferred).tolist())

    def _go_on(self, results: list[float] | None) -> None:
        try:
            self.pairs = next(self.schedule) if results is None else self.schedule.send(results)
        except StopIteration as end:
            self.pairs = []
            self.order, self.scores = end.value
