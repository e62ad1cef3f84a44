"""The exceedance test against full enumeration by other means, and its edges."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairrec.errors import WrongUse
from fairrec.evidence import cluster_excess, exceedance_test, excess_estimate

NAN = np.nan


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def enumerated(floor: np.ndarray, effects: np.ndarray) -> tuple[float, list[float]]:
    """What was seen, and the sum of the excess for every choice of the floors."""
    rows, seen = [], 0.0
    for f, e in zip(floor, effects, strict=True):
        f, e = f[~np.isnan(f)], e[~np.isnan(e)]
        if not len(f) or not len(e):
            continue
        both = [*f, *e]
        seen += np.mean(f) - np.mean(e)
        row = []
        for chosen in combinations(range(len(both)), len(f)):
            others = [both[i] for i in range(len(both)) if i not in chosen]
            row.append(np.mean([both[i] for i in chosen]) - np.mean(others))
        rows.append(row)
    return seen, [sum(choice) for choice in product(*rows)]


TABLES = [
    (np.array([[0.9], [0.8], [0.7]]), np.array([[0.5, 0.9], [0.6, 0.4], [0.7, 0.2]])),
    (
        np.array([[0.9, 0.6], [0.8, NAN], [NAN, NAN], [0.3, 0.5]]),
        np.array([[0.5, 0.9], [NAN, 0.4], [0.7, 0.2], [NAN, NAN]]),
    ),
    (np.array([[0.2, 0.2], [0.2, 0.4]]), np.array([[0.2, 0.2, 0.4], [0.4, 0.2, 0.2]])),
]


@pytest.mark.parametrize(("floor", "effects"), TABLES)
def test_exhaustive_is_full_enumeration(floor: np.ndarray, effects: np.ndarray) -> None:
    seen, null = enumerated(floor, effects)
    found = exceedance_test(floor, effects, rng(), 1000)
    assert found.exhaustive and found.draws == len(null)
    assert found.p_value == pytest.approx(np.mean(np.array(null) >= seen - 1e-9))
    assert found.null_mean == 0.0 and np.mean(null) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("draws", [5, 50])
def test_drawn_agrees_with_enumeration(draws: int) -> None:
    # 5 draws are fewer than the 6 ways of a row, 50 are more: both ways of drawing.
    floor = np.array([[0.9, 0.5], [0.8, 0.3], [0.7, 0.6]])
    effects = np.array([[0.5, 0.7], [0.6, 0.4], [0.5, 0.2]])
    seen, null = enumerated(floor, effects)
    source = rng()
    tests = [exceedance_test(floor, effects, source, draws) for _ in range(2000)]
    assert not any(test.exhaustive for test in tests)
    beyond = np.mean([test.p_value * (1 + draws) - 1 for test in tests]) / draws
    assert beyond == pytest.approx(np.mean(np.array(null) >= seen - 1e-9), abs=0.02)


def test_a_clear_effect_is_found_and_its_opposite_is_not() -> None:
    floor = 0.8 + 0.1 * rng().random(30)
    effects = 0.3 + 0.1 * np.random.default_rng(1).random((30, 3))
    assert exceedance_test(floor, effects, rng(), 999).p_value == pytest.approx(1 / 1000)
    assert exceedance_test(effects[:, 0], floor, rng(), 999).p_value == 1.0
    estimate = excess_estimate(floor, effects, rng(), 999)
    assert estimate.value == pytest.approx(0.5, abs=0.03)
    assert estimate.low > 0.45 and estimate.high < 0.55
    assert (estimate.unit, estimate.direction, estimate.n) == ("user", "lower", 30)


def test_equal_lists_everywhere_are_ties_and_no_certainty() -> None:
    floor, effects = np.ones(30), np.ones((30, 4))
    assert exceedance_test(floor, effects, rng(), 200).p_value == 1.0
    estimate = excess_estimate(floor, effects, rng(), 200)
    # If the mean were `high`, 30 users without any excess would have a chance of 2.5 %.
    assert estimate.value == 0.0
    assert (1 - estimate.high) ** 30 == pytest.approx(0.025)
    assert estimate.low == pytest.approx(-estimate.high)
    shifted = excess_estimate(floor, effects / 2, rng(), 200)
    assert ((1 - shifted.high) / 0.5) ** 30 == pytest.approx(0.025)
    assert ((1 + shifted.low) / 1.5) ** 30 == pytest.approx(0.025)
    wide = excess_estimate(floor, effects, rng(), 200, bound=10.0)
    assert wide.high == pytest.approx(10 * estimate.high)


def test_the_interval_is_above_zero_only_if_the_test_says_so() -> None:
    # Three users alike: the bootstrap is sure, three pairs cannot be (p = 1/8 at best).
    floor, effects = np.array([0.9, 0.8, 0.85]), np.array([[0.4], [0.35], [0.31]])
    assert exceedance_test(floor, effects, rng(), 200).p_value == 1 / 8
    estimate = excess_estimate(floor, effects, rng(), 200)
    assert estimate.low == 0.0 and estimate.value > 0.4 and "permutations" in estimate.method
    more = excess_estimate(np.tile(floor, 3), np.tile(effects, (3, 1)), rng(), 600)
    assert more.low > 0.3 and "permutations" not in more.method
    # Repeats that happen never to differ are no proof that they cannot.
    effects = np.ones((30, 7))
    effects[[0, 5, 9, 20, 21], [0, 1, 2, 3, 4]] = 0.8
    assert excess_estimate(np.ones(30), effects, rng(), 500).low <= 0.0


def test_what_is_missing_is_counted() -> None:
    floor = np.array([0.9, NAN, 0.8, 0.7])
    effects = np.array([[0.5, NAN], [0.6, 0.4], [NAN, NAN], [0.1, 0.3]])
    np.testing.assert_allclose(cluster_excess(floor, effects), [0.4, NAN, NAN, 0.5])
    estimate = excess_estimate(floor, effects, rng(), 100)
    assert (estimate.value, estimate.n, estimate.n_missing) == (pytest.approx(0.45), 2, 2)


def test_nothing_to_compare() -> None:
    for floor, effects in (
        (np.full(3, NAN), np.ones((3, 2))),
        (np.ones(3), np.full((3, 2), NAN)),
        (np.array([1.0, NAN]), np.array([[NAN], [0.5]])),
        (np.empty(0), np.empty((0, 2))),
    ):
        found = exceedance_test(floor, effects, rng(), 100)
        assert found.p_value is None and "no cluster" in found.reason
        estimate = excess_estimate(floor, effects, rng(), 100)
        assert estimate.value is None and estimate.reason


def test_tables_of_unequal_length() -> None:
    with pytest.raises(WrongUse, match=r"3 clusters.*have 2"):
        exceedance_test(np.ones(3), np.ones((2, 2)), rng())


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 4))
def test_which_value_comes_first_does_not_matter(seed: int, floors: int, values: int) -> None:
    source = np.random.default_rng(seed)
    floor, effects = source.random((3, floors)), source.random((3, values))
    first = exceedance_test(floor, effects, rng(), 50_000)
    again = exceedance_test(floor[:, ::-1], effects[:, ::-1], rng(), 50_000)
    assert first.exhaustive
    assert first.p_value == pytest.approx(again.p_value)
    assert 1 / first.draws <= first.p_value <= 1
