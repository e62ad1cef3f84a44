"""The cluster bootstrap: whole clusters are drawn with replacement.

Field and Welsh, "Bootstrapping Clustered Data", JRSS B 69(3), 2007. All values of a cluster are
drawn together, so whatever ties them to each other stays in place.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCK = 4_000_000
"""Weights held at a time (32 MB)."""


def bootstrap_means(
    values: NDArray[np.float64], rng: np.random.Generator, draws: int
) -> NDArray[np.float64]:
    """Return the column means of bootstrap samples of the rows.

    A draw is a vector of weights, how often each cluster was drawn, so that no row is copied:
    the means are two matrix products. The mean of a column is over the clusters in which it is
    present; a cluster that lacks one value still counts for the others.

    Args:
        values: n clusters x V values, NaN where missing.
        rng: Source of the draws.
        draws: Number of draws.

    Returns:
        draws x V means, NaN where a draw holds no cluster in which the column is present.
    """
    n = len(values)
    present = ~np.isnan(values)
    filled = np.where(present, values, 0.0)
    means = np.empty((draws, values.shape[1]))
    for start in range(0, draws, block := max(1, BLOCK // n)):
        size = min(block, draws - start)
        # Counting drawn rows is several times faster than drawing multinomial counts.
        drawn = rng.integers(0, n, size=(size, n)) + n * np.arange(size)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(float)
        counts = weights @ present
        sums = weights @ filled
        means[start : start + size] = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return means
