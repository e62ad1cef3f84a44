"""The groups that items fall in: a column of the catalogue, read as shares of groups."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import BadData
from fairrec.types import is_off_catalogue

UNKNOWN = "unknown"
OFF_CATALOGUE_GROUP = "off catalogue"


class ItemGroups:
    """Which groups every item belongs to.

    An item in several groups counts for each by an equal part. Numbers are cut at quantiles of
    all items into bands named by their ends. An item without a group is "unknown", text that is
    no item of the catalogue is "off catalogue": groups of their own.

    Args:
        groups: By item id: a group, groups joined by ``|`` or in a sequence, or a number; None,
            NaN or "" where unknown.
        bands: Bands that numbers are cut into, at least 2.

    Attributes:
        names: The groups in order, "unknown" and "off catalogue" last.

    Raises:
        BadData: Nothing has a group, numbers and names are mixed, or two names differ in blanks
            alone.
    """

    def __init__(self, groups: Mapping[str, Any], bands: int = 4) -> None:
        known = {item: group for item, group in groups.items() if not _is_missing(group)}
        numeric = [isinstance(group, Real) for group in known.values()]
        if not known or any(numeric) != all(numeric):
            raise BadData(
                f"{len(known)} of {len(groups)} items have a group, {sum(numeric)} a number.",
                expected="a group or a number for some items, and not both kinds.",
                do="name the groups of items, such as a column of the catalogue.",
            )
        member = _bands(known, bands) if all(numeric) else {i: _parts(g) for i, g in known.items()}
        found = sorted({name for names in member.values() for name in names} - {UNKNOWN})
        self.names: tuple[str, ...] = (*found, UNKNOWN, OFF_CATALOGUE_GROUP)
        keys = [key(name) for name in self.names]
        if len(set(keys)) != len(keys):
            twice = sorted(name for name in self.names if keys.count(key(name)) > 1)
            raise BadData(
                f"the groups {', '.join(map(repr, twice))} differ in blanks alone.",
                expected="one spelling per group: findings are addressed by it.",
            )
        place = {name: i for i, name in enumerate(self.names)}
        self._row = {item: row for row, item in enumerate(member)}
        self._parts = np.zeros((len(member) + 2, len(self.names)))
        self._parts[-2, -2] = self._parts[-1, -1] = 1.0
        for row, names in enumerate(member.values()):
            self._parts[row, [place[name] for name in names]] = 1 / len(names)

    def shares(self, items: Sequence[str]) -> NDArray[np.float64]:
        """Return the share of each group among the items, of which there is at least one."""
        rows = [-1 if is_off_catalogue(item) else self._row.get(item, -2) for item in items]
        return self._parts[rows].mean(axis=0)


def key(name: str) -> str:
    """Return a name as it stands in a finding's id: without blanks."""
    return "_".join(name.split())


def _is_missing(group: Any) -> bool:
    return (
        group is None
        or (isinstance(group, Real) and not math.isfinite(float(group)))
        or (not isinstance(group, Real) and not _parts(group))
    )


def _parts(group: str | Iterable[str]) -> list[str]:
    parts = group.split("|") if isinstance(group, str) else group
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _bands(numbers: Mapping[str, Any], bands: int) -> dict[str, list[str]]:
    values = np.array([float(number) for number in numbers.values()])
    cuts = np.unique(np.quantile(values, np.arange(1, bands) / bands))
    band = np.searchsorted(cuts, values, side="left")
    names = {}
    for b in np.unique(band).tolist():
        low, high = values[band == b].min(), values[band == b].max()
        names[b] = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    return {item: [names[b]] for item, b in zip(numbers, band.tolist(), strict=True)}
