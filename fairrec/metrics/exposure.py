"""Attention that lists give: to items and to groups of items.

Three steps, so that any metric can start from any of them: `place_exposure` gives the attention of
every place, `item_exposure` adds it up by item and `group_exposure` by list and group.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from fairrec.errors import WrongUse
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.item_lists import ItemLists, relevance_at

Exposure = NDArray[np.float64]


def place_exposure(
    lists: ItemLists, browsing: Browsing, relevant: csr_matrix | None = None
) -> Exposure:
    """Return the attention that each place gets, 0 where a list has ended; shape (n, k).

    What is not in the catalogue keeps its place and its attention.

    Args:
        lists: n lists.
        browsing: How people read.
        relevant: Shape (n, N): relevance in [0, 1], for models that depend on it.

    Raises:
        WrongUse: The model needs to know what is relevant and is not told.
    """
    if not browsing.needs_relevance:
        return np.where(lists.listed, browsing.weights(lists.k), 0.0)
    if relevant is None:
        browsing.weights(lists.k)  # says what is lacking
        raise AssertionError
    return np.where(lists.listed, browsing.exposure(relevance_at(lists, relevant)), 0.0)


def item_exposure(lists: ItemLists, exposure: Exposure) -> Exposure:
    """Return the sum of attention over lists by item of the catalogue, shape (N,)."""
    _check(lists, exposure)
    known = lists.known
    total = np.bincount(lists.items[known], exposure[known], minlength=lists.n_items)
    return total.astype(np.float64)


def group_exposure(lists: ItemLists, groups: ItemGroups, exposure: Exposure) -> Exposure:
    """Return the attention that each list gives to each group, shape (n, G).

    An item in several groups gives each its part. What is not in the catalogue is in no group:
    its attention is what the row lacks to `exposure.sum(axis=1)`.
    """
    _check(lists, exposure)
    known = lists.known
    items, given = lists.items[known], exposure[known]
    starts = np.concatenate([[0], np.cumsum(known.sum(axis=1))])
    if groups.codes is not None:
        group = groups.membership.indices.take(items, mode="clip")
        held = csr_matrix((given, group, starts), shape=(len(lists), len(groups)))
        return held.toarray()
    held = csr_matrix((given, items, starts), shape=(len(lists), lists.n_items))
    return (held @ groups.membership).toarray()


def _check(lists: ItemLists, exposure: Exposure) -> None:
    if exposure.shape != lists.items.shape:
        raise WrongUse(
            f"exposure has the shape {exposure.shape} for lists of {lists.items.shape}.",
            expected="one weight for every place, as `place_exposure` returns.",
        )
