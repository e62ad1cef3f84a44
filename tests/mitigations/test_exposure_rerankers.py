"""Lotteries: marginals that are some, constraints that are met, and the optimum of the program."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from turned_lists import CATALOG

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.item_groups import group_items
from fairrec.mitigations.rerankers.birkhoff import Lottery, birkhoff
from fairrec.mitigations.rerankers.candidates import candidate_lists
from fairrec.mitigations.rerankers.exposure import ExposureLP, fair_exposure, fair_lottery
from fairrec.mitigations.rerankers.exposure_constraints import (
    Constraint,
    constraint_rows,
    price_of_missing,
)
from fairrec.mitigations.rerankers.exposure_dual import _simplex, exposure_dual
from fairrec.mitigations.rerankers.exposure_lp import exposure_lp
from fairrec.types import Ranking, Request

CONSTRAINTS = get_args(Constraint)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 100_000), st.integers(1, 8), st.integers(1, 12))
def test_a_decomposition_sums_to_its_marginals(seed: int, n: int, draws: int) -> None:
    rng = np.random.default_rng(seed)
    k = int(rng.integers(1, n + 1))
    weights = rng.dirichlet(np.ones(draws))
    rankings = np.array([rng.permutation(n)[:k] for _ in range(draws)])
    marginals = Lottery(rankings, weights).marginals(n)
    found = birkhoff(marginals)
    assert found.marginals(n) == pytest.approx(marginals, abs=1e-9)
    assert found.weights.sum() == pytest.approx(1) and (found.weights > 0).all()
    assert len(found.weights) <= (n - 1) ** 2 + 1
    assert all(len(set(ranking.tolist())) == k for ranking in found.rankings)


def _case(rng: np.random.Generator, n: int, n_groups: int):  # type: ignore[no-untyped-def]
    codes = np.concatenate([np.arange(n_groups), rng.integers(0, n_groups, n - n_groups)])
    relevance = rng.random(n) * (1 - 0.2 * codes / n_groups)
    return relevance, codes.astype(np.int64)


@pytest.mark.parametrize("constraint", CONSTRAINTS)
@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 100_000), n_groups=st.integers(2, 4))
def test_the_dual_is_the_program(constraint: Constraint, seed: int, n_groups: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(n_groups + 1, 14))
    k = int(rng.integers(max(1, n // 2), n + 1))
    relevance, codes = _case(rng, n, n_groups)
    weights = Browsing("log2").weights(k)
    rows = constraint_rows(relevance, codes, constraint)
    marginals, missed = exposure_lp(relevance, rows, weights)
    solution = exposure_dual(relevance, rows, weights)
    assert solution.missed == pytest.approx(missed, abs=1e-6)
    ours = solution.lottery.marginals(n)
    assert np.abs(ours.sum(axis=0) - 1).max() < 1e-9
    assert ours.sum(axis=1).max() < 1 + 1e-9 and ours.min() >= 0
    if missed < 1e-7:
        assert np.abs(rows @ (ours @ weights)).max() < 1e-8
        assert solution.value == pytest.approx(float(relevance @ marginals @ weights), abs=1e-6)
        assert solution.value == pytest.approx(float(relevance @ ours @ weights), abs=1e-9)
        assert len(solution.lottery.weights) <= n_groups
    else:
        assert np.abs(rows @ (ours @ weights)).sum() == pytest.approx(solution.missed, abs=1e-6)


@pytest.mark.parametrize("n_groups", [2, 5, 10])
def test_many_groups_at_two_hundred(n_groups: int) -> None:
    rng = np.random.default_rng(n_groups)
    weights = Browsing("log2").weights(20)
    for constraint in CONSTRAINTS:
        relevance, codes = _case(rng, 200, n_groups)
        rows = constraint_rows(relevance, codes, constraint)
        marginals, _ = exposure_lp(relevance, rows, weights)
        solution = exposure_dual(relevance, rows, weights)
        exposure = solution.lottery.marginals(200) @ weights
        assert np.abs(rows @ exposure).max() < 1e-8
        assert solution.value == pytest.approx(float(relevance @ marginals @ weights), abs=1e-6)
        assert len(solution.lottery.weights) <= n_groups
        again = birkhoff(marginals, 1e-6)
        assert again.marginals(200) == pytest.approx(marginals, abs=1e-9)
        assert len(again.weights) < 200, "places that nobody sees need few rankings"


@pytest.mark.parametrize("relevance", ["tied", "skewed"])
def test_ties_and_little_merit_end_at_the_optimum(relevance: str) -> None:
    # Ties make exchanges that gain nothing; skew makes constraints of very different size.
    for seed in range(60):
        rng = np.random.default_rng(seed)
        r, codes = _case(rng, 30, int(rng.integers(3, 8)))
        r = np.round(r * 4) / 4 if relevance == "tied" else r**6
        weights = Browsing("log2").weights(int(rng.integers(5, 31)))
        rows = constraint_rows(r, codes, CONSTRAINTS[seed % 3])
        marginals, missed = exposure_lp(r, rows, weights)
        solution = exposure_dual(r, rows, weights)
        assert solution.missed == pytest.approx(missed, abs=1e-6)
        assert solution.value == pytest.approx(float(r @ marginals @ weights), abs=1e-6)


def test_compiled_and_python_find_the_same_lottery() -> None:
    relevance, codes = _case(np.random.default_rng(5), 40, 5)
    rows = constraint_rows(relevance, codes, "parity")
    price = np.full(len(rows), price_of_missing(relevance, rows))
    arguments = (relevance, rows, Browsing("log2").weights(15), np.zeros(len(rows)), price, 1000)
    fast, slow = _simplex(*arguments), _simplex.python(*arguments)
    assert fast[0].tolist() == slow[0].tolist()
    assert fast[1] == pytest.approx(slow[1], abs=1e-12)
    assert not len(_simplex(*arguments[:-1], 1)[1]), "too few exchanges give no lottery"


def test_groups_of_no_merit_are_owed_nothing() -> None:
    relevance, codes = np.array([0.9, 0.5, 0.0, 0.4, 1e-8]), np.array([0, 1, 2, 1, 3])
    assert len(constraint_rows(relevance, codes, "treatment")) == 1
    assert len(constraint_rows(relevance, codes, "parity")) == 3


def test_the_program_decomposed() -> None:
    rng = np.random.default_rng(0)
    relevance, codes = _case(rng, 60, 2)
    weights = Browsing("log2").weights(60)
    for constraint in CONSTRAINTS:
        rows = constraint_rows(relevance, codes, constraint)
        marginals, _ = exposure_lp(relevance, rows, weights)
        solution = exposure_dual(relevance, rows, weights)
        assert solution.value == pytest.approx(float(relevance @ marginals @ weights), abs=1e-6)
        lottery = birkhoff(marginals, 1e-6)
        assert lottery.marginals(60) == pytest.approx(marginals, abs=1e-6)


def test_strength_0_is_the_best_ranking_and_inequality_falls_evenly() -> None:
    rng = np.random.default_rng(1)
    relevance, codes = _case(rng, 20, 2)
    weights = Browsing("log2").weights(10)
    rows = constraint_rows(relevance, codes, "parity")
    best = np.argsort(-relevance)[:10]
    whole = abs(float((rows[:, best] @ weights)[0]))
    for solver in ("dual", "highs"):
        gaps = []
        for strength in (0.0, 0.5, 1.0):
            lottery, _ = fair_lottery(
                relevance, codes, weights, constraint="parity", strength=strength, solver=solver
            )
            exposure = lottery.marginals(20) @ weights
            gaps.append(abs(float((rows @ exposure)[0])))
        assert gaps == pytest.approx([whole, whole / 2, 0], abs=1e-7)
    lottery, _ = fair_lottery(relevance, codes, weights, strength=0.0)
    assert lottery.draw(3).tolist() == best.tolist()


def test_draws_have_the_exposure_of_the_lottery() -> None:
    rng = np.random.default_rng(2)
    relevance, codes = _case(rng, 12, 3)
    weights = Browsing("log2").weights(6)
    lottery, _ = fair_lottery(relevance, codes, weights, constraint="treatment")
    counted = np.zeros((12, 6))
    for seed in range(4000):
        counted[lottery.draw(seed), np.arange(6)] += 1
    assert counted / 4000 == pytest.approx(lottery.marginals(12), abs=0.04)
    assert lottery.draw(7).tolist() == lottery.draw(7).tolist()


def test_what_cannot_be_met_is_met_as_nearly_as_can_be() -> None:
    # One place: whoever has it has all; with two groups of one item a lottery meets parity.
    lottery, missed = fair_lottery(
        np.array([0.9, 0.1]), np.array([0, 1]), np.ones(1), constraint="parity"
    )
    assert missed == 0
    assert lottery.marginals(2).ravel() == pytest.approx([0.5, 0.5])
    # All places are needed and weigh the same: no lottery changes anything.
    _, missed = fair_lottery(
        np.array([0.9, 0.1, 0.1]), np.array([0, 1, 1]), np.ones(3), constraint="treatment"
    )
    assert missed > 0.1


def test_lists_unknown_groups_and_ends() -> None:
    groups = group_items(["a", "a", "b", "b", None])
    lists = candidate_lists([[5.0, 4, 3, 2, 6], [5, -np.inf, 1, -np.inf, -np.inf]])
    found = fair_exposure(lists, groups, k=3, seeds=(1, 2), constraint="parity")
    shown = lists.lists(found.places).items
    assert sorted(shown[1].tolist()) == [-1, 0, 2]
    assert len(set(shown[0].tolist())) == 3
    assert shown[0][0] == 4, "nothing is asked of what is unknown, and it is the best"
    with pytest.raises(BadData, match="relevance goes down to -1"):
        fair_exposure(candidate_lists([[-1.0, 2.0]]), group_items(["a", "b"]), k=1, seeds=(0,))


def test_in_a_mitigation() -> None:
    ranking = Ranking(tuple("abcdef"), scores=(6.0, 5.0, 4.0, 3.0, 2.0, 1.0))
    fair = ExposureLP(catalog=CATALOG, column="maker", constraint="parity")
    requests = [Request(k=6, replicate=n) for n in range(60)]
    found = fair.combine(requests, [[ranking]] * 60)
    assert found == fair.combine(requests, [[ranking]] * 60), "same seeds, same lists"
    weights = Browsing("log2").weights(6)
    mean = np.mean([[weights[r.items.index(i)] for i in "abcdef"] for r in found], axis=0)
    assert mean[:3].mean() / mean[3:].mean() < 1.3 < weights[:3].mean() / weights[3:].mean()
    for settings_ in (
        {"weight": 2.0},
        {"constraint": "all"},
        {"solver": "luck"},
        {"browsing": "err"},
    ):
        with pytest.raises(WrongUse):
            ExposureLP(catalog=CATALOG, column="maker", **settings_)


@pytest.mark.parametrize(
    "marginals", [[[0.5], [0.4]], [[1.2], [-0.2]], [[1.0, 1.0], [0.0, 0.0]], [[1.0, 0.0]]]
)
def test_what_is_no_matrix_of_chances_is_refused(marginals: list) -> None:
    with pytest.raises(BadData):
        birkhoff(marginals)
