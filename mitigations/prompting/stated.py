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
            **{name: "" for name in _FREE} | fields,
            value=self.template.neutral if value is None else value,
            statement=statement,
        )
        return words.strip()


def read(instruction: str, templates: Sequence[Template], phrases: Iterable[str]) -> Stated | None:
    """Return the instruction as one of the templates wrote it, or None.

    Args:
        instruction: The user turn.
        templates: The first one that fits is taken.
        phrases: What may stand for ``{value}`` besides the template's neutral phrase.
    """
    known = sorted(phrases, key=len, reverse=True)
    for one in templates:
        match = _pattern(one, tuple(known)).fullmatch(instruction)
        if match is not None:
            return Stated(one, match.groupdict())
    return None


@cache
def _pattern(one: Template, phrases: tuple[str, ...]) -> re.Pattern[str]:
    parts, seen = [], set()
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
            parts.append("(?P<statement>.*?)")
        else:
            parts.append(f"(?P<{field}>.*)")
        seen.add(field)
    whole = "".join(parts)
    # The words are stripped: an empty statement takes the blank beside it along.
    whole = whole.replace(r"(?P<statement>.*?)\ ", r"(?:(?P<statement>.+?)\ )?", 1)
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
