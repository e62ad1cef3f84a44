"""How concentrated amounts are: attention or counts of all items, or of providers.

Every function takes amounts along the last axis, at least 0, those that got nothing included, and
returns one number per row; NaN where there is nothing to share. Gini's index is in
`fairrec.metrics.inequality`, for it is the same for users.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fairrec.errors import BadData, WrongUse

Values = NDArray[np.float64]


def shannon_entropy(amounts: ArrayLike, base: float = 2.0, normalised: bool = False) -> Values:
    """Return the entropy of the shares, ``-Σ p log p``.

    In [0, log N]: log N when all have the same, 0 when one has all. Higher is fairer. Normalised
    it is divided by log N, whatever the base, and lies in [0, 1] (Pielou's evenness; NaN for one
    item).
    Under the same name: natural logarithms (`base` e, holisticai), 1e-9 added to every share
    (fairdiverse), and the entropy divided by the number of items that were recommended (RecBole).

    Raises:
        BadData: An amount is negative.
        WrongUse: The base is not above 1.
    """
    if not base > 1:
        raise WrongUse(f"the base is {base}.", expected="above 1, such as 2.")
    p = shares(amounts)
    entropy = -(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=-1)
    if not normalised:
        return np.maximum(entropy, 0.0) / np.log(base)
    n = p.shape[-1]
    return np.maximum(entropy, 0.0) / np.log(n) if n > 1 else np.full(entropy.shape, np.nan)[()]


def catalogue_coverage(amounts: ArrayLike) -> Values:
    """Return the share of items that got anything; in [0, 1], higher is fairer.

    Also called aggregate diversity or item coverage, there often as a number of items.
    """
    return (_amounts(amounts) > 0).mean(axis=-1)


def herfindahl(amounts: ArrayLike) -> Values:
    """Return the Herfindahl-Hirschman index, ``Σ p²``.

    In [1/N, 1]: 1/N when all have the same, 1 when one has all. Lower is fairer. Competition
    authorities give it times 10,000 (Hirschman, "The Paternity of an Index", 1964).
    """
    return (shares(amounts) ** 2).sum(axis=-1)


def effective_number(amounts: ArrayLike) -> Values:
    """Return as how many items with equal shares these count: 1 / HHI.

    In [1, N], higher is fairer (Hill's number of order 2; Laakso and Taagepera, 1979).
    """
    index = herfindahl(amounts)
    return np.where(np.isnan(index), np.nan, 1 / np.where(np.isnan(index), 1.0, index))[()]


def min_max_ratio(amounts: ArrayLike) -> Values:
    """Return the smallest amount over the largest; in [0, 1], 1 when equal, higher is fairer."""
    x = _amounts(amounts)
    most = x.max(axis=-1)
    return np.where(most > 0, x.min(axis=-1) / np.where(most > 0, most, 1.0), np.nan)[()]


def bottom_share(amounts: ArrayLike, share: float = 0.5) -> Values:
    """Return what the ``⌊share N⌋`` smallest have of all.

    In [0, share]: about `share` when all have the same, 0 when the smallest have nothing. Higher is
    fairer. With half of the providers it is called MMF, max-min fairness (Xu et al., "P-MMF", WWW
    2023, measure the smallest alone). NaN where half of so few is nobody.

    Raises:
        BadData: An amount is negative.
        WrongUse: The share is not in (0, 1].
    """
    if not 0 < share <= 1:
        raise WrongUse(f"the share of the smallest is {share}.", expected="in (0, 1].")
    x = _amounts(amounts)
    n = int(np.floor(share * x.shape[-1] + 1e-9))
    total = x.sum(axis=-1)
    if n == 0:
        return np.full(total.shape, np.nan)[()]
    bottom = np.partition(x, n - 1, axis=-1)[..., :n].sum(axis=-1)
    return np.where(total > 0, bottom / np.where(total > 0, total, 1.0), np.nan)[()]


def lorenz_curve(amounts: ArrayLike, points: int | None = None) -> tuple[Values, Values]:
    """Return the Lorenz curve: what the smallest part of the items has, for every part.

    Lorenz, "Methods of Measuring the Concentration of Wealth", 1905. On the diagonal when all have
    the same; Gini's index is twice the area between.

    Args:
        amounts: Shape (N,).
        points: About how many points to return, evenly spread over items; None for all N + 1.

    Returns:
        Share of items and share of the amount, both rising from 0 to 1; the latter is NaN where
        there is nothing to share.
    """
    x = np.sort(_amounts(amounts))
    held = np.concatenate([[0.0], np.cumsum(x)])
    held = held / held[-1] if held[-1] > 0 else np.full(len(held), np.nan)
    places = np.arange(len(held))
    if points is not None and len(held) > points:
        places = np.unique(np.linspace(0, len(x), max(points, 2)).round().astype(int))
    return places / len(x), held[places]


def total_variation(p: ArrayLike, q: ArrayLike) -> Values:
    """Return ``½ Σ |p - q|`` of two distributions over the last axis.

    In [0, 1]: 0 when equal, 1 with nothing in common; the part of one that would have to move.
    """
    return np.abs(np.asarray(p, dtype=np.float64) - np.asarray(q, dtype=np.float64)).sum(-1) / 2


def kl_divergence(p: ArrayLike, q: ArrayLike, base: float = np.e) -> Values:
    """Return ``Σ p log(p / q)`` of two distributions over the last axis.

    At least 0, 0 when equal; infinite where p has what q lacks. Not the same with p and q
    exchanged.
    """
    x, y = np.broadcast_arrays(np.asarray(p, dtype=np.float64), np.asarray(q, dtype=np.float64))
    both = (x > 0) & (y > 0)
    part = np.where(both, x * np.log(np.where(both, x, 1.0) / np.where(both, y, 1.0)), 0.0)
    lacking = ((x > 0) & (y == 0)).any(axis=-1)
    unknown = np.isnan(x).any(axis=-1) | np.isnan(y).any(axis=-1)
    divergence = np.where(lacking, np.inf, np.maximum(part.sum(axis=-1), 0.0) / np.log(base))
    return np.where(unknown, np.nan, divergence)[()]


def shares(amounts: ArrayLike) -> Values:
    """Return amounts over their sum along the last axis, NaN where that is 0."""
    x = _amounts(amounts)
    total = x.sum(axis=-1, keepdims=True)
    return np.where(total > 0, x / np.where(total > 0, total, 1.0), np.nan)


def _amounts(amounts: ArrayLike) -> Values:
    x = np.asarray(amounts, dtype=np.float64)
    if x.ndim < 1 or x.shape[-1] < 1:
        raise WrongUse(f"amounts have the shape {x.shape}.", expected="at least one item.")
    if (x < 0).any():
        raise BadData(f"an amount is {np.nanmin(x):g}.", expected="numbers of at least 0.")
    return x
