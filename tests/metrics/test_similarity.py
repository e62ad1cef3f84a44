"""Single lists: numbers from outside, the literal formulas, and what must always hold."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from literal_similarity import literal_jaccard, literal_prag, literal_rbo, literal_serp

from fairrec.errors import WrongUse
from fairrec.metrics.similarity import DIALECTS, jaccard, prag, rbo, serp, snsr, snsv

TESTS = Path(__file__).parents[1]
PUBLISHED = TESTS.parents[1] / "shared" / "oracles" / "list_similarity.json"
TABLE = TESTS.parents[1] / "shared" / "oracles" / "fairllm_table1_published.json"
OWN = json.loads((TESTS / "oracles" / "list_similarity_own.json").read_text("utf-8"))["cases"]

lists = st.lists(st.integers(0, 9), max_size=12)
full_lists = st.lists(st.integers(0, 9), min_size=1, max_size=12)
sizes = st.none() | st.integers(1, 15)
dialects = st.sampled_from(DIALECTS)


def same(left: float, right: float) -> bool:
    return math.isclose(left, right, abs_tol=1e-12) or (math.isnan(left) and math.isnan(right))


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the shared oracles are not here")
def test_every_published_pair() -> None:
    cases = json.loads(PUBLISHED.read_text("utf-8"))["cases"]
    assert cases
    for case in cases:
        x, y = case["x_sensitive"], case["y_neutral"]
        for dialect in ("paper", "fairllm", "langfair"):
            expected = case[dialect]
            assert jaccard(x, y, dialect) == pytest.approx(expected["jaccard"], abs=1e-12)
            assert serp(x, y, dialect=dialect) == pytest.approx(expected["serp"], abs=1e-12)
            assert prag(x, y, dialect=dialect) == pytest.approx(expected["prag"], abs=1e-12)


@pytest.mark.parametrize("case", OWN, ids=[case["why"][:30] for case in OWN])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_pairs_worked_out_by_hand(case: dict, dialect: str) -> None:
    x, y, k = case["x"], case["y"], case["k"]
    expected = {name: math.nan if v is None else v for name, v in case[dialect].items()}
    assert same(serp(x, y, k, dialect), expected["serp"])
    assert same(prag(x, y, k, dialect), expected["prag"])
    assert same(jaccard(x, y), math.nan if case["jaccard"] is None else case["jaccard"])


@given(lists, lists, sizes, dialects)
def test_the_literal_formulas(x: list, y: list, k: int | None, dialect: str) -> None:
    assert same(jaccard(x, y, dialect), literal_jaccard(x, y, dialect))
    assert same(serp(x, y, k, dialect), literal_serp(x, y, k, dialect))
    assert same(prag(x, y, k, dialect), literal_prag(x, y, k, dialect))


@given(lists, lists, st.floats(0.05, 0.99))
def test_rbo_is_equation_32(x: list, y: list, p: float) -> None:
    assert same(rbo(x, y, p), literal_rbo(x, y, p)) or math.isclose(
        rbo(x, y, p), literal_rbo(x, y, p), abs_tol=1e-10
    )


@given(full_lists, sizes)
def test_identical_lists_score_1(x: list, k: int | None) -> None:
    assert jaccard(x, x) == serp(x, x, k) == prag(x, x, k) == 1.0
    assert rbo(x, x, 0.9) == pytest.approx(1.0, abs=1e-12)


@given(full_lists, full_lists, sizes)
def test_disjoint_lists_score_0(x: list, y: list, k: int | None) -> None:
    elsewhere = [item + 100 for item in y]
    assert jaccard(x, elsewhere) == serp(x, elsewhere, k) == prag(x, elsewhere, k) == 0.0
    assert rbo(x, elsewhere, 0.9) == 0.0


@given(full_lists, full_lists, sizes)
def test_unit_lies_in_0_1(x: list, y: list, k: int | None) -> None:
    for value in (jaccard(x, y), serp(x, y, k), prag(x, y, k), rbo(x, y, 0.9)):
        assert 0.0 <= value <= 1.0


@given(st.lists(st.integers(0, 9), min_size=2, max_size=12, unique=True), lists)
def test_unit_is_the_paper_rescaled(x: list, y: list) -> None:
    if not y:
        return
    size = len(x)
    assert same(serp(x, y), serp(x, y, dialect="paper"))
    assert same(prag(x, y), prag(x, y, dialect="paper") * 2 * (size + 1) / (size - 1))


def test_a_short_list_does_not_pass_for_a_full_one_when_k_is_given() -> None:
    full = list(range(20))
    assert serp(full[:1], full) == 1.0  # K is |x| = 1
    assert serp(full[:1], full, k=20) == pytest.approx(20 / 210)
    assert prag(full[:1], full, k=20) == 0.0


@pytest.mark.parametrize("pair", [([], ["a"]), (["a"], []), ([], []), (None, ["a"]), (["a"], None)])
def test_an_empty_list_is_missing_in_unit_and_0_elsewhere(pair: tuple) -> None:
    x, y = pair
    assert math.isnan(jaccard(x, y)) and math.isnan(serp(x, y)) and math.isnan(prag(x, y))
    assert math.isnan(rbo(x, y, 0.9))
    for dialect in ("paper", "fairllm", "langfair"):
        assert jaccard(x, y, dialect) == serp(x, y, None, dialect) == prag(x, y, 5, dialect) == 0.0


def test_arrays_and_tuples_are_lists_too() -> None:
    x, y = np.array([1, 2, 3]), (2, 3, 4)
    assert jaccard(x, y) == 0.5
    assert serp(x, y) == 0.5
    assert rbo(x, y, 0.5) > 0


def test_rbo_known_values() -> None:
    assert rbo("abc", "abc", 0.9) == pytest.approx(1.0)
    # Depth 1: 0 shared, depth 2: both shared: 0.5 * (0 + 0.5 * 1) + 1 * 0.25.
    assert rbo("ab", "ba", 0.5) == pytest.approx(0.5)
    assert rbo("abc", "ab", 0.9) == pytest.approx(1.0)  # one continues the other


def test_wrong_use_names_what_is_accepted() -> None:
    for function in (serp, prag):
        with pytest.raises(WrongUse, match='"unit", "paper", "fairllm", "langfair"'):
            function(["a"], ["a"], dialect="fairlm")  # type: ignore[arg-type]
        with pytest.raises(WrongUse, match="k is 0"):
            function(["a"], ["a"], k=0)
    for p in (0, 1, math.nan):
        with pytest.raises(WrongUse, match="p of RBO"):
            rbo(["a"], ["a"], p)


def test_snsr_and_snsv() -> None:
    assert snsr([0.2, 0.5, 0.3]) == pytest.approx(0.3)
    assert snsv([0.2, 0.4]) == pytest.approx(0.1)
    assert snsr([0.1] * 3) == snsv([0.1] * 3) == 0.0
    assert snsr([0.2, math.nan, 0.5]) == pytest.approx(0.3)
    assert snsv([0.2, math.nan, 0.4]) == pytest.approx(0.1)
    for nothing_to_compare in ([], [0.4], [0.4, math.nan], [math.nan, math.nan]):
        assert math.isnan(snsr(nothing_to_compare)) and math.isnan(snsv(nothing_to_compare))
    rows = np.array([[0.2, 0.5], [0.4, math.nan]])
    np.testing.assert_allclose(snsr(rows), [0.3, math.nan])
    np.testing.assert_allclose(snsv(rows), [0.15, math.nan])


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8))
def test_snsv_is_the_population_deviation(values: list) -> None:
    assert snsv(values) == pytest.approx(np.std(values), abs=1e-12)
    assert snsv(values) <= snsr(values) / 2 + 1e-12


@pytest.mark.skipif(not TABLE.exists(), reason="the shared oracles are not here")
def test_snsr_of_the_published_table() -> None:
    tables = json.loads(TABLE.read_text("utf-8"))
    for table in (tables["music"], tables["movie"]):
        for metric in ("jaccard", "serp", "prag"):
            for high, low, expected in zip(
                *(table[metric][name] for name in ("max", "min", "SNSR")), strict=True
            ):
                assert snsr([high, low]) == pytest.approx(expected, abs=1.01e-4)
