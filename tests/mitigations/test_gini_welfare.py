"""GGF comes to the exact optimum, and its projection and pooling are what they say."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from sklearn.isotonic import isotonic_regression

from fairrec.metrics.browsing import Browsing
from fairrec.metrics.item_groups import group_items
from fairrec.mitigations.rerankers.candidates import candidate_lists
from fairrec.mitigations.rerankers.gini_welfare import (
    gini_weights,
    gini_welfare,
    nearest_falling,
)


def _optimum(scores: np.ndarray, k: int, strength: float) -> float:
    """The linear program over lotteries of all rankings of every user.

    The sum of the q least of x is max_t q t - Σ_i max(t - x_i, 0); the welfare is a mix of those.
    """
    m, n = scores.shape
    weights, orders = Browsing("log2").weights(k), list(permutations(range(n), k))
    chances = m * len(orders)
    utility, exposure = np.zeros((m, chances)), np.zeros((n, chances))
    for column in range(chances):
        user, order = column // len(orders), list(orders[column % len(orders)])
        best = np.sort(scores[user])[::-1][:k] @ weights
        utility[user, column] = scores[user][order] @ weights / best
        exposure[order, column] = weights * n / (m * weights.sum())
    cost, rows, width = [np.zeros(chances)], [], chances + m * (m + 1) + n * (n + 1)
    bounds: list[tuple[float | None, float | None]] = [(0, None)] * chances
    for side, part in ((utility, 1 - strength), (exposure, strength)):
        w = gini_weights(len(side))
        for q, fall in enumerate(w - np.append(w[1:], 0), 1):
            start = len(bounds)
            cost.append(part * fall * np.concatenate([[-q], np.ones(len(side))]))
            bounds += [(None, None)] + [(0, None)] * len(side)
            for i, amounts in enumerate(side):
                row = np.zeros(width)
                row[:chances], row[start], row[start + 1 + i] = -amounts, 1, -1
                rows.append(row)
    whole = np.zeros((m, width))
    whole[:, :chances] = np.repeat(np.eye(m), len(orders), axis=1)
    found = linprog(
        np.concatenate(cost), rows, np.zeros(len(rows)), whole, np.ones(m), bounds, method="highs"
    )
    return -found.fun


@pytest.mark.parametrize(("m", "n", "k"), [(2, 3, 3), (4, 4, 2), (6, 4, 2)])
@pytest.mark.parametrize("strength", [0.3, 0.6, 0.9])
def test_it_comes_to_the_optimum_of_the_linear_program(
    m: int, n: int, k: int, strength: float
) -> None:
    # These cases have kinks on which steps that must raise the welfare itself stand still.
    scores = np.random.default_rng(0).random((m, n)) + np.linspace(0.6, 0, n)
    lists, groups = candidate_lists(scores), group_items(list("abcdef"[:n]))
    optimum = _optimum(scores, k, strength)
    gaps = [
        optimum - gini_welfare(lists, groups, k=k, strength=strength, iterations=steps).welfare[-1]
        for steps in (50, 1000)
    ]
    assert -1e-9 <= gaps[1] <= gaps[0] + 1e-12 <= 0.02
    assert gaps[1] < 0.004


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10_000), strength=st.floats(0.05, 1))
def test_the_last_welfare_is_that_of_the_policy(seed: int, strength: float) -> None:
    lists = candidate_lists(np.random.default_rng(seed).random((20, 12)))
    policy = gini_welfare(lists, group_items(["a"] * 12), k=4, strength=strength, iterations=30)
    mine = np.sort(policy.utilities) @ gini_weights(20)
    theirs = np.sort(policy.exposures) @ gini_weights(12)
    assert policy.welfare[-1] == pytest.approx((1 - strength) * mine + strength * theirs)
    assert len(policy.welfare) == 31 and (np.diff(policy.welfare) >= 0).all()


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30))
def test_pooling_is_isotonic_regression_compiled_or_not(values: list[float]) -> None:
    found = nearest_falling(np.array(values))
    assert found == pytest.approx(isotonic_regression(values, increasing=False), abs=1e-9)
    assert found == pytest.approx(nearest_falling.python(np.array(values)), abs=1e-12)


def test_pooling_of_a_known_case() -> None:
    assert nearest_falling(np.array([1.0, 3.0, 0.0])).tolist() == [2.0, 2.0, 0.0]
