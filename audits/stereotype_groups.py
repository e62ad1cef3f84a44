"""The groups that listed items fall in, also those that nobody knows or that were made up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.metrics.item_groups import UNKNOWN, group_items
from fairrec.types import is_off_catalogue

OFF_CATALOGUE_GROUP = "off catalogue"


class ListedGroups:
    """Which groups every item belongs to, by id; text that is no item is "off catalogue".

    Args:
        groups: By item id, as `fairrec.metrics.item_groups.group_items` reads them.
        bands: Bands that numbers are cut into, at least 2.

    Attributes:
        names: The groups in order, "unknown" and "off catalogue" last.

    Raises:
        BadData: Nothing has a group, numbers and names are mixed, or two names differ in blanks
            alone.
    """

    def __init__(self, groups: Mapping[str, Any], bands: int = 4) -> None:
        made = group_items(list(groups.values()), bands)
        known = [name for name in made.names if name != UNKNOWN]
        self.names = (*known, UNKNOWN, OFF_CATALOGUE_GROUP)
        self._row = {item: row for row, item in enumerate(groups)}
        self._parts = np.zeros((len(groups) + 2, len(self.names)))
        self._parts[:-2, : len(made)] = made.membership.toarray()  # "unknown" is its last, if any
        self._parts[-2, -2] = self._parts[-1, -1] = 1.0

    def shares(self, items: Sequence[str]) -> NDArray[np.float64]:
        """Return the share of each group among the items, of which there is at least one."""
        rows = [-1 if is_off_catalogue(item) else self._row.get(item, -2) for item in items]
        return self._parts[rows].mean(axis=0)
