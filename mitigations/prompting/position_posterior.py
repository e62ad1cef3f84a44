"""How likely each item is to be the right one, given the places that a biased model named.

c items stand in B orders. A transition matrix T says how often the model names the place of the
column first when the right item stands at the place of the row.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Table = NDArray[np.float64]


def transition_matrix(counts: ArrayLike, smoothing: float) -> Table:
    """Return (n_ij + smoothing / c) / (n_i + smoothing), the mean of a Dirichlet posterior.

    Shape (c, c); rows sum to 1.

    >>> transition_matrix([[3, 0], [0, 0]], 1.0).tolist()
    [[0.875, 0.125], [0.5, 0.5]]
    """
    n = np.asarray(counts, dtype=np.float64)
    return (n + smoothing / len(n)) / (n.sum(axis=1, keepdims=True) + smoothing)


def posterior_of(
    transitions: Table, places: NDArray[np.int64], named: ArrayLike, left: NDArray[np.bool_]
) -> Table:
    """Return the probability of each item to be the right one among those that are left.

    p(x) is proportional to the product over orders b of T[place of x, place named] / the sum of
    T[place of x, place of y] over the y that are left: only they could be named.

    Args:
        transitions: Shape (c, c); see `transition_matrix`.
        places: Shape (B, c): the place of each item in each order.
        named: Shape (B,): the item that is named first of those that are left, -1 for none.
        left: Shape (c,).

    Returns:
        Shape (c,); 0 for items that are not left.
    """
    logs = np.zeros(len(left))
    for at, item in zip(places, np.asarray(named), strict=True):
        if item >= 0:
            rows = transitions[at]
            logs += np.log(rows[:, at[item]]) - np.log(rows[:, at[left]].sum(axis=1))
    weights = np.where(left, np.exp(logs - logs[left].max()), 0.0)
    return weights / weights.sum()


def confidence_of(posterior: ArrayLike) -> float:
    """Return 1 - H / log c, H the entropy: 1 for a sure item, 0 where all are as likely."""
    p = np.asarray(posterior, dtype=np.float64)
    if len(p) < 2:
        return 1.0
    positive = p[p > 0]
    return float(1 + (positive * np.log(positive)).sum() / np.log(len(p)))


def ranked_by_posterior(
    transitions: Table,
    places: NDArray[np.int64],
    lists: Sequence[Sequence[int]],
    mean_rank: Sequence[float],
    k: int,
) -> tuple[list[int], float]:
    """Return up to k items, each the likeliest of those left, and the first one's confidence.

    The list ends where the answers do: when every item that one of them names is placed.

    Args:
        transitions, places: See `posterior_of`.
        lists: For each order, the items of the answer, best first.
        mean_rank: For each item, what decides between equal posteriors, then its number.
        k: At least 1.
    """
    left = np.ones(places.shape[1], dtype=bool)
    chosen: list[int] = []
    confidence = 0.0
    while len(chosen) < k and left.any():
        named = [next((item for item in some if left[item]), -1) for some in lists]
        if max(named) < 0:
            break
        posterior = posterior_of(transitions, places, named, left)
        if not chosen:
            confidence = confidence_of(posterior)
        # Equal but for rounding is equal.
        likely = np.flatnonzero(left & (posterior >= posterior.max() * (1 - 1e-9))).tolist()
        best = min(likely, key=lambda item: (mean_rank[item], item))
        chosen.append(best)
        left[best] = False
    return chosen, confidence
