"""What groups or items deserve: the target that exposure is held against.

A target is a vector of shares that sum to 1, NaN where nobody deserves anything. Which one is
right is a choice about fairness, not about arithmetic, so results name it:

- `equal_shares`: every group the same, however large (demographic parity of groups);
- `catalogue_shares`: by number of items, so every item the same (parity of items);
- `interaction_shares`: by how often items were consumed before;
- `relevance_shares`: by how relevant the items are to those who are asked for;
- `historical_shares`: by each user's own history (calibration, Steck, RecSys 2018);
- `given_shares`: anything else, by name of the group.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.exposure import group_exposure
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.item_lists import ItemLists

Shares = NDArray[np.float64]


def equal_shares(groups: ItemGroups) -> Shares:
    """Return 1 / G for every group, "unknown" included; shape (G,)."""
    return np.full(len(groups), 1 / len(groups))


def catalogue_shares(groups: ItemGroups) -> Shares:
    """Return each group's share of the catalogue, shape (G,)."""
    return groups.sizes / groups.sizes.sum()


def interaction_shares(interactions: ArrayLike, groups: ItemGroups) -> Shares:
    """Return each group's share of all interactions, shape (G,); NaN where there are none.

    Args:
        interactions: How often each item was consumed, shape (N,), not negative.
    """
    return _shares(groups.totals(_merit(interactions)))


def relevance_shares(
    relevant: csr_matrix, groups: ItemGroups, how: Literal["sum", "mean"] = "sum"
) -> Shares:
    """Return each group's share of relevance, shape (G,); NaN where nothing is relevant.

    Args:
        relevant: Shape (lists, N): relevance of each item to each list's user, not negative.
        how: "sum" takes a group's whole relevance; "mean" that of its average item, so that
            large groups do not deserve more for being large.
    """
    by_group = groups.totals(_merit(np.asarray(relevant.sum(axis=0)).ravel()))
    if how == "mean":
        by_group = by_group / np.where(groups.sizes > 0, groups.sizes, 1.0)
    elif how != "sum":
        raise WrongUse(f"relevance is taken as {how!r}.", expected="'sum' or 'mean'.")
    return _shares(by_group)


def historical_shares(histories: ItemLists, groups: ItemGroups) -> Shares:
    """Return each group's share of every history, shape (n, G); NaN for an empty one."""
    return _shares(group_counts(histories, groups))


def given_shares(shares: Mapping[str, float], groups: ItemGroups) -> Shares:
    """Return shares given by name of the group, scaled to sum to 1; shape (G,).

    Raises:
        BadData: A name is no group, a group is left out, or a share is negative.
    """
    unknown = sorted(set(shares) - set(groups.names))
    lacking = sorted(set(groups.names) - set(shares))
    if unknown or lacking:
        said = [f"{name!r} is no group" for name in unknown[:3]]
        said += [f"{name!r} has no share" for name in lacking[:3]]
        raise BadData(
            f"the target does not fit the groups: {'; '.join(said)}.",
            expected=f"one share for each of {', '.join(groups.names[:10])}.",
        )
    return _shares(_merit([shares[name] for name in groups.names]))


def group_counts(lists: ItemLists, groups: ItemGroups) -> NDArray[np.float64]:
    """Return how many items of each group every list holds, shape (n, G)."""
    return group_exposure(lists, groups, np.ones(lists.items.shape))


def _merit(values: ArrayLike) -> NDArray[np.float64]:
    x = np.asarray(values, dtype=np.float64)
    if not (x >= 0).all():
        raise BadData(
            f"merit goes down to {np.nanmin(x):g}, or is missing.",
            expected="numbers of at least 0.",
        )
    return x


def _shares(amounts: NDArray[np.float64]) -> Shares:
    total = amounts.sum(axis=-1, keepdims=True)
    return np.where(total > 0, amounts / np.where(total > 0, total, 1.0), np.nan)
