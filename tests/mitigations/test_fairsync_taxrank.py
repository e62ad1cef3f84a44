"""FairSync keeps its guarantees; TaxRank's exposures are the optimum, and more alike with tax."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize
from turned_lists import CATALOG

from fairrec.errors import WrongUse
from fairrec.metrics.inequality import gini
from fairrec.metrics.item_groups import group_items
from fairrec.metrics.item_lists import END
from fairrec.mitigations.rerankers.candidates import Candidates, candidate_lists
from fairrec.mitigations.rerankers.fairsync import FairSync, _filled, fairsync
from fairrec.mitigations.rerankers.taxrank import (
    TaxRank,
    listing_chances,
    taxed_exposures,
    taxrank,
)
from fairrec.types import Ranking, Request

GROUPS = group_items(["a"] * 10 + ["b"] * 6 + ["c"] * 4)
SHARES = np.array([0.5, 0.3, 0.2])


def _lists(seed: int, m: int = 30, missing: float = 0.0) -> Candidates:
    rng = np.random.default_rng(seed)
    scores = rng.random((m, 20)) * 0.5 + np.repeat([0.5, 0.25, 0.0], [10, 6, 4])
    scores[rng.random(scores.shape) < missing] = -np.inf
    return candidate_lists(scores)


def _counts(lists: Candidates, places: np.ndarray) -> np.ndarray:
    shown = lists.lists(places).items
    return np.bincount(np.asarray(GROUPS.codes)[shown[shown != END]], minlength=3)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.floats(0, 1), st.integers(1, 8))
def test_every_group_has_its_guarantee(seed: int, alpha: float, k: int) -> None:
    lists = _lists(seed)
    places, shortfall = fairsync(lists, GROUPS, k=k, alpha=alpha)
    wanted = np.floor(alpha * SHARES * 30 * k + 1e-9)
    if k <= 4:  # with more places than a group has items, it cannot fill its share everywhere
        assert (_counts(lists, places) >= wanted).all() and (shortfall == 0).all()
    missing = np.maximum(wanted - _counts(lists, places), 0).sum()
    assert shortfall.sum() == pytest.approx(missing)
    assert all(len(set(row.tolist())) == k and (np.diff(row) > 0).all() for row in places)
    if alpha == 0:
        assert (places == lists.top(k)).all()


def test_guarantees_cost_little_more_than_they_must() -> None:
    lists, k = _lists(3), 3
    codes = lists.group_codes(GROUPS)
    wanted = np.floor(SHARES * 30 * k)
    rows = np.kron(np.eye(30), np.ones(20))
    solved = linprog(
        -lists.scores.ravel(),
        A_ub=np.array([-(codes.ravel() == g).astype(float) for g in range(3)]),
        b_ub=-wanted,
        A_eq=rows,
        b_eq=np.full(30, k),
        bounds=(0, 1),
    )
    best, plain = -solved.fun, lists.scores_at(lists.top(k)).sum()
    found = lists.scores_at(fairsync(lists, GROUPS, k=k, alpha=1.0).places).sum()
    assert found <= best + 1e-9
    assert best - found <= 0.1 * (plain - best)


@pytest.mark.parametrize("seed", [39, 125, 140, 238, 258, 362, 520, 841, *range(30)])
def test_no_place_is_lacking_that_could_be_had(seed: int) -> None:
    """The least shortfall of any lists, by linear programming, where candidates are few.

    In the first eight no single swap helps any more, and yet more can be had.
    """
    m, k = 6, 3
    rng = np.random.default_rng(seed)
    scores = rng.random((m, 12)) + np.repeat([0.6, 0.4, 0.2, 0.0], 3)
    scores[rng.random((m, 12)) < 0.65] = -np.inf
    scores[np.isneginf(scores).all(axis=1), 0] = 0.5
    lists, groups = candidate_lists(scores), group_items(np.repeat(["a", "b", "c", "d"], 3))
    codes, width = lists.group_codes(groups).ravel(), lists.items.shape[1]
    lengths = np.minimum(lists.lengths, k)
    wanted = np.floor(lengths.sum() / 4)
    own = np.array([(codes == g).astype(float) for g in range(4)])
    solved = linprog(
        np.concatenate([np.zeros(m * width), np.ones(4)]),
        A_ub=-np.hstack([own, np.eye(4)]),
        b_ub=np.full(4, -wanted),
        A_eq=np.hstack([np.kron(np.eye(m), np.ones(width)), np.zeros((m, 4))]),
        b_eq=lengths,
        bounds=[(0, int(is_one)) for is_one in lists.listed.ravel()] + [(0, None)] * 4,
    )
    places, shortfall = fairsync(lists, groups, k=k, alpha=1.0, target="equal")
    assert shortfall.sum() == pytest.approx(solved.fun, abs=1e-6)
    assert ((places != END).sum(axis=1) == lengths).all()


def test_a_place_is_passed_on_through_other_groups() -> None:
    """No list can give c a place of a's, which has one to spare: b, content, stands between."""
    scores = np.array([[0.9, 0.8], [0.9, 0.8], [0.9, -np.inf]])  # a over b, b over c, a alone
    codes = np.array([[0, 1], [1, 2], [0, END]])
    listed = np.array([[True, False], [True, False], [True, False]])
    assert _filled(scores, codes, np.ones(3), listed) == 0
    assert listed.tolist() == [[False, True], [False, True], [True, False]]


def test_too_few_candidates_fall_short() -> None:
    lists = candidate_lists([[0.9, 0.8, -np.inf]] * 4)
    groups = group_items(["a", "a", "b"])
    places, shortfall = fairsync(lists, groups, k=1, alpha=1.0, target={"b": 1.0})
    assert shortfall.tolist() == [1.0] * 4
    assert (places == 0).all()


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.floats(0.2, 4))
def test_exposures_are_the_optimum(seed: int, rate: float) -> None:
    rng = np.random.default_rng(seed)
    eta, caps = rng.random(5) + 0.1, np.full(5, 3.0)
    found = taxed_exposures(eta, caps, 7.0, rate)

    def welfare(e: np.ndarray) -> float:
        if abs(rate - 1) < 1e-9:
            return float((eta * np.log(e)).sum())
        return float((eta * e ** (1 - rate) / (1 - rate)).sum())

    assert found.sum() == pytest.approx(7.0)
    solved = minimize(
        lambda e: -welfare(e),
        np.full(5, 1.4),
        bounds=[(1e-6, 3.0)] * 5,
        constraints={"type": "eq", "fun": lambda e: e.sum() - 7},
        method="SLSQP",
        options={"ftol": 1e-13, "maxiter": 300},
    )
    assert welfare(found) >= -solved.fun - 1e-6 * max(1, abs(solved.fun))


def test_chances_keep_rows_and_come_near_exposures() -> None:
    lists = _lists(5, 60)
    eta = np.zeros(20)
    np.add.at(eta, lists.items.ravel(), lists.scores.ravel())
    exposures = taxed_exposures(eta, np.full(20, 60.0), 240.0, 1.0)
    chances = listing_chances(lists, exposures, 4)
    assert chances.sum(axis=1) == pytest.approx(np.full(60, 4.0))
    assert chances.min() >= 0 and chances.max() <= 1 + 1e-9
    sums = np.bincount(lists.items.ravel(), chances.ravel(), 20)
    assert sums == pytest.approx(exposures, rel=0.02)


def test_scores_of_any_size_are_drawn_from() -> None:
    lists = candidate_lists(_lists(8, 20).scores * 5000.0)
    places = taxrank(lists, k=4, seeds=tuple(range(20)), rate=1.0).places
    assert all(len(set(row.tolist())) == 4 and row.min() >= 0 for row in places)


def test_exposure_is_more_alike_with_tax_and_lists_keep_their_candidates() -> None:
    lists, seeds = _lists(6, 200, missing=0.2), tuple(range(200))
    ginis, utility = [], []
    for rate in (0.0, 0.5, 1.0, 3.0):
        places = taxrank(lists, k=4, seeds=seeds, rate=rate).places
        shown = lists.lists(places).items
        assert all(len(set(row[row != END].tolist())) == (row != END).sum() for row in shown)
        ginis.append(float(gini(np.bincount(shown[shown != END], minlength=20))))
        utility.append(lists.scores_at(places).sum())
        if rate == 0:
            assert (places == lists.top(4)).all()
    assert ginis == sorted(ginis, reverse=True) and ginis[-1] < ginis[0] - 0.3
    assert utility == sorted(utility, reverse=True)
    again = taxrank(lists, k=4, seeds=seeds, rate=1.0).places
    assert (again == taxrank(lists, k=4, seeds=seeds, rate=1.0).places).all()


def test_in_mitigations() -> None:
    ranking = Ranking(tuple("abcdef"), scores=(6.0, 5.9, 5.8, 5.7, 5.6, 5.5))
    requests = [Request(k=2, replicate=n) for n in range(20)]
    fair = FairSync(catalog=CATALOG, column="maker", alpha=1.0)
    found = fair.combine(requests, [[ranking]] * 20)
    assert sum(item in "def" for answer in found for item in answer.items) == 20
    drawn = TaxRank(catalog=CATALOG, column="maker", rate=2.0).combine(requests, [[ranking]] * 20)
    assert len({item for answer in drawn for item in answer.items}) > 3
    with pytest.raises(WrongUse, match="alpha is 2"):
        FairSync(catalog=CATALOG, column="maker", alpha=2)
    with pytest.raises(WrongUse, match="the rate is -1"):
        TaxRank(catalog=CATALOG, column="maker", rate=-1)
