"""Sums over lists that stream, merge and keep what is needed to say how sure they are.

Every list belongs to one of B buckets. A list of the first B users has a bucket of its own; later
users share them, dealt out at random. Buckets are what uncertainty resamples: with at most B
users that is the bootstrap over users itself, with more it is the bootstrap over B random shares
of them (Chamandy et al., "Estimating Uncertainty for Massive Data Streams", 2012, do the like).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix

from fairrec.errors import WrongUse

BUCKETS = 1000
"""Buckets of a sum over lists."""

BLOCK = 1 << 15
"""Values that are added at a time."""

LEFT_OUT = 1_000_000
"""Totals that are looked at together when buckets are left out in turn."""

ROUNDING = 1e-5
"""Share of a total below which what is left of it is the rounding of sums in 32 bits."""

CELLS = 32_000_000
"""Most numbers (128 MB) that sums by item and bucket may take."""


def bucket_of(users: NDArray[np.integer], buckets: int) -> NDArray[np.int64]:
    """Return the bucket of users by their number, 0 for the first: their own, then a random one.

    The same number always gives the same bucket, in any process.
    """
    # The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): neighbours part ways.
    x = users.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    drawn = ((x ^ (x >> np.uint64(31))) % np.uint64(buckets)).astype(np.int64)
    return np.where(users < buckets, users, drawn)


class ItemTotals:
    """A quantity of every item, such as its exposure, added up over lists.

    Args:
        n_items: N, items of the catalogue.
        buckets: Most buckets to keep; fewer where N is large (see `CELLS`).

    Attributes:
        by_bucket: Shape (B, N).
    """

    def __init__(self, n_items: int, buckets: int = 200) -> None:
        self.n_items = n_items
        self.buckets = int(np.clip(CELLS // max(n_items, 1), 8, buckets))
        self.by_bucket = np.zeros((self.buckets, n_items), dtype=np.float32)
        self.total = np.zeros(n_items)

    def update(
        self, items: NDArray[np.integer], values: NDArray[np.float64], users: NDArray[np.integer]
    ) -> None:
        """Add values of items (positions in the catalogue) from the lists of users.

        Args:
            items: Shape (m,), 0 to N - 1.
            values: Shape (m,).
            users: Number of the user behind each, shape (m,), counting up from 0.
        """
        flat = self.by_bucket.reshape(-1)
        # Blocks stay in the processor's cache; all of a user's items have the same bucket.
        for start in range(0, len(items), BLOCK):
            block = slice(start, start + BLOCK)
            place, value, user = items[block].astype(np.intp), values[block], users[block]
            first = np.concatenate([[0], np.flatnonzero(user[1:] != user[:-1]) + 1])
            offset = bucket_of(user[first], self.buckets) * self.n_items
            cells = np.repeat(offset, np.diff(np.append(first, len(user)))) + place
            np.add.at(flat, cells, value.astype(np.float32))
            np.add.at(self.total, place, value)

    def left_out(
        self, measure: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """Return a measure of the totals without each bucket in turn, shape (B, ...).

        All of them together are B times as large as the totals, so they are made few at a time.
        Buckets without any list are skipped.

        Args:
            measure: Takes totals of shape (b, N) to values of shape (b,) or (b, measures).
        """
        held = np.flatnonzero(self.by_bucket.any(axis=1))
        few = max(1, LEFT_OUT // self.n_items)

        def without(start: int) -> NDArray[np.float64]:
            rest = self.total - self.by_bucket[held[start : start + few]]
            rest[rest <= ROUNDING * self.total] = 0.0
            return measure(rest)

        # Subtracting and sorting let go of the interpreter's lock.
        with ThreadPoolExecutor(2) as pool:
            values = list(pool.map(without, range(0, len(held), few)))
        return np.concatenate(values or [measure(self.total[None, :])[:0]])

    def merge(self, other: ItemTotals) -> None:
        """Add what another one has added up over other users."""
        if other.by_bucket.shape != self.by_bucket.shape:
            raise WrongUse(
                f"totals of {other.n_items} items in {other.buckets} buckets cannot be added to "
                f"those of {self.n_items} in {self.buckets}.",
                expected="totals over one catalogue.",
            )
        self.by_bucket += other.by_bucket
        self.total += other.total


class ListSums:
    """Named values of lists added up by bucket, and how many lists have each.

    Attributes:
        sums: By name, shape (B, ...): sum of the values, NaN left out.
        counts: By name, shape (B, ...): how many were added.
    """

    def __init__(self, buckets: int = BUCKETS) -> None:
        self.buckets = buckets
        self.sums: dict[str, NDArray[np.float64]] = {}
        self.counts: dict[str, NDArray[np.float64]] = {}

    def update(self, values: Mapping[str, NDArray[np.float64]], users: NDArray[np.integer]) -> None:
        """Add values of n lists.

        Args:
            values: By name, shape (n,) or (n, G); NaN is left out of sum and count.
            users: Number of the user behind each list, shape (n,), counting up from 0.
        """
        bucket = bucket_of(users, self.buckets)
        lists = len(bucket)
        # Column j has a 1 in the bucket of list j: multiplying adds up by bucket.
        held = csc_matrix(
            (np.ones(lists), bucket, np.arange(lists + 1)), shape=(self.buckets, lists)
        )
        by_bucket = np.bincount(bucket, minlength=self.buckets).astype(np.float64)
        for name, value in values.items():
            shape = (self.buckets, *value.shape[1:])
            table = np.asarray(value, dtype=np.float64)
            table = table.reshape(lists, math.prod(value.shape[1:]))
            if table.size and not np.isnan(table.min()):
                added, count = held @ table, np.outer(by_bucket, np.ones(table.shape[1]))
            else:
                present = ~np.isnan(table)
                added, count = held @ np.where(present, table, 0.0), held @ present
            for into, whole in ((self.sums, added), (self.counts, count)):
                into[name] = into.get(name, 0.0) + whole.reshape(shape)

    def merge(self, other: ListSums) -> None:
        """Add what another one has added up over other users."""
        if other.buckets != self.buckets:
            raise WrongUse(
                f"sums in {other.buckets} and {self.buckets} buckets cannot be added.",
                expected="sums with equally many buckets.",
            )
        for mine, theirs in ((self.sums, other.sums), (self.counts, other.counts)):
            for name, value in theirs.items():
                mine[name] = mine.get(name, 0.0) + value

    def mean(self, name: str) -> NDArray[np.float64]:
        """Return the mean over lists, NaN where none has a value; shape () or (G,)."""
        total, count = self.sums[name].sum(axis=0), self.counts[name].sum(axis=0)
        return np.where(count > 0, total / np.where(count > 0, count, 1.0), np.nan)[()]
