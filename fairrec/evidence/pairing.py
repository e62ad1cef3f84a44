"""Does what was answered go with what was asked, or would any other question fit as well?

A cluster has S questions, put in a random order, and S answers. If answers do not depend on the
question, every way of giving the cluster's questions to its answers was equally likely, which
makes the test exact for any number of clusters, whatever answers have in common otherwise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fairrec.evidence.permutation import PermutationTest

BLOCK = 4_000_000


def pairing_test(
    fit: NDArray[np.float64], rng: np.random.Generator, draws: int = 10_000
) -> PermutationTest:
    """Test, two-sided, whether answers fit their own questions otherwise than the cluster's others.

    The statistic is the mean over clusters of the mean fit of answers to their own questions, less
    what it is on average over all ways to pair them. p = (1 + number at least as large in size) /
    (1 + draws) (Phipson and Smyth, "Permutation P-values Should Never Be Zero", 2010).

    Args:
        fit: Shape (n, S, S): how well the answer of each row fits the question of each column.
            Where an answer is missing both its row and its column are NaN.
        rng: Source of the draws.
        draws: Number of draws, at least 1.

    Returns:
        The p-value; `null_mean` is the mean fit over all ways to pair, and so the noise floor.
    """
    there = ~np.isnan(np.einsum("nss->ns", fit))
    there[there.sum(axis=1) < 2] = False
    counts = there.sum(axis=1)
    n = int((counts > 0).sum())
    if n == 0:
        return PermutationTest(None, None, reason="no cluster has two answers to exchange")
    both = there[:, :, None] & there[:, None, :]
    filled = np.where(both, fit, 0.0)
    weight = 1 / np.maximum(counts, 1)
    expected = float((filled.sum(axis=(1, 2)) * weight**2).sum() / n)
    seen = float((np.einsum("nss->ns", filled).sum(axis=1) * weight).sum() / n) - expected
    rows = np.arange(fit.shape[1])
    totals = np.zeros(draws)
    for cluster, present, part in zip(filled, there, weight, strict=True):
        places = rows[present]
        if not len(places):
            continue
        for start in range(0, draws, block := max(1, BLOCK // len(places))):
            size = min(block, draws - start)
            paired = rng.permuted(np.tile(places, (size, 1)), axis=1)
            totals[start : start + size] += cluster[places, paired].sum(axis=1) * part
    null = totals / n - expected
    # Sums in another order differ in the last bits; ties must count as ties.
    tolerance = 1e-10 * float(np.abs(filled).max(initial=0.0))
    extreme = int((np.abs(null) >= abs(seen) - tolerance).sum())
    return PermutationTest((1 + extreme) / (1 + draws), expected, draws)
