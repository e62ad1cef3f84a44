"""Counterfactual ensemble: every value of an attribute is asked for, and the answers are merged.

The same questions are asked whatever the user states, so the answer is exactly the same for all
values of the attribute: not nearly, and not on average. It costs one call per value, and one for
nothing stated. What the user would have got anyway is one voice among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.mitigations.mitigation import Mitigation
from fairrec.mitigations.prompting.redaction import AttributeRedaction
from fairrec.mitigations.prompting.stated import embedded_templates, phrase_like, phrases_of, read
from fairrec.mitigations.rank_aggregation import Aggregation, aggregate
from fairrec.prompts import Attribute, Template, attribute, attribute_names
from fairrec.types import Outcome, Ranking, Request, Usage


@dataclass(frozen=True, kw_only=True, eq=False)
class CounterfactualEnsemble(Mitigation):
    """Asks on behalf of every value of an attribute, and of none, and merges the lists.

    The attribute is first redacted (see `fairrec.mitigations.prompting.redaction`), then each value
    stated where fairrec's templates state one, in their form; words of another form begin with a
    sentence. Profile and words say the same. If a request has no words, only the profile does.

    Answers that are not ANSWERED have no voice, and are said in the ranking's `detail`. If none is
    ANSWERED the first of them is the answer.

    Attributes:
        attribute: Its name.
        values: The values and their words; fairrec's where None.
        include_neutral: Whether nothing stated is one of the questions.
        aggregation: "rrf", "borda", "mean_score" or "kemeny" (see
            `fairrec.mitigations.rank_aggregation`).
        language: Of the words: en, de, es or zh.
        catalog: Items whose titles are left alone in the words.
        templates: Templates of your own, to be read besides fairrec's.

    Raises:
        WrongUse: The attribute is none of fairrec's and no values are given, or the language or
            the aggregation is unknown.
    """

    name: ClassVar[str] = "counterfactual_ensemble"

    attribute: str = "gender"
    values: Attribute | None = None
    include_neutral: bool = True
    aggregation: Aggregation = "rrf"
    language: str = "en"
    catalog: Catalog | None = None
    templates: tuple[Template, ...] = ()

    def __post_init__(self) -> None:
        if self.values is None and self.attribute not in attribute_names():
            raise WrongUse(
                f"the attribute {self.attribute!r} is none of fairrec's.",
                expected=f"one of {', '.join(attribute_names())}, or values of your own.",
            )
        aggregate([["a"]], self.aggregation, [[1.0]])
        _ = self._redaction

    def calls(self, request: Request) -> int:
        """Return how many questions a request costs; the same for every value of the attribute."""
        return len(self.expand(request))

    def expand(self, request: Request) -> list[Request]:
        """Return the request with nothing stated, then with every value."""
        (neutral,) = self._redaction.expand(request)
        known = self._values.values
        phrases = [text for value in known for text in phrases_of(value)]
        shapes = (*self.templates, *embedded_templates(self.language))
        stated = read(neutral.instruction, shapes, phrases)
        found = [neutral] if self.include_neutral else []
        for value in known:
            profile = {**neutral.profile, self.attribute: value.value}
            words = neutral.instruction
            if stated is not None and "value" in stated.fields:
                form = phrase_like(value, *_example(stated.template, known))
                words = stated.written(form, stated.fields.get("statement") or "")
            elif stated is not None:
                sentences = (value.statement, stated.fields.get("statement") or "")
                words = stated.written(None, " ".join(filter(None, sentences)))
            elif words:
                words = f"{value.statement or value.phrase} {words}"
            found.append(replace(neutral, instruction=words, profile=profile))
        return found

    def combine(
        self,
        requests: Sequence[Request],
        answers: Sequence[Sequence[Ranking]],
        state: Any = None,
    ) -> list[Ranking]:
        """Return the merged list of each request, of at most k items."""
        return [
            self._merged(request.k, rankings)
            for request, rankings in zip(requests, answers, strict=True)
        ]

    def combine_scores(
        self, request: Request, items: Sequence[str], scores: Sequence[NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """Return the mean of the scores under all values."""
        return np.mean(np.stack(scores), axis=0)

    @cached_property
    def _values(self) -> Attribute:
        if self.values is not None:
            return self.values
        return attribute(self.attribute, language=self.language)

    @cached_property
    def _redaction(self) -> AttributeRedaction:
        return AttributeRedaction(
            attributes=(self.attribute,),
            language=self.language,
            catalog=self.catalog,
            templates=self.templates,
            own=() if self.values is None else (replace(self.values, name=self.attribute),),
        )

    def _merged(self, k: int, rankings: Sequence[Ranking]) -> Ranking:
        answered = [ranking for ranking in rankings if ranking.outcome is Outcome.ANSWERED]
        usages = [ranking.usage for ranking in rankings if ranking.usage is not None]
        usage = None
        if usages:
            usage = Usage(
                sum(u.prompt_tokens for u in usages), sum(u.completion_tokens for u in usages)
            )
        if not answered:
            return replace(rankings[0], usage=usage)
        items = aggregate(
            [ranking.items for ranking in answered],
            self.aggregation,
            [ranking.scores for ranking in answered],
        )[:k]
        kept = set(items)
        matches = dict.fromkeys(match for ranking in answered for match in ranking.matches)
        detail = ""
        if len(answered) < len(rankings):
            detail = f"{self.name}: {len(answered)} of {len(rankings)} voices were answered"
        return Ranking(
            tuple(items),
            matches=tuple(m for m in matches if m.item_id is None or m.item_id in kept),
            detail=detail,
            usage=usage,
        )


def _example(template: Template, values: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """Return a phrase in the form that a template takes, to find the others by.

    Templates say it by what is neutral in them: "a" stands before a noun, "a person" is a noun,
    and "who watches movies" a clause.
    """
    first = values[0]
    if template.language == "en" and template.neutral.startswith("who ") and first.clause:
        return first.clause, values
    if template.language == "en" and " " in template.neutral and first.noun:
        return first.noun, values
    return first.phrase, values
