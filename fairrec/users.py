"""Whom a recommender serves: a user with a profile, a history and, where known, ground truth."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from fairrec.errors import BadData, WrongUse
from fairrec.seeds import generator

Sampling = Literal["recent", "top_rated", "random"]
SAMPLINGS: tuple[Sampling, ...] = ("recent", "top_rated", "random")


@dataclass(frozen=True, slots=True)
class User:
    """One user, real or synthetic.

    Attributes:
        id: Name of the user, not blank, different for every user.
        profile: The user's own attributes, such as ``{"gender": "female"}``.
        history: Item ids the user has consumed, oldest first.
        ratings: One finite rating per item of the history, higher is better, or None.
        held_out: Items that the user went on to like: the ground truth of utility. None of
            them is in the history; empty when nothing is known.
        candidates: Item ids to choose from; None leaves the choice to the recommender.

    Raises:
        BadData: The id is blank, ratings do not fit the history, or an item is both in the
            history and held out.
    """

    id: str
    profile: Mapping[str, str] = field(default_factory=dict)
    history: tuple[str, ...] = ()
    ratings: tuple[float, ...] | None = None
    held_out: tuple[str, ...] = ()
    candidates: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not self.id.strip():
            raise BadData("a user has a blank id.", expected="a name for every user.")
        if self.ratings is not None:
            if len(self.ratings) != len(self.history):
                raise BadData(
                    f"user {self.id!r} has {len(self.ratings)} ratings for "
                    f"{len(self.history)} items.",
                    expected="one rating per item of the history.",
                )
            if not all(map(math.isfinite, self.ratings)):
                raise BadData(
                    f"user {self.id!r} has a rating that is no finite number.",
                    expected="finite ratings.",
                    do="leave the item out, or the ratings.",
                )
        if both := set(self.history) & set(self.held_out):
            raise BadData(
                f"user {self.id!r} has {sorted(both)[0]!r} both in the history and held out.",
                expected="held-out items that the recommender has not been shown.",
                do="remove it from one of the two.",
            )


def check_users(users: Iterable[User]) -> None:
    """Check that every user is there once.

    Raises:
        BadData: Ids are duplicated; they are counted and the first ones named.
    """
    twice = [id for id, times in Counter(user.id for user in users).items() if times > 1]
    if twice:
        raise BadData(
            f"{len(twice)} user(s) are there more than once: {', '.join(twice[:5])}.",
            expected="every user once: users are what uncertainty is estimated from.",
            do="merge or remove the duplicates.",
        )


def sample_history(user: User, n: int, how: Sampling, seed: int = 0) -> User:
    """Return the user with a history of at most `n` items, oldest first still.

    Args:
        user: Whose history is cut.
        n: Items to keep, at least 1.
        how: The most "recent", the "top_rated" (ties to the more recent) or "random" ones; the
            three of Deldjoo and Di Noia, "CFaiRLLM", 2024.
        seed: Run seed; with the user's id it decides the random choice.

    Raises:
        WrongUse: n is below 1, `how` is unknown, or there are no ratings to sort by.
    """
    if n < 1 or how not in SAMPLINGS:
        raise WrongUse(
            f"a history of {n} items sampled {how!r}.",
            expected=f"at least 1 item, sampled as one of {', '.join(SAMPLINGS)}.",
        )
    places = np.arange(len(user.history))
    if how == "recent":
        kept = places[-n:]
    elif how == "random":
        rng = generator(seed, "history", user.id)
        kept = np.sort(rng.permutation(places)[:n])
    elif user.ratings is None:
        raise WrongUse(
            f"user {user.id!r} has no ratings.",
            expected="ratings, to sample the top-rated items of a history.",
            do="sample 'recent' or 'random' items instead.",
        )
    else:
        kept = np.sort(np.lexsort((-places, -np.asarray(user.ratings)))[:n])
    return replace(
        user,
        history=tuple(user.history[i] for i in kept),
        ratings=None if user.ratings is None else tuple(user.ratings[i] for i in kept),
    )
