"""Limits of means in [0, 1]: their symmetries, and tails where Student's quantiles give out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairrec.evidence.bounded_means import (
    BoundedMean,
    difference_limits,
    difference_p,
    ratio_limits,
)


def hits(n: int, of: int) -> BoundedMean:
    return BoundedMean.of(np.repeat([1.0, 0.0], [n, of - n]))


@given(st.integers(0, 12), st.integers(0, 30), st.floats(0.001, 0.4))
@settings(deadline=None)
def test_limits_mirror(a: int, b: int, tail: float) -> None:
    first, second = hits(a, 12), hits(b, 30)
    low, high = difference_limits(first, second, tail)
    assert difference_limits(second, first, tail) == pytest.approx((-high, -low))
    below, above = ratio_limits(first, second, tail)
    if below > 1e-9 and above < 1e9:
        assert ratio_limits(second, first, tail) == pytest.approx((1 / above, 1 / below))


def test_a_narrow_spread_gives_students_interval() -> None:
    values = 0.5 + 0.01 * np.random.default_rng(1).normal(size=50)
    half = 2.0096 * values.std() / np.sqrt(50)
    expected = (values.mean() - half, values.mean() + half)
    assert BoundedMean.of(values).limits(0.025) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("users", [2, 3, 4, 5, 11, 1000])
def test_p_values_of_any_number_of_users(users: int) -> None:
    """Student's quantile is infinite, of the wrong sign, for tails of 1e-300 and few users."""
    nobody = BoundedMean.of(np.zeros(users))
    some = BoundedMean.of(np.array([0.0, 0.1]))
    assert 0 < difference_p(nobody, some) < 1
    assert 0 < difference_p(hits(users, users), nobody) < 0.5
    assert difference_p(nobody, nobody) == 1.0
