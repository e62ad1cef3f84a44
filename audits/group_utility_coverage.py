"""How much of the catalogue a group's lists name, made comparable and given uncertainty.

A set of items belongs to a group and not to a user. Tukey's pseudo-values give every user a part
in it: n times the group's coverage less n - 1 times that without the user. Their mean is the
group's coverage, and they can be compared like any values of users (Tukey, "Bias and Confidence
in Not-quite Large Samples", Annals of Mathematical Statistics 29, 1958). More users name more
items, so every group's coverage is that of equally many of its users; of half of the smallest
group, since what leaves nobody out has no pseudo-values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fairrec.metrics.utility import coverage


def coverage_size(members: Mapping[str, NDArray[np.intp]], listed: Sequence[frozenset[str]]) -> int:
    """Return how many lists groups are compared at: half of the fewest of a group, at least 1."""
    counts = [sum(bool(listed[row]) for row in rows) for rows in members.values()]
    return max(1, min(counts, default=0) // 2)


def coverage_values(
    members: Mapping[str, NDArray[np.intp]],
    listed: Sequence[frozenset[str]],
    catalog_size: int,
    of: int,
) -> NDArray[np.float64]:
    """Return every user's pseudo-value of the expected coverage by `of` lists of their group.

    Args:
        members: Rows of the users of each group.
        listed: Each user's recommended items; empty without a list.
        catalog_size: Items in the catalogue.
        of: Lists that groups are compared at.

    Returns:
        One per user, NaN without a list, without a group, or in a group of `of` lists or fewer.
    """
    values = np.full(len(listed), np.nan)
    for rows in members.values():
        some = [int(row) for row in rows if listed[row]]
        n = len(some)
        if n <= of:
            continue
        listing = Counter(item for row in some for item in listed[row])
        # By the number of lists that name an item: its part in the coverage of n and n - 1 lists.
        times = np.arange(n + 1)[:, None]
        full = coverage(times, n, catalog_size, of)
        less = coverage(np.minimum(times, n - 1), n - 1, catalog_size, of)
        everything = sum(full[count] for count in listing.values())
        without = sum(less[count] for count in listing.values())
        for row in some:
            own = sum(less[listing[item]] - less[listing[item] - 1] for item in listed[row])
            values[row] = n * everything - (n - 1) * (without - own)
    return values
