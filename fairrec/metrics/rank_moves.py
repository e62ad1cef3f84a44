"""How far items move between two lists.

Fagin, Kumar and Sivakumar, "Comparing Top k Lists", SIAM J. Discrete Mathematics 17(1), 2003:
Spearman's footrule with a location parameter, here as a mean.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import WrongUse
from fairrec.metrics.batched_similarity import PADDING, Codes


def batched_rank_moves(x: Codes, y: Codes, k: int) -> NDArray[np.float64]:
    """Return, per pair of rows, the mean number of places that an item moves.

    The mean of ``|rank in x - rank in y|`` over the items in either list; an item that one of
    them lacks stands there at rank k + 1.

    Args:
        x: n lists of codes without repeats, as `encode_lists` makes them.
        y: n lists to compare them with, row by row.
        k: Items asked for, at least the length of the longest list.

    Returns:
        float64 of shape (n,), in [0, k]: 0 for equal lists, (k + 1) / 2 for two full lists
        without an item in common; NaN where either list is missing.

    Raises:
        WrongUse: A list is longer than k.

    >>> import numpy as np
    >>> batched_rank_moves(np.array([[0, 1, 2]]), np.array([[1, 0, 2]]), k=3).round(3).tolist()
    [0.667]
    """
    longest = max(x.shape[1], y.shape[1])
    if longest > k:
        raise WrongUse(
            f"a list has {longest} items, but k is {k}.",
            expected="k of at least the length of the longest list.",
        )
    in_x, in_y = x != PADDING, y != PADDING
    total = np.zeros(len(x))
    common = np.zeros(len(x))
    for place in range(y.shape[1]):
        same = (x == y[:, [place]]) & in_x
        found = same.any(axis=1)
        moved = np.abs(same.argmax(axis=1) - place)
        # An item that only one list has moves between its place and k; those in both lists are
        # counted here once and taken out of the one-sided sums below.
        one_sided = (k - same.argmax(axis=1)) + (k - place)
        total += np.where(found, moved - one_sided, 0)
        common += found
    places_x, places_y = np.arange(x.shape[1]), np.arange(y.shape[1])
    total += ((k - places_x) * in_x).sum(axis=1) + ((k - places_y) * in_y).sum(axis=1)
    union = in_x.sum(axis=1) + in_y.sum(axis=1) - common
    missing = ~in_x.any(axis=1) | ~in_y.any(axis=1)
    return np.where(missing, np.nan, total / np.maximum(union, 1))
