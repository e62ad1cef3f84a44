"""A language model that recommends by writing a list of titles."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fairrec.catalogs import Catalog, TitleMatcher
from fairrec.protocols import Generation, GenerationParameters, LanguageModel, Prompt
from fairrec.recommenders.answers.cleaning import valid_text
from fairrec.recommenders.answers.parsing import parse_titles
from fairrec.recommenders.answers.title_ranking import rank_titles
from fairrec.recommenders.fitting import noted, write_fitted
from fairrec.recommenders.generations import described, used, withheld
from fairrec.seeds import derive_seed, generator
from fairrec.types import Outcome, Ranking, Request

VERSION = 1
"""Raised when the same generation would be read differently."""

_EXAMPLE_TITLES = 3


class OpenGeneration:
    """Asks a language model in one chat turn and reads the titles out of its answer.

    The model chooses freely: a request's `candidates` do not reach it. Titles are matched to
    the catalogue; a title outside it, or one that fits several items, keeps its place in the
    list under its `off_catalogue_id`, so that two lists of unknown films can still be compared.

    Where the words are longer than the model can read, the oldest titles of the history go, and
    the ranking's detail says how many.

    An answer cut at the token limit keeps its whole titles (the last one, if the cut may have
    hit it, goes, and the ranking's detail says so); without any it is TRUNCATED. An answer the
    back-end filtered is FILTERED, whatever it holds.

    Args:
        model: What generates the text.
        catalog: Items that can be recommended.
        matcher: Finds the item a title names; a `TitleMatcher` of the catalogue by default.
        parameters: How text is generated. Its seed is the run's: each request is sampled with
            a seed derived from it, the request's text and its replicate, so that neither order
            nor batch matters.
        one_shot: Whether to show the form of an answer after the instruction, with the titles
            of three catalogue items (the same for every request; weak models may copy them).
        prefill: Start of the model's own reply, such as ``"1. "``.
    """

    def __init__(
        self,
        model: LanguageModel,
        catalog: Catalog,
        *,
        matcher: TitleMatcher | None = None,
        parameters: GenerationParameters | None = None,
        one_shot: bool = False,
        prefill: str = "",
    ) -> None:
        self.model = model
        self.catalog = catalog
        self.matcher = TitleMatcher(catalog) if matcher is None else matcher
        self.parameters = GenerationParameters() if parameters is None else parameters
        self.prefill = prefill
        self.example = _example(catalog, self.parameters.seed) if one_shot else ""

    @property
    def description(self) -> Mapping[str, Any]:
        """Everything that changes an answer; the seed only counts when text is sampled."""
        return {
            "recommender": "open generation",
            "version": VERSION,
            "model": dict(self.model.description),
            "parameters": described(self.parameters),
            "catalog": self.catalog.content_hash,
            "matcher": dict(self.matcher.description),
            "example": self.example,
            "prefill": self.prefill,
        }

    def request_text(self, request: Request) -> str:
        """Return all that reaches the model: system turn, user turn and prefill, as JSON."""
        prompt = self._prompt(request)
        return json.dumps([prompt.system, prompt.user, prompt.prefill], ensure_ascii=False)

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        """Answer every request with the titles that the model writes, in its order."""
        written = write_fitted(
            self.model,
            self.catalog,
            requests,
            self._prompt,
            self.parameters.max_new_tokens,
            self._write,
        )
        return [
            noted(self._read(generation, request.k), note)
            for (generation, note), request in zip(written, requests, strict=True)
        ]

    def _write(self, prompts: list[Prompt], requests: list[Request]) -> list[Generation]:
        if not prompts:
            return []
        seeds = [
            derive_seed(
                self.parameters.seed, "sample", self.request_text(request), str(request.replicate)
            )
            for request in requests
        ]
        sampled = self.parameters.temperature > 0
        return self.model.generate(prompts, self.parameters, seeds if sampled else None)

    def _prompt(self, request: Request) -> Prompt:
        return Prompt(request.instruction + self.example, request.system, self.prefill)

    def _read(self, generation: Generation, k: int) -> Ranking:
        text = valid_text(generation.text)
        usage = used(generation)
        if failed := withheld(generation):
            return Ranking(outcome=failed[0], text=text, detail=failed[1], usage=usage)
        parsed = parse_titles(self.prefill + generation.text if text.strip() else text, k)
        titles, outcome, detail = parsed.titles, parsed.outcome, parsed.detail
        if generation.finish == "length":
            titles, detail = _whole_titles(titles, generation.text)
            if not titles and outcome is not Outcome.REFUSED:
                outcome = Outcome.TRUNCATED
        items, matches = rank_titles(titles, self.matcher, k)
        return Ranking(items, outcome, matches=matches, text=text, detail=detail, usage=usage)


def _whole_titles(titles: tuple[str, ...], text: str) -> tuple[tuple[str, ...], str]:
    """Leave out a last title that the end of the text may have cut."""
    end = " ".join(text[-1000:].split())
    if titles and not text.endswith("\n") and end.endswith(titles[-1]):
        return titles[:-1], "cut at the token limit; the last title, perhaps cut, is left out"
    return titles, "cut at the token limit"


def _example(catalog: Catalog, seed: int) -> str:
    n = min(_EXAMPLE_TITLES, len(catalog))
    rows = generator(seed, "one-shot example").choice(len(catalog), n, replace=False)
    lines = [f"{rank}. {catalog.titles[row]}" for rank, row in enumerate(rows, start=1)]
    return "\n\nWrite one title a line, in this form:\n" + "\n".join(lines)
