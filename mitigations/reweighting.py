"""IFairLRS reweighting: training samples count by how fairly their group is recommended.

Jiang, Bao, Zhang, Wang, Feng and He, "Item-side Fairness of Large Language Model-based
Recommendation System", WWW 2024, section 4.1. A group that makes up more of
the samples' targets than of users' histories is learnt too well; its samples weigh

    w_g = (share of g in the histories) / (share of g among the targets).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.item_lists import ItemLists
from fairrec.metrics.merit import group_counts


def sample_weights(
    histories: ItemLists,
    targets: ArrayLike,
    groups: ItemGroups,
    *,
    limits: tuple[float, float] = (0.0, np.inf),
) -> NDArray[np.float64]:
    """Return the weight of every training sample; shape (n,), with mean 1.

    An item in several groups weighs the mean of their weights, by its parts in them.

    Args:
        histories: n histories that samples start from.
        targets: Shape (n,): the item that each sample is to recommend, a position in the
            catalogue.
        groups: The groups.
        limits: The least and the largest weight of a group, before the mean is made 1.

    Raises:
        BadData: Targets are no positions, or do not fit the histories.
        WrongUse: The limits do not rise, or are negative.

    >>> from fairrec.metrics.item_groups import group_items
    >>> histories = ItemLists(np.array([[0, 1], [0, 1]]), 2)
    >>> sample_weights(histories, [0, 0], group_items(["a", "b"])).tolist()
    [1.0, 1.0]
    """
    chosen = np.asarray(targets, dtype=np.int64)
    if chosen.shape != (len(histories),) or ((chosen < 0) | (chosen >= histories.n_items)).any():
        raise BadData(
            f"there are {chosen.shape} targets for {len(histories)} histories.",
            expected=f"one position each, 0 to {histories.n_items - 1}.",
        )
    low, high = limits
    if not 0 <= low <= high:
        raise WrongUse(f"the limits are {limits}.", expected="two numbers of at least 0, rising.")
    by_group = group_weights(histories, chosen, groups).clip(low, high)
    weights = np.asarray(groups.membership[chosen] @ by_group).ravel()
    return weights / weights.mean() if weights.sum() > 0 else np.ones(len(weights))


def group_weights(
    histories: ItemLists, targets: NDArray[np.int64], groups: ItemGroups
) -> NDArray[np.float64]:
    """Return w of every group, shape (G,); 1 for a group that is no sample's target."""
    had = group_counts(histories, groups).sum(axis=0)
    wanted = np.asarray(groups.membership[targets].sum(axis=0)).ravel()
    history = had / max(had.sum(), 1e-300)
    target = wanted / max(wanted.sum(), 1e-300)
    return np.where(target > 0, history / np.where(target > 0, target, 1.0), 1.0)
