"""Logs for the tests, and what their lists are by a loop over rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from fairrec.impressions.batches import ROWS, ImpressionBatch, impression_batches
from fairrec.impressions.codes import ItemCodes
from fairrec.impressions.counts import LogCounts
from fairrec.impressions.reading import open_log
from fairrec.metrics.item_lists import END, OFF


def lists_of(
    source: Any,
    ids: Sequence[Any],
    k: int = 3,
    *,
    columns: dict[str, str] | None = None,
    rows: int = ROWS,
) -> tuple[list[list[int]], LogCounts]:
    """Return the lists of a log by position, and what was counted."""
    batches, counts = batches_of(source, ids, k, columns=columns, rows=rows)
    users = np.concatenate([batch.users for batch in batches])
    assert users.tolist() == list(range(len(users)))
    return [row for batch in batches for row in batch.lists.items.tolist()], counts


def batches_of(
    source: Any,
    ids: Sequence[Any],
    k: int = 3,
    *,
    columns: dict[str, str] | None = None,
    rows: int = ROWS,
) -> tuple[list[ImpressionBatch], LogCounts]:
    counts = LogCounts()
    codes = ItemCodes(pa.array(ids), "the catalogue")
    log = open_log(source, columns)
    return list(impression_batches(log, codes, k, counts, rows=rows)), counts


def random_log(users: int, items: int, seed: int, *, messy: bool = True) -> pd.DataFrame:
    """Return lists of 1 to 6 items in whole numbers; messy ones have all that is only counted."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in rng.permutation(users):
        length = rng.integers(1, 7)
        shown = rng.permutation(items + 3 if messy else items)[:length]
        ranks = np.arange(1, length + 1)
        if messy:
            ranks = np.sort(rng.permutation(8)[:length]) + 1
            if rng.random() < 0.3:
                shown[-1] = shown[0]
            if rng.random() < 0.3:
                ranks = rng.permutation(ranks)
        rows += [
            {"user": user, "item": item, "rank": rank, "relevance": rng.integers(0, 3) / 2}
            for item, rank in zip(shown, ranks, strict=True)
        ]
    return pd.DataFrame(rows)


def literal_lists(log: pd.DataFrame, items: int, k: int) -> list[list[int]]:
    """Return what `lists_of` should, of a log of whole numbers that are their positions."""
    found = []
    for _, rows in log.groupby("user", sort=False):
        places = dict(zip(rows["rank"], rows["item"], strict=True))
        row, seen = [], set()
        for rank in range(1, k + 1):
            item = places.get(rank)
            if item is None:
                row.append(END if rank > max(places) else OFF)
            elif item >= items or item in seen:
                row.append(OFF)
            else:
                row.append(int(item))
                seen.add(item)
        found.append(row)
    return found
