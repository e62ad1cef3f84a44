"""Which groups of items there are, and how far each item belongs to them.

An item in several groups counts for each by an equal part, so that nothing counts twice. An item
whose group is not known is in the group "unknown", never silently in the first one. Numbers are
cut at quantiles into bands named by their ends.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from fairrec.errors import BadData

UNKNOWN = "unknown"
OTHER = "other groups"


@dataclass(frozen=True, eq=False)
class ItemGroups:
    """Groups of the N items of a catalogue.

    Attributes:
        names: G group names, all different; "unknown" is the last where there is one.
        membership: Shape (N, G), sparse: each item's part in each group; rows sum to 1.

    Raises:
        BadData: Parts do not sum to 1, or names do not fit.
    """

    names: tuple[str, ...]
    membership: Any  # csr_matrix, whose types cannot be checked

    def __post_init__(self) -> None:
        if self.membership.shape[1] != len(self.names) or len(set(self.names)) < len(self.names):
            raise BadData(
                f"{len(self.names)} names for {self.membership.shape[1]} groups.",
                expected="one name per group, all different.",
            )
        sums = np.asarray(self.membership.sum(axis=1)).ravel()
        if (self.membership.data < 0).any() or (np.abs(sums - 1) > 1e-9).any():
            raise BadData(
                "the parts of an item in groups do not sum to 1.",
                expected="parts in [0, 1] that sum to 1.",
                do=f"put items without a group into {UNKNOWN!r}.",
            )

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def sizes(self) -> NDArray[np.float64]:
        """How many items each group has, parts added up; shape (G,)."""
        return np.asarray(self.membership.sum(axis=0)).ravel()

    @cached_property
    def codes(self) -> NDArray[np.int64] | None:
        """The one group of each item, shape (N,), or None where some item is in several."""
        if self.membership.nnz != self.membership.shape[0]:
            return None
        return self.membership.indices.astype(np.int64)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which groups are not "unknown"; shape (G,)."""
        return np.array([name != UNKNOWN for name in self.names])

    def totals(self, by_item: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum over each group's items of a quantity; shape (..., N) to (..., G)."""
        return np.asarray(by_item) @ self.membership

    def largest(self, most: int) -> ItemGroups:
        """Return the groups with those beyond the `most` largest as one, "other groups"."""
        known = np.flatnonzero(self.known)
        if len(known) <= most:
            return self
        kept = np.sort(known[np.argsort(-self.sizes[known], kind="stable")[:most]])
        unknown = np.flatnonzero(~self.known)
        shown = [self.names[g] for g in kept]
        other = OTHER if OTHER not in shown else f"all {OTHER}"  # a group can have any name
        names = [*shown, other, *(self.names[g] for g in unknown)]
        target = np.full(len(self), most)
        target[kept] = np.arange(most)
        target[unknown] = most + 1
        merge = csr_matrix(
            (np.ones(len(self)), (np.arange(len(self)), target)), shape=(len(self), len(names))
        )
        return ItemGroups(tuple(names), csr_matrix(self.membership @ merge))


def group_items(values: Sequence[Any], bands: int = 4) -> ItemGroups:
    """Return the groups that a column of the catalogue makes.

    Args:
        values: One per item: a group, groups joined by ``|`` or in a sequence, or a number; None,
            NaN or "" where unknown.
        bands: Bands that numbers are cut into, at least 2.

    Raises:
        BadData: Nothing has a group, numbers and names are mixed, or two names differ in blanks
            alone.
    """
    missing = [_is_missing(value) for value in values]
    known = [value for value, gone in zip(values, missing, strict=True) if not gone]
    numeric = [isinstance(value, Real) for value in known]
    if not known or any(numeric) != all(numeric):
        raise BadData(
            f"{len(known)} of {len(values)} items have a group, {sum(numeric)} a number.",
            expected="a group or a number for some items, and not both kinds.",
            do="name the groups of items, such as a column of the catalogue.",
        )
    parts = _bands(known, bands) if all(numeric) else [_parts(value) for value in known]
    names = [*sorted({name for some in parts for name in some} - {UNKNOWN})]
    keys = [key(name) for name in names]
    if len(set(keys)) != len(keys):
        twice = sorted(name for name in names if keys.count(key(name)) > 1)
        raise BadData(
            f"the groups {', '.join(map(repr, twice))} differ in blanks alone.",
            expected="one spelling per group: findings are addressed by it.",
        )
    if any(missing) or any(UNKNOWN in some for some in parts):
        names.append(UNKNOWN)
    place = {name: i for i, name in enumerate(names)}
    rest = iter(parts)
    member = [[UNKNOWN] if gone else next(rest) for gone in missing]
    sizes = [len(some) for some in member]
    columns = [place[name] for some in member for name in some]
    data = np.repeat(1 / np.array(sizes), sizes)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    return ItemGroups(
        tuple(names), csr_matrix((data, columns, starts), shape=(len(values), len(names)))
    )


def key(name: str) -> str:
    """Return a name as it stands in a finding's id: without blanks."""
    return "_".join(name.split())


def _is_missing(group: Any) -> bool:
    if isinstance(group, Real):
        return not math.isfinite(float(group))
    return group is None or not _parts(group)


def _parts(group: str | Iterable[str]) -> list[str]:
    parts = group.split("|") if isinstance(group, str) else group
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _bands(numbers: Sequence[Any], bands: int) -> list[list[str]]:
    values = np.array([float(number) for number in numbers])
    cuts = np.unique(np.quantile(values, np.arange(1, bands) / bands))
    band = np.searchsorted(cuts, values, side="left")
    names = {}
    for b in np.unique(band).tolist():
        low, high = values[band == b].min(), values[band == b].max()
        names[b] = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    return [[names[b]] for b in band.tolist()]
