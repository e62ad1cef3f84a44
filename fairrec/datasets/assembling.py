"""Puts log, items and people together, and counts what does not fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.catalogs import Catalog
from fairrec.datasets.dataset import Dataset
from fairrec.datasets.log_reading import Log
from fairrec.errors import BadData


def assemble(
    name: str,
    log: Log,
    catalog: Catalog | None,
    profiles: Mapping[str, Mapping[str, str]] | None,
) -> Dataset:
    """Return the data set of a log.

    Nothing of the log is lost but repeats: of several rows with the same user and item the
    latest is kept. Items that the catalogue lacks join it under their id, and users without a
    profile have an empty one. All of it is counted in the data set's `warnings`.

    Args:
        name: Of the data set.
        log: The interactions; emptied.
        catalog: The items, or None where nothing but their ids is known.
        profiles: By user id, or None where nothing is known.

    Raises:
        BadData: There are no interactions.
    """
    users, items = log.column("user"), log.column("item")
    if users is None or items is None or not len(users):
        raise BadData(
            f"{name} has no interactions.",
            expected="at least one row with a user and an item.",
            do="check that the right files are in the folder.",
        )
    notes = list(log.warnings)
    user_ids = _joined(profiles or {}, log.user_numbers)
    known = profiles or {}
    if profiles is not None:
        lacking = [user for user in log.user_numbers if user not in profiles]
        notes += _note(lacking, "user(s) of the log have no profile")
        notes += _note(
            [user for user in profiles if user not in log.user_numbers],
            "user(s) have no interactions",
        )
    notes += _unknown_attributes(known, len(user_ids))
    whole = _with_items(catalog, log.item_numbers)
    notes += _note(
        [i for i in log.item_numbers if catalog is None or i not in catalog],
        "item(s) of the log have no title: their id stands for it",
    )
    users = _renumbered(users, log.user_numbers, {u: n for n, u in enumerate(user_ids)})
    items = _renumbered(items, log.item_numbers, {i: n for n, i in enumerate(whole.ids)})
    ratings, timestamps = log.column("rating"), log.column("timestamp")
    if timestamps is None:
        order = np.argsort(users, kind="stable")
        notes.append("there are no timestamps: histories stand in the order of the file's rows.")
    else:
        order = np.lexsort((timestamps, users))  # stable: ties keep the order of the rows
    order, repeated = _without_repeats(order, users, items, len(whole))
    if len(repeated):
        example = f"{user_ids[users[repeated[0]]]} and {whole.ids[items[repeated[0]]]}"
        notes.append(
            f"{len(repeated)} row(s) repeat a user and an item, such as {example}: the latest of "
            "them is kept."
        )
    counts = np.bincount(users[order], minlength=len(user_ids))
    return Dataset(
        name,
        whole,
        user_ids,
        {user: known.get(user, {}) for user in user_ids},
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        items[order],
        None if ratings is None else ratings[order],
        None if timestamps is None else timestamps[order],
        tuple(notes),
    )


def _joined(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*first, *second]))


def _renumbered(
    codes: NDArray[np.int32], numbers: Mapping[str, int], wanted: Mapping[str, int]
) -> NDArray[np.int32]:
    return np.array([wanted[name] for name in numbers], np.int32)[codes]


def _with_items(catalog: Catalog | None, ids: Iterable[str]) -> Catalog:
    """Return the catalogue with these items added where it lacks them."""
    if catalog is None:
        names = tuple(ids)
        return Catalog(names, names)
    added = tuple(item for item in ids if item not in catalog)
    if not added:
        return catalog

    def longer(values: NDArray[Any]) -> NDArray[Any]:
        missing = np.nan if values.dtype == np.float64 else None
        return np.concatenate([values, np.full(len(added), missing, values.dtype)])

    columns = {name: longer(values) for name, values in catalog.columns.items()}
    return Catalog(catalog.ids + added, catalog.titles + added, columns)


def _without_repeats(
    order: NDArray[np.int64], users: NDArray[np.int32], items: NDArray[np.int32], n_items: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split an order of rows in those that are a pair's last, and the others."""
    pairs = users[order].astype(np.int64) * n_items + items[order]
    by_pair = np.argsort(pairs, kind="stable")
    pairs = pairs[by_pair]
    is_repeat = np.zeros(len(order), bool)
    is_repeat[by_pair[:-1][pairs[1:] == pairs[:-1]]] = True
    return (order[~is_repeat], order[is_repeat]) if is_repeat.any() else (order, order[:0])


def _unknown_attributes(profiles: Mapping[str, Mapping[str, str]], n_users: int) -> list[str]:
    names = dict.fromkeys(name for profile in profiles.values() for name in profile)
    notes = []
    for name in names:
        unknown = n_users - sum(name in profile for profile in profiles.values())
        if unknown:
            notes.append(f"{name} is unknown for {unknown} of {n_users} users.")
    return notes


def _note(names: Sequence[str], what: str) -> list[str]:
    if not names:
        return []
    return [f"{len(names)} {what}: {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}."]
