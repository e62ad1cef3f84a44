"""Source bias: do items fare better for being described by a human, or by a language model?

Dai, Zhou, Pang, Liu, Hu, Liu, Zhang, Wang and Xu, "Neural Retrievers are Biased Towards
LLM-Generated Content", KDD 2024.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = NDArray[np.float64]


def relative_difference(human: ArrayLike, llm: ArrayLike) -> Values:
    """Return ``2 (M_human - M_llm) / (M_human + M_llm)`` in percent, for any measure M >= 0.

    In [-200, 200]: 0 when both sources fare alike, which is fairest; below 0 when what language
    models wrote fares better. NaN where both are 0 or one is NaN.

    >>> round(float(relative_difference(0.3, 0.5)), 9)
    -50.0
    """
    h, m = np.broadcast_arrays(
        np.asarray(human, dtype=np.float64), np.asarray(llm, dtype=np.float64)
    )
    both = h + m
    return np.where(both > 0, 200 * (h - m) / np.where(both > 0, both, 1.0), np.nan)[()]


def average_precision(hits: NDArray[np.bool_], n_relevant: Values) -> Values:
    """Return the average precision at k of every list, shape (n,); its mean is MAP@k.

    ``Σ_r hit_r (hits among the first r / r) / min(k, number of relevant items)``. In [0, 1],
    higher is better; 1 when relevant items fill the top. NaN where nothing is relevant. Also
    called AP@k: the same divided by the number of relevant items, which short lists cannot bring
    to 1, or by the number of hits.

    Args:
        hits: Where lists hold relevant items, shape (n, k).
        n_relevant: How many relevant items there are, shape (n,), NaN where nothing is known (see
            `fairrec.metrics.utility.relevance_matrix`, which makes both).

    >>> average_precision(np.array([[True, False, True]]), np.array([2.0])).round(3).tolist()
    [0.833]
    """
    ranks = np.arange(1, hits.shape[1] + 1)
    found = (hits * hits.cumsum(axis=1) / ranks).sum(axis=1)
    possible = np.minimum(n_relevant, hits.shape[1])
    known = possible > 0  # False for NaN
    return np.where(known, found / np.where(known, possible, 1.0), np.nan)
