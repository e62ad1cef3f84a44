"""How sure the groups' shares of attention are, also of groups that hardly anybody was shown.

Where many users saw a group, whole users are resampled (`fairrec.evidence.sums`). Of a group that
fewer than `FEWEST` users saw, or missed, that would say little, and of one that nobody saw,
nothing: such intervals are never narrower than Wilson's score interval with as many independent
places as the attention is worth, ``(Σ w)² / Σ w²`` (Kish, "Survey Sampling", 1965, 11.7), and tests
never take the spread to be smaller than chance alone would make it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr

from fairrec.evidence.sums import function_estimates
from fairrec.metrics.concentration import shares
from fairrec.results import Estimate

Table = NDArray[np.float64]

FEWEST = 20
"""Users with and without a group from which on resampling them is enough."""


def share_estimates(
    sums: Table, squared: float, rng: np.random.Generator, draws: int = 2_000, **how: Any
) -> list[Estimate]:
    """Return each group's share of all attention with its interval.

    Args:
        sums: Attention by group, shape (B, G): one row per user, or per random share of them.
        squared: Sum of the squared weights of all places.
        rng, draws: Of the bootstrap.
        how: n, n_missing, level, unit as of `function_estimates`.
    """
    found = function_estimates(sums, shares, rng, draws, bounds=(0.0, 1.0), **how)
    rare = _rare(sums)
    places = _places(sums, squared)
    z = float(ndtri((1 + how.get("level", 0.95)) / 2))
    for place, estimate in enumerate(found):
        if not rare[place] or estimate.value is None or estimate.low is None or places <= 0:
            continue
        middle = (estimate.value + z**2 / (2 * places)) / (1 + z**2 / places)
        reach = (
            z
            * np.sqrt(estimate.value * (1 - estimate.value) / places + (z / (2 * places)) ** 2)
            / (1 + z**2 / places)
        )
        found[place] = replace(
            estimate,
            low=min(estimate.low, max(0.0, float(middle - reach))),
            high=max(estimate.high or 0.0, min(1.0, float(middle + reach))),
            method=f"{estimate.method}; of rare groups no narrower than a score interval",
        )
    return found


def shifted(estimate: Estimate, less: float) -> Estimate:
    """Return an estimate less a number that is known."""
    value, low, high = (
        None if x is None else x - less for x in (estimate.value, estimate.low, estimate.high)
    )
    return replace(estimate, value=value, low=low, high=high)


def share_p_values(sums: Table, squared: float, target: Table) -> Table:
    """Return p-values of "a group's share is its target", two-sided; shape (G,).

    Student's t of the users' ``x_g - target_g Σ x``, whose mean is 0 where the share is the target
    (linearisation of a ratio: Särndal, Swensson and Wretman, "Model Assisted Survey Sampling",
    1992, 5.6). Of rare groups the standard error is at least that of independent places, each of
    the group with the chance of its target. NaN for fewer than two rows.

    Args:
        sums, squared: As of `share_estimates`.
        target: Shares, shape (G,).
    """
    rows = sums[(sums != 0).any(axis=1)]
    n = len(rows)
    if n < 2:
        return np.full(sums.shape[1], np.nan)
    off = rows - target * rows.sum(axis=1, keepdims=True)
    se = off.std(axis=0, ddof=1) / np.sqrt(n)
    by_chance = np.sqrt(target * (1 - target) * squared) / n
    se = np.where(_rare(sums), np.maximum(se, by_chance), se)
    mean = off.mean(axis=0)
    varies = se > 0
    t = np.where(varies, np.abs(mean) / np.where(varies, se, 1.0), np.inf)
    return np.where(varies, 2 * stdtr(n - 1, -t), np.where(mean == 0, 1.0, 0.0))


def _rare(sums: Table) -> NDArray[np.bool_]:
    """Return which groups few rows hold, or few rows hold anything beside; shape (G,)."""
    total = sums.sum(axis=1, keepdims=True)
    seen, beside = (sums > 0).sum(axis=0), (sums < total * (1 - 1e-12)).sum(axis=0)
    return (seen < FEWEST) | (beside < FEWEST)


def _places(sums: Table, squared: float) -> float:
    return float(sums.sum() ** 2 / squared) if squared > 0 else 0.0
