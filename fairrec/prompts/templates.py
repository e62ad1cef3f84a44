"""Prompt templates: the words around a stated attribute."""

from __future__ import annotations

import string
from dataclasses import dataclass

from fairrec.errors import WrongUse
from fairrec.prompts.attributes import NEUTRAL_PHRASE

FIELDS = ("value", "statement", "name", "history", "candidates", "k")


@dataclass(frozen=True, slots=True)
class Template:
    """A system turn and a user turn with fields in braces.

    The user turn states an attribute by ``{value}``, a phrase whose form the template decides
    ("an old" before a noun), or by ``{statement}``, a sentence of its own (empty when nothing
    is stated). It may name the topic (``{name}``), the titles of the user's history and of the
    candidates (``{history}``, ``{candidates}``) and the number of items (``{k}``).

    Attributes:
        user: The user turn.
        system: The system turn, taken as it stands, or None.
        neutral: What stands for ``{value}`` when nothing is stated.
        language: Of the words, as a two-letter code.

    Raises:
        WrongUse: The user turn has neither ``{value}`` nor ``{statement}``, or an unknown field.
    """

    user: str
    system: str | None = None
    neutral: str = NEUTRAL_PHRASE
    language: str = "en"

    def __post_init__(self) -> None:
        found = self.fields
        unknown = [f"has the unknown field {{{name}}}" for name in sorted(found - set(FIELDS))]
        lacking = [] if found & {"value", "statement"} else ["has no {value} or {statement}"]
        if unknown or lacking:
            raise WrongUse(
                f"the template {self.user!r} {' and '.join(lacking + unknown)}.",
                expected="{value} or {statement}, and any of {name}, {history}, {candidates}, {k}.",
                do="mend the template's user turn.",
            )

    @property
    def fields(self) -> set[str]:
        """The names of the fields in the user turn."""
        try:
            return {
                name for _, name, _, _ in string.Formatter().parse(self.user) if name is not None
            }
        except ValueError as error:
            raise WrongUse(
                f"the template {self.user!r} cannot be read: {error}.",
                expected="fields in braces, and braces of the text doubled.",
                do="write {{ and }} for braces that belong to the text.",
            ) from error

    def instruction(
        self,
        *,
        k: int,
        value: str | None = None,
        statement: str = "",
        name: str = "",
        history: str = "",
        candidates: str = "",
    ) -> str:
        """Return the user turn with its fields filled in, once each: no field is read twice.

        Without a value the template's neutral phrase takes its place. An empty statement leaves
        no blank behind at the start or the end.
        """
        return self.user.format(
            k=k,
            value=self.neutral if value is None else value,
            statement=statement,
            name=name,
            history=history,
            candidates=candidates,
        ).strip()
