"""Welf and GGF: welfare never falls, comes near the optimum, and lifts the worst-off."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from turned_lists import CATALOG

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.inequality import gini
from fairrec.metrics.item_groups import group_items
from fairrec.mitigations.rerankers.best_k import best_of_lists
from fairrec.mitigations.rerankers.candidates import Candidates, candidate_lists
from fairrec.mitigations.rerankers.frank_wolfe import lorenz
from fairrec.mitigations.rerankers.gini_welfare import (
    GiniWelfare,
    gini_weights,
    gini_welfare,
    project_on_permutahedron,
)
from fairrec.mitigations.rerankers.welfare import Welf, welf
from fairrec.types import Ranking, Request

GROUPS = group_items(["a"] * 20 + ["b"] * 10)


def _lists(seed: int, m: int = 60) -> Candidates:
    rng = np.random.default_rng(seed)
    return candidate_lists(rng.random((m, 30)) + np.linspace(0.8, 0, 30))


@pytest.mark.parametrize("method", [welf, gini_welfare])
@pytest.mark.parametrize("side", ["items", "groups"])
@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 10_000), strength=st.floats(0.05, 1))
def test_welfare_never_falls_and_the_policy_is_what_it_says(
    method,  # type: ignore[no-untyped-def]
    side: str,
    seed: int,
    strength: float,
) -> None:
    lists = _lists(seed)
    policy = method(lists, GROUPS, k=5, strength=strength, side=side)
    assert (np.diff(policy.welfare) >= 0).all()
    if strength > 0.3:  # with little weight on items the top k can be the optimum
        assert policy.welfare[-1] > policy.welfare[0]
    assert policy.weights.sum() == pytest.approx(1) and (policy.weights >= 0).all()
    weights = Browsing("log2").weights(5)
    exposure, utility = np.zeros(30), np.zeros(len(lists))
    for places, weight in zip(policy.rankings, policy.weights, strict=True):
        items = lists.lists(places).items
        np.add.at(exposure, items.ravel(), weight * np.tile(weights, len(lists)))
        utility += weight * (lists.scores_at(places) @ weights)
    share = exposure / exposure.sum()
    if side == "groups":
        deserved = (2 / 3, 1 / 3) if method is welf else (1 / 2, 1 / 2)
        by_group = np.array([share[:20].sum(), share[20:].sum()]) / deserved
        assert policy.exposures == pytest.approx(by_group)
    else:
        assert policy.exposures == pytest.approx(share * 30)
    best = lists.scores_at(lists.top(5)) @ weights
    assert policy.utilities == pytest.approx(utility / best)


def test_welf_finds_the_optimum_of_a_small_case() -> None:
    rng = np.random.default_rng(3)
    scores = rng.random((2, 3)) + np.array([0.6, 0.3, 0.0])
    lists = candidate_lists(scores)
    weights = Browsing("log2").weights(3)
    orders = list(permutations(range(3)))

    def value(x: np.ndarray) -> float:
        u, e = np.zeros(2), np.zeros(3)
        for user in range(2):
            chances = x[user * 6 : user * 6 + 6]
            best = np.sort(scores[user])[::-1] @ weights
            for chance, order in zip(chances, orders, strict=True):
                u[user] += chance * (scores[user][list(order)] @ weights) / best
                e[list(order)] += chance * weights / (2 * weights.sum() / 3)
        return 0.4 * np.log(u + 0.01).mean() + 0.6 * np.log(e + 0.01).mean()

    solved = minimize(
        lambda x: -value(x),
        np.full(12, 1 / 6),
        bounds=[(0, 1)] * 12,
        constraints=[
            {"type": "eq", "fun": lambda x: x[:6].sum() - 1},
            {"type": "eq", "fun": lambda x: x[6:].sum() - 1},
        ],
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-12},
    )
    policy = welf(lists, group_items(["a", "b", "c"]), k=3, strength=0.6, iterations=400)
    assert policy.welfare[-1] == pytest.approx(-solved.fun, abs=2e-3)
    assert policy.welfare[-1] <= -solved.fun + 1e-6


@pytest.mark.parametrize("method", [welf, gini_welfare])
def test_more_weight_on_items_dominates_at_the_bottom(method) -> None:  # type: ignore[no-untyped-def]
    lists = _lists(1, 200)
    policies = [
        method(lists, GROUPS, k=5, strength=strength, iterations=80)
        for strength in (0.0, 0.3, 0.7, 0.95)
    ]
    assert (policies[0].rankings[0] == lists.top(5)).all() and len(policies[0].rankings) == 1
    for less, more in pairwise(policies):
        # The less-exposed half has more in all, and inequality is lower.
        assert (lorenz(more.exposures)[3:15] >= lorenz(less.exposures)[3:15] - 0.02).all()
        assert gini(more.exposures) < gini(less.exposures)
        assert more.utilities.mean() <= less.utilities.mean() + 1e-9


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(-3, 3), min_size=2, max_size=4))
def test_the_projection_on_the_permutahedron_is_the_nearest_point(values: list[float]) -> None:
    point, weights = np.array(values), gini_weights(len(values))
    found = project_on_permutahedron(point, weights)
    assert found.sum() == pytest.approx(weights.sum())
    assert (np.cumsum(np.sort(found)[::-1]) <= np.cumsum(weights) + 1e-9).all()
    for order in permutations(range(len(values))):  # optimal if no corner lies beyond it
        assert (point - found) @ (weights[list(order)] - found) <= 1e-8


def test_large_and_small_groups_get_what_they_deserve() -> None:
    """With all weight on items, shares are those of the catalogue: 2 to 1."""
    policy = welf(_lists(4, 300), GROUPS, k=5, strength=1.0, side="groups", iterations=200)
    assert policy.exposures == pytest.approx([1.0, 1.0], abs=0.02)


def test_gini_welfare_is_the_mean_less_ginis_index() -> None:
    x = np.random.default_rng(0).random(50)
    assert np.sort(x) @ gini_weights(50) == pytest.approx(x.mean() * (1 - gini(x)))


def test_compiled_and_not_give_the_same() -> None:
    lists, rng = _lists(2, 8), np.random.default_rng(0)
    arguments = (lists.scores, lists.items % 7 - 1, rng.random(8), rng.random(6), 4)
    assert (best_of_lists(*arguments) == best_of_lists.python(*arguments)).all()


@pytest.mark.parametrize("kind", [Welf, GiniWelfare])
def test_in_a_mitigation(kind: type[Welf]) -> None:
    ranking = Ranking(tuple("abcdef"), scores=(6.0, 5.9, 5.8, 5.7, 5.6, 5.5))
    requests = [Request(k=2, replicate=n) for n in range(40)]
    fair = kind(catalog=CATALOG, column="maker", weight=0.9)
    found = fair.combine(requests, [[ranking]] * 40)
    assert found == fair.combine(requests, [[ranking]] * 40)
    makers = [item in "def" for answer in found for item in answer.items]
    assert 0.2 < np.mean(makers) < 0.8
    plain = kind(catalog=CATALOG, column="maker", weight=0.0).combine(requests[:1], [[ranking]])
    assert plain[0].items == ("a", "b")
    with pytest.raises(WrongUse, match="the weight is 3"):
        kind(catalog=CATALOG, column="maker", weight=3.0)
    with pytest.raises(BadData, match="scores go down to -1"):
        welf(candidate_lists([[-1.0, 2.0]]), group_items(["a", "b"]), k=1)
