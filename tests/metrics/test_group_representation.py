import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.group_representation import (
    infeasible_count,
    infeasible_index,
    max_skew,
    mean_absolute_skew,
    min_skew,
    ndkl,
    skew_at_k,
)
from fairrec.metrics.item_lists import END, OFF

ORACLES = Path(__file__).parents[2].parent / "shared" / "oracles" / "item_metrics.json"
TARGET = np.array([0.5, 0.3, 0.2])
CODES = hnp.arrays(np.int64, (4, 7), elements=st.integers(OFF, 2)).map(
    lambda x: np.where((x == END).cumsum(axis=1) > 0, END, x)
)


@pytest.fixture(scope="module")
def cases():
    if not ORACLES.exists():
        pytest.skip("the shared oracles are not here")
    return {case["id"]: case for case in json.loads(ORACLES.read_text())["cases"]}


def codes_of(groups, names):
    return np.array([[names.index(group) for group in groups]])


def kl(p, q, epsilon):
    return sum(
        (a + epsilon) * np.log((a + epsilon) / (b + epsilon))
        for a, b in zip(p, q, strict=True)
        if a + epsilon > 0
    )


def literal_ndkl(row, target, epsilon):
    """Eq. 4, one list at a time."""
    row = [int(code) for code in row if code != END]
    total = z = 0.0
    for i in range(1, len(row) + 1):
        known = [code for code in row[:i] if code >= 0]
        if known:
            shares = [known.count(g) / len(known) for g in range(len(target))]
            total += kl(shares, target, epsilon) / np.log2(i + 1)
            z += 1 / np.log2(i + 1)
    return total / z if z else np.nan


def test_ndkl_of_the_list_itself_as_fairranktune_has_it(cases):
    case = cases["frt_NDKL_full"]
    groups = [case["inputs"]["item_group"][str(item)] for item in case["inputs"]["ranking"]]
    codes = codes_of(groups, ["A", "B", "C"])
    assert ndkl(codes, None, 1e-7) == pytest.approx(case["expected"], abs=1e-9)
    shares = np.bincount(codes[0]) / codes.size
    assert ndkl(codes, shares, 1e-7) == pytest.approx(case["expected"], abs=1e-9)
    # The tiny number was there to avoid a division that never happens.
    assert ndkl(codes)[0] == pytest.approx(literal_ndkl(codes[0], shares, 0.0), abs=1e-12)


@pytest.mark.parametrize("k", [3, 10])
def test_skew_as_reranking_has_it(cases, k):
    case = cases[f"reranking_skew@{k}"]
    names = sorted(case["inputs"]["target"])
    codes = codes_of(case["inputs"]["groups"], names)
    target = [case["inputs"]["target"][name] for name in names]
    skew = skew_at_k(codes, target, case["inputs"]["k"], epsilon=1e-12)
    found = [min_skew(skew)[0], max_skew(skew)[0], mean_absolute_skew(skew)[0]]
    assert found == pytest.approx(case["expected"], abs=1e-9)


@given(CODES, st.sampled_from([0.0, 1e-7, 0.01]))
def test_ndkl_is_its_formula(codes, epsilon):
    expected = [literal_ndkl(row, TARGET, epsilon) for row in codes]
    assert ndkl(codes, TARGET, epsilon) == pytest.approx(expected, abs=1e-12, nan_ok=True)


@given(CODES)
def test_one_target_for_each_list_is_the_same(codes):
    each = np.tile(TARGET, (len(codes), 1))
    assert ndkl(codes, each) == pytest.approx(ndkl(codes, TARGET), nan_ok=True)
    np.testing.assert_array_equal(skew_at_k(codes, each, 4), skew_at_k(codes, TARGET, 4))
    np.testing.assert_array_equal(infeasible_count(codes, each), infeasible_count(codes, TARGET))


@given(CODES)
def test_infeasible_prefixes_are_counted(codes):
    for row, index, count in zip(
        codes, infeasible_index(codes, TARGET), infeasible_count(codes, TARGET), strict=True
    ):
        row = [int(code) for code in row if code != END]
        if not row:
            assert np.isnan(index)
            assert np.isnan(count)
            continue
        lacking = [
            sum(row[:i].count(g) < (5, 3, 2)[g] * i // 10 for g in range(3))
            for i in range(1, len(row) + 1)
        ]
        assert index == sum(some > 0 for some in lacking)
        assert count == sum(lacking)
        assert index <= count <= 3 * index


def test_minima_are_those_of_the_written_number():
    # 0.29 x 100 is 28.999999999999996 in floating point: only the last prefix lacks its 29th.
    assert np.floor(0.29 * 100) == 28
    group = [0 if 29 * i // 100 > 29 * (i - 1) // 100 else 1 for i in range(1, 101)]
    assert infeasible_index(np.array([group]), [0.29, 0.71]) == 0
    assert infeasible_index(np.array([[*group[:99], 1]]), [0.29, 0.71]) == 1


def test_places_off_the_catalogue_take_a_place_and_have_no_group():
    with_off = np.array([[0, OFF, 1, END]])
    skew = skew_at_k(with_off, [0.5, 0.5])
    assert skew == pytest.approx(np.log([[1 / 3 / 0.5] * 2]))
    # Shares are of the known items; the discount is that of the place where they stand.
    w = 1 / np.log2([2, 3, 4])
    assert ndkl(with_off, [0.5, 0.5])[0] == pytest.approx(np.log(2) * (w[0] + w[1]) / w.sum())
    assert ndkl(np.array([[OFF, 0]]), [0.5, 0.5])[0] == pytest.approx(np.log(2))
    assert infeasible_index(np.array([[0, OFF, OFF, OFF]]), [0.5, 0.5]).tolist() == [3]


def test_what_is_not_defined_is_nan_and_what_is_not_finite_is_infinite():
    nothing = np.array([[END, END]])
    assert np.isnan(ndkl(nothing, [0.5, 0.5])).all()
    assert np.isnan(ndkl(np.array([[OFF, OFF]]))).all()
    assert np.isnan(skew_at_k(nothing, [0.5, 0.5])).all()
    assert np.isnan(infeasible_index(nothing, [0.5, 0.5])).all()
    one = np.array([[0, 0]])
    assert skew_at_k(one, [0.5, 0.5])[0, 1] == -np.inf
    assert min_skew(skew_at_k(one, [0.5, 0.5])) == -np.inf
    assert np.isnan(skew_at_k(one, [1.0, 0.0])[0, 1])
    assert min_skew(skew_at_k(one, [1.0, 0.0])) == max_skew(skew_at_k(one, [1.0, 0.0])) == 0
    assert ndkl(np.array([[0, 1]]), [1.0, 0.0]) == np.inf
    assert np.isfinite(ndkl(np.array([[0, 1]]), [1.0, 0.0], 1e-7)).all()
    assert np.isnan(mean_absolute_skew(np.array([[np.nan, np.nan]]))).all()


def test_a_list_at_its_target_is_at_zero():
    codes = np.array([[0, 1] * 5])
    assert skew_at_k(codes, [0.5, 0.5]).tolist() == [[0, 0]]
    assert infeasible_index(codes, [0.5, 0.5]) == 0
    assert ndkl(np.zeros((1, 9), dtype=int), [1.0]) == 0
    fair, unfair = ndkl(np.array([[0, 1] * 5, [0] * 5 + [1] * 5]), [0.5, 0.5])
    assert 0 < fair < unfair


def test_what_does_not_fit_is_said():
    with pytest.raises(BadData, match="sums to"):
        ndkl(np.array([[0, 1]]), [0.5, 0.6])
    with pytest.raises(BadData, match="group 2"):
        skew_at_k(np.array([[0, 2]]), [0.5, 0.5])
    with pytest.raises(WrongUse, match="k is 0"):
        skew_at_k(np.array([[0, 1]]), [0.5, 0.5], 0)
