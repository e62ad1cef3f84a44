"""Intervals of how unequally users are served, by drawing users with replacement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import WrongUse
from fairrec.evidence.intervals import _stretched
from fairrec.metrics import inequality
from fairrec.results import Estimate

Values = NDArray[np.float64]
BLOCK = 4_000_000

INEQUALITIES: Mapping[str, Callable[[Values], Values]] = {
    "min25": inequality.min25,
    "range": inequality.value_range,
    "sd": inequality.standard_deviation,
    "mad": inequality.mean_absolute_difference,
    "gini": inequality.gini,
    "atkinson": inequality.atkinson,
    "cv": inequality.coefficient_of_variation,
    "generalised_entropy": inequality.generalised_entropy,
    "theil": lambda values: inequality.generalised_entropy(values, alpha=1.0),
}
"""Measures of inequality by the names that findings give them, over the last axis."""

AT_MOST_1 = ("min25", "gini", "atkinson")
"""Cannot exceed 1 when utilities lie in [0, 1]."""


def inequality_estimates(
    values: Values,
    rng: np.random.Generator,
    draws: int = 2000,
    *,
    level: float = 0.95,
    unit: str = "user",
) -> dict[str, Estimate]:
    """Return each of `INEQUALITIES` of users' utilities, with its bootstrap interval.

    Intervals are percentiles, widened for few users and cut at what the measure can be. The range
    has none: draws of users never reach beyond the best and worst of them (Bickel and Freedman,
    "Some Asymptotic Theory for the Bootstrap", Annals of Statistics 9(6), 1981).

    Args:
        values: One utility in [0, 1] per user, NaN where missing.
        rng: Source of the draws; all measures share them.
        draws: Bootstrap draws, at least 1.
        level: Confidence level, in (0, 1).
        unit: What has a value.

    Raises:
        WrongUse: A value lies outside [0, 1], or there is no draw.
    """
    known = np.sort(values[~np.isnan(values)])
    if draws < 1 or (len(known) and not 0 <= known[0] <= known[-1] <= 1 + 1e-12):
        raise WrongUse(
            f"there are {draws} draws of {len(known)} values from "
            f"{known.min(initial=np.inf):g} to {known.max(initial=-np.inf):g}.",
            expected="at least 1 draw, and utilities in [0, 1].",
        )
    drawn = _drawn(known, rng, draws) if len(known) > 1 and np.ptp(known) > 0 else {}
    found = {}
    for name, measure in INEQUALITIES.items():
        common: dict[str, Any] = {
            "level": level,
            "n": len(known),
            "n_missing": len(values) - len(known),
            "unit": unit,
            "direction": "higher" if name == "min25" else "lower",
        }
        if not len(known):
            found[name] = Estimate(None, reason=f"no {unit} has a value", **common)
            continue
        value = float(measure(known))
        some = drawn.get(name, np.empty(0))
        some = some[~np.isnan(some)]
        reason = ""
        if np.isnan(value):
            found[name] = Estimate(None, reason=f"the mean over {unit}s is 0", **common)
            continue
        if name == "range":
            reason = "draws say nothing of how far the extremes can lie apart"
        elif not drawn:
            reason = f"all {unit}s alike, or one alone: nothing is known of their spread"
        elif 2 * len(some) < draws:
            reason = f"too few {unit}s have anything"
        if reason:
            found[name] = Estimate(value, reason=reason, **common)
            continue
        some = _stretched(value, some, len(known), level)
        most = 1.0 if name in AT_MOST_1 else np.inf
        ends = np.quantile(np.clip(some, 0.0, most), [(1 - level) / 2, (1 + level) / 2])
        method = f"bootstrap over {unit}s, percentiles widened for few {unit}s"
        found[name] = Estimate(value, *map(float, ends), method=method, **common)
    return found


def _drawn(known: Values, rng: np.random.Generator, draws: int) -> dict[str, Values]:
    """Return the measures of draws of users; `known` is in order, and so are the draws."""
    n = len(known)
    parts: dict[str, list[Values]] = {name: [] for name in INEQUALITIES if name != "range"}
    for start in range(0, draws, block := max(1, BLOCK // n)):
        size = min(block, draws - start)
        places = rng.integers(0, n, size=(size, n)) + n * np.arange(size)[:, None]
        counts = np.bincount(places.ravel(), minlength=size * n)
        sample = np.repeat(np.tile(known, size), counts).reshape(size, n)
        for name, some in parts.items():
            some.append(INEQUALITIES[name](sample))
    return {name: np.concatenate(some) for name, some in parts.items()}
