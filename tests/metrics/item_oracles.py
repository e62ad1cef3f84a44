"""Cases of item-side metrics from published programs, where they lie beside the checkout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fairrec.metrics.item_groups import ItemGroups, group_items
from fairrec.metrics.item_lists import ItemLists, item_lists

PATH = Path(__file__).parents[2].parent / "shared" / "oracles" / "item_metrics.json"


def case(id: str) -> dict[str, Any]:
    """Return a case, or skip the test where there are none."""
    if not PATH.is_file():
        pytest.skip("the published programs' values are not beside this checkout")
    cases = json.loads(PATH.read_text("utf-8"))["cases"]
    return next(one for one in cases if one["id"] == id)


def positions(n: int = 12) -> dict[str, int]:
    """Items are named 1 to n."""
    return {str(item): item - 1 for item in range(1, n + 1)}


def lists_of(rows: Any, k: int = 5, n: int = 12) -> ItemLists:
    """Return lists of named items, from a mapping by user or a sequence."""
    some = rows.values() if isinstance(rows, dict) else rows
    return item_lists([[str(item) for item in row] for row in some], positions(n), k)


def groups_of(by_item: dict[str, str], unknown: str = "U") -> ItemGroups:
    """Return groups by item, one letter being the unknown ones."""
    names = [by_item[item] for item in positions(len(by_item))]
    return group_items([None if name == unknown else name for name in names])
