"""Adjusting the p-values of a family of tests for their number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return Holm's adjusted p-values: they control the chance of any false alarm.

    Holm, "A Simple Sequentially Rejective Multiple Test Procedure", 1979. A test that was not
    made (None) stays None and does not count.
    """
    return _adjusted(p_values, "holm")


def benjamini_hochberg(p_values: Sequence[float | None]) -> list[float | None]:
    """Return Benjamini and Hochberg's adjusted p-values: they control the false discovery rate.

    Benjamini and Hochberg, "Controlling the False Discovery Rate", 1995. None stays None.
    """
    return _adjusted(p_values, "fdr_bh")


def _adjusted(p_values: Sequence[float | None], method: str) -> list[float | None]:
    made = [p for p in p_values if p is not None]
    if not made:
        return list(p_values)
    from statsmodels.stats.multitest import multipletests

    adjusted = iter(np.asarray(multipletests(made, method=method)[1]).tolist())
    return [None if p is None else next(adjusted) for p in p_values]
