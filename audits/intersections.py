"""Attributes stated together, such as gender and age at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from fairrec.errors import WrongUse
from fairrec.prompts import Attribute, AttributeValue
from fairrec.users import User

NAMES, VALUES = "_x_", " x "
"""What joins the names and the values of an intersection: "gender_x_age", "female x old"."""


def intersection(attributes: Sequence[Attribute]) -> Attribute:
    """Return the attribute whose values are all combinations of the attributes' values.

    Its values are stated by all of their statements, one after the other.

    Raises:
        WrongUse: Fewer than two attributes, or a value without a statement.
    """
    if len(attributes) < 2:
        raise WrongUse(
            f"an intersection of {len(attributes)} attribute(s).", expected="at least 2."
        )
    for attribute in attributes:
        for value in attribute.values:
            if not value.statement:
                raise WrongUse(
                    f"value {value.value!r} of {attribute.name!r} has no statement.",
                    expected="a sentence for every value that is combined with others.",
                    do='give the value a statement, such as "I am a woman.".',
                )
    return Attribute(
        NAMES.join(attribute.name for attribute in attributes),
        tuple(
            AttributeValue(
                VALUES.join(value.value for value in values),
                "",
                " ".join(value.statement for value in values),
            )
            for values in product(*(attribute.values for attribute in attributes))
        ),
    )


def stated_profile(name: str, value: str) -> dict[str, str]:
    """Return an attribute's value as a profile; an intersection's as that of its parts."""
    names, values = name.split(NAMES), value.split(VALUES)
    return dict(zip(names, values, strict=True)) if len(names) > 1 else {name: value}


def with_intersections(users: Sequence[User], names: Sequence[Sequence[str]]) -> list[User]:
    """Return the users with their own values of intersections added to their profiles.

    A user who lacks one of the parts lacks the intersection.
    """

    def profile(user: User) -> dict[str, str]:
        crossed = {
            NAMES.join(parts): VALUES.join(user.profile[part] for part in parts)
            for parts in names
            if all(part in user.profile for part in parts)
        }
        return {**user.profile, **crossed}

    return [replace(user, profile=profile(user)) for user in users]
