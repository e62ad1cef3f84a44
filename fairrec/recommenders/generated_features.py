"""A language model writes features or rows; a conventional model consumes them.

Qijiong Liu et al., GENRE, WSDM 2024 (news summaries, user profiles, synthetic clicks); Li et al.,
"TagGPT", 2023 (tags of items); Borisov et al., "Language Models are Realistic Tabular Data
Generators" (GReaT), ICLR 2023 (rows).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.catalogs import Catalog, TitleMatcher
from fairrec.errors import WrongUse
from fairrec.protocols import (
    EmbedsTexts,
    GenerationParameters,
    LanguageModel,
    Prompt,
    Recommender,
)
from fairrec.recommenders.answers.parsing import parse_titles
from fairrec.recommenders.feature_encoder import unit_rows
from fairrec.recommenders.fitting import fit_histories
from fairrec.recommenders.pointwise import one_line
from fairrec.recommenders.retrieval import TextSearch
from fairrec.recommenders.score_ranking import recommend_by_score
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
        ranked = recommend_by_score(self, self.catalog, requests)
        return [
            replace(ranking, text=text)
            for ranking, text in zip(ranked, self.user_texts(requests), strict=True)
        ]

    def item_texts(self, items: Sequence[str]) -> list[str]:
        """Return each item's title and what was written about it."""
        titles = [one_line(self.catalog.title(item)) for item in items]
        if self.item_task is None:
            return titles
        tasks = [self.item_task.replace("{title}", title) for title in titles]
        written = self.texts.write([Prompt(task) for task in tasks])
        return [f"{title}. {text}" for title, text in zip(titles, written, strict=True)]

    def user_texts(self, requests: Sequence[Request]) -> list[str]:
        """Return what was written about each user; empty where the words are too long."""
        fitted = fit_histories(
            self.model,
            self.catalog,
            requests,
            lambda request: [self._prompt(request)],
            self.parameters.max_new_tokens,
        )
        asked = [self._prompt(one.request) for one in fitted if one.fits]
        written = iter(self.texts.write(asked))
        return [next(written) if one.fits else "" for one in fitted]

    def score(self, requests: Sequence[Request], items: Sequence[str]) -> list[NDArray[np.float64]]:
        """Return, per request, one similarity for each of `items`; NaN without a profile."""
        profiles = self.user_texts(requests)
        described = self.item_texts(items)
        if self.encoder is None:
            search = TextSearch(described)
            scores = [search.scores(text) for text in profiles]
        else:
            users = unit_rows(self.encoder.embed(profiles))
            scores = list(users @ unit_rows(self.encoder.embed(described)).T)
        return [
            row if text else np.full(len(items), np.nan)
            for row, text in zip(scores, profiles, strict=True)
        ]

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
        fitted = fit_histories(
            self.model,
            self.catalog,
            requests,
            lambda request: [self._prompt(request)],
            self.parameters.max_new_tokens,
        )
        places = [i for i, one in enumerate(fitted) if one.fits]
        texts = self.texts.write([self._prompt(fitted[i].request) for i in places])
        longer, notes = [], []
        for i, text in zip(places, texts, strict=True):
            titles = parse_titles(text, self.rows).titles[: self.rows]
            matched = [self._matcher.match(title).item_id for title in titles]
            barred = {*requests[i].history, *(requests[i].candidates or ())}
            added = [item for item in dict.fromkeys(matched) if item and item not in barred]
            longer.append(replace(requests[i], history=(*added, *requests[i].history)))
            unknown = sum(item is None for item in matched)
            notes.append(f"{len(added)} rows added, {unknown} titles outside the catalogue")
        rankings = [Ranking(outcome=Outcome.ERROR, detail=one.note) for one in fitted]
        answered = self.consumer.recommend(longer)
        for i, ranking, text, note in zip(places, answered, texts, notes, strict=True):
            detail = "; ".join(part for part in (fitted[i].note, note, ranking.detail) if part)
            rankings[i] = replace(ranking, text=text, detail=detail)
        return rankings

    def _prompt(self, request: Request) -> Prompt:
        task = self.task.replace("{n}", str(self.rows))
        return Prompt(f"{request.instruction}\n\n{task}", request.system)
