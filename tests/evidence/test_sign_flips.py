"""The sign-flip test keeps its rate where lists repeat themselves and parts are rare."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from fairrec.evidence.sign_flips import sign_flip_test

GROUPS = 12


def iid(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Thirty lists of ten titles in groups of unequal size; 5 % of the titles are wrong."""
    share = 1 / np.arange(1, GROUPS + 1)
    wholes = rng.multinomial(10, share / share.sum(), size=30).astype(float)
    return rng.binomial(wholes.astype(int), 0.05).astype(float), wholes


def runs(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Ten ranks in three bands; what is wrong tends to be followed by what is wrong."""
    wrong = np.zeros((30, 10))
    wrong[:, 0] = rng.random(30) < 0.2
    for rank in range(1, 10):
        wrong[:, rank] = np.where(rng.random(30) < 0.7, wrong[:, rank - 1], rng.random(30) < 0.2)
    bands = np.repeat(np.eye(3), [1, 4, 5], axis=0)
    return wrong @ bands, np.ones((30, 10)) @ bands


@pytest.mark.parametrize("lists", [iid, runs])
def test_the_rate_of_false_alarms(lists) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(3)
    p_values = [sign_flip_test(*lists(rng), rng, 199).p_value for _ in range(300)]
    assert sum((p or 1) <= 0.05 for p in p_values) <= 26  # the 99.5th percentile of 15 expected


def test_a_column_with_a_rate_of_its_own_is_found() -> None:
    rng = np.random.default_rng(0)
    parts, wholes = iid(rng)
    parts[:, 1] = rng.binomial(wholes[:, 1].astype(int), 0.5)
    found = sign_flip_test(parts, wholes, rng, 999)
    assert found.p_value is not None and found.p_value <= 0.005


def test_it_is_the_share_of_all_signs() -> None:
    parts = np.array([[1.0, 0, 0], [2, 1, 0], [0, 1, 1], [0, 0, np.nan]])
    wholes = np.array([[2.0, 1, 1], [3, 3, 0], [1, 2, 2], [4, 1, np.nan]])
    whole = np.nan_to_num(wholes)
    own = np.nan_to_num(parts).sum(axis=1) / whole.sum(axis=1)
    deviations = np.nan_to_num(parts) - own[:, None] * whole

    def statistic(signs: tuple[int, ...]) -> float:
        return float(((np.array(signs) @ deviations) ** 2 / whole.sum(axis=0)).sum())

    every = np.array([statistic(signs) for signs in product((1, -1), repeat=4)])
    found = sign_flip_test(parts, wholes, np.random.default_rng(0), 20_000)
    assert found.p_value == pytest.approx((every >= every[0] - 1e-12).mean(), abs=0.02)


def test_what_cannot_be_tested() -> None:
    rng = np.random.default_rng(0)
    ones = np.ones((5, 3))
    assert sign_flip_test(ones, ones, rng, 99).p_value is None
    assert "no user" in sign_flip_test(0 * ones, ones, rng, 99).reason
    only = np.where([True, False, False], ones, np.nan)
    assert "fewer than two columns" in sign_flip_test(only, only, rng, 99).reason
