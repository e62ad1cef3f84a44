"""Data sets to users: what each went on to like is held out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from fairrec.datasets.dataset import Dataset
from fairrec.errors import WrongUse
from fairrec.seeds import generator
from fairrec.users import User


def leave_last_out(
    dataset: Dataset,
    n: int = 1,
    *,
    like_at_least: float | None = None,
    minimum_history: int = 1,
    users: Sequence[str] | None = None,
    seed: int = 0,
) -> list[User]:
    """Return users whose last items are held out, each user's own last, by time.

    The history is what came before the first held-out item, oldest first, with its ratings; what
    came after it and is not held out is left out, for it would tell the future. Equal timestamps
    keep the order of the source's rows. Without timestamps nothing is last: then items are held
    out at random, by the seed and the user's id, and the history is everything else.

    Users who have too few items are left out; a `UserWarning` counts and names them.

    Args:
        dataset: Whose users.
        n: Items to hold out per user; 0 holds out none.
        like_at_least: Hold out only items rated at least this; None holds out any.
        minimum_history: Items that must be left in the history, at least 0.
        users: Ids of the users wanted, in this order; None for all. Large data sets are better
            sampled before than after.
        seed: Of the choice where there are no timestamps.

    Raises:
        WrongUse: A number is negative, a rating is asked for where there is none, or a user is
            unknown.
    """
    if n < 0 or minimum_history < 0:
        raise WrongUse(
            f"{n} items held out, a history of at least {minimum_history}.",
            expected="numbers from 0 up.",
            do="correct the number.",
        )
    if like_at_least is not None and dataset.ratings is None:
        raise WrongUse(
            f"{dataset.name} has no ratings.",
            expected="ratings, to hold out only what was liked.",
            do="leave like_at_least out.",
        )
    numbers = _numbers(dataset, users)
    found = []
    too_short = []
    for number in numbers:
        rows = np.arange(dataset.starts[number], dataset.starts[number + 1])
        user = _split(dataset, number, rows, n, like_at_least, seed)
        if user is None or len(user.history) < minimum_history:
            too_short.append(dataset.user_ids[number])
        else:
            found.append(user)
    if too_short:
        named = ", ".join(too_short[:5]) + (", ..." if len(too_short) > 5 else "")
        liked = "" if like_at_least is None else f" rated at least {like_at_least:g}"
        warnings.warn(
            f"{len(too_short)} of {len(numbers)} users of {dataset.name} have too few items for "
            f"{n} held out{liked} and a history of {minimum_history}; they are left out: {named}.",
            UserWarning,
            stacklevel=2,
        )
    return found


def _numbers(dataset: Dataset, users: Sequence[str] | None) -> Sequence[int]:
    if users is None:
        return range(len(dataset.user_ids))
    places = {user: number for number, user in enumerate(dataset.user_ids)}
    unknown = [user for user in users if user not in places]
    if unknown:
        raise WrongUse(
            f"{dataset.name} has no user {', '.join(map(repr, unknown[:5]))}.",
            expected=f"ids such as {', '.join(map(repr, dataset.user_ids[:3]))}.",
            do="correct the ids.",
        )
    return [places[user] for user in users]


def _split(
    dataset: Dataset, number: int, rows: np.ndarray, n: int, like_at_least: float | None, seed: int
) -> User | None:
    """Return the user, or None where fewer than `n` items can be held out."""
    id, ratings, items = dataset.user_ids[number], dataset.ratings, dataset.catalog.ids
    liked = rows
    if like_at_least is not None and ratings is not None:
        liked = rows[ratings[rows] >= like_at_least]
    if len(liked) < n:
        return None
    if dataset.timestamps is None:
        held = np.sort(generator(seed, "held out", id).permutation(liked)[:n])
        history = np.setdiff1d(rows, held)
    else:
        held = liked[len(liked) - n :]
        history = rows[rows < held[0]] if n else rows
    return User(
        id,
        dataset.profiles[id],
        tuple(items[i] for i in dataset.items[history]),
        None if ratings is None else tuple(ratings[history].tolist()),
        tuple(items[i] for i in dataset.items[held]),
    )
