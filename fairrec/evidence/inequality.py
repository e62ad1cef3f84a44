"""How sure a measure of inequality over users is: the bootstrap over users."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import WrongUse
from fairrec.evidence.intervals import stretched
from fairrec.metrics.inequality import INEQUALITIES
from fairrec.results import Estimate

FEWEST = 10
"""Users below which an interval would be a guess: spread is harder to know than a mean."""

AT_MOST_1 = ("worst_quarter", "gini", "atkinson")
BLOCK = 2_000_000


def inequality_estimates(
    values: NDArray[np.float64],
    rng: np.random.Generator,
    draws: int = 2_000,
    *,
    level: float = 0.95,
    unit: str = "user",
) -> dict[str, Estimate]:
    """Return every measure of `fairrec.metrics.inequality.INEQUALITIES` with its interval.

    Users are drawn with replacement; percentiles are widened for few users. The range has no
    interval: draws never reach beyond the extremes that were seen. Fewer than `FEWEST` users
    have values without intervals, and a measure relative to a mean of 0 has no value.

    Users who are all alike have no intervals either: nothing is known of their spread.

    Args:
        values: One per user, in [0, 1], NaN where missing.
        rng: Source of the draws; all measures share them.
        draws: Bootstrap draws.
        level: Confidence level, in (0, 1).
        unit: What has a value.

    Raises:
        WrongUse: A value lies outside [0, 1], or there is no draw.
    """
    known = values[~np.isnan(values)]
    n = len(known)
    if draws < 1 or (n and not 0 <= known.min() <= known.max() <= 1):
        raise WrongUse(
            f"there are {draws} draws of {n} values from {known.min(initial=np.inf):g} to "
            f"{known.max(initial=-np.inf):g}.",
            expected="at least 1 draw, and utilities in [0, 1].",
        )
    alike = n > 0 and np.ptp(known) == 0
    drawn = _drawn(known, rng, draws) if n >= FEWEST and not alike else None
    estimates = {}
    for name, measure in INEQUALITIES.items():
        common = {
            "level": level,
            "n": n,
            "n_missing": len(values) - n,
            "unit": unit,
            "direction": "higher" if name == "worst_quarter" else "lower",
        }
        if n == 0:
            estimates[name] = Estimate(None, reason=f"no {unit} has a value", **common)
            continue
        value = float(measure(known))
        if np.isnan(value):
            reason = "undefined: the mean is 0" if n > 1 else f"one {unit} alone cannot differ"
            estimates[name] = Estimate(None, reason=reason, **common)
        elif name == "range":
            reason = "extremes have no interval: users yet unseen can lie beyond them"
            estimates[name] = Estimate(value, reason=reason, **common)
        elif alike and n > 1:
            reason = f"all {unit}s are alike: nothing is known of their spread"
            estimates[name] = Estimate(value, reason=reason, **common)
        elif drawn is None:
            reason = f"{n} {unit}s are too few to know how they spread"
            estimates[name] = Estimate(value, reason=reason, **common)
        else:
            # A draw of zeros alone has no relative inequality.
            some = drawn[name][~np.isnan(drawn[name])]
            if 2 * len(some) < draws:
                reason = f"too few {unit}s have anything"
                estimates[name] = Estimate(value, reason=reason, **common)
                continue
            ends = np.quantile(stretched(value, some, n, level), [(1 - level) / 2, (1 + level) / 2])
            estimates[name] = Estimate(
                value,
                max(0.0, min(value, float(ends[0]))),
                min(1.0 if name in AT_MOST_1 else np.inf, max(value, float(ends[1]))),
                method=f"bootstrap over {unit}s, percentiles widened for few {unit}s",
                **common,
            )
    return estimates


def _drawn(
    known: NDArray[np.float64], rng: np.random.Generator, draws: int
) -> dict[str, NDArray[np.float64]]:
    found = {name: np.empty(draws) for name in INEQUALITIES}
    for start in range(0, draws, block := max(1, BLOCK // len(known))):
        size = min(block, draws - start)
        sample = known[rng.integers(0, len(known), size=(size, len(known)))]
        for name, measure in INEQUALITIES.items():
            found[name][start : start + size] = measure(sample)
    return found
