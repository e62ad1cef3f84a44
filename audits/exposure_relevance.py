"""Shares of exposure less shares of relevance, both seen with the same users.

Other merits are known numbers. What is relevant was observed: with other users groups would deserve
something else, and a test that took it as known would call out a recommender that is as fair as can
be. So whole users are resampled with both, and of rare groups, of which resampling knows little
(`fairrec.evidence.group_shares`), limits and spread are never narrower than those of independent
places and independent relevant items.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from fairrec.evidence.group_shares import FEWEST, share_estimates
from fairrec.evidence.sums import function_estimates
from fairrec.metrics.concentration import shares
from fairrec.metrics.group_exposure import treatment
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
    for place, a, b in _of_rare_groups(exposure, squared, relevance, rng, draws, **how):
        share, low, high, liked, least, most = _ends(a, b)
        below, above = np.hypot(share - low, most - liked), np.hypot(high - share, liked - least)
        found[place] = _widened(found[place], below, above, 1.0)
    return found, _p_values(exposure, squared, relevance)


def log_relevance_ratio(
    exposure: Values,
    squared: float,
    relevance: Values,
    rng: np.random.Generator,
    draws: int,
    **how: Any,
) -> list[Estimate]:
    """Return the logarithm of each group's share of exposure over its share of relevance.

    Arguments as of `less_relevance`. Rare groups' limits are put together in the same way, on the
    scale of logarithms (Zou and Donner, "Construction of Confidence Limits about Effect Measures",
    Statistics in Medicine 27, 2008).
    """
    size = exposure.shape[1]

    def logs(x: Values) -> Values:
        ratio = treatment(shares(x[..., :size]), shares(x[..., size:]))
        some = ratio > 0
        return np.where(some, np.log(np.where(some, ratio, 1.0)), np.nan)

    found = function_estimates(
        np.hstack([exposure, relevance]),
        logs,
        rng,
        draws,
        undefined="undefined: the group has no exposure, or nothing relevant",
        **how,
    )
    for place, a, b in _of_rare_groups(exposure, squared, relevance, rng, draws, **how):
        share, low, high, liked, least, most = _ends(a, b)
        if share > 0 and low > 0 and liked > 0 and least > 0:
            below = np.hypot(np.log(share / low), np.log(most / liked))
            above = np.hypot(np.log(high / share), np.log(liked / least))
            found[place] = _widened(found[place], below, above)
        elif found[place].value is not None:
            reason = "the group is too rare to say how sure this is"
            found[place] = replace(found[place], low=None, high=None, method="", reason=reason)
    return found


def _of_rare_groups(
    exposure: Values,
    squared: float,
    relevance: Values,
    rng: np.random.Generator,
    draws: int,
    **how: Any,
) -> Iterable[tuple[int, Estimate, Estimate]]:
    """Yield which groups are rare, with their shares of exposure and of relevance."""
    places = np.flatnonzero(_rare(exposure, relevance)).tolist()
    weight = float(relevance.sum())
    if not places or weight == 0:
        return
    seen = share_estimates(exposure, squared, rng, draws, **how)
    liked = share_estimates(relevance, weight, rng, draws, **how)
    for place in places:
        yield place, seen[place], liked[place]


def _p_values(exposure: Values, squared: float, relevance: Values) -> Values:
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
    se = np.where(_rare(exposure, relevance), np.maximum(se, by_chance), se)
    varies = se > 1e-12
    t = np.where(varies, np.abs(a - b) / np.where(varies, se, 1.0), np.inf)
    return np.where(varies, 2 * stdtr(n - 1, -t), np.where(np.abs(a - b) < 1e-12, 1.0, 0.0))


def _rare(*tables: Values) -> NDArray[np.bool_]:
    """Return of which groups few rows hold any, or anything beside, in either; shape (G,)."""
    few = []
    for sums in tables:
        beside = sums < sums.sum(axis=1, keepdims=True) * (1 - 1e-12)
        few.append(((sums > 0).sum(axis=0) < FEWEST) | (beside.sum(axis=0) < FEWEST))
    return np.any(few, axis=0)


def _ends(*estimates: Estimate) -> list[float]:
    """Return value, low and high of each, NaN where there is none."""
    ends = [end for e in estimates for end in (e.value, e.low, e.high)]
    return [np.nan if end is None else end for end in ends]


def _widened(of: Estimate, below: float, above: float, most: float = np.inf) -> Estimate:
    """Return an estimate whose limits are at least so far below and above it."""
    value, low, high = _ends(of)
    if np.isnan(value + low + high + below + above):
        return of
    return replace(
        of,
        low=float(max(-most, min(low, value - below))),
        high=float(min(most, max(high, value + above))),
        method=f"{of.method}; of rare groups no narrower than score intervals of both shares",
    )
