"""The users that a fair prompt is trained on: their values as numbers, and who validates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import BadData, WrongUse
from fairrec.seeds import generator
from fairrec.users import User, check_users


@dataclass(frozen=True)
class People:
    """Users with the values of the attributes that are to be hidden.

    Attributes:
        users: All of them.
        values: By attribute, its values; a label is a place in it.
        labels: By attribute, one label per user.
        learners: Places of the users that training sees.
        validators: Places of the others.
    """

    users: Sequence[User]
    values: dict[str, list[str]]
    labels: dict[str, NDArray[np.int64]]
    learners: NDArray[np.intp]
    validators: NDArray[np.intp]


def people(
    users: Sequence[User], attributes: Sequence[str], validation: float, seed: int
) -> People:
    """Check users and split them.

    Raises:
        WrongUse: There is no attribute, or one is named twice.
        BadData: Users are repeated, lack an attribute or have too short a history, all have
            the same value, or one value is had by fewer than 4: two of each half are needed.
    """
    if not attributes or len(set(attributes)) < len(attributes):
        raise WrongUse(
            f"the attributes to hide are {list(attributes)}.",
            expected="at least one, each once.",
        )
    check_users(users)
    if short := [user.id for user in users if len(user.history) < 2]:
        raise BadData(
            f"{len(short)} user(s) have fewer than two items: {', '.join(short[:5])}.",
            expected="histories of two or more, to recommend from.",
            do="leave these users out.",
        )
    values: dict[str, list[str]] = {}
    labels: dict[str, NDArray[np.int64]] = {}
    for attribute in attributes:
        if lacking := [user.id for user in users if attribute not in user.profile]:
            raise BadData(
                f"{len(lacking)} user(s) lack {attribute!r}: {', '.join(lacking[:5])}.",
                expected="a value for every user.",
                do="leave these users out, or give them a value such as 'unknown'.",
            )
        counts = Counter(user.profile[attribute] for user in users)
        if len(counts) < 2:
            raise BadData(
                f"all users have {attribute} = {next(iter(counts), None)!r}.",
                expected="two values or more: otherwise there is nothing to hide.",
            )
        if small := [f"{value!r} ({n})" for value, n in counts.items() if n < 4]:
            raise BadData(
                f"values of {attribute!r} that fewer than 4 users have: {', '.join(small)}.",
                expected="at least 4 users of every value, to train and to validate on.",
                do="merge rare values or leave these users out.",
            )
        values[attribute] = sorted(counts)
        labels[attribute] = np.array([values[attribute].index(u.profile[attribute]) for u in users])
    order = generator(seed, "fair prompt split").permutation(len(users))
    n = max(2, round(validation * len(users)))
    return People(users, values, labels, np.sort(order[n:]), np.sort(order[:n]))


def halves(users: Sequence[User], share: float, seed: int) -> tuple[list[User], list[User]]:
    """Return the users to train on and those, about `share` of all, to measure on."""
    drawn = [generator(seed, "fair prompt measured", user.id).random() < share for user in users]
    return (
        [user for user, out in zip(users, drawn, strict=True) if not out],
        [user for user, out in zip(users, drawn, strict=True) if out],
    )
