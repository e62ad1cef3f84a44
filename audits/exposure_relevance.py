"""Shares of exposure less shares of relevance, both seen with the same users.

Other merits are known numbers. What is relevant was observed: with other users groups would deserve
something else, and a test that took it as known would call out a recommender that is as fair as can
be. So whole users are resampled with both, and of rare groups, of which resampling knows little
(`fairrec.evidence.group_shares`), limits and spread are never narrower than those of independent
places and independent relevant items.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from fairrec.evidence.group_shares import FEWEST, share_estimates
from fairrec.evidence.sums import function_estimates
from fairrec.metrics.concentration import shares
from fairrec.results import Estimate

Values = NDArray[np.float64]


def less_relevance(
    exposure: Values,
    squared: float,
    relevance: Values,
    rng: np.random.Generator,
    draws: int,
    **how: Any,
) -> tuple[list[Estimate], Values]:
    """Return each group's share of exposure less its share of relevance, and p-values of "equal".

    The p-values are Student's t of the linearised difference of two ratios, two-sided; rare
    groups' limits are those of Newcombe's hybrid score interval ("Interval Estimation for the
    Difference between Independent Proportions", Statistics in Medicine 17, 1998, method 10) where
    these are wider.

    Args:
        exposure: Attention by group, shape (B, G): one row per user, or per share of them.
        squared: Sum of the squared weights of all places.
        relevance: Relevance by group of the same users, shape (B, G).
        rng, draws: Of the bootstrap.
        how: n, n_missing, level, unit as of `function_estimates`.

    Returns:
        G estimates, and p-values of shape (G,); NaN without anything relevant, or for fewer than
        two rows.
    """
    size = exposure.shape[1]
    found = function_estimates(
        np.hstack([exposure, relevance]),
        lambda x: shares(x[..., :size]) - shares(x[..., size:]),
        rng,
        draws,
        bounds=(-1.0, 1.0),
        undefined="undefined: nothing is known to be relevant",
        **how,
    )
    weight = float(relevance.sum())
    rare = _rare(exposure) | _rare(relevance)
    if weight > 0 and rare.any():
        seen = share_estimates(exposure, squared, rng, draws, **how)
        liked = share_estimates(relevance, weight, rng, draws, **how)
        found = [
            _widened(of, a, b) if few else of
            for of, a, b, few in zip(found, seen, liked, rare.tolist(), strict=True)
        ]
    return found, _p_values(exposure, squared, relevance, rare)


def _p_values(
    exposure: Values, squared: float, relevance: Values, rare: NDArray[np.bool_]
) -> Values:
    kept = (exposure != 0).any(axis=1) | (relevance != 0).any(axis=1)
    x, y = exposure[kept], relevance[kept]
    n, given, liked = len(x), float(x.sum()), float(y.sum())
    if n < 2 or given == 0 or liked == 0:
        return np.full(exposure.shape[1], np.nan)
    a, b = x.sum(axis=0) / given, y.sum(axis=0) / liked
    off = (x - a * x.sum(axis=1, keepdims=True)) / given
    off -= (y - b * y.sum(axis=1, keepdims=True)) / liked
    se = np.sqrt(n / (n - 1) * (off**2).sum(axis=0))
    places = given**2 / squared
    both = (a * places + b * liked) / (places + liked)
    by_chance = np.sqrt(both * (1 - both) * (1 / places + 1 / liked))
    se = np.where(rare, np.maximum(se, by_chance), se)
    varies = se > 1e-12
    t = np.where(varies, np.abs(a - b) / np.where(varies, se, 1.0), np.inf)
    return np.where(varies, 2 * stdtr(n - 1, -t), np.where(np.abs(a - b) < 1e-12, 1.0, 0.0))


def _rare(sums: Values) -> NDArray[np.bool_]:
    """Return which groups few rows hold, or few rows hold anything beside; shape (G,)."""
    beside = sums < sums.sum(axis=1, keepdims=True) * (1 - 1e-12)
    return ((sums > 0).sum(axis=0) < FEWEST) | (beside.sum(axis=0) < FEWEST)


def _widened(of: Estimate, a: Estimate, b: Estimate) -> Estimate:
    """Return a difference a - b with limits no narrower than those of its two parts."""
    ends = (of.value, of.low, of.high, a.value, a.low, a.high, b.value, b.low, b.high)
    value, low, high, a0, a1, a2, b0, b1, b2 = (np.nan if x is None else x for x in ends)
    below, above = np.hypot(a0 - a1, b2 - b0), np.hypot(a2 - a0, b0 - b1)
    if np.isnan(low + high + below + above):
        return of
    return replace(
        of,
        low=float(max(-1.0, min(low, value - below))),
        high=float(min(1.0, max(high, value + above))),
        method=f"{of.method}; of rare groups no narrower than score intervals of both shares",
    )
