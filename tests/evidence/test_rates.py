"""Rates clustered by user: exact numbers, honest intervals, exact tests."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fairrec.evidence.rates import (
    linearised,
    rate_equivalence_p,
    rate_estimates,
    rate_gap_estimate,
    rate_gap_test,
    rate_ratio_estimate,
    rates,
)


def rng():
    return np.random.default_rng(3)


def simulated(draw, n=100, values=2, effect=0.0):
    """Users with one to five candidates and a liking of their own."""
    size = draw.integers(1, 6, n)
    liking = draw.beta(1.2, 1.8, n)
    shift = effect * np.arange(values) / (values - 1)
    chance = np.clip(liking[:, None] + shift, 0, 1)
    wholes = np.repeat(size[:, None], values, axis=1)
    return draw.binomial(wholes, chance).astype(float), wholes.astype(float)


@settings(deadline=None)
@given(arrays.arrays(float, (6, 3), elements=st.integers(0, 5).map(float)))
def test_linearised_values_have_the_rate_as_their_mean(wholes):
    parts = np.floor(wholes / 2)
    rate = rates(parts, wholes)
    values = linearised(parts, wholes)
    for column in range(3):
        if np.isnan(rate[column]):
            assert np.isnan(values[:, column]).all()
        else:
            assert np.nanmean(values[:, column]) == pytest.approx(rate[column])


def test_a_rate_of_single_decisions_has_wilsons_interval():
    """Wilson's limits with Student's t of 7 out of 20, by its closed form."""
    from scipy.stats import t

    parts = np.array([[1.0]] * 7 + [[0.0]] * 13)
    (estimate,) = rate_estimates(parts, np.ones((20, 1)))
    z2 = t.ppf(0.975, 19) ** 2
    centre = (7 + z2 / 2) / (20 + z2)
    half = np.sqrt(z2) / (20 + z2) * np.sqrt(7 * 13 / 20 + z2 / 4)
    assert (estimate.low, estimate.high) == pytest.approx((centre - half, centre + half))


def test_users_who_are_all_alike_leave_something_open():
    parts, wholes = np.full((30, 2), 4.0), np.full((30, 2), 4.0)
    gap = rate_gap_estimate(parts, wholes, rng(), 200)
    assert (gap.value, gap.low) == (0.0, 0.0)
    assert gap.high == pytest.approx(1 - 0.025 ** (1 / 30))
    ratio = rate_ratio_estimate(parts, wholes, rng(), 200)
    assert (ratio.value, ratio.high) == (1.0, 1.0)
    assert ratio.low == pytest.approx(0.025 ** (1 / 30))
    (share, _) = rate_estimates(parts, wholes)
    assert share.value == 1.0 and share.low < 1.0


def test_what_has_no_rate_is_undefined_with_a_reason():
    nothing = np.zeros((5, 2))
    gap = rate_gap_estimate(nothing, nothing, rng(), 50)
    assert gap.value is None and "nothing" not in gap.method and gap.reason
    assert rate_estimates(nothing, nothing)[0].value is None
    assert rate_gap_test(nothing, nothing, rng(), 50).p_value is None
    ones = np.ones((5, 2))
    assert rate_ratio_estimate(nothing, ones, rng(), 50).reason == "every rate is 0"
    half = np.column_stack([np.zeros(5), np.ones(5)])
    ratio = rate_ratio_estimate(half, ones, rng(), 50)
    assert (ratio.value, ratio.low) == (0.0, None) and "a rate is 0" in ratio.reason


def test_intervals_hold_the_truth_and_the_test_keeps_its_rate():
    draw = np.random.default_rng(11)
    held = {0.0: 0, 0.1: 0}
    alarms = 0
    for _ in range(200):
        for effect in held:
            parts, wholes = simulated(draw, effect=effect)
            truth = effect
            if effect:  # liking is cut at 1, which the truth must know of
                liking = np.random.default_rng(0).beta(1.2, 1.8, 200_000)
                truth = float((np.clip(liking + effect, 0, 1) - liking).mean())
            gap = rate_gap_estimate(parts, wholes, draw, 300)
            held[effect] += gap.low <= truth <= gap.high
            if not effect:
                alarms += rate_gap_test(parts, wholes, draw, 199).p_value <= 0.05
    assert min(held.values()) >= 0.91 * 200
    assert alarms <= 0.09 * 200


def test_equivalence_is_claimed_within_the_margin_and_not_beyond():
    draw = np.random.default_rng(5)
    same, wholes = simulated(draw, n=2000)
    assert rate_equivalence_p(same, wholes, 0.05) < 0.01
    apart, wholes = simulated(draw, n=2000, effect=0.1)
    assert rate_equivalence_p(apart, wholes, 0.05) > 0.5


def test_few_users_do_not_show_equivalence() -> None:
    """Found on a real model: eight users, a gap of 0.01, an interval up to 0.38."""
    wholes = np.full((8, 2), 20.0)
    parts = np.array([[5.0, 5.0]] * 7 + [[6.0, 5.0]])
    few = rate_equivalence_p(parts, wholes, 0.05)
    assert few is not None and few > 0.5
    many = rate_equivalence_p(np.tile(parts, (30, 1)), np.tile(wholes, (30, 1)), 0.05)
    assert many is not None and many < 0.01
