"""Do rates differ between columns, such as ranks or groups of items, within the same users?

What a user has in one column goes with what the same user has in others: a list that begins to
repeat itself goes on, a title named wrongly comes again. So users are all that can be taken to be
independent. If no column has a rate of its own, what a user has in a column above the user's own
rate is 0 on average, and turning the sign of all of a user's deviations changes nothing but chance
(Canay, Romano and Shaikh, "Randomization Tests under an Approximate Symmetry Assumption",
Econometrica 85, 2017; the wild bootstrap by clusters, Cameron, Gelbach and Miller, Review of
Economics and Statistics 90, 2008).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fairrec.evidence.permutation import PermutationTest
from fairrec.metrics.similarity import snsr

BLOCK = 4_000_000
Table = NDArray[np.float64]


def sign_flip_test(
    parts: Table, wholes: Table, rng: np.random.Generator, draws: int = 10_000
) -> PermutationTest:
    """Test "the rate of parts over wholes is the same in every column".

    With d = part - (user's rate over all columns) whole, the statistic is Σ_g (Σ_u d)² / Σ_u whole,
    as that of a chi-squared test. It keeps its rate as users grow, and with rare parts, many
    columns and lists that repeat themselves (see the tests); dividing by Σ_u d² instead does not:
    where parts are rare, most deviations of a column have one size and one sign. p = (1 + number
    at least as large) / (1 + draws) (Phipson and Smyth, "Permutation P-values Should Never Be
    Zero", 2010).

    Args:
        parts, wholes: n users x V columns; NaN or a whole of 0 where a user has nothing.
        rng: Source of the draws.
        draws: Number of draws, at least 1.

    Returns:
        The p-value; `null_mean` is the mean range of the rates over the draws: what chance makes
        of it.
    """
    whole = np.nan_to_num(wholes)
    part = np.where(whole > 0, np.nan_to_num(parts), 0.0)
    total = whole.sum(axis=0)
    whole, part, total = whole[:, total > 0], part[:, total > 0], total[total > 0]
    if len(total) < 2:
        return PermutationTest(None, None, reason="fewer than two columns have a rate")
    own = part.sum(axis=1, keepdims=True) / np.maximum(whole.sum(axis=1, keepdims=True), 1e-300)
    deviations = part - own * whole
    # A user whose titles are all alike, or all in one column, says nothing of columns.
    deviations = deviations[np.abs(deviations).max(axis=1) > 1e-12]
    if not len(deviations):
        return PermutationTest(None, None, reason="no user has two columns that differ")

    def statistic(sums: Table) -> Table:
        return (sums**2 / total).sum(axis=-1)

    seen = float(statistic(deviations.sum(axis=0)))
    extreme, ranges = 0, 0.0
    for start in range(0, draws, block := max(1, BLOCK // max(len(deviations), len(total)))):
        size = min(block, draws - start)
        signs = 2.0 * rng.integers(0, 2, (size, len(deviations))) - 1
        sums = signs @ deviations
        # Sums in another order differ in the last bits; ties must count as ties.
        extreme += int((statistic(sums) >= seen * (1 - 1e-9)).sum())
        ranges += float(snsr(sums / total).sum())
    return PermutationTest((1 + extreme) / (1 + draws), ranges / draws, draws)
