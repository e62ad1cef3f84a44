"""Where a request's words state an attribute: found by the templates that fairrec writes.

A template is read backwards: its own words are fixed, its fields are what stands between them. So
the attribute is found where the template has it, and a topic or a title that looks like one is
left alone; and the same words can be written again with another value, or none.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from fairrec.prompts import (
    Attribute,
    Template,
    attribute,
    attribute_names,
    template,
    template_names,
)
from fairrec.prompts.attributes import FORMS, AttributeValue

_STATEMENT = "(?P<statement>.*?)"
_FREE = ("name", "history", "candidates", "k")


@dataclass(frozen=True)
class Stated:
    """An instruction read by a template.

    Attributes:
        template: Which one.
        fields: What stands in its fields, by name.
    """

    template: Template
    fields: Mapping[str, str]

    def written(self, value: str | None, statement: str = "") -> str:
        """Return the instruction with another phrase and statement in it, or none."""
        fields = {name: text for name, text in self.fields.items() if name in _FREE}
        words = self.template.user.format(
            **dict.fromkeys(_FREE, "") | fields,
            value=self.template.neutral if value is None else value,
            statement=statement,
        )
        return words.strip()


def read(
    instruction: str,
    templates: Sequence[Template],
    phrases: Iterable[str],
    sentences: Iterable[str] = (),
) -> Stated | None:
    """Return the instruction as one of the templates wrote it, or None.

    Args:
        instruction: The user turn.
        templates: Of those that fit, the one by which most is stated is taken, then the first.
        phrases: What may stand for ``{value}`` besides the template's neutral phrase.
        sentences: What may stand in ``{statement}``, besides other sentences.
    """
    known = tuple(sorted(phrases, key=len, reverse=True))
    sentences = tuple(sorted(sentences, key=len, reverse=True))
    fitting = (_pattern(one, known, sentences).fullmatch(instruction) for one in templates)
    found = [
        Stated(one, match.groupdict())
        for one, match in zip(templates, fitting, strict=True)
        if match is not None
    ]
    return max(found, key=lambda stated: _said(stated, sentences), default=None)


def _said(stated: Stated, sentences: Sequence[str]) -> int:
    """Return how many characters state something."""
    value, statement = stated.fields.get("value"), stated.fields.get("statement") or ""
    by_value = len(value) if value and value != stated.template.neutral else 0
    return by_value + sum(len(sentence) for sentence in sentences if sentence in statement)


@cache
def _pattern(
    one: Template, phrases: tuple[str, ...], sentences: tuple[str, ...]
) -> re.Pattern[str]:
    parts, seen = [], set()
    # Known sentences first: in Chinese no blank tells where a statement ends.
    stated = "|".join(map(re.escape, sentences))
    for literal, field, _, _ in string.Formatter().parse(one.user):
        parts.append(re.escape(literal))
        if field is None:
            continue
        if field in seen:
            parts.append(f"(?P={field})")
        elif field == "value":
            said = "|".join(map(re.escape, (*phrases, one.neutral)))
            parts.append(f"(?P<value>{said})")
        elif field == "k":
            parts.append(r"(?P<k>\d+)")
        elif field == "statement":
            parts.append(
                rf"(?P<statement>(?:{stated})?(?: ?(?:{stated}))*.*?)" if stated else _STATEMENT
            )
        else:
            parts.append(f"(?P<{field}>.*)")
        seen.add(field)
    whole = "".join(parts)
    # The words are stripped: an empty statement takes the blank beside it along.
    for group in (part for part in parts if part.startswith("(?P<statement>")):
        whole = whole.replace(rf"{group}\ ", rf"(?:{group}\ )?", 1)
    return re.compile(whole, re.DOTALL)


@cache
def embedded_templates(language: str) -> tuple[Template, ...]:
    """Return fairrec's templates in a language."""
    return tuple(template(name, language=language) for name in template_names(language))


@cache
def embedded_attributes(names: tuple[str, ...], language: str) -> tuple[Attribute, ...]:
    """Return those of fairrec's attributes, in a language; names that it lacks are left out."""
    known = attribute_names()
    return tuple(attribute(name, language=language) for name in names if name in known)


def phrases_of(value: AttributeValue) -> list[str]:
    """Return everything that may stand for a value before a noun, as a noun or as a clause."""
    return [text for text in (value.phrase, value.noun, value.clause) if text]


def phrase_like(value: AttributeValue, said: str, among: Iterable[AttributeValue]) -> str:
    """Return a value's phrase in the form in which `said` states another one.

    The first form where `said` is no phrase of `among`.
    """
    for form in FORMS:
        field = "phrase" if form == "adjective" else form
        if any(getattr(other, field) == said for other in among):
            return getattr(value, field) or value.phrase
    return value.phrase
