"""CPFair: the identity at 0, both gaps smaller otherwise, and never a worse objective."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from turned_lists import CATALOG

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.item_groups import group_items
from fairrec.mitigations.rerankers.candidates import Candidates, candidate_lists
from fairrec.mitigations.rerankers.cpfair import CPFair, cpfair, gaps
from fairrec.mitigations.rerankers.group_targets import group_targets
from fairrec.types import Ranking, Request

GROUPS = group_items(["head"] * 8 + ["tail"] * 22)
SHARES = group_targets(GROUPS, "catalogue")


def _lists(seed: int, m: int = 120) -> Candidates:
    rng = np.random.default_rng(seed)
    return candidate_lists(rng.random((m, 30)) + np.where(np.arange(30) < 8, 0.6, 0.0))


def _gaps(lists: Candidates, active: np.ndarray, places: np.ndarray):  # type: ignore[no-untyped-def]
    return gaps(lists, lists.group_codes(GROUPS), SHARES, active, places)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.floats(0, 3), st.floats(0, 3))
def test_the_objective_is_never_worse_than_that_of_the_top_k(
    seed: int, users: float, items: float
) -> None:
    lists = _lists(seed, 40)
    active = np.random.default_rng(seed).random(40) < 0.2
    places = cpfair(lists, GROUPS, active, k=5, users=users, items=items).places
    value = [
        found.utility - users * abs(found.users) - items * found.items
        for found in (_gaps(lists, active, lists.top(5)), _gaps(lists, active, places))
    ]
    assert value[1] >= value[0] - 1e-12
    if users == items == 0:
        assert (places == lists.top(5)).all()
    assert all(len(set(row.tolist())) == 5 and (np.diff(row) > 0).all() for row in places)


def test_the_gap_of_items_falls_with_its_price() -> None:
    lists, active = _lists(1), np.arange(120) < 12
    found = [
        _gaps(lists, active, cpfair(lists, GROUPS, active, k=5, users=0, items=price).places)
        for price in (0.0, 0.1, 0.5, 2.0)
    ]
    assert [f.items for f in found] == sorted((f.items for f in found), reverse=True)
    assert found[-1].items < 0.1 < found[0].items
    assert found[-1].utility > 0.8


def test_users_share_what_fairness_to_items_costs() -> None:
    """Active users have flat scores, so that changing their lists is cheap; it stays bearable."""
    rng = np.random.default_rng(4)
    scores = rng.random((120, 30)) + np.where(np.arange(30) < 8, 0.6, 0.0)
    scores[:30] = 1 + 0.05 * scores[:30]
    lists, active = candidate_lists(scores), np.arange(120) < 30
    alone = _gaps(lists, active, cpfair(lists, GROUPS, active, k=5, users=0, items=0.5).places)
    both = _gaps(lists, active, cpfair(lists, GROUPS, active, k=5, users=2.0, items=0.5).places)
    assert abs(both.users) < 0.9 * abs(alone.users)


def test_it_comes_near_the_optimum() -> None:
    """That of a linear program, in which lists may be drawn at random: an upper bound."""
    m, k, price = 60, 5, 0.5
    lists, active = _lists(0, m), np.arange(m) < 12
    codes, n = lists.group_codes(GROUPS).ravel(), m * 30
    most = lists.scores_at(lists.top(k)).sum(axis=1)
    utility = lists.scores / most[:, None]
    side = np.where(active, 1 / 12, -1 / 48)[:, None]
    upper, bounds = [], []
    for sign in (1, -1):  # the last three are |gap of users| and |E_g - γ_g|
        upper.append(np.concatenate([(sign * utility * side).ravel(), [-1, 0, 0]]))
        bounds.append(0.0)
        for g in (0, 1):
            upper.append(np.concatenate([sign * (codes == g) / (m * k), -np.eye(3)[1 + g]]))
            bounds.append(sign * SHARES[g])
    solved = linprog(
        np.concatenate([-utility.ravel() / m, [price] * 3]),
        A_ub=np.array(upper),
        b_ub=bounds,
        A_eq=np.hstack([np.kron(np.eye(m), np.ones(30)), np.zeros((m, 3))]),
        b_eq=np.full(m, k),
        bounds=[(0, 1)] * n + [(0, None)] * 3,
    )
    plain, found = (
        gap.utility - price * (abs(gap.users) + gap.items)
        for places in (
            lists.top(k),
            cpfair(lists, GROUPS, active, k=k, users=price, items=price).places,
        )
        for gap in (_gaps(lists, active, places),)
    )
    best = -float(solved.fun)
    assert found <= best + 1e-9
    assert best - found <= 0.03 * (best - plain)


def test_in_a_mitigation() -> None:
    ranking = Ranking(tuple("abcdef"), scores=(6.0, 5.9, 5.8, 5.7, 5.6, 5.5))
    fair = CPFair(catalog=CATALOG, column="maker", weight=2.0)
    requests = [Request(k=2, history=("a",) * (n % 3)) for n in range(12)]
    found = fair.combine(requests, [[ranking]] * 12)
    before = np.mean([item in "def" for item in "ab"])
    after = np.mean([item in "def" for answer in found for item in answer.items])
    assert before == 0 and after > 0
    with pytest.raises(WrongUse, match="λ are -1"):
        CPFair(catalog=CATALOG, column="maker", weight=-1)
    with pytest.raises(WrongUse, match="a flag for every list"):
        cpfair(_lists(0, 3), GROUPS, np.ones(2, dtype=bool), k=1)
    with pytest.raises(BadData, match="some scores are negative"):
        cpfair(candidate_lists([[-1.0] * 30]), GROUPS, np.ones(1, dtype=bool), k=1)
