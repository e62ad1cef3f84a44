"""Settings to the things they describe: catalogue, recommender and users."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import replace

from rich.console import Console

from fairrec.catalogs import Catalog, artists, films, read_catalog
from fairrec.catalogs.pools import candidate_pool
from fairrec.command_line.configuration import Configuration
from fairrec.command_line.recommenders import Workshop
from fairrec.datasets import Dataset, leave_last_out, read_dataset, synthetic_users
from fairrec.errors import WrongUse
from fairrec.prompts import Attribute
from fairrec.protocols import Recommender
from fairrec.recommenders.kinds import KINDS
from fairrec.seeds import generator
from fairrec.users import User, sample_history


def build_dataset(settings: Configuration) -> Dataset | None:
    """Read the data set that the settings name, or return None where they name none."""
    section = settings.users
    return None if section.path is None else read_dataset(section.path, format=section.format)


def build_catalog(settings: Configuration, dataset: Dataset | None) -> Catalog:
    """Return the catalogue that the settings name, else the data set's, else an embedded one."""
    section = settings.catalog
    if section.path is not None:
        return read_catalog(section.path, section.columns)
    if dataset is not None:
        return dataset.catalog
    return {"films": films, "artists": artists}[section.embedded]()


def build_recommender(
    settings: Configuration, catalog: Catalog, dataset: Dataset | None, console: Console
) -> Recommender:
    """Make the recommender that the settings describe, with the model loaded where it has one."""
    workshop = Workshop(
        settings,
        catalog,
        dataset,
        lambda line: console.print(line, markup=False, highlight=False),
    )
    return workshop.make(settings.recommender)


def build_users(
    settings: Configuration,
    catalog: Catalog,
    dataset: Dataset | None,
    attributes: Iterable[Attribute],
    pool: int | None = None,
) -> list[User]:
    """Draw users of the data set, or make some up, with a candidate pool where one is needed.

    Args:
        settings: How many, and what is shown of them.
        catalog: The items.
        dataset: Where they come from, or None.
        attributes: What they must have values of.
        pool: Candidates of each user; None leaves it to the settings of the recommender.

    Raises:
        WrongUse: Fewer than two users of the data set have every attribute.
    """
    section = settings.users
    values = {a.name: [value.value for value in a.values] for a in attributes}
    if dataset is None:
        users = synthetic_users(catalog, section.n, values, settings.seed, history=section.history)
    else:
        known = [
            user
            for user, profile in dataset.profiles.items()
            if all(name in profile for name in values)
        ]
        if len(known) < 2:
            raise WrongUse(
                f"{len(known)} user(s) of {section.path} have {' and '.join(values)}.",
                expected="at least 2 users with every attribute.",
                do="name other attributes or another data set.",
            )
        order = generator(settings.seed, "users").permutation(len(known)).tolist()
        users = _split(settings, dataset, [known[place] for place in order])
    users = [sample_history(u, section.history, section.sampling, settings.seed) for u in users]
    return [_with_pool(settings, catalog, user, pool) for user in users]


def _split(settings: Configuration, dataset: Dataset, ids: list[str]) -> list[User]:
    """Return the first `n` of these users who have enough items to hold some out."""
    n, found = settings.users.n, []
    while ids and len(found) < n:
        some, ids = ids[: n - len(found)], ids[n - len(found) :]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # others take the place of those with too few items
            found += leave_last_out(
                dataset, settings.users.held_out, users=some, seed=settings.seed
            )
    return found


def _with_pool(settings: Configuration, catalog: Catalog, user: User, size: int | None) -> User:
    """Return the user with candidates: what is held out, and a seeded sample of the rest."""
    pool = settings.recommender.pool
    if size is None and not KINDS[settings.recommender.kind].pool:
        return user
    items = candidate_pool(
        catalog,
        pool.size if size is None else size,
        include=user.held_out,
        exclude=user.history,
        stratify_by=pool.stratify_by,
        seed=settings.seed,
        purpose=user.id,
    )
    return replace(user, candidates=items)
