"""Shows a language model the candidates and reads its order of them.

Yupeng Hou et al., "Large Language Models are Zero-Shot Rankers for Recommender Systems" (LLMRank),
ECIR 2024; Weiwei Sun et al., "Is ChatGPT Good at Search?" (RankGPT), EMNLP 2023, for the
permutation as answer and for sliding windows.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.prompts.shown_titles import Span, find_titles, titles_of, with_titles
from fairrec.protocols import Generation, GenerationParameters, LanguageModel, Prompt
from fairrec.recommenders.answers.cleaning import valid_text
from fairrec.recommenders.answers.orders import LABELS, Labels, label_of, read_order
from fairrec.recommenders.fitting import fit_histories
from fairrec.recommenders.generations import described, generate_seeded, used, withheld
from fairrec.recommenders.pointwise import one_line
from fairrec.recommenders.score_ranking import candidates_of
from fairrec.types import Outcome, Ranking, Request

TASKS: Mapping[Labels, str] = {
    "numbers": "Rank these {n} candidates by how much I would like them, best first. Answer with "
    "their numbers only, in the form [2] > [1].",
    "letters": "Rank these {n} candidates by how much I would like them, best first. Answer with "
    "their letters only, in the form [B] > [A].",
    "titles": "Rank these {n} candidates by how much I would like them, best first. Answer with "
    "their titles only, one a line.",
}
"""What the model is told to do, by how candidates are labelled."""


class ListwiseRanking:
    """A language model that orders candidates, all at once or through a sliding window.

    The request's words come first, then the task, then the candidates; where the words list the
    candidates already, they get their labels there and are not shown twice. A sensitive attribute
    enters through the words alone.

    Candidates that an answer leaves out follow in the order in which they were shown, whoever
    asks, and the ranking's detail counts them; an answer that names none is no answer. With a
    window, the last `window` candidates are ranked first, then the window moves up by `stride`
    (RankGPT, section 3.2), so that the best can rise from the end to the top.

    Args:
        model: What writes the order.
        catalog: The items.
        labels: What stands before each candidate and is asked for: "numbers", "letters" or
            nothing but its title.
        window: Candidates that are shown at once, at least 2; None shows all.
        stride: How far the window moves, 1 to `window`; half of it by default.
        task: What the model is told to do; ``{n}`` is the number of candidates.
        parameters: How text is generated; 16 tokens a candidate shown by default.
        prefill: Start of the model's reply.

    Raises:
        WrongUse: A setting is out of range. From `recommend`: a request has no candidates.
    """

    def __init__(
        self,
        model: LanguageModel,
        catalog: Catalog,
        *,
        labels: Labels = "numbers",
        window: int | None = None,
        stride: int | None = None,
        task: str | None = None,
        parameters: GenerationParameters | None = None,
        prefill: str = "",
    ) -> None:
        if labels not in LABELS:
            raise WrongUse(f"labels are {labels!r}.", expected=f"one of {', '.join(LABELS)}.")
        if window is not None and window < 2:
            raise WrongUse(f"a window of {window} candidates.", expected="at least 2.")
        if stride is not None and not 1 <= stride <= (window or 0):
            raise WrongUse(
                f"a stride of {stride} with a window of {window}.",
                expected="1 to the size of the window: what it jumped over would not be ranked.",
            )
        self.model = model
        self.catalog = catalog
        self.labels: Labels = labels
        self.window = window
        self.stride = stride if stride is not None else max(1, (window or 2) // 2)
        self.task = task or TASKS[labels]
        self.parameters = parameters or GenerationParameters(max_new_tokens=16 * (window or 20))
        self.prefill = prefill

    @property
    def description(self) -> Mapping[str, Any]:
        """See `fairrec.protocols.Recommender`."""
        return {
            "recommender": "listwise ranking",
            "version": 1,
            "model": dict(self.model.description),
            "catalog": self.catalog.content_hash,
            "labels": self.labels,
            "window": self.window,
            "stride": self.stride,
            "task": self.task,
            "parameters": described(self.parameters),
            "prefill": self.prefill,
        }

    def request_text(self, request: Request) -> str:
        """Return what of the request reaches the model, but for the candidates."""
        return json.dumps([request.system, request.instruction], ensure_ascii=False)

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        """Rank each request's candidates and return the first k."""
        for request in requests:
            _check_candidates(request, self.catalog)
        fitted = fit_histories(
            self.model, self.catalog, requests, self._longest, self.parameters.max_new_tokens
        )
        runs = [_Run(one.request, list(one.request.candidates or ()), one.note) for one in fitted]
        asked = [run for run, one in zip(runs, fitted, strict=True) if one.fits]
        steps = max((len(self._starts(len(run.order))) for run in asked), default=0)
        for step in range(steps):
            going = [run for run in asked if step < len(self._starts(len(run.order)))]
            self._step(going, step)
        return [
            run.ranking() if one.fits else Ranking(outcome=Outcome.ERROR, detail=one.note)
            for run, one in zip(runs, fitted, strict=True)
        ]

    def prompt(self, request: Request, shown: Sequence[str]) -> Prompt:
        """Return what the model is asked to rank these items."""
        titles = [one_line(self.catalog.title(item)) for item in shown]
        labels = [label_of(place, self.labels) for place in range(len(titles))]
        lines = [
            f"[{label}] {title}" if label else title
            for label, title in zip(labels, titles, strict=True)
        ]
        task = self.task.replace("{n}", str(len(shown)))
        if listed := self._listed(request):
            words = with_titles(request.instruction, listed, lines)
            return Prompt(f"{words}\n\n{task}", request.system, self.prefill)
        words = "\n".join([f"{request.instruction}\n\n{task}", *lines])
        return Prompt(words, request.system, self.prefill)

    def _listed(self, request: Request) -> list[Span]:
        """Return where the words list all candidates in their order; empty where they do not.

        Raises:
            WrongUse: They do, and a window would show some of them again.
        """
        titles = titles_of(request.candidates or (), self.catalog)
        found = find_titles(request.instruction, titles)
        if len(found) != 1 or len(titles) < 2:
            return []
        if self.window is not None and self.window < len(titles):
            raise WrongUse(
                f"the words list all {len(titles)} candidates, and a window shows {self.window}.",
                expected="words without candidates, since the window shows them.",
                do="use a template without {candidates}, such as movie_profile.",
            )
        return found[0]

    def _longest(self, request: Request) -> list[Prompt]:
        items = request.candidates or ()
        if self.window is None:
            return [self.prompt(request, items)]
        longest = sorted(items, key=lambda item: -len(self.catalog.title(item)))
        return [self.prompt(request, longest[: self.window])]

    def _starts(self, n: int) -> list[int]:
        """Where the window stands, from the end to the start."""
        if self.window is None or self.window >= n:
            return [0]
        starts = list(range(n - self.window, 0, -self.stride))
        return [*starts, 0]

    def _step(self, runs: Sequence[_Run], step: int) -> None:
        parts = []
        for run in runs:
            start = self._starts(len(run.order))[step]
            size = self.window or len(run.order)
            parts.append((start, run.order[start : start + size]))
        prompts = [
            self.prompt(run.request, shown) for run, (_, shown) in zip(runs, parts, strict=True)
        ]
        requests = [run.request for run in runs]
        written = generate_seeded(self.model, prompts, requests, self.parameters, "listwise")
        for run, (start, shown), generation in zip(runs, parts, written, strict=True):
            titles = [one_line(self.catalog.title(item)) for item in shown]
            run.take(start, shown, titles, generation, self.prefill, self.labels)


@dataclass
class _Run:
    """One request on its way: the order so far and what was seen of the answers."""

    request: Request
    order: list[str]
    note: str = ""
    texts: list[str] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    why: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    generations: list[Generation] = field(default_factory=list)

    def take(
        self,
        start: int,
        shown: Sequence[str],
        titles: Sequence[str],
        generation: Generation,
        prefill: str,
        labels: Labels,
    ) -> None:
        """Put the candidates that were shown into the order of an answer."""
        text = valid_text(generation.text)
        self.texts.append(text)
        self.generations.append(generation)
        answer = read_order(prefill + text if text.strip() else text, titles, labels)
        outcome, why = answer.outcome, answer.detail
        if failed := withheld(generation):
            outcome, why = failed
        elif generation.finish == "length" and not answer.places:
            outcome, why = Outcome.TRUNCATED, "cut at the token limit"
        self.outcomes.append(outcome)
        self.why = self.why or why
        if outcome is not Outcome.ANSWERED:
            return
        left = [place for place in range(len(shown)) if place not in answer.places]
        self.order[start : start + len(shown)] = [shown[i] for i in (*answer.places, *left)]
        self.counts["were not ranked and follow in the order shown"] += len(left)
        self.counts["were named again"] += answer.repeated
        self.counts["that were named are no candidates"] += answer.unknown

    def ranking(self) -> Ranking:
        """Return the first k of the order, or what became of the request."""
        usage = used(*self.generations)
        text = "\n\n".join(self.texts)
        failed = [outcome for outcome in self.outcomes if outcome is not Outcome.ANSWERED]
        details = [self.note, *(f"{n} {what}" for what, n in self.counts.items() if n)]
        # A window at which the back-end failed may be ranked next time: the list waits for it.
        broken = Outcome.ERROR in failed
        if broken or len(failed) == len(self.outcomes):
            detail = "; ".join(part for part in (self.note, self.why) if part)
            return Ranking(
                outcome=Outcome.ERROR if broken else failed[0],
                text=text,
                detail=detail,
                usage=usage,
            )
        if failed:
            details.append(f"{len(failed)} of {len(self.outcomes)} windows were not ranked")
        detail = "; ".join(part for part in details if part)
        items = tuple(self.order[: self.request.k])
        return Ranking(items, text=text, detail=detail, usage=usage)


def _check_candidates(request: Request, catalog: Catalog) -> None:
    if request.candidates is None:
        raise WrongUse(
            "a request has no candidates to rank.",
            expected="request.candidates: the items to choose from.",
            do="give users a candidate pool, or put a recommender before this one "
            "(FilterThenRerank).",
        )
    candidates_of(replace(request, history=()), catalog)
