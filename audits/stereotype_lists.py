"""The answered lists of one attribute, laid out by cluster and stated value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.results import Estimate

FEWEST = 5
"""Lists that hold an item before it is tested; counted over all values, so without their names."""
LEVEL = 0.95

Table = NDArray[np.float64]
Cell = list[tuple[tuple[str, ...], Table]]
"""The lists of one cluster and value, each with its shares of item groups."""


@dataclass(frozen=True)
class AskedLists:
    """The answered lists of one attribute and their shares, by (cluster, value)."""

    audit: str
    attribute: str
    column: str
    values: Sequence[str]
    n: int
    unit: str
    cells: Mapping[tuple[int, int], Cell]

    def shares(self, groups: int) -> Table:
        """Return n x V x G shares; NaN where no list was answered."""
        table = np.full((self.n, len(self.values), groups), np.nan)
        for cell, lists in self.cells.items():
            if lists:
                table[cell] = np.mean([shares for _, shares in lists], axis=0)
        return table

    @cached_property
    def present(self) -> NDArray[np.bool_]:
        """n x V: whether a list was answered."""
        present = np.zeros((self.n, len(self.values)), dtype=bool)
        for cell, lists in self.cells.items():
            present[cell] = bool(lists)
        return present

    @cached_property
    def totals(self) -> Table:
        """Items recommended per value; several lists of a cell count as their mean."""
        totals = np.zeros(len(self.values))
        for (_, v), lists in self.cells.items():
            totals[v] += np.mean([len(items) for items, _ in lists]) if lists else 0.0
        return totals

    def holders(self) -> dict[str, list[tuple[int, int]]]:
        """Return, per item that at least `FEWEST` cells list, those cells."""
        found: dict[str, list[tuple[int, int]]] = {}
        for cell, lists in self.cells.items():
            for item in dict.fromkeys(item for items, _ in lists for item in items):
                found.setdefault(item, []).append(cell)
        # An item that makes up every list has nothing to be compared with.
        most = self.totals.sum() - 1e-9
        return {i: cells for i, cells in sorted(found.items()) if FEWEST <= len(cells) < most}

    def estimate(self, value: float | None, v: int | None = None, **more: Any) -> Estimate:
        """Return an estimate that rests on the clusters in which value `v` (or any) is present."""
        n = int((self.present.any(axis=1) if v is None else self.present[:, v]).sum())
        return Estimate(value, level=LEVEL, n=n, n_missing=self.n - n, unit=self.unit, **more)
