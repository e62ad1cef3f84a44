"""Calibration: does a list hold groups of items in the shares of the user's own history?

Steck, "Calibrated Recommendations", RecSys 2018. Groups can be genres, or head and tail. Shares
have the shape (n, G), NaN rows where nothing is known.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fairrec.errors import WrongUse
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.divergence import jensen_shannon
from fairrec.metrics.exposure import group_exposure, place_exposure
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.item_lists import ItemLists

Values = NDArray[np.float64]


def group_distribution(
    lists: ItemLists, groups: ItemGroups, browsing: Browsing | None = None
) -> Values:
    """Return the shares of the groups in every list, shape (n, G) (Eq. 3).

    What is off the catalogue is in no group and does not count.

    Args:
        lists: Lists, best first.
        groups: An item in several groups counts for each by its part.
        browsing: Weights of places, such as attention; all alike when None.
    """
    weight = place_exposure(lists, Browsing("uniform") if browsing is None else browsing)
    return _shares(group_exposure(lists, groups, weight))


def history_distribution(histories: ItemLists, groups: ItemGroups, recency: float = 1.0) -> Values:
    """Return the shares of the groups in every history, shape (n, G) (Eq. 2).

    Args:
        histories: What users had before, oldest first.
        groups: An item in several groups counts for each by its part.
        recency: What an item weighs less than the next one: the latest weighs 1, the one before
            it `recency`, then its square. In (0, 1]; at 1 all weigh the same.

    Raises:
        WrongUse: `recency` is out of its range.
    """
    if not 0 < recency <= 1:
        raise WrongUse(f"the recency weight of a history is {recency}.", expected="in (0, 1].")
    age = histories.lengths[:, None] - 1 - np.arange(histories.k)
    weight = np.where(histories.listed, recency ** np.maximum(age, 0), 0.0)
    return _shares(group_exposure(histories, groups, weight))


def calibration_kl(history: ArrayLike, recommended: ArrayLike, alpha: float = 0.01) -> Values:
    """Return the calibration metric C_KL of every user, shape (n,) (Eqs. 5 and 6).

    ``Σ_g p_g ln(p_g / q̃_g)`` with ``q̃ = (1 - alpha) q + alpha p``: p are the shares of the
    history, q those of the list, a little mixed so that no group is infinitely missing. At least
    0, 0 when the shares are equal; at most -ln(alpha); lower is better calibrated.

    Args:
        history: p, shape (n, G).
        recommended: q, shape (n, G).
        alpha: Mixing, in (0, 1); 0.01 is the paper's.

    Raises:
        WrongUse: alpha is out of its range, or there are not as many groups in both.
    """
    if not 0 < alpha < 1:
        raise WrongUse(f"alpha of the calibration is {alpha}.", expected="in (0, 1).")
    p, q = _both(history, recommended)
    mixed = q + alpha * (p - q)  # exactly p where the shares are equal
    some = p > 0
    terms = np.where(some, p * np.log(np.where(some, p, 1.0) / np.where(some, mixed, 1.0)), 0.0)
    known = ~(np.isnan(p) | np.isnan(q)).any(axis=-1)
    return np.where(known, np.maximum(np.where(known, terms.sum(axis=-1), 0.0), 0.0), np.nan)


def calibration_jsd(history: ArrayLike, recommended: ArrayLike) -> Values:
    """Return the Jensen-Shannon divergence of history and list in bits, shape (n,).

    In [0, 1], 0 when the shares are equal; lower is better calibrated. It needs no mixing.
    """
    return jensen_shannon(np.stack(_both(history, recommended), axis=-2))


def group_unfairness(history: ArrayLike, recommended: ArrayLike) -> Values:
    """Return GU of every group: its share of recommendations less that of histories, (..., G).

    Both shares are of all users together, so long histories count more: IFairLRS (Jiang, Bao,
    Zhang, Wang, Zhang, Yang, Feng and He, "Item-side Fairness of Large Language Model-based
    Recommendation System", WWW 2024), whose groups are genres and classes of popularity. In
    [-1, 1]; 0 is fair, above 0 over-recommended. NaN where either has nothing.

    Args:
        history: How much of each group all histories hold, shape (..., G), such as the sum over
            users of `merit.group_counts`, where an item of several groups counts for each by its
            part; IFairLRS counts it wholly for each.
        recommended: The same of the lists.

    >>> group_unfairness([6, 2], [1, 1]).tolist()
    [-0.25, 0.25]
    """
    p, q = _both(history, recommended)
    return _shares(q) - _shares(p)


def mean_group_unfairness(unfairness: ArrayLike) -> Values:
    """Return MGU, the mean of |GU| over groups; at least 0, 0 is fair, lower is fairer."""
    return np.abs(np.asarray(unfairness, dtype=np.float64)).mean(axis=-1)


def difference_of_group_unfairness(unfairness: ArrayLike) -> Values:
    """Return DGU, the largest GU less the smallest; at least 0, 0 is fair, lower is fairer."""
    x = np.asarray(unfairness, dtype=np.float64)
    return x.max(axis=-1) - x.min(axis=-1)


def _both(history: ArrayLike, recommended: ArrayLike) -> tuple[Values, Values]:
    p, q = np.asarray(history, dtype=np.float64), np.asarray(recommended, dtype=np.float64)
    if p.shape[-1:] != q.shape[-1:]:
        raise WrongUse(
            f"histories have {p.shape[-1:]} groups, lists {q.shape[-1:]}.", expected="the same."
        )
    x, y = np.broadcast_arrays(p, q)
    return x, y


def _shares(amounts: Values) -> Values:
    total = amounts.sum(axis=-1, keepdims=True)
    return np.where(total > 0, amounts / np.where(total > 0, total, 1.0), np.nan)
