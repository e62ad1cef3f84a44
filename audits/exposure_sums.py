"""Exposure of items and groups added up over lists: one batch of an audit, or many of a log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from fairrec.metrics.accumulators import ItemTotals, ListSums
from fairrec.metrics.attention import awrf
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.exposure import group_exposure, place_exposure
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.item_lists import ItemLists, relevance_at
from fairrec.metrics.merit import catalogue_shares

Values = NDArray[np.float64]


class ExposureSums:
    """What exposure metrics are made of.

    Args:
        n_items: N, items of the catalogue.
        k: Ranks that count.
        groups: G groups of the items, or None for items alone.
        browsing: How people read; the first model is the one that items are judged by.

    Attributes:
        items: Exposure of every item under the first model, by bucket of users.
        counts: How many lists hold each item, shape (N,).
        lists: By name, sums over lists: "all 0", "off 0" and "groups 0" for the attention of the
            first model given in all, off the catalogue and to each group, and so on for the others;
            "squared 0", the squared weights of places that hold an item of the catalogue;
            "awrf"; "merit" (relevance of each group) and "impact" (attention times relevance,
            clicks that are to be expected) where relevance is known.
        by_rank: How many places of each rank each group has, shape (k, G).
        users: Users so far.
        n_lists: Lists that hold anything.
    """

    def __init__(
        self, n_items: int, k: int, groups: ItemGroups | None, browsing: Sequence[Browsing]
    ) -> None:
        self.groups = groups
        self.browsing = tuple(browsing)
        self.items = ItemTotals(n_items)
        self.counts = np.zeros(n_items)
        self.lists = ListSums()
        self.by_rank = np.zeros((k, 0 if groups is None else len(groups)))
        self.users = 0
        self.n_lists = 0

    def update(
        self, lists: ItemLists, users: NDArray[np.integer], relevant: csr_matrix | None = None
    ) -> None:
        """Add lists.

        Args:
            lists: n lists of at most k items; empty ones add nothing.
            users: Number of the user of each, counting up from 0; shape (n,).
            relevant: Relevance in [0, 1] of items to them, shape (n, N), where it is known.
        """
        there = lists.lengths > 0
        if not there.all():
            relevant = None if relevant is None else csr_matrix(relevant)[there]
            lists, users = ItemLists(lists.items[there], lists.n_items), users[there]
        if not len(lists):
            return
        self.users = max(self.users, int(users.max()) + 1)
        self.n_lists += len(lists)
        known = lists.known
        at = lists.items[known]
        self.counts += np.bincount(at, minlength=lists.n_items)
        values: dict[str, Values] = {}
        ones = np.ones(lists.k)
        first = np.empty(0)
        for place, model in enumerate(self.browsing):
            exposure = place_exposure(lists, model, relevant)
            if place == 0:
                self.items.update(at, exposure[known], np.repeat(users, known.sum(axis=1)))
                first = exposure
            values[f"all {place}"] = exposure.sum(axis=1)
            values[f"squared {place}"] = np.where(known, exposure, 0.0) ** 2 @ ones
            values[f"off {place}"] = np.where(known, 0.0, exposure).sum(axis=1)
            if self.groups is not None:
                values[f"groups {place}"] = group_exposure(lists, self.groups, exposure)
        if self.groups is not None:
            values |= self._of_groups(lists, self.groups, values["groups 0"], first, relevant)
            self._add_ranks(self.groups, known, at)
        self.lists.update(values, users)

    def merge(self, other: ExposureSums) -> None:
        """Add what another one has added up over other users."""
        self.items.merge(other.items)
        self.lists.merge(other.lists)
        self.counts += other.counts
        self.by_rank += other.by_rank
        self.users = max(self.users, other.users)
        self.n_lists += other.n_lists

    def _of_groups(
        self,
        lists: ItemLists,
        groups: ItemGroups,
        given: Values,
        exposure: Values,
        relevant: csr_matrix | None,
    ) -> dict[str, Values]:
        values = {"awrf": awrf(given, catalogue_shares(groups), known=groups.known)}
        if relevant is not None:
            clicks = exposure * relevance_at(lists, relevant)
            values["merit"] = _dense(relevant @ groups.membership)
            values["impact"] = group_exposure(lists, groups, clicks)
        return values

    def _add_ranks(
        self, groups: ItemGroups, known: NDArray[np.bool_], at: NDArray[np.integer]
    ) -> None:
        rank = np.nonzero(known)[1]
        k, size = known.shape[1], len(groups)
        if groups.codes is not None:
            cells = rank * size + groups.codes[at]
            self.by_rank[:k] += np.bincount(cells, minlength=k * size).reshape(k, size)
            return
        held = csr_matrix((np.ones(len(at)), (rank, at)), shape=(k, groups.membership.shape[0]))
        self.by_rank[:k] += _dense(held @ groups.membership)


def _dense(table: Any) -> Values:
    return table.toarray()
