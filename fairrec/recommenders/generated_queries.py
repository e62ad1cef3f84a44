"""A language model writes search queries; BM25 finds the items.

Jinming Li, Wentao Zhang, Tian Wang, Guanglei Xiong, Alan Lu and Gerard Medioni, "GPT4Rec: A
Generative Framework for Personalized Recommendation and User Interests Interpretation", 2023.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any

import numpy as np

from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.protocols import Generation, GenerationParameters, LanguageModel, Prompt
from fairrec.recommenders.answers.cleaning import valid_text
from fairrec.recommenders.answers.parsing import parse_titles
from fairrec.recommenders.fitting import write_fitted
from fairrec.recommenders.generations import described, generate_seeded, used, withheld
from fairrec.recommenders.retrieval import TextSearch, item_texts
from fairrec.recommenders.score_ranking import candidates_of
from fairrec.types import Outcome, Ranking, Request

TASK = (
    "Write {n} different short search queries for what I would like next, one a line, with no "
    "extra information."
)


class GeneratedQueries:
    """A search engine that a language model asks for the user.

    The queries take turns: first the best hit of each, then the second of each, as GPT4Rec takes
    k / n of each. What no query finds is not recommended, so a list may be shorter than k. A
    sensitive attribute enters through the request's words and so through the queries, which are
    the ranking's text.

    Args:
        model: What writes the queries.
        catalog: The items.
        columns: Text columns that are searched beside the title, such as ``("genres",)``.
        queries: How many are asked for, and used at most.
        task: Follows the request's words; ``{n}`` is the number of queries.
        parameters: How text is generated.

    Raises:
        WrongUse: The catalogue lacks a column, or there is no query to write.
        ModelUnavailable: bm25s is not installed.
    """

    def __init__(
        self,
        model: LanguageModel,
        catalog: Catalog,
        *,
        columns: Sequence[str] = (),
        queries: int = 5,
        task: str = TASK,
        parameters: GenerationParameters | None = None,
    ) -> None:
        if queries < 1:
            raise WrongUse(f"{queries} queries.", expected="at least 1.")
        self.model = model
        self.catalog = catalog
        self.columns = tuple(columns)
        self.queries = queries
        self.task = task
        self.parameters = parameters or GenerationParameters(max_new_tokens=20 * queries)
        self._search = TextSearch(item_texts(catalog, self.columns))

    @property
    def description(self) -> Mapping[str, Any]:
        """See `fairrec.protocols.Recommender`."""
        return {
            "recommender": "generated queries",
            "version": 1,
            "model": dict(self.model.description),
            "catalog": self.catalog.content_hash,
            "columns": list(self.columns),
            "queries": self.queries,
            "task": self.task,
            "parameters": described(self.parameters),
        }

    def request_text(self, request: Request) -> str:
        """Return what of the request decides the list: the words, and what was seen."""
        told = [request.system, request.instruction, list(request.history)]
        return json.dumps(told, ensure_ascii=False)

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        """Write queries for each request and search for them among its candidates."""
        pools = [candidates_of(request, self.catalog) for request in requests]
        written = write_fitted(
            self.model,
            self.catalog,
            requests,
            self._prompt,
            self.parameters.max_new_tokens,
            lambda prompts, asked: generate_seeded(
                self.model, prompts, asked, self.parameters, "queries"
            ),
        )
        return [
            self._ranking(generation, request.k, pool, note)
            for (generation, note), request, pool in zip(written, requests, pools, strict=True)
        ]

    def _ranking(self, generation: Generation, k: int, pool: Sequence[str], note: str) -> Ranking:
        text, usage = valid_text(generation.text), used(generation)
        if failed := withheld(generation):
            return Ranking(outcome=failed[0], text=text, detail=failed[1], usage=usage)
        parsed = parse_titles(text, self.queries)
        found = self._found(parsed.titles[: self.queries], pool)[:k]
        if found:
            return Ranking(found, text=text, detail=note, usage=usage)
        if parsed.outcome is Outcome.ANSWERED:
            detail = "no query found an item"
            return Ranking(outcome=Outcome.EMPTY, text=text, detail=detail, usage=usage)
        return Ranking(outcome=parsed.outcome, text=text, detail=parsed.detail, usage=usage)

    def _prompt(self, request: Request) -> Prompt:
        task = self.task.replace("{n}", str(self.queries))
        return Prompt(f"{request.instruction}\n\n{task}", request.system)

    def _found(self, queries: Sequence[str], pool: Sequence[str]) -> tuple[str, ...]:
        rows = np.array([self.catalog.index(item) for item in pool])
        hits = []
        for query in queries:
            scores = self._search.scores(query)[rows]
            best = np.argsort(-scores, kind="stable")
            hits.append([pool[place] for place in best if scores[place] > 0])
        turns = chain.from_iterable(zip_longest(*hits))
        return tuple(dict.fromkeys(item for item in turns if item is not None))
