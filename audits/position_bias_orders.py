"""The orders that candidates are shown in: the true item in chosen places, and random orders."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from fairrec.errors import BadData, WrongUse
from fairrec.users import User

Order = tuple[str, ...]


def true_item(user: User) -> str | None:
    """Return the first held-out item that is among the user's candidates, if any is."""
    candidates = frozenset(user.candidates or ())
    return next((item for item in user.held_out if item in candidates), None)


def placed_orders(user: User, positions: Sequence[int], rng: np.random.Generator) -> list[Order]:
    """Return the candidates with the true item at each place, the others in one random order."""
    truth = true_item(user)
    others = [item for item in user.candidates or () if item != truth]
    others = [others[place] for place in rng.permutation(len(others))]
    return [(*others[:place], str(truth), *others[place:]) for place in positions]


def different_orders(items: Order, n: int, rng: np.random.Generator) -> list[Order]:
    """Return n random orders of the items, no two of them the same.

    Raises:
        WrongUse: There are not so many orders.
    """
    if math.factorial(min(len(items), 20)) < n:
        raise WrongUse(
            f"{len(items)} candidate(s) have {math.factorial(len(items))} order(s).",
            expected=f"enough for {n} different ones.",
            do="give users more candidates, or ask for fewer shuffles.",
        )
    found: dict[Order, None] = {}
    while len(found) < n:
        found.setdefault(tuple(items[place] for place in rng.permutation(len(items))))
    return list(found)


def check_candidates(users: Sequence[User], positions: Sequence[int], shuffles: int) -> None:
    """Check that every user has candidates, one of which is held out, and enough of them.

    Raises:
        BadData: A user has no candidates, one twice, or none that is held out.
        WrongUse: There are too few candidates for the places or the shuffles.
    """
    _refuse(
        [user.id for user in users if not user.candidates],
        "no candidates",
        "candidates to choose from for every user.",
    )
    _refuse(
        [u.id for u in users if len(set(u.candidates or ())) < len(u.candidates or ())],
        "a candidate twice",
        "every candidate once.",
    )
    _refuse(
        [user.id for user in users if true_item(user) is None],
        "no held-out item among the candidates",
        "one candidate that the user went on to like: the item whose place is changed.",
    )
    fewest = min(len(user.candidates or ()) for user in users)
    if max(positions) >= fewest:
        raise WrongUse(
            f"the true item is to stand at position {max(positions)}, and a user has {fewest} "
            "candidates.",
            expected=f"positions from 0 to {fewest - 1}.",
            do="name earlier positions, or give users more candidates.",
        )
    if fewest < 20 and math.factorial(fewest) < shuffles:
        raise WrongUse(
            f"a user has {fewest} candidates, which have {math.factorial(fewest)} order(s).",
            expected=f"enough for {shuffles} different ones.",
            do="give users more candidates, or ask for fewer shuffles.",
        )


def _refuse(ids: Sequence[str], lack: str, expected: str) -> None:
    if ids:
        raise BadData(
            f"{len(ids)} user(s) have {lack}: {', '.join(ids[:5])}{', …' if ids[5:] else ''}.",
            expected=expected,
            do="mend or leave out these users.",
        )
