"""Fairness of exposure by its dual: a few sorts in place of a linear program over n x k chances.

With prices λ on the constraints c @ E = b, what is left of the program of Singh and Joachims (KDD
2018) is to sort items by r - λ c: places of more exposure go to items of larger adjusted relevance.
At the best prices several sortings are equally good, and a lottery over a few of them meets the
constraints exactly: its value is the program's. Both are found by the simplex method on the chances
of rankings, of which there are too many to write down: the next one to enter is the sorting at the
present prices (column generation, Dantzig and Wolfe 1960), and when that one is worth no more than
what is held, nothing is. The lottery has at most one ranking more than there are constraints, so no
decomposition is needed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import RunBroken
from fairrec.mitigations.rerankers.birkhoff import Lottery
from fairrec.mitigations.rerankers.compiled import Compiled
from fairrec.mitigations.rerankers.exposure_constraints import price_of_missing

_MOST_PIVOTS = 20_000
_ROUNDING = 1e-15


class Solution(NamedTuple):
    """The best lottery.

    Attributes:
        lottery: Rankings of the n items with their chances.
        value: Σ_i r_i E_i.
        missed: By how much constraints are missed in sum; 0 unless they cannot be met.
    """

    lottery: Lottery
    value: float
    missed: float


def exposure_dual(
    relevance: NDArray[np.float64],
    rows: NDArray[np.float64],
    weights: NDArray[np.float64],
    wanted: NDArray[np.float64] | None = None,
) -> Solution:
    """Return the best lottery over rankings whose exposure meets ``rows @ E = wanted``.

    Args:
        relevance: Shape (n,).
        rows: Shape (L, n); see `exposure_constraints.constraint_rows`. Without any, the best
            ranking is certain.
        weights: Shape (k,), k <= n: exposure of places, which must not rise.
        wanted: Shape (L,); zeros where None.

    Raises:
        RunBroken: No optimum was found.
    """
    goal = np.zeros(len(rows)) if wanted is None else np.asarray(wanted, dtype=np.float64)
    # Rows of one size: those of groups with little merit would drown the others.
    size = np.abs(rows).max(axis=1)
    size[size == 0] = 1.0
    rankings, chances = _simplex(
        np.ascontiguousarray(relevance, dtype=np.float64),
        np.ascontiguousarray(rows / size[:, None], dtype=np.float64),
        np.ascontiguousarray(weights, dtype=np.float64),
        goal / size,
        price_of_missing(relevance, rows) * size,
        _MOST_PIVOTS,
    )
    if not len(chances):
        raise RunBroken(
            "no optimum was found over rankings.", expected="one.", do="use solver='highs'."
        )
    used = (rankings[:, 0] >= 0) & (chances > _ROUNDING)
    lottery = Lottery(rankings[used], chances[used] / chances[used].sum())
    # From the lottery itself, so that what is reported is what is returned.
    value = float(lottery.weights @ (relevance[lottery.rankings] @ weights))
    gaps = lottery.weights @ (rows.T[lottery.rankings] * weights[:, None]).sum(axis=1) - goal
    missed = float(np.abs(gaps).sum())
    return Solution(lottery, value, missed if missed > 1e-9 else 0.0)


@Compiled
def _inverse(matrix):  # type: ignore[no-untyped-def]
    """Return the inverse by elimination, with the same rounding compiled or not."""
    size = len(matrix)
    both = np.hstack((matrix, np.eye(size)))
    for column in range(size):
        pivot = column + np.argmax(np.abs(both[column:, column]))
        swapped = both[pivot].copy()
        both[pivot] = both[column]
        both[column] = swapped / swapped[column]
        factors = both[:, column].copy()
        factors[column] = 0.0
        both -= factors.reshape(size, 1) * both[column]
    return both[:, size:].copy()


@Compiled
def _simplex(relevance, rows, weights, goal, price, most):  # type: ignore[no-untyped-def]
    """Return the rankings of the best basis, -1 where a constraint is missed, and their chances.

    The basis has a column for each of L constraints and one for the sum of chances; those that are
    no rankings are amounts by which a constraint is missed, each at its `price`. Nothing is
    returned after `most` exchanges.
    """
    n_rows, k, size = len(rows), len(weights), len(rows) + 1
    ranking = np.argsort(-relevance, kind="mergesort")[:k]
    basis = np.zeros((size, size))
    worth = np.zeros(size)
    worth[:n_rows] = -price
    held = np.full((size, k), -1)
    for row in range(n_rows):
        gap = -goal[row]
        for place in range(k):
            gap += rows[row, ranking[place]] * weights[place]
        basis[row, n_rows] = gap
        basis[row, row] = -1.0 if gap > 0 else 1.0
    basis[n_rows, n_rows] = 1.0
    worth[n_rows] = 0.0
    for place in range(k):
        worth[n_rows] += relevance[ranking[place]] * weights[place]
    held[n_rows] = ranking
    first = basis.copy()
    entering = np.zeros(size)
    for _ in range(most):
        inverse = _inverse(basis)
        chances = inverse[:, n_rows].copy()
        prices = np.zeros(size)
        for i in range(size):
            prices += worth[i] * inverse[i]
        adjusted = -relevance
        for row in range(n_rows):
            adjusted = adjusted + prices[row] * rows[row]
        ranking = np.argsort(adjusted, kind="mergesort")[:k]
        value, best = 0.0, -prices[n_rows]
        for place in range(k):
            value += relevance[ranking[place]] * weights[place]
            best -= adjusted[ranking[place]] * weights[place]
        size_of = abs(prices[n_rows]) + abs(value)
        for row in range(n_rows):
            best += prices[row] * goal[row]
            gap = -goal[row]
            for place in range(k):
                gap += rows[row, ranking[place]] * weights[place]
            entering[row] = gap
            size_of += abs(prices[row] * gap)
        entering[n_rows] = 1.0
        again = False
        for i in range(size):
            again = again or (held[i] == ranking).all()
        if again or best <= 1e-13 * size_of:
            # No ranking is worth more; missing a constraint may be.
            row = -1
            for other in range(n_rows):
                if abs(prices[other]) > price[other] * (1 + 1e-9) and (
                    row < 0 or abs(prices[other]) / price[other] > abs(prices[row]) / price[row]
                ):
                    row = other
            if row < 0:
                return held, chances
            entering[:] = 0.0
            entering[row] = -1.0 if prices[row] > 0 else 1.0
            ranking[:] = -1
            value = -price[row]
        step = np.zeros(size)
        for j in range(size):
            step += inverse[:, j] * entering[j]
        # What runs out first leaves; ties go by the lexicographic rule, which cannot cycle.
        leaves = -1
        smallest = 1e-11 * np.abs(step).max()
        for i in range(size):
            if step[i] <= smallest:
                continue
            if leaves < 0:
                leaves = i
                continue
            difference = max(chances[i], 0.0) / step[i] - max(chances[leaves], 0.0) / step[leaves]
            column = 0
            while abs(difference) < 1e-14 and column < size:
                difference = 0.0
                for j in range(size):
                    against = inverse[leaves, j] / step[leaves]
                    difference += (inverse[i, j] / step[i] - against) * first[j, column]
                column += 1
            if difference < 0:
                leaves = i
        if leaves < 0:
            break
        basis[:, leaves] = entering
        worth[leaves] = value
        held[leaves] = ranking
    return held[:0], worth[:0]
