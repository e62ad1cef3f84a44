"""Sensitive attributes and the words that state them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from fairrec.errors import WrongUse

Wording = Literal["grammatical", "fairllm"]

NEUTRAL_PHRASE = "a"
"""What stands in the place of an attribute when none is stated."""


@dataclass(frozen=True, slots=True)
class AttributeValue:
    """One value of an attribute and the words that state it.

    Attributes:
        value: Name of the value, as results show it.
        phrase: What stands before a noun, article included: "an old" (fan).
        statement: A whole sentence that says the same or hints at it: "I am an old person.";
            empty when there is none.
    """

    value: str
    phrase: str
    statement: str = ""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A sensitive attribute with the values it is varied over.

    Raises:
        WrongUse: Fewer than two values (nothing to compare), or one given twice.
    """

    name: str
    values: tuple[AttributeValue, ...]

    def __post_init__(self) -> None:
        names = [value.value for value in self.values]
        if len(names) < 2:
            raise WrongUse(
                f"attribute {self.name!r} has {len(names)} value(s).",
                expected="at least 2 values: unequal treatment is a difference between values.",
                do=f"add values to {self.name!r} or leave the attribute out.",
            )
        if len(set(names)) != len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise WrongUse(
                f"attribute {self.name!r} names {', '.join(map(repr, twice))} more than once.",
                expected="distinct values.",
                do="remove the repeats.",
            )


@cache
def _embedded() -> dict[str, list[dict[str, str]]]:
    import yaml

    text = (files("fairrec.prompts.data") / "attributes.yaml").read_text("utf-8")
    return yaml.safe_load(text)


def attribute_names() -> tuple[str, ...]:
    """Return the names of the eight attributes of FaiRLLM, in the order of their file.

    >>> attribute_names()[:3]
    ('age', 'country', 'gender')
    """
    return tuple(_embedded())


def attribute(name: str, *, wording: Wording = "grammatical") -> Attribute:
    """Return one of the embedded attributes (Zhang et al. 2023).

    Args:
        name: One of `attribute_names`.
        wording: "grammatical", or "fairllm" for the words of the original program.

    Raises:
        WrongUse: No attribute has this name, or the wording is neither of the two.

    >>> [value.phrase for value in attribute("age").values]
    ['a middle aged', 'an old', 'a young']
    """
    if wording not in ("grammatical", "fairllm"):
        raise WrongUse(
            f"wording {wording!r} is unknown.",
            expected="'grammatical' or 'fairllm'.",
            do="choose one of the two.",
        )
    if name not in _embedded():
        close = difflib.get_close_matches(name, attribute_names(), 1)
        hint = f"did you mean {close[0]!r}?" if close else "name one of them, or bring your own."
        raise WrongUse(
            f"attribute {name!r} is unknown.",
            expected=f"one of {', '.join(attribute_names())}.",
            do=hint,
        )
    return Attribute(
        name,
        tuple(
            AttributeValue(row["value"], row.get(wording, row["phrase"]))
            for row in _embedded()[name]
        ),
    )


def custom_attribute(name: str, phrases: Sequence[str] | Mapping[str, str]) -> Attribute:
    """Return an attribute of your own from phrases such as ``["a nurse", "an engineer"]``.

    A list names each value by its phrase without the leading article; a mapping gives
    ``{value: phrase}``.

    >>> [value.value for value in custom_attribute("job", ["a nurse", "an engineer"]).values]
    ['nurse', 'engineer']
    """
    if not isinstance(phrases, Mapping):
        phrases = {phrase.removeprefix("a ").removeprefix("an "): phrase for phrase in phrases}
    return Attribute(name, tuple(AttributeValue(v, phrase) for v, phrase in phrases.items()))
