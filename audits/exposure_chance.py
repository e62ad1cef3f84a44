"""What recommending at random would give: the floor under every measure of concentration."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

AT_RANDOM = 99
"""Fewest random groupings of items that a p-value is made of."""

CELLS = 4_000_000
"""Most places, and most items times draws, that are drawn."""


def by_chance(
    rng: np.random.Generator, n_items: int, n_lists: int, weights: Values, draws: int = 20
) -> Values | None:
    """Return the exposure of all items when lists are random choices of the catalogue.

    Args:
        rng: Source of the draws.
        n_items: N, items of the catalogue.
        n_lists: Lists.
        weights: Attention of the places of a list, shape (length,).
        draws: How often.

    Returns:
        Shape (draws, N); None where there is nothing to draw, or too much to be worth it.
    """
    length = min(len(weights), n_items)
    if not n_lists or not length or draws * max(n_items, n_lists * length) > CELLS:
        return None
    exposure = np.empty((draws, n_items))
    for row in exposure:
        items = random_lists(rng, n_items, n_lists, length)
        row[:] = np.bincount(items.ravel(), np.tile(weights[:length], n_lists), minlength=n_items)
    return exposure


def random_lists(
    rng: np.random.Generator, n_items: int, n_lists: int, length: int
) -> NDArray[np.int64]:
    """Return lists of different items, every item as likely; shape (n_lists, length)."""
    if 4 * length > n_items:
        keys = rng.random((n_lists, n_items))
        chosen = np.argpartition(keys, length - 1, axis=1)[:, :length]
        return rng.permuted(chosen, axis=1)
    items = rng.integers(0, n_items, (n_lists, length))
    for _ in range(100):  # an item that is there already is drawn anew
        order = np.argsort(items, axis=1, kind="stable")
        again = np.zeros(items.shape, dtype=bool)
        held = np.take_along_axis(items, order, axis=1)
        np.put_along_axis(again, order[:, 1:], held[:, 1:] == held[:, :-1], axis=1)
        if not again.any():
            break
        items[again] = rng.integers(0, n_items, int(again.sum()))
    return items
