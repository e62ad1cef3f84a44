"""Intervals cover and tests keep their rate, by simulation; the full table is in benchmarks/."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from calibration import answers, mixed, no_effect, planted
from simulated_lists import Answers, Simulated
from simulated_tables import Settings, coverage, false_alarms

SETTINGS = Settings(simulations=300, draws=400)
# With 300 simulations the share of a 95 % interval has a standard error of 1.3 %.
LEAST = 0.91


@pytest.mark.parametrize(
    ("n", "values", "effect", "kind"),
    [
        (10, 2, 0.0, "plain"),
        (10, 7, 0.0, "discrete"),
        (20, 4, 0.3, "missing"),
        (10, 3, 1.5, "uneven"),
        (40, 2, 1.5, "discrete"),
        (20, 2, 1.5, "missing"),
    ],
)
def test_intervals_cover(n: int, values: int, effect: float, kind: str) -> None:
    rng = np.random.default_rng(8)
    covered, widths = coverage(rng, n, values, effect, kind, SETTINGS)
    assert (covered >= LEAST).all(), covered
    # Not by being wide: within twice the width of Student's interval for one difference.
    student = 2 * 2.26 * 0.15 * np.sqrt(2) / np.sqrt(n)
    assert widths[0] < 2 * student


@pytest.mark.parametrize(
    ("n", "values", "kind"), [(10, 3, "plain"), (15, 2, "plain"), (10, 4, "missing")]
)
def test_false_alarms_keep_their_rate(n: int, values: int, kind: str) -> None:
    # 2,500 data sets: the standard error at 0.05 is 0.0044.
    rates = false_alarms(np.random.default_rng(3), n, values, kind, 2500, 99)
    assert (rates <= 0.063).all() and (rates >= 0.037).all(), rates


SIMULATIONS = 600
# Standard errors at 0.05 and at 0.95: 0.009.
ALARMS = (0.025, 0.075)


@pytest.mark.parametrize(
    "setting",
    [
        Simulated(0.1, values=3),
        Simulated(0.3, values=7, missing=0.2),
        Simulated(1.0, values=2, repeats=2),
        Simulated(0.3, values=3, k=3, users=40),  # many ties
    ],
)
def test_lists_without_an_effect(setting: Simulated) -> None:
    rates = no_effect(setting, np.random.default_rng(5), SIMULATIONS, 200)
    assert ALARMS[0] <= rates["exceedance alarms"] <= ALARMS[1], rates
    assert ALARMS[0] <= rates["snsr alarms"] <= ALARMS[1], rates
    assert 0.92 <= rates["excess coverage"] <= 0.975, rates
    assert rates["snsr coverage"] >= 0.92, rates


def test_a_nearly_deterministic_recommender_rings_no_alarm() -> None:
    # Ties make the exact tests call out less often, never more.
    rates = no_effect(Simulated(0.01, values=3), np.random.default_rng(6), 400, 200)
    assert rates["ties"] > 0.8
    assert max(rates["exceedance alarms"], rates["snsr alarms"]) <= 0.06
    assert rates["excess coverage"] >= 0.92


def test_lists_with_an_effect() -> None:
    setting = Simulated(0.3, users=50, effect=0.5)
    rates = planted(setting, np.random.default_rng(7), 300, 200)
    assert rates["excess"] == pytest.approx(0.086, abs=0.004)
    assert rates["found"] > 0.95
    assert rates["excess coverage"] >= 0.915
    # As large as the margin is not equivalent; none at all is.
    assert rates["equivalence at margin"] <= 0.085
    assert rates["shown equivalent"] > 0.95


@pytest.mark.parametrize("paired", [True, False])
def test_missing_answers(paired: bool) -> None:
    setting = Answers(users=60, values=3, missing=0.2, paired=paired)
    rates = answers(setting, np.random.default_rng(9), 400, 200)
    assert 0.015 <= rates["answered alarms"] <= ALARMS[1], rates
    assert rates["found"] > (0.8 if paired else 0.25), rates
    assert min(rates["answered coverage"], rates["coverage of 0.25"]) >= 0.92, rates


def test_mixed_model_covers_wordings_that_were_not_asked() -> None:
    assert 0.88 <= mixed(np.random.default_rng(1), 5, 0.1, 100) <= 1.0
