"""Fairness of exposure by its dual: a few sorts in place of a linear program over n x k chances.

With prices λ on the constraints c @ E = b, what is left of the program of Singh and Joachims (KDD
2018) is to sort items by r - λ c: places of more exposure go to items of larger adjusted relevance.
At the best prices several sortings are equally good, and a lottery over a few of them meets the
constraints exactly: its value is the program's. With one constraint (two groups) the price is found
by bisection, as what the sorting misses falls with it; with more, sortings are added one by one to
a small program over their chances until no sorting is worth more (column generation). The lottery
has at most one ranking more than there are constraints, so no decomposition is needed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import RunBroken
from fairrec.mitigations.rerankers.birkhoff import Lottery

_STEPS = 200  # halvings; far more than doubles have digits
_MOST_SORTINGS = 2000


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
    """
    goal = np.zeros(len(rows)) if wanted is None else np.asarray(wanted, dtype=np.float64)
    sorting = _Sorting(relevance, rows, weights, goal)
    if not len(rows):
        ranking, value, _ = sorting.at(np.zeros(0))
        return Solution(Lottery(ranking[None], np.ones(1)), value, 0.0)
    if len(rows) == 1:
        return _bisected(sorting)
    return _generated(sorting, relevance)


class _Sorting:
    """Rankings by adjusted relevance, what they are worth and what they miss."""

    def __init__(
        self,
        relevance: NDArray[np.float64],
        rows: NDArray[np.float64],
        weights: NDArray[np.float64],
        goal: NDArray[np.float64],
    ) -> None:
        self.relevance, self.rows, self.weights, self.goal = relevance, rows, weights, goal

    def at(
        self, prices: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], float, NDArray[np.float64]]:
        """Return the ranking at these prices, its value, and c @ E - b."""
        adjusted = self.relevance - prices @ self.rows if len(prices) else self.relevance
        ranking = np.argsort(-adjusted, kind="stable")[: len(self.weights)]
        value = float(self.relevance[ranking] @ self.weights)
        return ranking, value, self.rows[:, ranking] @ self.weights - self.goal


def _bisected(sorting: _Sorting) -> Solution:
    ranking, value, (missed,) = sorting.at(np.zeros(1))
    scale = max(1.0, float(np.abs(sorting.relevance).max()))
    scale /= max(float(np.abs(sorting.rows).max()), 1e-300)
    low = high = (0.0, ranking, value, float(missed))
    # A larger price on what there is too much of, until there is too little.
    sign = 1.0 if missed > 0 else -1.0
    reach = scale * 1e-3
    while high[3] * sign > 0 and reach < scale * 1e9:
        low = high
        ranking, value, (missed,) = sorting.at(np.array([sign * reach]))
        high = (sign * reach, ranking, value, float(missed))
        reach *= 4
    if high[3] * sign > 0:  # no price turns it: the furthest ranking misses least
        return Solution(Lottery(high[1][None], np.ones(1)), high[2], abs(high[3]))
    for _ in range(_STEPS):
        middle = (low[0] + high[0]) / 2
        if middle in (low[0], high[0]) or low[3] == high[3]:
            break
        ranking, value, (missed,) = sorting.at(np.array([middle]))
        if missed * sign > 0:
            low = (middle, ranking, value, float(missed))
        else:
            high = (middle, ranking, value, float(missed))
    if low[3] == high[3]:
        return Solution(Lottery(high[1][None], np.ones(1)), high[2], abs(high[3]))
    share = low[3] / (low[3] - high[3])
    lottery = Lottery(np.stack([low[1], high[1]]), np.array([1 - share, share]))
    return Solution(lottery, (1 - share) * low[2] + share * high[2], 0.0)


def _generated(sorting: _Sorting, relevance: NDArray[np.float64]) -> Solution:
    """Column generation: the small program's prices ask for the next sorting."""
    from scipy.optimize import linprog

    n_rows = len(sorting.rows)
    ranking, value, missed = sorting.at(np.zeros(n_rows))
    rankings, values, gaps = [ranking], [value], [missed]
    price = 1e4 * max(1.0, float(np.abs(relevance).max()) * float(sorting.weights.sum()))
    slack = np.hstack([np.eye(n_rows), -np.eye(n_rows)])
    while True:
        solved = linprog(
            np.concatenate([-np.array(values), np.full(2 * n_rows, price)]),
            A_eq=np.vstack(
                [
                    np.hstack([np.array(gaps).T, slack]),
                    np.append(np.ones(len(values)), np.zeros(2 * n_rows)),
                ]
            ),
            b_eq=np.append(np.zeros(n_rows), 1.0),
            bounds=(0, None),
            method="highs-ds",
        )
        if solved.x is None:
            raise RunBroken(
                f"the program over rankings was not solved: {solved.message}",
                expected="an optimum.",
                do="use solver='highs'.",
            )
        # The marginals are prices of the constraints, with the sign of a minimisation.
        prices, floor = -solved.eqlin.marginals[:-1], -solved.eqlin.marginals[-1]
        ranking, value, missed = sorting.at(prices)
        gain = value - float(prices @ missed) - floor
        if gain <= 1e-10 * max(1.0, abs(floor)) or len(rankings) == _MOST_SORTINGS:
            break
        rankings.append(ranking)
        values.append(value)
        gaps.append(missed)
    chances = solved.x[: len(values)]
    used = chances > 1e-12
    weights = chances[used] / chances[used].sum()
    lottery = Lottery(np.array(rankings)[used], weights)
    short = float(solved.x[len(values) :].sum())
    worth = float(weights @ np.array(values)[used])
    return Solution(lottery, worth, short if short > 1e-9 else 0.0)
