"""Small lists of all shapes: full, short, empty, and with things that are off the catalogue."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from fairrec.metrics.item_lists import END, OFF, ItemLists

N_ITEMS = 7
K = 5


@st.composite
def many_lists(draw: st.DrawFn, n: int | None = None) -> ItemLists:
    """Draw lists of at most K of N_ITEMS items."""
    one = st.lists(st.integers(0, N_ITEMS - 1), max_size=K, unique=True)
    size = {"min_size": n, "max_size": n} if n else {"min_size": 1, "max_size": 6}
    rows = draw(st.lists(st.tuples(one, st.integers(0, 2)), **size))
    items = np.full((len(rows), K), END)
    for row, (some, off) in enumerate(rows):
        some = [*some[:1], *[OFF] * off, *some[1:]][:K]
        items[row, : len(some)] = some
    return ItemLists(items, N_ITEMS)


def counts(least: int = 0) -> st.SearchStrategy[np.ndarray]:
    """Draw how often each item was consumed, with ties."""
    number = st.integers(least, 6)
    drawn = st.lists(number, min_size=N_ITEMS, max_size=N_ITEMS)
    return drawn.map(lambda some: np.array(some, dtype=float))


def known(lists: ItemLists) -> list[list[int]]:
    """Return the items of the catalogue in each list."""
    return [[int(item) for item in row if item >= 0] for row in lists.items]
