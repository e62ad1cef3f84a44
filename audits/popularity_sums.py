"""Popularity of what is recommended, added up over lists, be it one batch or many of a log."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from fairrec.metrics.accumulators import ListSums
from fairrec.metrics.item_lists import OFF, ItemLists, relevance_at
from fairrec.metrics.novelty import self_information
from fairrec.metrics.popularity import log_popularity, popularity_ranks
from fairrec.metrics.popularity_parts import PopularityParts, part_counts

Values = NDArray[np.float64]


class PopularitySums:
    """What popularity metrics are made of.

    Args:
        popularity: How often each item was consumed, shape (N,), at least 0.
        parts: Head and tail of the catalogue.

    Attributes:
        lists: By name, sums over lists: "arp", "log_popularity", "popularity_rank",
            "self_information" (means over a list's items), "parts" (their shares), "aclt"; "places"
            (popularity by rank, k columns), "part_counts", "part_chances" (items that could have
            been listed: those not in the history); "part_hits" and "part_relevant" where relevance
            is known.
        by_item: The first four of these by item, shape (N,) each, NaN where they are undefined.
        counts: How many lists hold each item, shape (N,).
        users: Users so far.
        n_lists: Lists that hold an item of the catalogue.
    """

    def __init__(self, popularity: Values, parts: PopularityParts) -> None:
        self.popularity = popularity
        self.parts = parts
        self.lists = ListSums()
        self.counts = np.zeros(len(popularity))
        self.users = 0
        self.n_lists = 0
        self.by_item = {
            "arp": popularity,
            "log_popularity": log_popularity(popularity),
            "popularity_rank": popularity_ranks(popularity),
            "self_information": self_information(popularity)
            if popularity.sum() > 0
            else np.full(len(popularity), np.nan),
        }

    def update(
        self,
        lists: ItemLists,
        users: NDArray[np.integer],
        relevant: csr_matrix | None = None,
        histories: ItemLists | None = None,
    ) -> None:
        """Add lists.

        Args:
            lists: n lists; those without any item of the catalogue add nothing.
            users: Number of the user of each, counting up from 0; shape (n,).
            relevant: What is relevant to them, shape (n, N), where it is known.
            histories: What they had before, n histories, where it is known: all or never.
        """
        there = lists.known.any(axis=1)
        if not there.all():
            relevant = None if relevant is None else csr_matrix(relevant)[there]
            if histories is not None:
                histories = ItemLists(histories.items[there], histories.n_items)
            lists, users = ItemLists(lists.items[there], lists.n_items), users[there]
        if not len(lists):
            return
        self.users = max(self.users, int(users.max()) + 1)
        self.n_lists += len(lists)
        self.counts += lists.counts()
        values = {name: _mean(lists, of) for name, of in self.by_item.items()}
        held = part_counts(lists, self.parts)
        values["parts"] = held / held.sum(axis=1, keepdims=True)
        values["part_counts"] = held
        values["aclt"] = held[:, -1]
        values["places"] = lists.values(self.popularity)
        if histories is not None:
            values["part_chances"] = self.parts.groups.sizes - part_counts(histories, self.parts)
        if relevant is not None:
            hits = relevance_at(lists, relevant) > 0
            found = ItemLists(np.where(hits, lists.items, OFF), lists.n_items)
            values["part_hits"] = part_counts(found, self.parts)
            liked: Any = csr_matrix(relevant, copy=True)
            liked.data = (liked.data > 0).astype(np.float64)
            values["part_relevant"] = (liked @ self.parts.groups.membership).toarray()
        self.lists.update(values, users)

    def merge(self, other: PopularitySums) -> None:
        """Add what another one has added up over other users."""
        self.lists.merge(other.lists)
        self.counts += other.counts
        self.users = max(self.users, other.users)
        self.n_lists += other.n_lists


def _mean(lists: ItemLists, by_item: Values) -> Values:
    """Return each list's mean over its known items of a number that may be missing; (n,)."""
    at = lists.values(by_item)
    here = ~np.isnan(at)
    count = here.sum(axis=1)
    total = np.where(here, at, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
