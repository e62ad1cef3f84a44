"""A language model writes features or rows; a conventional model consumes them.

Qijiong Liu et al., GENRE, WSDM 2024 (news summaries, user profiles, synthetic clicks); Li et al.,
"TagGPT", 2023 (tags of items); Borisov et al., "Language Models are Realistic Tabular Data
Generators" (GReaT), ICLR 2023 (rows).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.catalogs import Catalog, TitleMatcher
from fairrec.errors import BackendFailed, WrongUse
from fairrec.protocols import (
    EmbedsTexts,
    Generation,
    GenerationParameters,
    LanguageModel,
    Prompt,
    Recommender,
)
from fairrec.recommenders.answers.parsing import parse_titles
from fairrec.recommenders.feature_encoder import unit_rows
from fairrec.recommenders.fitting import write_fitted
from fairrec.recommenders.generations import texts_of, withheld
from fairrec.recommenders.pointwise import one_line
from fairrec.recommenders.retrieval import TextSearch
from fairrec.recommenders.score_ranking import best, candidates_of
from fairrec.recommenders.written_texts import WrittenTexts
from fairrec.types import Outcome, Ranking, Request

ITEM_TASK = 'Write five short tags for "{title}", separated by commas, with no extra information.'
USER_TASK = "Describe my taste in one sentence, naming genres and themes."
ROWS_TASK = "Write {n} other titles that I have probably liked too, one a line."


class GeneratedFeatures:
    """Item descriptions and user profiles that a language model writes, compared by their words.

    A stated attribute enters through the generated profile of the user, whose text is the
    ranking's; items are described without any user.

    Args:
        model: What writes; each text is written once and kept.
        catalog: The items.
        encoder: Compares texts by the cosine of their vectors; None compares their words (BM25).
        item_task: What is asked about each item, with ``{title}``; None takes titles as they are.
        user_task: Follows the request's words.
        parameters: How text is generated.
        cache: JSON file to keep texts in.

    Raises:
        WrongUse: The item task does not name the title.
    """

    score_kind = "similarity"

    def __init__(
        self,
        model: LanguageModel,
        catalog: Catalog,
        *,
        encoder: EmbedsTexts | None = None,
        item_task: str | None = ITEM_TASK,
        user_task: str = USER_TASK,
        parameters: GenerationParameters | None = None,
        cache: Path | None = None,
    ) -> None:
        if item_task is not None and "{title}" not in item_task:
            raise WrongUse(f"the task {item_task!r}.", expected="{title} where the title goes.")
        self.model = model
        self.catalog = catalog
        self.encoder = encoder
        self.item_task = item_task
        self.user_task = user_task
        self.parameters = parameters or GenerationParameters(max_new_tokens=48)
        self.texts = WrittenTexts(model, self.parameters, cache)
        self._described = lru_cache(maxsize=8)(self._describe)

    @property
    def description(self) -> Mapping[str, Any]:
        """See `fairrec.protocols.Recommender`."""
        return {
            "recommender": "generated features",
            "version": 1,
            **self.texts.description,
            "encoder": "bm25" if self.encoder is None else dict(self.encoder.description),
            "catalog": self.catalog.content_hash,
            "item_task": self.item_task,
            "user_task": self.user_task,
        }

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        """Return the k best candidates, or items that are not in the history."""
        pools = [candidates_of(request, self.catalog) for request in requests]
        return [
            self._ranking(profile, note, pool, request.k)
            for (profile, note), pool, request in zip(
                self.profiles(requests), pools, requests, strict=True
            )
        ]

    def profiles(self, requests: Sequence[Request]) -> list[tuple[Generation, str]]:
        """Return what was written about each user, and what of the words was left out."""
        room = self.parameters.max_new_tokens
        return write_fitted(
            self.model,
            self.catalog,
            requests,
            self._prompt,
            room,
            lambda prompts, _: self.texts.write(prompts),
        )

    def item_texts(self, items: Sequence[str]) -> list[str]:
        """Return each item's title and what was written about it.

        Raises:
            BackendFailed: Nothing could be written about one of them.
        """
        titles = [one_line(self.catalog.title(item)) for item in items]
        if self.item_task is None:
            return titles
        tasks = [self.item_task.replace("{title}", title) for title in titles]
        written = texts_of(self.texts.write([Prompt(task) for task in tasks]))
        return [f"{title}. {text}" for title, text in zip(titles, written, strict=True)]

    def score(self, requests: Sequence[Request], items: Sequence[str]) -> list[NDArray[np.float64]]:
        """Return, per request, one similarity for each of `items`.

        Raises:
            BackendFailed: A profile or a description could not be written.
        """
        texts = texts_of([profile for profile, _ in self.profiles(requests)])
        return [self._similar(text, tuple(items)) for text in texts]

    def _ranking(self, profile: Generation, note: str, pool: tuple[str, ...], k: int) -> Ranking:
        if failed := withheld(profile):
            return Ranking(outcome=failed[0], detail=failed[1])
        if not profile.text:
            return Ranking(outcome=Outcome.EMPTY, detail="the profile is empty")
        try:
            ranking = best(pool, self._similar(profile.text, pool), k)
        except BackendFailed as failure:
            return Ranking(outcome=Outcome.ERROR, text=profile.text, detail=failure.seen)
        return replace(ranking, text=profile.text, detail=note)

    def _similar(self, profile: str, pool: tuple[str, ...]) -> NDArray[np.float64]:
        described = self._described(pool)
        if isinstance(described, TextSearch):
            return described.scores(profile)
        assert self.encoder is not None
        return described @ unit_rows(self.encoder.embed([profile]))[0]

    def _describe(self, pool: tuple[str, ...]) -> TextSearch | NDArray[np.float64]:
        """Return an index of the pool's descriptions, or their vectors."""
        texts = self.item_texts(pool)
        return TextSearch(texts) if self.encoder is None else unit_rows(self.encoder.embed(texts))

    def _prompt(self, request: Request) -> Prompt:
        return Prompt(f"{request.instruction}\n\n{self.user_task}", request.system)


class GeneratedRows:
    """Items that a language model adds to the history before a conventional model reads it.

    A stated attribute enters through the added items; they are in the ranking's text, and its
    detail counts those that are no items of the catalogue.

    Args:
        model: What writes the titles.
        catalog: The items.
        consumer: The conventional model; it sees the longer history.
        rows: Titles to write.
        task: Follows the request's words; ``{n}`` is the number of titles.
        parameters: How text is generated.
        cache: JSON file to keep texts in.

    Raises:
        WrongUse: There is nothing to write.
    """

    def __init__(
        self,
        model: LanguageModel,
        catalog: Catalog,
        consumer: Recommender,
        *,
        rows: int = 5,
        task: str = ROWS_TASK,
        parameters: GenerationParameters | None = None,
        cache: Path | None = None,
    ) -> None:
        if rows < 1:
            raise WrongUse(f"{rows} rows.", expected="at least 1.")
        self.model = model
        self.catalog = catalog
        self.consumer = consumer
        self.rows = rows
        self.task = task
        self.parameters = parameters or GenerationParameters(max_new_tokens=20 * rows)
        self.texts = WrittenTexts(model, self.parameters, cache)
        self._matcher = TitleMatcher(catalog)

    @property
    def description(self) -> Mapping[str, Any]:
        """See `fairrec.protocols.Recommender`."""
        return {
            "recommender": "generated rows",
            "version": 1,
            **self.texts.description,
            "consumer": dict(self.consumer.description),
            "catalog": self.catalog.content_hash,
            "rows": self.rows,
            "task": self.task,
        }

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        """Let the consumer answer each request with the longer history."""
        written = write_fitted(
            self.model,
            self.catalog,
            requests,
            self._prompt,
            self.parameters.max_new_tokens,
            lambda prompts, _: self.texts.write(prompts),
        )
        rankings = [
            Ranking(outcome=failed[0], detail=failed[1]) if failed else None
            for failed in (withheld(generation) for generation, _ in written)
        ]
        places = [i for i, ranking in enumerate(rankings) if ranking is None]
        longer = [self._longer(requests[i], written[i][0].text) for i in places]
        answered = self.consumer.recommend([request for request, _ in longer])
        for i, (_, counted), ranking in zip(places, longer, answered, strict=True):
            detail = "; ".join(filter(None, (written[i][1], counted, ranking.detail)))
            rankings[i] = replace(ranking, text=written[i][0].text, detail=detail)
        return [ranking for ranking in rankings if ranking is not None]

    def _longer(self, request: Request, text: str) -> tuple[Request, str]:
        """Return the request with the items of a text before its history, and their count."""
        titles = parse_titles(text, self.rows).titles[: self.rows]
        matched = [self._matcher.match(title).item_id for title in titles]
        # Neither what was seen already nor a candidate: it would give the answer away.
        barred = {*request.history, *(request.candidates or ())}
        added = [item for item in dict.fromkeys(matched) if item and item not in barred]
        unknown = sum(item is None for item in matched)
        counted = f"{len(added)} rows added, {unknown} titles outside the catalogue"
        return replace(request, history=(*added, *request.history)), counted

    def _prompt(self, request: Request) -> Prompt:
        task = self.task.replace("{n}", str(self.rows))
        return Prompt(f"{request.instruction}\n\n{task}", request.system)
