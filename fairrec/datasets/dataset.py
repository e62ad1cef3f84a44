"""The shape of a data set: people, items, and who consumed what when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fairrec.catalogs import Catalog
from fairrec.errors import BadData

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Interactions of people with the items of a catalogue, and what is known of the people.

    The interactions of one user stand together, oldest first; those of user number `u` are the
    rows ``starts[u]:starts[u + 1]`` of `items`, `ratings` and `timestamps`. Equal timestamps
    keep the order of the source's rows, and without timestamps that order is all there is. A
    user has an item once.

    Attributes:
        name: What the data set is called.
        catalog: The items.
        user_ids: One id per user, all different.
        profiles: By user id, what is known of each user, such as ``{"gender": "female", "age":
            "25-34"}``; what is unknown is left out.
        starts: Where each user's rows start, and the number of rows; users + 1 whole numbers.
        items: Position in the catalogue of each row's item.
        ratings: Each row's rating, or how often the item was played; None where neither is known.
        timestamps: Seconds since 1970 of each row, or None.
        warnings: What was counted while reading, one sentence each.

    Raises:
        BadData: Ids are repeated, or lengths do not fit.
    """

    name: str
    catalog: Catalog
    user_ids: tuple[str, ...]
    profiles: Mapping[str, Mapping[str, str]]
    starts: NDArray[np.int64]
    items: NDArray[np.int32]
    ratings: NDArray[np.float64] | None = None
    timestamps: NDArray[np.float64] | None = None
    warnings: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        n, rows = len(self.user_ids), len(self.items)
        columns = [c for c in (self.ratings, self.timestamps) if c is not None]
        fits = len(self.starts) == n + 1 and self.starts[-1] == rows
        fits = fits and self.profiles.keys() == set(self.user_ids)
        if not fits or any(len(column) != rows for column in columns):
            raise BadData(
                f"data set {self.name!r} has columns of different lengths.",
                expected="one profile and start per user, one rating and timestamp per row.",
            )
        if len(set(self.user_ids)) != n:
            twice = [user for user, times in Counter(self.user_ids).items() if times > 1]
            raise BadData(
                f"data set {self.name!r} has {len(twice)} user(s) twice: {', '.join(twice[:5])}.",
                expected="every user once.",
            )
        for column in (self.starts, self.items, *columns):
            column.setflags(write=False)

    def __repr__(self) -> str:
        known = ", ".join(self.attributes) or "none"
        return (
            f"Dataset({self.name!r}: {len(self.user_ids)} users, {len(self.catalog)} items, "
            f"{len(self.items)} interactions, attributes: {known})"
        )

    @cached_property
    def attributes(self) -> dict[str, dict[str, int]]:
        """How many users have each value of each attribute, both in order of frequency."""
        counts: dict[str, Counter[str]] = {}
        for profile in self.profiles.values():
            for name, value in profile.items():
                counts.setdefault(name, Counter())[value] += 1
        frequent = sorted(counts, key=lambda name: -counts[name].total())
        return {name: dict(counts[name].most_common()) for name in frequent}

    @property
    def interactions(self) -> pandas.DataFrame:
        """A new data frame of the columns user and item (ids, as categories of strings), rating
        and timestamp (floats, NaN where unknown), each user's rows together, oldest first.
        """
        import pandas

        users = np.repeat(np.arange(len(self.user_ids)), np.diff(self.starts))
        unknown = np.full(len(self.items), np.nan)
        return pandas.DataFrame(
            {
                "user": pandas.Categorical.from_codes(users, list(self.user_ids)),
                "item": pandas.Categorical.from_codes(self.items, list(self.catalog.ids)),
                "rating": unknown if self.ratings is None else self.ratings,
                "timestamp": unknown if self.timestamps is None else self.timestamps,
            }
        )

    def rows(self, user: int) -> slice:
        """Return the rows of one user, by number."""
        return slice(int(self.starts[user]), int(self.starts[user + 1]))
