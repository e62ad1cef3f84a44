"""Ranked lists as numbers: positions in an explicit catalogue.

Item-side metrics count what was never recommended too, so a list always belongs to a catalogue,
and an item is its position there: 0 to N - 1. What a recommender made up keeps its place and its
attention but belongs to no item (`OFF`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from fairrec.errors import BadData, WrongUse

END = -1
"""The list has ended: nothing stands here."""

OFF = -2
"""Something stands here that is no item of the catalogue."""


@dataclass(frozen=True, eq=False)
class ItemLists:
    """n ranked lists of at most k items, best first.

    Attributes:
        items: Shape (n, k), whole numbers: positions in the catalogue, `OFF`, or `END`, which
            stands only after all else. A row of `END` alone is a missing or empty list.
        n_items: Items in the catalogue, at least 1.

    Raises:
        BadData: A number is no position, or something stands after the end of a list.
    """

    items: NDArray[np.integer]
    n_items: int

    def __post_init__(self) -> None:
        if self.n_items < 1 or self.items.ndim != 2:
            raise BadData(
                f"lists have the shape {self.items.shape}, with {self.n_items} items.",
                expected="a matrix of lists by ranks, and a catalogue of at least 1 item.",
            )
        if self.items.size and (self.items.min() < OFF or self.items.max() >= self.n_items):
            raise BadData(
                f"positions go from {self.items.min()} to {self.items.max()}.",
                expected=f"0 to {self.n_items - 1}, {OFF} off the catalogue, {END} at the end.",
            )
        ended = self.items == END
        if (ended[:, :-1] & ~ended[:, 1:]).any():
            raise BadData(
                "a list goes on after its end.",
                expected="the end after all items.",
                do="close gaps.",
            )

    def __len__(self) -> int:
        return len(self.items)

    @property
    def k(self) -> int:
        """Ranks that lists can have."""
        return self.items.shape[1]

    @property
    def listed(self) -> NDArray[np.bool_]:
        """Where something stands, on the catalogue or off it; shape (n, k)."""
        return self.items != END

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where an item of the catalogue stands; shape (n, k)."""
        return self.items >= 0

    @property
    def lengths(self) -> NDArray[np.int64]:
        """How many things each list holds, off the catalogue too; shape (n,)."""
        return self.listed.sum(axis=1)

    def top(self, k: int) -> ItemLists:
        """Return the lists cut to their first k ranks."""
        if k < 1:
            raise WrongUse(f"k is {k}.", expected="at least 1.")
        return self if k >= self.k else ItemLists(self.items[:, :k], self.n_items)

    def values(
        self, by_item: NDArray[np.float64], elsewhere: float = np.nan
    ) -> NDArray[np.float64]:
        """Return each place's value of a quantity given by item.

        Args:
            by_item: Shape (N,).
            elsewhere: What stands where no item of the catalogue does.

        Returns:
            Shape (n, k).
        """
        # Clipped, what is no item takes the first item's value, which `where` then replaces.
        return np.where(self.known, by_item.take(self.items, mode="clip"), elsewhere)

    def counts(self) -> NDArray[np.int64]:
        """Return how many lists hold each item (an item is in a list once), shape (N,)."""
        return np.bincount(self.items[self.known], minlength=self.n_items)


def item_lists(
    lists: Sequence[Sequence[str] | None], position: Mapping[str, int], k: int
) -> ItemLists:
    """Return lists of item ids as positions.

    Args:
        lists: Ids, best first; None for a missing list. Ids that are not in the catalogue are
            `OFF`.
        position: Position in the catalogue by id: 0 to N - 1.
        k: Ranks that count, at least 1.

    Raises:
        WrongUse: k is below 1.
        BadData: A list names an item twice among its first k.
    """
    if k < 1:
        raise WrongUse(f"k is {k}.", expected="at least 1.")
    items = np.full((len(lists), k), END, dtype=np.int32)
    for row, listed in enumerate(lists):
        some = [position.get(item, OFF) for item in (listed or ())[:k]]
        known = [place for place in some if place >= 0]
        if len(set(known)) < len(known):
            raise BadData(
                f"list {row + 1} names an item twice.",
                expected="every item once in a list.",
                do="keep the first place of each.",
            )
        items[row, : len(some)] = some
    return ItemLists(items, len(position))


def relevant_items(
    relevant: Sequence[Mapping[str, float] | Sequence[str]], position: Mapping[str, int]
) -> csr_matrix:
    """Return what is relevant for each list, lists x catalogue, sparse.

    Args:
        relevant: For each list, ids (relevance 1) or relevance above 0 by id. Ids that are not
            in the catalogue are left out: they can never be found.
        position: Position in the catalogue by id.
    """
    rows, columns, values = [], [], []
    for row, some in enumerate(relevant):
        graded = some if isinstance(some, Mapping) else dict.fromkeys(some, 1.0)
        for item, value in graded.items():
            if item in position and value > 0:
                rows.append(row)
                columns.append(position[item])
                values.append(float(value))
    return csr_matrix((values, (rows, columns)), shape=(len(relevant), len(position)))


def relevance_at(lists: ItemLists, relevant: csr_matrix) -> NDArray[np.float64]:
    """Return the relevance of what stands at each place, 0 where nothing relevant does; (n, k).

    Args:
        lists: n lists.
        relevant: Shape (n, N), as `relevant_items` makes it.
    """
    if relevant.shape != (len(lists), lists.n_items):
        raise WrongUse(
            f"relevance has the shape {relevant.shape}.",
            expected=f"({len(lists)}, {lists.n_items}): lists by catalogue.",
        )
    relevant = csr_matrix(relevant)
    relevant.sum_duplicates()
    rows = np.repeat(np.arange(len(lists), dtype=np.int64), np.diff(relevant.indptr))
    keys = rows * lists.n_items + relevant.indices
    asked = np.arange(len(lists), dtype=np.int64)[:, None] * lists.n_items + lists.items
    place = np.minimum(np.searchsorted(keys, asked), max(len(keys) - 1, 0))
    if not len(keys):
        return np.zeros(lists.items.shape)
    found = lists.known & (keys[place] == asked)
    return np.where(found, relevant.data[place], 0.0)
