"""What rerankers choose from, and what they return: candidates a list, as arrays.

Memory grows with lists times candidates, never with users times catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fairrec.errors import BadData
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.item_lists import END, ItemLists

Places = NDArray[np.int64]


class Reranked(NamedTuple):
    """What a reranker chose.

    Attributes:
        places: Shape (m, k): columns of the candidates, best first, none twice in a row of
            the matrix; `END` where a list has no more candidates.
        shortfall: Shape (m,): how far each list is from its target, in the method's own unit;
            0 where the target is met, above 0 where the candidates cannot meet it.
    """

    places: Places
    shortfall: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Candidates:
    """m lists of at most c candidates each, best first; made by `candidate_lists`.

    Attributes:
        items: Shape (m, c): positions in a catalogue of `n_items`, none twice in a row, and
            `END` after a list's last candidate.
        scores: Shape (m, c), higher is better: falling along a row; -inf at `END`. Equal
            scores stand in the order of their item's number.
        n_items: Items in the catalogue.
    """

    items: NDArray[np.int64]
    scores: NDArray[np.float64]
    n_items: int

    def __len__(self) -> int:
        return len(self.items)

    @property
    def listed(self) -> NDArray[np.bool_]:
        """Where a candidate stands; shape (m, c)."""
        return self.items != END

    @property
    def lengths(self) -> NDArray[np.int64]:
        """How many candidates each list has; shape (m,)."""
        return self.listed.sum(axis=1)

    def rows(self, which: slice) -> Candidates:
        """Return some of the lists: how a large batch is worked through in parts."""
        return Candidates(self.items[which], self.scores[which], self.n_items)

    def group_codes(self, groups: ItemGroups) -> NDArray[np.int64]:
        """Return the group of every candidate; shape (m, c), `END` where there is none.

        Raises:
            BadData: Some item is in several groups.
        """
        codes = groups.codes
        if codes is None:
            raise BadData(
                "some items are in several groups.",
                expected="one group an item: this method counts each item once.",
                do="group by another column, or make one group of each combination.",
            )
        return np.where(self.listed, codes[self.items], END)

    def top(self, k: int) -> Places:
        """Return the k best of every list: the ranking that no mitigation has touched."""
        places = np.full((len(self), k), END)
        width = min(k, self.items.shape[1])
        places[:, :width] = np.where(self.listed[:, :width], np.arange(width), END)
        return places

    def lists(self, places: Places) -> ItemLists:
        """Return the items at these places as lists that the metrics read."""
        return ItemLists(np.where(places == END, END, self._at(self.items, places)), self.n_items)

    def scores_at(self, places: Places) -> NDArray[np.float64]:
        """Return the scores at these places; shape (m, k), 0 past the end of a list."""
        return np.where(places == END, 0.0, self._at(self.scores, places))

    def _at(self, values: NDArray, places: Places) -> NDArray:
        return np.take_along_axis(values, np.where(places == END, 0, places), axis=1)


def in_order(places: Places) -> Places:
    """Return the same candidates of every list, sorted by score."""
    last = np.iinfo(np.int64).max
    ordered = np.sort(np.where(places == END, last, places), axis=1)
    return np.where(ordered == last, END, ordered)


def candidate_lists(
    scores: ArrayLike, items: ArrayLike | None = None, n_items: int | None = None
) -> Candidates:
    """Return candidates, each list best first, equal scores in the order of item numbers.

    Args:
        scores: Shape (m, c), higher is better; finite wherever an item stands. Without `items`
            a dense matrix of users by the whole catalogue, where -inf is no candidate.
        items: Shape (m, c), positions in the catalogue; `END` where no candidate stands.
        n_items: Items in the catalogue; the columns of a dense matrix, else one more than the
            largest position, where unset.

    Raises:
        BadData: Shapes differ, a score is no number, or a list has an item twice.

    >>> candidate_lists([[0.1, 0.9, 0.9]]).items.tolist()
    [[1, 2, 0]]
    """
    s = np.array(scores, dtype=np.float64, ndmin=2)
    if items is None:
        found = np.where(s == -np.inf, END, np.arange(s.shape[1]))
    else:
        found = np.array(items, dtype=np.int64, ndmin=2)
    if found.shape != s.shape or s.ndim != 2 or s.shape[1] == 0:
        raise BadData(
            f"scores have the shape {s.shape} and items {found.shape}.",
            expected="two matrices of one shape: lists by at least 1 candidate.",
        )
    s[found == END] = -np.inf
    if not np.isfinite(s[found != END]).all():
        raise BadData("a candidate's score is no finite number.", expected="finite scores.")
    n = int(found.max(initial=0)) + 1 if n_items is None else n_items
    if items is None and n_items is None:
        n = s.shape[1]
    if found.min(initial=0) < END or found.max(initial=0) >= n:
        raise BadData(
            f"candidates go from {found.min()} to {found.max()}.",
            expected=f"positions 0 to {n - 1}, {END} where no candidate stands.",
        )
    if items is not None:
        _check_once(found)
    if not _in_order(s, found):
        # Sorted by item first: the stable sort by score then leaves ties in that order.
        by_item = np.argsort(found, axis=1, kind="stable")
        found, s = (np.take_along_axis(a, by_item, axis=1) for a in (found, s))
        by_score = np.argsort(-s, axis=1, kind="stable")
        found, s = (np.take_along_axis(a, by_score, axis=1) for a in (found, s))
    return Candidates(found, s, n)


def _in_order(scores: NDArray[np.float64], items: NDArray[np.int64]) -> bool:
    before, after = scores[:, :-1], scores[:, 1:]
    tied = (before == after) & (items[:, 1:] != END)
    return bool(((before >= after) & ~(tied & (items[:, :-1] > items[:, 1:]))).all())


def _check_once(items: NDArray[np.int64]) -> None:
    ordered = np.sort(items, axis=1)
    twice = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != END)
    if twice.any():
        row = int(np.flatnonzero(twice.any(axis=1))[0])
        raise BadData(
            f"list {row} has item {int(ordered[row, 1:][twice[row]][0])} twice.",
            expected="every candidate once a list.",
            do="keep its best score only.",
        )
