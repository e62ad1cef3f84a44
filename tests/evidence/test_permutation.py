"""The permutation test against full enumeration by other means, and its edges."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from fairrec.errors import WrongUse
from fairrec.evidence import permutation_test

NAN = np.nan


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def enumerated(table: np.ndarray) -> np.ndarray:
    """SNSR of every table whose rows are permuted, missing entries staying in place."""
    rows = []
    for row in table:
        present = np.flatnonzero(~np.isnan(row))
        orders = []
        for order in permutations(row[present]):
            new = row.copy()
            new[present] = order
            orders.append(new)
        rows.append(orders)
    return np.array([np.ptp(np.nanmean(np.array(choice), axis=0)) for choice in product(*rows)])


TABLES = [
    np.array([[0.1, 0.5, 0.4], [0.2, 0.9, 0.3], [0.0, 0.6, 0.6]]),
    np.array([[0.1, 0.5, NAN], [0.2, 0.9, 0.3], [NAN, NAN, 0.6], [0.5, 0.7, 0.1]]),
    np.array([[0.1, 0.3], [0.3, 0.1], [0.2, 0.2]]),
]


@pytest.mark.parametrize("table", TABLES)
def test_exhaustive_is_full_enumeration(table: np.ndarray) -> None:
    null = enumerated(table)
    seen = np.ptp(np.nanmean(table, axis=0))
    found = permutation_test(table, "snsr", rng(), draws=1000)
    assert found.exhaustive and found.draws == len(null)
    assert found.p_value == pytest.approx((null >= seen - 1e-9).mean())
    assert found.null_mean == pytest.approx(null.mean())


@pytest.mark.parametrize("table", TABLES[:2])
@pytest.mark.parametrize("draws", [5, 15])
def test_drawn_agrees_with_enumeration(table: np.ndarray, draws: int) -> None:
    # 5 draws are fewer than the 3! orders of a row, 15 are more: both ways of drawing.
    null = enumerated(table)
    seen = np.ptp(np.nanmean(table, axis=0))
    source = rng()
    tests = [permutation_test(table, "snsr", source, draws) for _ in range(2000)]
    assert not any(test.exhaustive for test in tests)
    extreme = np.mean([test.p_value * (1 + draws) - 1 for test in tests]) / draws
    assert extreme == pytest.approx((null >= seen - 1e-9).mean(), abs=0.02)
    assert np.mean([test.null_mean for test in tests]) == pytest.approx(null.mean(), rel=0.02)


def test_many_values_are_shifted_as_a_group() -> None:
    # One cluster: over its random orders, the chance of the largest value in one place is 1/12.
    table = np.full((1, 12), 0.2)
    table[0, 3] = 0.8
    assert permutation_test(table, "snsr", rng(), 500).p_value == 1.0  # the range stays
    # Two clusters with their largest value in the same place: a draw has them so in 1 of 12.
    source = rng()
    tests = [permutation_test(np.repeat(table, 2, axis=0), "snsr", source, 600) for _ in range(40)]
    assert np.mean([test.p_value for test in tests]) == pytest.approx(1 / 12, abs=0.01)
    # Missing values stay missing, the others change places.
    holed = np.random.default_rng(4).random((30, 14))
    holed[:, 5] += 2.0
    holed[::3, 1] = NAN
    found = permutation_test(holed, "snsr", rng(), 400)
    assert found.p_value == pytest.approx(1 / 401) and 0 < found.null_mean < 1


def test_a_clear_effect_is_found() -> None:
    table = np.random.default_rng(1).random((30, 3)) * 0.1 + [0.1, 0.4, 0.7]
    for statistic in ("snsr", "snsv"):
        found = permutation_test(table, statistic, rng(), 999)
        assert found.p_value == pytest.approx(1 / 1000)
        assert 0 < found.null_mean < 0.2


def test_equal_values_are_ties() -> None:
    column = np.random.default_rng(1).random((20, 1))
    found = permutation_test(np.repeat(column, 4, axis=1), "snsv", rng(), 200)
    assert (found.p_value, found.null_mean) == (1.0, pytest.approx(0.0, abs=1e-12))
    # Swapping a pair of equal columns changes the order of sums, not the statistic.
    table = np.random.default_rng(2).choice([0.1, 0.2, 0.3], (40, 2))
    swapped = permutation_test(table[:, ::-1], "snsr", rng(), 999)
    assert swapped.p_value == pytest.approx(
        permutation_test(table, "snsr", rng(), 999).p_value, abs=0.06
    )


def test_nothing_to_permute() -> None:
    for table in (
        np.full((3, 2), NAN),
        np.array([[0.1], [0.2]]),
        np.array([[0.1, NAN], [0.4, NAN]]),
        np.array([[0.1, NAN], [NAN, 0.4]]),
        np.empty((0, 3)),
    ):
        found = permutation_test(table, "snsr", rng(), 100)
        assert found.p_value is None and found.null_mean is None and found.reason


def test_the_table_is_left_alone_and_draws_repeat() -> None:
    table = np.random.default_rng(1).random((9, 4))
    before = table.copy()
    first = permutation_test(table, "snsr", rng(), 300)
    np.testing.assert_array_equal(table, before)
    assert permutation_test(table, "snsr", rng(), 300) == first


def test_unknown_statistic() -> None:
    with pytest.raises(WrongUse, match="snsv"):
        permutation_test(np.ones((2, 2)), "range", rng())
