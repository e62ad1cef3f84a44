"""How different the lists of different users are: distinct items, and the few that all get.

Both are used of LLM recommenders by Gao et al., "SPRec: Self-Play to Debias LLM-based
Recommendation", WWW 2025.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fairrec.errors import WrongUse

Values = NDArray[np.float64]


def div_ratio(counts: ArrayLike) -> Values:
    """Return DivRatio: different items recommended over all recommendations, over the last axis.

    In (0, 1]; 1 when no item is recommended twice. It falls with the number of lists, whatever
    they hold: compare equally many. NaN of nothing.

    Args:
        counts: How often each item was recommended, shape (..., N).
    """
    x = np.asarray(counts, dtype=np.float64)
    total = x.sum(axis=-1)
    return np.where(total > 0, (x > 0).sum(axis=-1) / np.where(total > 0, total, 1.0), np.nan)[()]


def over_recommendation_ratio(counts: ArrayLike, most: int = 3) -> Values:
    """Return ORRatio: what part of all recommendations the `most` frequent items make up.

    In (0, 1]; lower is more even. NaN of nothing. Others take the most frequent tenth of what was
    recommended under the same name.

    Args:
        counts: How often each item was recommended, shape (..., N).
        most: Items that count, at least 1.

    Raises:
        WrongUse: `most` is below 1.
    """
    if most < 1:
        raise WrongUse(f"the most frequent {most} items.", expected="at least 1.")
    x = np.asarray(counts, dtype=np.float64)
    some = min(most, x.shape[-1])
    top = np.partition(x, x.shape[-1] - some, axis=-1)[..., x.shape[-1] - some :].sum(axis=-1)
    total = x.sum(axis=-1)
    return np.where(total > 0, top / np.where(total > 0, total, 1.0), np.nan)[()]
