"""What chance makes of groups of items: the same amounts, dealt out to items anew.

Under "an item's group has nothing to do with what it gets", every assignment of the amounts to the
items is equally likely, so groups keep their sizes and items swap their amounts. What the items
get stays as unequal as it is: this asks about groups, not about items.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

Values = NDArray[np.float64]

BLOCK = 4_000_000
"""Group totals held at a time (32 MB)."""


def random_groupings(
    amounts: Values, membership: csr_matrix, rng: np.random.Generator, draws: int
) -> Iterator[Values]:
    """Yield the groups' totals when amounts are dealt out to the items at random.

    Args:
        amounts: What each item gets, shape (N,).
        membership: Shape (N, G), sparse: each item's part in each group.
        rng: Source of the draws.
        draws: Number of draws.

    Yields:
        Blocks of shape (some draws, G), `draws` rows in all.
    """
    n_items, n_groups = membership.get_shape()
    given = amounts[amounts != 0]
    single = membership.nnz == n_items and bool((membership.data == 1).all())
    for start in range(0, draws, block := max(1, BLOCK // max(n_groups, 1))):
        totals = np.empty((min(block, draws - start), n_groups))
        for row in totals:
            places = rng.choice(n_items, len(given), replace=False)
            if single:
                row[:] = np.bincount(membership.indices[places], given, minlength=n_groups)
            else:
                row[:] = given @ membership[places]
        yield totals


def upper_p(null: Values, seen: float) -> float:
    """Return the p-value of a statistic that is large when something is wrong.

    ``(1 + draws at least as large) / (1 + draws)`` (Phipson and Smyth, "Permutation P-values
    Should Never Be Zero", 2010). Draws that are undefined do not count.
    """
    null = null[~np.isnan(null)]
    # Sums in another order differ in the last bits; ties must count as ties.
    extreme = int((null >= seen - 1e-10 * max(1.0, abs(seen))).sum())
    return (1 + extreme) / (1 + len(null))
