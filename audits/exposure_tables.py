"""The columns that figures of exposure are drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fairrec.audits.exposure_basis import ExposureBasis
from fairrec.metrics.concentration import lorenz_curve, shares
from fairrec.results import Estimate

Table = Mapping[str, tuple[float | str | None, ...]]

POINTS = 200
"""Points of a Lorenz curve."""


def exposure_tables(basis: ExposureBasis, of_groups: Sequence[Estimate]) -> dict[str, Table]:
    """Return the Lorenz curve of the items, the groups' exposure, and what they have by rank.

    Args:
        basis: The sums.
        of_groups: Each group's share of exposure under the first browsing model; none without
            groups.
    """
    total = basis.sums.items.total
    found: dict[str, Table] = {}
    if total.sum() > 0:
        items, held = lorenz_curve(total, POINTS)
        found["lorenz"] = {
            "curve": ("exposure of items",) * len(items),
            "share_of_items": tuple(items.tolist()),
            "share_of_exposure": tuple(held.tolist()),
        }
    if of_groups and basis.sums.by_rank.sum() > 0:
        found["group_exposure"] = _group_exposure(basis, of_groups)
        found["group_by_position"] = _by_position(basis)
    return {name: table for name, table in found.items() if table}


def _group_exposure(basis: ExposureBasis, of_groups: Sequence[Estimate]) -> Table:
    rows = [
        (name, merit, deserved, e.value, e.low, e.high)
        for merit in basis.targets
        if not np.isnan(basis.target(merit)).any()
        for name, deserved, e in zip(
            basis.item_groups.names, basis.target(merit).tolist(), of_groups, strict=True
        )
    ]
    return _columns(("group", "merit", "target", "exposure", "low", "high"), rows)


def _by_position(basis: ExposureBasis) -> Table:
    rows = [
        (float(rank + 1), name, share)
        for rank, row in enumerate(shares(basis.sums.by_rank))
        if not np.isnan(row).any()
        for name, share in zip(basis.item_groups.names, row.tolist(), strict=True)
    ]
    return _columns(("rank", "group", "share"), rows)


def _columns(names: tuple[str, ...], rows: Sequence[tuple[float | str | None, ...]]) -> Table:
    return dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}
