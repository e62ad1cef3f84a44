"""Bias disparity: do lists sharpen what a group of users prefers already?

Tsintzou, Pitoura and Tsaparas, "Bias Disparity in Recommendation Systems", 2018; Lin, Sonboli,
Mobasher and Burke, "Crank up the Volume: Preference Bias Amplification in Collaborative
Recommendation", 2019.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = NDArray[np.float64]


def preference_ratio(counts: ArrayLike) -> Values:
    """Return PR, each item group's share of what a group of users has; (..., G) to (..., G)."""
    x = np.asarray(counts, dtype=np.float64)
    total = x.sum(axis=-1, keepdims=True)
    return np.where(total > 0, x / np.where(total > 0, total, 1.0), np.nan)


def bias(counts: ArrayLike, catalogue: ArrayLike) -> Values:
    """Return the bias of users for each item group: PR over the group's share of the catalogue.

    B_S of histories, B_R of lists. At least 0; 1 when they have as much of it as the catalogue
    offers. NaN for a group without items.

    Args:
        counts: Items of each group in histories (or lists), shape (..., G).
        catalogue: Each group's share of the catalogue, shape (G,).
    """
    return _ratio(preference_ratio(counts), np.asarray(catalogue, dtype=np.float64))


def bias_disparity(source: ArrayLike, recommended: ArrayLike) -> Values:
    """Return BD, ``(B_R - B_S) / B_S``: by how much lists sharpen the bias of histories.

    Above -1; 0 when lists have the histories' bias, above 0 when they have more of what was
    preferred. NaN where the histories hold nothing of the group.
    """
    return _ratio(recommended, np.asarray(source, dtype=np.float64)) - 1


def _ratio(above: ArrayLike, below: Values) -> Values:
    x, y = np.broadcast_arrays(np.asarray(above, dtype=np.float64), below)
    positive = y > 0
    return np.where(positive, x / np.where(positive, y, 1.0), np.nan)
