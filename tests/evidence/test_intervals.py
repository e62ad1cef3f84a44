"""Estimates: their facts, their edges; that they cover is in test_calibration.py."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fairrec.errors import WrongUse
from fairrec.evidence import mean_estimate, mean_estimates, snsr_estimate, snsv_estimate

NAN = np.nan


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_mean_estimate_says_what_it_rests_on() -> None:
    values = np.array([0.2, 0.4, NAN, 0.6])
    estimate = mean_estimate(values, rng(), 2000)
    assert estimate.value == pytest.approx(0.4)
    assert estimate.low < 0.4 < estimate.high
    assert (estimate.n, estimate.n_missing, estimate.unit) == (3, 1, "topic")
    assert (estimate.level, estimate.direction) == (0.95, "higher")
    assert "cluster bootstrap over topics" in estimate.method


def test_widened_to_students_t() -> None:
    values = np.random.default_rng(5).normal(size=10)
    estimate = mean_estimate(values, rng(), 40_000)
    half = 2.262 * values.std(ddof=1) / np.sqrt(10)
    assert estimate.high - estimate.low == pytest.approx(2 * half, rel=0.06)


def test_too_few_clusters() -> None:
    one = mean_estimate(np.array([0.3, NAN]), rng())
    assert (one.value, one.low, one.high) == (0.3, None, None)
    assert "one topic" in one.reason
    none = mean_estimate(np.array([NAN, NAN]), rng())
    assert none.value is None and none.reason and none.n_missing == 2
    assert mean_estimate(np.array([]), rng()).value is None
    for estimate in (snsr_estimate, snsv_estimate):
        single = estimate(np.array([[0.2, 0.5]]), rng())
        assert single.value is not None and single.low is None and single.reason
        nothing = estimate(np.full((3, 2), NAN), rng())
        assert nothing.value is None and nothing.reason
        one_column = estimate(np.array([[0.2, NAN], [0.3, NAN]]), rng())
        assert one_column.value is None and "fewer than two" in one_column.reason
        lone = estimate(np.array([[0.2, 0.5], [0.3, NAN], [0.1, NAN]]), rng())
        assert lone.value is not None and lone.low is None and "one topic alone" in lone.reason


def test_values_that_are_rarely_present_together_have_no_interval() -> None:
    table = np.full((20, 10), NAN)
    for column in range(10):
        table[2 * column : 2 * column + 2, column] = 0.1, 0.2
    found = snsr_estimate(table, rng(), 200)
    assert found.value == pytest.approx(0.0) and found.low is None and "too few" in found.reason


def test_few_clusters_are_not_trusted() -> None:
    few = np.array([[0.1, 0.5], [0.3, 0.4]])
    assert mean_estimate(few[:, 0], rng(), 200).high > 0.3  # beyond what was seen
    found = snsv_estimate(few, rng(), 200, level=0.9999)
    assert found.low == 0.0 and found.high > 0.2


def test_a_mean_does_not_depend_on_its_neighbours() -> None:
    table = np.random.default_rng(1).random((12, 3))
    alone = mean_estimate(table[:, 1], rng(), 500)
    among = mean_estimates(table, rng(), 500)[1]
    assert (among.value, among.low, among.high) == pytest.approx(
        (alone.value, alone.low, alone.high)
    )


def test_snsr_and_snsv_estimates() -> None:
    table = np.random.default_rng(1).random((30, 3)) * 0.1 + [0.1, 0.4, 0.7]
    table[0] = NAN
    table[1, 0] = NAN
    for estimate, metric in ((snsr_estimate, np.ptp), (snsv_estimate, np.std)):
        found = estimate(table, rng(), 2000)
        assert found.value == pytest.approx(metric(np.nanmean(table, axis=0)))
        assert 0 < found.low < found.value < found.high
        assert (found.n, found.n_missing, found.direction) == (29, 1, "lower")


def test_equal_columns_have_no_spread() -> None:
    column = np.random.default_rng(1).random((20, 1))
    for estimate in (snsr_estimate, snsv_estimate):
        found = estimate(np.repeat(column, 4, axis=1), rng(), 500)
        assert (found.value, found.low, found.high) == (0.0, 0.0, pytest.approx(0.0, abs=1e-12))


def test_snsv_of_two_values_is_half_of_snsr() -> None:
    table = np.random.default_rng(1).random((15, 2))
    r, v = snsr_estimate(table, rng(), 1000), snsv_estimate(table, rng(), 1000)
    assert [2 * v.value, 2 * v.low, 2 * v.high] == pytest.approx([r.value, r.low, r.high])


@given(
    arrays(
        float,
        st.tuples(st.integers(1, 8), st.integers(1, 5)),
        elements=st.sampled_from([0.0, 0.1, 0.5, 1.0, NAN]),
    )
)
@settings(max_examples=150, deadline=None)
def test_any_table_gives_an_ordered_interval_or_a_reason(table: np.ndarray) -> None:
    for found in (
        snsr_estimate(table, rng(), 50),
        snsv_estimate(table, rng(), 50),
        *mean_estimates(table, rng(), 50),
    ):
        if found.low is None:
            assert found.reason
        else:
            assert found.low - 1e-12 <= found.value <= found.high + 1e-12


def test_level_is_checked() -> None:
    with pytest.raises(WrongUse, match="confidence level"):
        snsr_estimate(np.random.default_rng(0).random((5, 2)), rng(), level=95)
