"""What share of the places each group deserves, as rerankers' settings say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.item_groups import ItemGroups

Target = Literal["catalogue", "equal"] | Mapping[str, float]
"""The group's share of the catalogue's items, the same for every group, or shares by name."""


def group_targets(groups: ItemGroups, target: Target) -> NDArray[np.float64]:
    """Return shares that sum to 1, shape (G,); that of "unknown" is 0.

    Args:
        groups: The groups of all items.
        target: Shares by name are scaled to sum to 1; groups left out have none.

    Raises:
        WrongUse: The target is no such word, or shares are negative or all 0.
        BadData: A name is no group.
    """
    known = groups.known
    if isinstance(target, Mapping):
        if strange := sorted(set(target) - set(groups.names)):
            raise BadData(
                f"the target names {strange[0]!r}, which is no group.",
                expected=f"shares of some of {', '.join(groups.names[:10])}.",
            )
        shares = np.array([float(target.get(name, 0.0)) for name in groups.names])
        if not (shares >= 0).all() or shares.sum() == 0:
            raise WrongUse(
                f"the target is {dict(target)}.", expected="shares of at least 0, not all 0."
            )
    elif target in ("catalogue", "equal"):
        shares = np.where(known, groups.sizes if target == "catalogue" else 1.0, 0.0)
    else:
        raise WrongUse(
            f"the target is {target!r}.", expected="'catalogue', 'equal' or shares by group."
        )
    return shares / shares.sum()
