"""Tests of differences of means: within users (paired) and between groups of users (Welch)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.results import Estimate

Values = NDArray[np.float64]


def paired_test(differences: Values) -> float | None:
    """Return the two-sided p-value of Student's paired t test that the mean difference is 0.

    Where all differences are equal, t says nothing; p is then that of the sign test: the chance
    that all of them fall on one side.

    Args:
        differences: One per user, NaN where missing.

    Returns:
        A p-value, 1 when every difference is 0, or None with fewer than two users.
    """
    known = differences[~np.isnan(differences)]
    if len(known) < 2:
        return None
    if np.ptp(known) <= 1e-12 * max(1.0, float(np.abs(known).max())):
        return 1.0 if abs(known[0]) < 1e-12 else 2.0 ** (1 - len(known))
    from scipy.stats import ttest_1samp

    test: Any = ttest_1samp(known, 0.0)
    return float(test.pvalue)


def welch_difference(
    first: Values, second: Values, *, level: float = 0.95, unit: str = "user"
) -> tuple[Estimate, float | None]:
    """Return the mean of one group less that of another, its interval, and Welch's p-value.

    Welch, "The Generalization of 'Student's' Problem when Several Different Population
    Variances are Involved", Biometrika 34, 1947.

    Args:
        first, second: One value per user of each group, NaN where missing.
        level: Confidence level, in (0, 1).
        unit: What has a value.
    """
    a, b = first[~np.isnan(first)], second[~np.isnan(second)]
    common = {
        "level": level,
        "n": len(a) + len(b),
        "n_missing": len(first) + len(second) - len(a) - len(b),
        "unit": unit,
    }
    if min(len(a), len(b)) == 0:
        return Estimate(None, reason=f"a group has no {unit} with a value", **common), None
    value = float(a.mean() - b.mean())
    if min(len(a), len(b)) < 2 or (np.ptp(a) == 0 and np.ptp(b) == 0):
        reason = f"too few {unit}s, or all alike: nothing is known of their spread"
        return Estimate(value, reason=reason, **common), None
    from scipy.stats import ttest_ind

    test: Any = ttest_ind(a, b, equal_var=False)
    interval = test.confidence_interval(level)
    estimate = Estimate(
        value,
        float(interval.low),
        float(interval.high),
        method="Welch’s t interval of a difference of means",
        **common,
    )
    return estimate, float(test.pvalue)
