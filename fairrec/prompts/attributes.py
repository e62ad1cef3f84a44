"""Attributes and the words that state their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from fairrec.errors import WrongUse

Form = Literal["adjective", "noun", "clause"]
FORMS: tuple[Form, ...] = ("adjective", "noun", "clause")

NEUTRAL_PHRASE = "a"
"""What stands in the place of an attribute when none is stated, in English before a noun."""


@dataclass(frozen=True, slots=True)
class AttributeValue:
    """One value of an attribute and the words that state it.

    Attributes:
        value: Name of the value, as results show it.
        phrase: What stands in a template's ``{value}``; in English before a noun, article
            included: "an old" (fan).
        statement: A whole sentence that says the same or hints at it: "I am an old person.";
            empty when there is none.
        noun: The phrase as a noun: "an old person"; empty when there is none.
        clause: The phrase as a relative clause: "who is old"; empty when there is none.
        pronouns: How the person is referred to, "she/her"; empty when the value does not say.
    """

    value: str
    phrase: str
    statement: str = ""
    noun: str = ""
    clause: str = ""
    pronouns: str = ""


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

    def in_form(self, form: Form) -> Attribute:
        """Return the attribute with its phrases in another form, for templates made for it.

        Raises:
            WrongUse: The form is unknown, or a value lacks it.

        >>> value = AttributeValue("old", "an old", noun="an old person")
        >>> other = AttributeValue("young", "a young", noun="a young person")
        >>> Attribute("age", (value, other)).in_form("noun").values[0].phrase
        'an old person'
        """
        if form not in FORMS:
            raise WrongUse(
                f"form {form!r} is unknown.",
                expected=f"one of {', '.join(FORMS)}.",
                do="choose one of them.",
            )
        if form == "adjective":
            return self
        lacking = [value.value for value in self.values if not getattr(value, form)]
        if lacking:
            raise WrongUse(
                f"{', '.join(map(repr, lacking))} of {self.name!r} cannot be said as a {form}.",
                expected=f"a {form} for every value: phrases of two forms do not fit one template.",
                do=f"add {form!r} to these values or use another form.",
            )
        return replace(self, values=tuple(replace(v, phrase=getattr(v, form)) for v in self.values))


def custom_attribute(name: str, phrases: Sequence[str] | Mapping[str, str]) -> Attribute:
    """Return an attribute of your own from phrases such as ``["a nurse", "an engineer"]``.

    A list names each value by its phrase without the leading article; a mapping gives
    ``{value: phrase}``. `fairrec.prompts.read_words` reads attributes with further forms.

    >>> [value.value for value in custom_attribute("job", ["a nurse", "an engineer"]).values]
    ['nurse', 'engineer']
    """
    if not isinstance(phrases, Mapping):
        phrases = {phrase.removeprefix("a ").removeprefix("an "): phrase for phrase in phrases}
    return Attribute(name, tuple(AttributeValue(v, phrase) for v, phrase in phrases.items()))
