"""ERBE, ERBP and ERBR: rank-biased exposure of groups under three ideas of fairness.

Kirnap, Diaz, Biega, Ekstrand, Carterette and Yilmaz, "Estimation of Fair Ranking Metrics with
Incomplete Judgments", WWW 2021. A group's exposure is that of rank-biased precision, ``(1 - γ) Σ
γ^(r-1)`` over its places; fair is who has equal exposure (equality), exposure in proportion to
its size (parity), or to its relevant items (relevance). Each returns the groups' values, to be
compared by `fairrec.metrics.group_exposure.group_disparity`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fairrec.metrics.browsing import Browsing
from fairrec.metrics.exposure import group_exposure, place_exposure
from fairrec.metrics.group_exposure import mean_exposure
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.item_lists import ItemLists

Values = NDArray[np.float64]


def erbe(lists: ItemLists, groups: ItemGroups, decay: float = 0.8) -> Values:
    """Return each list's rank-biased exposure of each group, shape (n, G).

    In [0, 1] and at most 1 over the groups; equal for all groups when fair. 0 for an empty list.

    Args:
        lists: n lists.
        groups: G groups.
        decay: γ, in (0, 1).

    Raises:
        WrongUse: `decay` is out of its range.
    """
    browsing = Browsing("geometric", stop=1 - decay)
    return group_exposure(lists, groups, place_exposure(lists, browsing))


def erbp(lists: ItemLists, groups: ItemGroups, decay: float = 0.8) -> Values:
    """Return rank-biased exposure per item of each group in the catalogue, shape (n, G).

    Others divide by the group's items in the list (FairRankTune, whose lists are full rankings).
    NaN for a group without items. Arguments as in `erbe`.
    """
    return mean_exposure(erbe(lists, groups, decay), groups.sizes)


def erbr(
    lists: ItemLists, groups: ItemGroups, relevant_sizes: ArrayLike, decay: float = 0.8
) -> Values:
    """Return rank-biased exposure per relevant item of each group, shape (n, G).

    Args:
        lists: n lists.
        groups: G groups.
        relevant_sizes: Relevant items of each group, shape (G,) or (n, G); NaN results where
            there are none.
        decay: γ, in (0, 1).
    """
    return mean_exposure(erbe(lists, groups, decay), relevant_sizes)
