"""Intervals cover and tests keep their rate, by simulation; the full table is in benchmarks/."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from calibration import coverage, false_alarms

SETTINGS = Namespace(simulations=300, draws=400)
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
