"""Users who do not exist, with attributes that say nothing about their histories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.seeds import generator
from fairrec.users import User


def synthetic_users(
    catalog: Catalog,
    n: int,
    attributes: Mapping[str, Sequence[str]],
    seed: int = 0,
    *,
    history: int = 10,
) -> list[User]:
    """Return made-up users whose histories are independent of their profiles.

    Every combination of the attributes' values goes to as many users as each other, give or take
    one. A history is a sample of the catalogue, every
    item as likely. So whatever differs between groups of them is the recommender's doing; and
    since they like nothing, nothing is held out.

    Args:
        catalog: Where histories are drawn from.
        n: How many users, at least 1.
        attributes: The values of each attribute, such as ``{"gender": ["female", "male"]}``.
        seed: Run seed; user number i stays the same whatever n is, but for the profile.
        history: Items of each history, fewer where the catalogue is smaller.

    Raises:
        WrongUse: A number is below its least, or an attribute has no values.
    """
    if n < 1 or history < 0 or not all(attributes.values()):
        raise WrongUse(
            f"{n} synthetic users with histories of {history} and "
            f"{ {name: len(values) for name, values in attributes.items()} } values.",
            expected="at least 1 user, a history from 0 up and at least 1 value per attribute.",
            do="correct the number.",
        )
    combinations = [dict(zip(attributes, v, strict=True)) for v in product(*attributes.values())]
    rng = generator(seed, "synthetic profiles")
    rng.shuffle(combinations)  # which ones are there once more, where n is no multiple, is chance
    profiles = [combinations[turn % len(combinations)] for turn in range(n)]
    rng.shuffle(profiles)
    users = []
    for number, profile in enumerate(profiles, start=1):
        id = f"synthetic-{number:04d}"
        rng = generator(seed, "synthetic history", id)
        chosen = rng.choice(len(catalog), min(history, len(catalog)), replace=False)
        users.append(User(id, dict(profile), tuple(catalog.ids[i] for i in chosen.tolist())))
    return users
