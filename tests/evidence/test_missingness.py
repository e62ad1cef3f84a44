"""Differential missingness: tests against enumeration and worst cases against brute force."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from fairrec.errors import WrongUse
from fairrec.evidence import (
    answered_estimate,
    answered_test,
    permutation_test,
    snsr_estimate,
    worst_case_bounds,
    worst_case_estimate,
)

NAN = np.nan


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def grouped(*groups: list[float]) -> np.ndarray:
    """One row per cluster, in the column of its group."""
    rows = [(place, value) for place, group in enumerate(groups) for value in group]
    table = np.full((len(rows), len(groups)), NAN)
    for row, (place, value) in enumerate(rows):
        table[row, place] = value
    return table


def test_clusters_with_several_values_are_permuted_within() -> None:
    table = (np.random.default_rng(3).random((20, 3)) < [0.9, 0.8, 0.4]).astype(float)
    assert answered_test(table, rng(), 500) == permutation_test(table, "snsr", rng(), 500)
    assert answered_test(table, rng(), 500).p_value < 0.05


def test_groups_of_different_clusters_are_fishers_exact_test() -> None:
    table = grouped([1] * 9 + [0] * 6, [1] * 14 + [0])
    expected = fisher_exact([[9, 6], [14, 1]]).pvalue
    # Groups of one size: the range orders tables as their probabilities do.
    found = answered_test(table, rng(), 40_000)
    assert found.p_value == pytest.approx(expected, abs=0.005)
    assert found.null_mean is not None and 0 < found.null_mean < 0.3
    sampled = table[np.random.default_rng(1).permutation(30)]  # the order of rows is no matter
    assert answered_test(sampled, rng(), 40_000).p_value == pytest.approx(expected, abs=0.005)


def test_groups_of_unequal_size_against_enumeration() -> None:
    values = [1.0, 0.0, 0.5, 1.0, 0.0, 0.0, 0.5]
    table = grouped(values[:3], values[3:])
    total, ranges = sum(values), []
    for chosen in combinations(range(7), 3):
        part = sum(values[i] for i in chosen)
        ranges.append(abs(part / 3 - (total - part) / 4))
    expected = np.mean(np.array(ranges) >= abs(1.5 / 3 - 1.5 / 4) - 1e-9)
    found = answered_test(table, rng(), 20_000)
    assert found.p_value == pytest.approx(expected, abs=0.015)
    assert found.null_mean == pytest.approx(np.mean(ranges), rel=0.03)


def test_nothing_to_test() -> None:
    for table in (np.full((3, 2), NAN), np.empty((0, 2)), grouped([1, 0], [])):
        found = answered_test(table, rng(), 100)
        assert found.p_value is None and "two values" in found.reason


def test_everybody_answered_is_no_certainty() -> None:
    table = np.ones((50, 3))
    assert answered_test(table, rng(), 100).p_value == 1.0
    estimate = answered_estimate(table, rng(), 100)
    assert (estimate.value, estimate.low, estimate.n) == (0.0, 0.0, 50)
    assert (1 - estimate.high) ** 50 == pytest.approx(0.025)
    assert answered_estimate(np.zeros((50, 3)), rng(), 100).high == estimate.high
    table[0, 0] = 0
    assert answered_estimate(table, rng(), 100) == snsr_estimate(table, rng(), 100, unit="user")


def brute_force(values: np.ndarray) -> tuple[float, float]:
    holes = np.argwhere(np.isnan(values))
    ranges = []
    for fill in product(np.linspace(0, 1, 5), repeat=len(holes)):
        filled = values.copy()
        for (row, column), number in zip(holes, fill, strict=True):
            filled[row, column] = number
        ranges.append(np.ptp(filled.mean(axis=0)))
    return min(ranges), max(ranges)


@given(st.integers(0, 2**32 - 1))
def test_worst_case_against_brute_force(seed: int) -> None:
    source = np.random.default_rng(seed)
    values = source.integers(0, 5, (4, 3)) / 4
    values.ravel()[source.choice(12, 3, replace=False)] = NAN
    least, largest = brute_force(values)
    low, high = worst_case_bounds(values)
    assert high == pytest.approx(largest)
    # Five levels may miss the very least by less than one step of one value in four.
    assert low <= least + 1e-12 and least - low <= 0.25 / 4 + 1e-12


def test_an_entry_that_was_not_asked_withholds_nothing() -> None:
    values = grouped([0.5, NAN], [0.25, 0.75])
    asked = grouped([1, 1], [1, 1]) == 1
    assert worst_case_bounds(values, asked=asked) == (0.0, 0.25)
    assert worst_case_bounds(values)[1] > 0.25
    assert worst_case_bounds(grouped([0.5], [0.25]), asked=grouped([1], [1]) == 1) == (0.25, 0.25)


def test_with_nothing_missing_the_worst_case_is_the_estimate() -> None:
    table = np.random.default_rng(2).random((25, 4))
    plain = snsr_estimate(table, rng(), 500)
    worst = worst_case_estimate(table, rng(), 500)
    assert worst.value == pytest.approx(plain.value)
    assert worst.low == pytest.approx(plain.low) and worst.high == pytest.approx(plain.high)
    assert worst_case_bounds(table) == pytest.approx((plain.value, plain.value))


def test_missing_values_widen_and_hide_what_was_seen() -> None:
    table = np.random.default_rng(2).random((60, 2)) * 0.2 + [0.2, 0.6]
    table[:30, 1] = NAN
    estimate = worst_case_estimate(table, rng(), 500)
    low, high = worst_case_bounds(table)
    assert estimate.value == pytest.approx(0.4, abs=0.03)
    assert 0 < low < estimate.value < high
    assert estimate.low < low and estimate.high > high
    assert "worst case" in estimate.method and estimate.n_missing == 0
    wider = worst_case_estimate(table, rng(), 500, high=2.0)
    assert wider.high > estimate.high


def test_worst_case_edges() -> None:
    one = worst_case_estimate(np.array([[0.2, 0.4]]), rng(), 100)
    assert one.value == pytest.approx(0.2) and one.low is None and one.reason
    none = worst_case_estimate(np.array([[0.2, NAN], [0.3, NAN]]), rng(), 100)
    assert none.value is None and none.reason
    with pytest.raises(WrongUse, match=r"from 0\.2 to 7"):
        worst_case_bounds(np.array([[0.2, 7.0]]))
    with pytest.raises(WrongUse, match="fewer than two"):
        worst_case_bounds(np.array([[0.2], [0.4]]))
