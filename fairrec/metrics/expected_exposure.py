"""Expected exposure: does attention, averaged over a recommender's lists, go where it should?

Diaz, Mitra, Ekstrand, Biega and Carterette, "Evaluating Stochastic Rankings with Expected
Exposure", CIKM 2020. Items that are equally relevant deserve equal exposure: the target is what an
ideal recommender gives on average, one that puts relevant items above all others in a random
order. With ε the exposure that a recommender gives and ε* the target, vectors over items or groups:

- EE-D = |ε|², disparity: large where few get all, whoever they are;
- EE-R = ε · ε*, relevance: large where attention goes where it should;
- EE-L = |ε - ε*|² = EE-D - 2 EE-R + |ε*|², the loss: 0 when the target is met.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from fairrec.errors import WrongUse
from fairrec.metrics.browsing import Browsing

Values = NDArray[np.float64]


class ExpectedExposure(NamedTuple):
    """EE-D, EE-R and EE-L, each of the shape of a request's values.

    Attributes:
        disparity: At least 0, lower is fairer at equal relevance.
        relevance: At least 0, higher is better. Some give twice this number (Raj and Ekstrand).
        difference: EE-L, at least 0, 0 at the target, lower is fairer.
    """

    disparity: Values
    relevance: Values
    difference: Values


def expected_exposure(system: ArrayLike, target: ArrayLike) -> ExpectedExposure:
    """Return disparity, relevance and difference of exposure, over the last axis.

    Args:
        system: Mean exposure over a recommender's lists for a request, of every item of its
            catalogue, or added up by group (`ItemGroups.totals`); shape (..., N or G).
        target: `target_exposure`, or added up by group; the same shape.

    Raises:
        WrongUse: Shapes differ.
    """
    e, aim = np.asarray(system, dtype=np.float64), np.asarray(target, dtype=np.float64)
    if e.shape[-1:] != aim.shape[-1:]:
        raise WrongUse(
            f"exposure has the shape {e.shape}, its target {aim.shape}.",
            expected="one target for every item or group.",
        )
    return ExpectedExposure(
        (e**2).sum(axis=-1), (e * aim).sum(axis=-1), ((e - aim) ** 2).sum(axis=-1)
    )


def target_exposure(relevant: csr_matrix, browsing: Browsing, k: int | None = None) -> Values:
    """Return the exposure that an ideal recommender gives on average, shape (n, N).

    Relevant items (relevance above 0, all alike) fill the first places in a random order, the
    others the rest, so every relevant item has the mean weight of the first places and every other
    one that of the rest. A row where nothing is relevant is NaN: no order is ideal then.

    Args:
        relevant: Shape (n, N): what is relevant for each request.
        browsing: How people read; "cascade" and "err" see the relevant items of the ideal list
            ("err" with relevance 1).
        k: Places of a list; None for the whole catalogue. What does not fit has no exposure.
    """
    table: Any = csr_matrix(relevant)
    n, n_items = table.shape
    k = int(n_items if k is None else k)
    flags = table.toarray() > 0
    sizes = flags.sum(axis=1)
    places = np.arange(max(k, 1))[:k]
    target = np.full((n, n_items), np.nan)
    for size in np.unique(sizes[sizes > 0]).tolist():
        ideal = (places < size).astype(np.float64)[None, :]
        weights = browsing.exposure(ideal)[0] * (places < n_items)
        inside = weights[:size].sum() / size
        outside = weights[size:].sum() / (n_items - size) if size < n_items else 0.0
        rows = sizes == size
        target[rows] = np.where(flags[rows], inside, outside)
    return target
