"""Estimates from sums over users: ratios by the bootstrap, everything else by the jackknife."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from fairrec.evidence.sums import (
    function_estimates,
    jackknife_estimate,
    spread_estimate,
    sum_draws,
)
from fairrec.metrics.accumulators import bucket_of
from fairrec.metrics.inequality import gini

Table = np.ndarray


def ratio(sums: Table) -> Table:
    """First column over the second, NaN over 0."""
    top, bottom = sums[..., 0], sums[..., 1]
    return np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1.0), np.nan)[..., None]


def test_draws_are_sums_of_rows_drawn_with_replacement() -> None:
    rows = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
    drawn = sum_draws(rows, np.random.default_rng(0), 500)
    assert drawn.shape == (500, 2)
    np.testing.assert_allclose(drawn[:, 1], 10 * drawn[:, 0])  # whole rows are drawn
    possible = {float(a + b + c) for a in (1, 2, 4) for b in (1, 2, 4) for c in (1, 2, 4)}
    assert {round(x, 9) for x in drawn[:, 0].tolist()} == possible


def test_a_ratio_of_sums_is_covered() -> None:
    """Users differ in how much they weigh: the mean of ratios would be another number."""
    rng = np.random.default_rng(1)
    inside, runs = 0, 600
    for _ in range(runs):
        weight = rng.lognormal(0, 0.7, 40)
        share = np.clip(0.3 + 0.1 * rng.standard_normal(40), 0, 1)
        table = np.column_stack([weight * share, weight])
        (found,) = function_estimates(table, ratio, rng, 400, n=40)
        assert found.low is not None and found.high is not None
        inside += found.low <= 0.3 <= found.high
    assert 0.925 <= inside / runs <= 0.97


def test_random_shares_of_many_users_give_the_same_interval() -> None:
    rng = np.random.default_rng(2)
    table = rng.gamma(2.0, 1.0, (20_000, 2))
    (users,) = function_estimates(table, ratio, rng, 1000, n=20_000)
    shares = np.zeros((1000, 2))
    np.add.at(shares, bucket_of(np.arange(20_000), 1000), table)
    (shared,) = function_estimates(shares, ratio, rng, 1000, n=20_000)
    assert users.value == pytest.approx(shared.value)
    assert (shared.high - shared.low) / (users.high - users.low) == pytest.approx(1, abs=0.15)


def test_what_is_undefined_has_no_value_and_says_why() -> None:
    rng = np.random.default_rng(3)
    (none,) = function_estimates(np.zeros((5, 2)), ratio, rng, 100, n=5)
    assert none.value is None and none.reason == "undefined: nothing to divide by"
    (empty,) = function_estimates(np.zeros((5, 2)), ratio, rng, 100, n=0, n_missing=5)
    assert empty.value is None and empty.reason == "no user has a value" and empty.n_missing == 5
    (alone,) = function_estimates(np.array([[1.0, 2.0]]), ratio, rng, 100, n=1)
    assert alone.value == 0.5 and alone.low is None and "too few users" in alone.reason


def test_intervals_keep_to_their_bounds() -> None:
    table = np.array([[0.0, 1.0]] * 9 + [[1.0, 1.0]])
    (found,) = function_estimates(
        table, ratio, np.random.default_rng(4), 500, n=10, bounds=(0.0, 1.0)
    )
    assert found.low == 0.0 and 0.1 < found.high <= 1


@pytest.mark.parametrize("spread", ["range", "sd"])
@pytest.mark.parametrize("effect", [0.0, 0.3])
def test_spreads_of_ratios_are_covered(spread: str, effect: float) -> None:
    """Also where all are equal, and a percentile interval would never hold the 0."""
    rng = np.random.default_rng(7)
    truth = np.array([1.0, 1.0, 1.0 + effect])
    target = np.ptp(truth) if spread == "range" else truth.std()
    inside, runs = 0, 400
    for _ in range(runs):
        table = rng.gamma(4.0, truth / 4.0, (40, 3))
        found = spread_estimate(table, lambda sums: sums / 40, rng, 300, spread=spread, n=40)  # type: ignore[arg-type]
        assert found.low is not None and found.high is not None
        inside += found.low <= target <= found.high
    assert inside / runs >= 0.93


def test_a_spread_leaves_out_what_is_undefined() -> None:
    rng = np.random.default_rng(8)

    def function(sums: Table) -> Table:
        return np.concatenate([sums, np.full((*sums.shape[:-1], 1), np.nan)], axis=-1)

    found = spread_estimate(np.array([[1.0, 2.0]] * 5), function, rng, 50, n=5)
    assert found.value == found.low == found.high == 5
    alone = spread_estimate(np.array([[1.0]] * 5), function, rng, 50, n=5)
    assert alone.value is None and "fewer than two groups" in alone.reason


def test_the_jackknife_of_a_mean_is_student_s_interval() -> None:
    x = np.random.default_rng(5).normal(size=12)
    left_out = (x.sum() - x) / 11
    found = jackknife_estimate(float(x.mean()), left_out, n=12)
    low, high = stats.t.interval(0.95, 11, loc=x.mean(), scale=stats.sem(x))
    assert (found.low, found.high) == pytest.approx((low, high))


def test_gini_of_items_is_covered() -> None:
    """The target is what as many other users would give, on average."""
    rng = np.random.default_rng(6)
    popularity = rng.zipf(1.6, 60).astype(float)
    popularity /= popularity.sum()

    def lists() -> Table:
        """Fifty users' lists of five items, drawn by popularity without replacement."""
        keys = rng.exponential(1.0, (50, 60)) / popularity
        held = np.zeros((50, 60))
        np.put_along_axis(held, np.argsort(keys, axis=1)[:, :5], 1.0, axis=1)
        return held

    truth = float(np.mean([gini(lists().sum(axis=0)) for _ in range(2000)]))
    inside, runs = 0, 400
    for _ in range(runs):
        held = lists()
        total = held.sum(axis=0)
        found = jackknife_estimate(float(gini(total)), gini(total - held), n=50, bounds=(0, 1))
        assert found.low is not None and found.high is not None
        inside += found.low <= truth <= found.high
    assert 0.92 <= inside / runs <= 0.985


def test_a_jackknife_without_enough_shares_says_so() -> None:
    assert jackknife_estimate(0.5, np.array([0.5]), n=1).low is None
    assert jackknife_estimate(float("nan"), np.array([]), n=0).reason == "no user has a value"
