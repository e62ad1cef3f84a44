"""Adjusting the p-values of a family of tests for their number."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

PValues = NDArray[np.float64]


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return Holm's adjusted p-values: they control the chance of any false alarm.

    Holm, "A Simple Sequentially Rejective Multiple Test Procedure", 1979. A test that was not
    made (None) stays None and does not count.
    """
    return _adjusted(p_values, _step_down)


def benjamini_hochberg(p_values: Sequence[float | None]) -> list[float | None]:
    """Return Benjamini and Hochberg's adjusted p-values: they control the false discovery rate.

    Benjamini and Hochberg, "Controlling the False Discovery Rate", 1995. None stays None.
    """
    from scipy.stats import false_discovery_control

    return _adjusted(p_values, false_discovery_control)


def _adjusted(
    p_values: Sequence[float | None], method: Callable[[PValues], PValues]
) -> list[float | None]:
    made = np.array([p for p in p_values if p is not None])
    if not len(made):
        return list(p_values)
    adjusted = iter(method(made).tolist())
    return [None if p is None else next(adjusted) for p in p_values]


def _step_down(p_values: PValues) -> PValues:
    """Holm's procedure; statsmodels has it too, but collects all garbage at every call."""
    order = np.argsort(p_values)
    factors = np.arange(len(p_values), 0, -1)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(factors * p_values[order]))
    return adjusted
