"""Shares of groups, also of those that hardly anybody was shown."""

from __future__ import annotations

import numpy as np
import pytest

from fairrec.evidence.group_shares import share_estimates, share_p_values, shifted
from fairrec.results import Estimate

SHARES = np.array([0.6, 0.3, 0.08, 0.015, 0.005])


def lists(rng: np.random.Generator, n: int, k: int = 10) -> tuple[np.ndarray, float]:
    """Attention of n users' lists by group, every place of a group by the shares' chance."""
    weights = 1 / np.log2(np.arange(k) + 2)
    groups = rng.choice(len(SHARES), (n, k), p=SHARES)
    sums = np.zeros((n, len(SHARES)))
    np.add.at(sums, (np.repeat(np.arange(n), k), groups.ravel()), np.tile(weights, n))
    return sums, float(n * (weights**2).sum())


@pytest.mark.parametrize("n", [12, 40])
def test_level_and_coverage_also_of_rare_groups(n: int) -> None:
    rng = np.random.default_rng(n)
    runs = 400
    alarms, inside = np.zeros(5), np.zeros(5)
    for _ in range(runs):
        sums, squared = lists(rng, n)
        alarms += share_p_values(sums, squared, SHARES) <= 0.05
        found = share_estimates(sums, squared, rng, 200, n=n)
        inside += [
            e.low is not None and e.high is not None and e.low <= share <= e.high
            for e, share in zip(found, SHARES, strict=True)
        ]
    assert (alarms / runs <= 0.085).all(), alarms / runs
    assert (inside / runs >= 0.91).all(), inside / runs


def test_a_group_that_nobody_saw_is_not_known_to_be_left_out() -> None:
    sums = np.column_stack([np.ones(12) * 5, np.zeros(12)])
    found = share_estimates(sums, 12 * 3.0, np.random.default_rng(0), 100, n=12)
    assert found[1].value == 0 and found[1].high is not None and found[1].high > 0.03
    rare, common = (share_p_values(sums, 36.0, np.array([1 - t, t]))[1] for t in (0.01, 0.4))
    assert rare > 0.2 and common < 0.01


def test_what_all_get_alike_is_known() -> None:
    sums = np.column_stack([np.full(30, 3.0), np.full(30, 2.0)])
    found = share_estimates(sums, 30 * 5.0, np.random.default_rng(0), 100, n=30)
    assert found[0].low == found[0].high == pytest.approx(0.6)
    assert share_p_values(sums, 150.0, np.array([0.6, 0.4])) == pytest.approx(1.0)
    assert share_p_values(sums, 150.0, np.array([0.5, 0.5])) == pytest.approx(0.0)


def test_a_known_number_is_taken_off_all_three() -> None:
    assert shifted(Estimate(0.5, 0.4, 0.7), 0.3).low == pytest.approx(0.1)
    assert shifted(Estimate(None, reason="why"), 0.3).value is None
