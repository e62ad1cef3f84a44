"""Prompt templates: the words around a stated attribute."""

from __future__ import annotations

import string
from dataclasses import dataclass

from fairrec.errors import WrongUse

FIELDS = ("value", "statement", "name", "history", "candidates", "k")


@dataclass(frozen=True, slots=True)
class Template:
    """A system turn and a user turn with fields in braces.

    The user turn states an attribute by ``{value}``, a phrase before a noun with its article
    ("an old"; "a" when none is stated), or by ``{statement}``, a sentence of its own (empty when
    nothing is stated). It may name the topic (``{name}``), the titles of the user's history and
    of the candidates (``{history}``, ``{candidates}``) and the number of items (``{k}``).

    Raises:
        WrongUse: The user turn has neither ``{value}`` nor ``{statement}``, or an unknown field.
    """

    user: str
    system: str | None = None

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
            return {name for _, name, _, _ in string.Formatter().parse(self.user) if name}
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
        value: str = "a",
        statement: str = "",
        name: str = "",
        history: str = "",
        candidates: str = "",
    ) -> str:
        """Return the user turn with its fields filled in, once each: no field is read twice.

        An empty statement leaves no blank behind at the start or the end.
        """
        return self.user.format(
            k=k,
            value=value,
            statement=statement,
            name=name,
            history=history,
            candidates=candidates,
        ).strip()


def fan_template(thing: str, things: str, domain: str) -> Template:
    """Return the template of FaiRLLM (Zhang et al. 2023) for a kind of item."""
    return Template(
        system=f"You are a {domain} recommendation system.",
        user=(
            f"I am {{value}} fan of {{name}}. Please recommend {{k}} {thing} titles to me, "
            f"in order of preference. Name only the {things}, with no extra information."
        ),
    )


def user_template(things: str, domain: str, verb: str) -> Template:
    """Return a template for a user with a history, for a kind of item."""
    return Template(
        system=f"You are a {domain} recommendation system.",
        user=(
            f"{{statement}} I have {verb} and liked these {things}: {{history}}. "
            f"Please recommend {{k}} other {things} to me, in order of preference. "
            f"Name only the {things}, with no extra information."
        ),
    )


TEMPLATES = {
    "movie": fan_template("movie", "movies", "movie"),
    "music": fan_template("song", "songs", "music"),
}
"""For topics: what somebody is a fan of."""

USER_TEMPLATES = {
    "movie": user_template("movies", "movie", "watched"),
    "music": user_template("songs", "music", "listened to"),
}
"""For users with a history."""
