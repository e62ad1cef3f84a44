"""The pairing test is exact, and finds answers that follow their questions."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from fairrec.evidence.pairing import pairing_test


def test_it_is_the_share_of_all_pairings() -> None:
    rng = np.random.default_rng(0)
    fit = rng.normal(size=(3, 3, 3))
    fit[1, 2], fit[1, :, 2] = np.nan, np.nan

    def means(cluster: np.ndarray) -> list[float]:
        size = 3 if not np.isnan(cluster).any() else 2
        orders = permutations(range(size))
        return [float(np.mean([cluster[i, j] for i, j in enumerate(order)])) for order in orders]

    every = np.array([np.mean(some) for some in product(*map(means, fit))])
    seen = np.mean([means(cluster)[0] for cluster in fit])
    share = (np.abs(every - every.mean()) >= abs(seen - every.mean()) - 1e-12).mean()
    found = pairing_test(fit, np.random.default_rng(1), 20_000)
    assert found.null_mean == pytest.approx(every.mean())
    assert found.p_value == pytest.approx(share, abs=0.02)


def test_answers_that_ignore_the_question_never_alarm() -> None:
    fit = np.repeat(np.random.default_rng(0).normal(size=(10, 1, 4)), 4, axis=1)
    assert pairing_test(fit, np.random.default_rng(0), 500).p_value == 1.0


def test_both_directions_are_found() -> None:
    for sign in (1, -1):
        fit = sign * np.tile(np.eye(4), (6, 1, 1))
        assert (pairing_test(fit, np.random.default_rng(0), 999).p_value or 1) <= 0.002


def test_the_rate_of_false_alarms() -> None:
    rng = np.random.default_rng(2)
    alarms = 0
    for _ in range(300):
        answers, questions = rng.normal(size=(2, 8, 4, 5))
        answers += 2 * rng.normal(size=(8, 1, 5))
        fit = np.einsum("nsi,nti->nst", answers, questions)
        alarms += (pairing_test(fit, rng, 199).p_value or 1) <= 0.05
    assert alarms <= 26  # 15 expected; 26 is the 99.5th percentile


def test_nothing_to_exchange() -> None:
    fit = np.full((3, 2, 2), np.nan)
    fit[:, 0, 0] = 1.0
    found = pairing_test(fit, np.random.default_rng(0), 100)
    assert found.p_value is None and "two answers" in found.reason
