"""Expected exposure of requests: the lists that the same request got are averaged first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from fairrec.audits.answered_lists import AnsweredLists
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.expected_exposure import ExpectedExposure, expected_exposure, target_exposure
from fairrec.metrics.exposure import place_exposure
from fairrec.metrics.item_groups import ItemGroups

Values = NDArray[np.float64]

BLOCK = 4_000_000
"""Numbers held at a time (32 MB)."""


def expected_by_request(
    asked: Sequence[AnsweredLists],
    relevant: Sequence[csr_matrix | None],
    browsing: Browsing,
    groups: ItemGroups | None,
) -> dict[str, ExpectedExposure]:
    """Return EE-D, EE-R and EE-L of every user, of items and, where there are any, of groups.

    Args:
        asked: Lists of the first asking and of repeats.
        relevant: What is relevant to the user of each row; None where there are no rows.
        browsing: How people read.
        groups: Groups of the items, or None.

    Returns:
        By "items" and "groups", values of shape (users,), NaN for users without a list or without
        anything relevant.
    """
    owners, n_items = len(asked[0].owners), asked[0].lists.n_items
    rows, columns, weights, lists = [], [], [], np.zeros(owners)
    liked = []
    for some, here in zip(asked, relevant, strict=True):
        if here is None or not len(some.lists):
            continue
        exposure, known = place_exposure(some.lists, browsing, here), some.lists.known
        rows.append(some.owner[np.nonzero(known)[0]])
        columns.append(some.lists.items[known])
        weights.append(exposure[known])
        lists += np.bincount(some.owner[some.answered], minlength=owners)
        chosen = csr_matrix(
            (np.ones(len(some.owner)), (some.owner, np.arange(len(some.owner)))),
            shape=(owners, len(some.owner)),
        )
        liked.append(csr_matrix(chosen @ here))
    scale = np.where(lists > 0, 1 / np.where(lists > 0, lists, 1.0), 0.0)
    where = np.concatenate(rows)
    system = csr_matrix(
        (np.concatenate(weights) * scale[where], (where, np.concatenate(columns))),
        shape=(owners, n_items),
    )
    likes = csr_matrix(sum(liked[1:], liked[0]))
    parts: dict[str, list[ExpectedExposure]] = {"items": [], "groups": []}
    for start in range(0, owners, block := max(1, BLOCK // n_items)):
        some_rows = slice(start, start + block)
        given = system[some_rows].toarray()
        target = target_exposure(likes[some_rows], browsing, asked[0].lists.k)
        parts["items"].append(expected_exposure(given, target))
        if groups is not None:
            parts["groups"].append(expected_exposure(groups.totals(given), groups.totals(target)))
    return {
        name: ExpectedExposure(
            *(np.where(lists > 0, np.concatenate(of), np.nan) for of in zip(*some, strict=True))
        )
        for name, some in parts.items()
        if some
    }
