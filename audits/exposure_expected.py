"""Expected exposure of requests: the lists that the same request got are averaged first.

Few lists make attention look heaped on few items: with m lists of a request, |ε|² is on average
too large by the variance of a single list's exposure over m. The dot products of *different* lists
of a request are not, ``(m² |ε|² - Σ |e|²) / (m (m - 1))``, and the loss is too large by as much.
They can fall below 0, and need at least two lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from fairrec.audits.answered_lists import AnsweredLists
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.expected_exposure import ExpectedExposure, expected_exposure, target_exposure
from fairrec.metrics.exposure import group_exposure, place_exposure
from fairrec.metrics.item_groups import ItemGroups

Values = NDArray[np.float64]

BLOCK = 4_000_000
"""Numbers held at a time (32 MB)."""


@dataclass(frozen=True)
class RequestExposure:
    """Expected exposure of every user, shape (users,); NaN for users without a list or relevance.

    Attributes:
        plain: EE-D, EE-R and EE-L of the lists that there are.
        disparity_unbiased, difference_unbiased: EE-D and EE-L of as many lists as one likes; NaN
            for users with a single list.
    """

    plain: ExpectedExposure
    disparity_unbiased: Values
    difference_unbiased: Values


def expected_by_request(
    asked: Sequence[AnsweredLists],
    relevant: Sequence[csr_matrix | None],
    browsing: Browsing,
    groups: ItemGroups | None,
) -> dict[str, RequestExposure]:
    """Return the expected exposure of items and, where there are any, of groups.

    Args:
        asked: Lists of the first asking and of repeats.
        relevant: What is relevant to the user of each row; None where there are no rows.
        browsing: How people read.
        groups: Groups of the items, or None.

    Returns:
        By "items" and "groups".
    """
    owners, n_items = len(asked[0].owners), asked[0].lists.n_items
    rows, columns, weights, lists = [], [], [], np.zeros(owners)
    liked = []
    squares = {"items": np.zeros(owners), "groups": np.zeros(owners)}
    for some, here in zip(asked, relevant, strict=True):
        if here is None or not len(some.lists):
            continue
        exposure, known = place_exposure(some.lists, browsing, here), some.lists.known
        rows.append(some.owner[np.nonzero(known)[0]])
        columns.append(some.lists.items[known])
        weights.append(exposure[known])
        lists += np.bincount(some.owner[some.answered], minlength=owners)
        np.add.at(squares["items"], rows[-1], weights[-1] ** 2)
        if groups is not None:
            by_group = group_exposure(some.lists, groups, exposure)
            np.add.at(squares["groups"], some.owner, (by_group**2).sum(axis=1))
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
    parts: dict[str, list[ExpectedExposure]] = {"items": []}
    if groups is not None:
        parts["groups"] = []
    for start in range(0, owners, block := max(1, BLOCK // n_items)):
        some_rows = slice(start, start + block)
        given = system[some_rows].toarray()
        target = target_exposure(likes[some_rows], browsing, asked[0].lists.k)
        parts["items"].append(expected_exposure(given, target))
        if groups is not None:
            parts["groups"].append(expected_exposure(groups.totals(given), groups.totals(target)))
    return {
        name: _of_all(
            ExpectedExposure(
                *(np.where(lists > 0, np.concatenate(of), np.nan) for of in zip(*some, strict=True))
            ),
            squares[name],
            lists,
        )
        for name, some in parts.items()
    }


def _of_all(plain: ExpectedExposure, squares: Values, lists: Values) -> RequestExposure:
    """Return what was found beside what pairs of different lists say.

    Args:
        plain: Of the mean exposure of each user's lists.
        squares: Sum of |e|² over each user's lists.
        lists: How many lists each user has.
    """
    pairs = lists * (lists - 1)
    among = (lists**2 * plain.disparity - squares) / np.where(pairs > 0, pairs, 1.0)
    disparity = np.where(pairs > 0, among, np.nan)
    return RequestExposure(plain, disparity, plain.difference - (plain.disparity - disparity))
