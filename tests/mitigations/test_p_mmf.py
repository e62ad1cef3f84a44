"""P-MMF: an exact projection, the identity at 0, and near the best that any policy reaches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize
from turned_lists import CATALOG

from fairrec.errors import WrongUse
from fairrec.metrics.item_groups import group_items
from fairrec.mitigations.rerankers.candidates import Candidates, candidate_lists
from fairrec.mitigations.rerankers.group_targets import group_targets
from fairrec.mitigations.rerankers.p_mmf import PMMF, Prices, _priced, p_mmf, project
from fairrec.types import Ranking, Request

GROUPS = group_items(["a"] * 12 + ["b"] * 8 + ["c"] * 4)


def _lists(seed: int, m: int) -> Candidates:
    rng = np.random.default_rng(seed)
    return candidate_lists(rng.random((m, 24)) + np.repeat([0.5, 0.25, 0.0], [12, 8, 4]))


def _shares(lists: Candidates, places: np.ndarray) -> np.ndarray:
    codes = np.asarray(GROUPS.codes)[lists.lists(places).items]
    return np.bincount(codes.ravel(), minlength=3) / codes.size


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(-3, 3), min_size=1, max_size=6), st.floats(0.01, 4))
def test_the_projection_is_the_nearest_point(weights: list[float], total: float) -> None:
    w = np.array(weights)
    found = project(w, total)
    assert np.maximum(found, 0).sum() <= total + 1e-9
    if np.maximum(w, 0).sum() <= total:
        assert (found == w).all()
        return
    start = np.where(w > 0, total * w / np.maximum(w, 0).sum(), w)
    # Only what is above 0 moves: the rest is as near as can be already.
    up = w > 0
    solved = minimize(
        lambda x: ((x - w[up]) ** 2).sum(),
        start[up],
        bounds=[(0, None)] * int(up.sum()),
        constraints={"type": "ineq", "fun": lambda x: total - x.sum()},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    assert ((found - w) ** 2).sum() <= solved.fun + 1e-6
    assert (found[~up] == w[~up]).all()


def _best(lists: Candidates, k: int, strength: float) -> float:
    """The optimum over all lists, by linear programming (lists may be drawn at random)."""
    m, c = lists.scores.shape
    codes, gamma = lists.group_codes(GROUPS), group_targets(GROUPS, "catalogue")
    worth = np.append(-lists.scores.ravel() / (m * k), -strength)
    rows = np.kron(np.eye(m), np.ones(c))
    least = [
        np.append(-(codes.ravel() == g).astype(float) / (m * k * gamma[g]), 1.0) for g in range(3)
    ]
    solved = linprog(
        worth,
        A_ub=np.array(least),
        b_ub=np.zeros(3),
        A_eq=np.hstack([rows, np.zeros((m, 1))]),
        b_eq=np.full(m, k),
        bounds=[(0, 1)] * (m * c) + [(0, None)],
    )
    return -float(solved.fun)


@pytest.mark.parametrize("strength", [0.05, 0.3, 2.0])
def test_it_comes_near_the_optimum(strength: float) -> None:
    lists, k = _lists(1, 150), 5
    gamma = group_targets(GROUPS, "catalogue")

    def value(places: np.ndarray) -> float:
        return lists.scores_at(places).mean() + strength * (_shares(lists, places) / gamma).min()

    best = _best(lists, k, strength)
    found = value(p_mmf(lists, GROUPS, k=k, strength=strength, passes=3).places)
    plain = value(lists.top(k))
    assert found <= best + 1e-9
    assert best - found <= 0.02 * best + 0.15 * (best - plain)


def test_the_worst_off_group_gains_with_strength() -> None:
    lists, gamma = _lists(2, 400), group_targets(GROUPS, "catalogue")
    worst = []
    for strength in (0.0, 0.1, 0.3, 1.0):
        places = p_mmf(lists, GROUPS, k=5, strength=strength, passes=2).places
        worst.append((_shares(lists, places) / gamma).min())
        if strength == 0:
            assert (places == lists.top(5)).all()
    assert worst == sorted(worst)
    assert worst[0] < 0.4 and worst[-1] > 0.9


def test_caps_hold() -> None:
    lists, gamma = _lists(3, 200), group_targets(GROUPS, "catalogue")
    places, shortfall = p_mmf(lists, GROUPS, k=5, strength=0.1, cap=1.1)
    assert (_shares(lists, places) * 1000 <= np.ceil(1.1 * gamma * 1000)).all()
    assert (shortfall == 0).all()


def test_memory_goes_on_is_saved_and_merges() -> None:
    lists = _lists(4, 60)
    whole, memory = Prices(), Prices()
    places = p_mmf(lists, GROUPS, k=4, strength=0.3, prices=whole).places
    first = p_mmf(lists.rows(slice(0, 25)), GROUPS, k=4, strength=0.3, prices=memory).places
    again = Prices.from_json(memory.to_json())
    rest = p_mmf(lists.rows(slice(25, None)), GROUPS, k=4, strength=0.3, prices=again).places
    assert (np.vstack([first, rest]) == places).all()
    assert again == whole
    one, other = (
        Prices({"a": 0.3}, {}, {"a": 5}, 1.0, 10),
        Prices({"a": 0.0}, {}, {"b": 1}, 2.0, 20),
    )
    one.merge(other)
    assert one.weights["a"] == pytest.approx(0.1)
    assert (one.places, one.steepness, one.lists) == ({"a": 5, "b": 1}, 3.0, 30)


def test_compiled_and_not_give_the_same() -> None:
    lists, gamma = _lists(5, 12), group_targets(GROUPS, "catalogue")
    tables = np.zeros((3, 3)), np.zeros((3, 3))
    found = [
        kernel(
            lists.scores,
            lists.group_codes(GROUPS),
            gamma,
            np.full(3, np.inf),
            table,
            5,
            0.4,
            0.5,
            0.0,
        )
        for kernel, table in zip((_priced, _priced.python), tables, strict=True)
    ]
    assert (found[0][0] == found[1][0]).all()
    assert tables[0] == pytest.approx(tables[1], abs=1e-12)


def test_in_a_mitigation() -> None:
    ranking = Ranking(tuple("abcdef"), scores=(6.0, 5.9, 5.8, 5.7, 5.6, 5.5))
    fair = PMMF(catalog=CATALOG, column="maker", weight=3.0)
    found = fair.combine([Request(k=2)] * 30, [[ranking]] * 30)
    makers = [item in "def" for answer in found for item in answer.items]
    assert 0.3 < np.mean(makers) < 0.7
    for settings_ in ({"weight": -1.0}, {"momentum": 0.0}):
        with pytest.raises(WrongUse):
            PMMF(catalog=CATALOG, column="maker", **settings_)
    with pytest.raises(WrongUse, match="the cap 0"):
        p_mmf(_lists(0, 2), GROUPS, k=1, cap=0.5)
