"""rND, rKL and rRD: how far the protected share of prefixes is from that of the whole.

Yang and Stoyanovich, "Measuring Fairness in Ranked Outputs", SSDBM 2017. Prefixes of 10, 20, ...
places are compared with the whole, discounted by log2 of their length and divided by the worst
that is possible, so that all three lie in [0, 1]; 0 is fairest.

The worst case is exact. Their authors found it by generating unfair lists; here it is the largest
sum over all ways in which the number of protected items can grow from prefix to prefix, by
dynamic programming over prefixes and numbers. It is not always "all protected last": for rRD it
never need be. Values are therefore comparable with theirs in order, not in size.

Lists come as flags of shape (n, k): 1 (or True) where a protected item stands, 0 where another
does, `END` after the end, `OFF` for what is off the catalogue, which takes a place and is not
protected.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import WrongUse
from fairrec.metrics.item_lists import END

Values = NDArray[np.float64]
Flags = NDArray[np.integer] | NDArray[np.bool_]
Measure = Literal["rnd", "rkl", "rrd"]


def rnd(flags: Flags, share: float | None = None, step: int = 10) -> Values:
    """Return the normalised discounted difference (Eq. 1), shape (n,).

    ``1/Z Σ_{i = step, 2 step, ...} |protected in the first i / i - share| / log2 i``. NaN for
    lists shorter than `step`, and where no order could differ: nobody or everybody is protected.

    Args:
        flags: Shape (n, k).
        share: Share of the protected that each prefix is held against, in (0, 1). None takes that
            of the list itself, as its authors do: what is measured is the order alone, and Z is
            the worst order of these items. With a share, such as the catalogue's, Z is the worst
            of all lists of this length.
        step: Places from one prefix to the next, at least 2; 10 is their authors'.

    Raises:
        WrongUse: `share` or `step` is out of its range.
    """
    return _discounted(flags, share, step, "rnd")


def rkl(flags: Flags, share: float | None = None, step: int = 10) -> Values:
    """Return the normalised discounted KL divergence (Eq. 2), shape (n,).

    As `rnd` with ``KL(P_i || Q)`` for the difference, P_i being the shares of protected and other
    items in the first i places and Q those of the whole. Arguments and NaN as in `rnd`.
    """
    return _discounted(flags, share, step, "rkl")


def rrd(flags: Flags, share: float | None = None, step: int = 10) -> Values:
    """Return the normalised discounted ratio difference (Eq. 3), shape (n,).

    As `rnd` with ``|protected / others in the first i - protected / others in the whole|`` for
    the difference, a ratio with a 0 above or below counting as 0. Because of that it means
    something only for a protected group that is the smaller one, as its authors say. Arguments
    and NaN as in `rnd`.
    """
    return _discounted(flags, share, step, "rrd")


def _discounted(flags: Flags, share: float | None, step: int, measure: Measure) -> Values:
    if step < 2 or (share is not None and not 0 < share < 1):
        raise WrongUse(
            f"the step is {step} and the share {share}.",
            expected="a step of at least 2, and a share in (0, 1) or None.",
        )
    flags = np.asarray(flags, dtype=np.int64)
    length = (flags != END).sum(axis=1)
    counts = (flags == 1).cumsum(axis=1)
    protected = (flags == 1).sum(axis=1)
    whole = protected / np.maximum(length, 1) if share is None else np.full(len(flags), share)
    total = np.zeros(len(flags))
    for i in range(step, flags.shape[1] + 1, step):
        distance = _distance(counts[:, i - 1], i, whole, measure)
        total += np.where(length >= i, distance / np.log2(i), 0.0)
    kinds = np.stack([length, protected if share is None else np.full_like(length, -1)], axis=1)
    distinct, kind = np.unique(kinds, axis=0, return_inverse=True)
    worst = np.array([_worst(n, own, share, step, measure) for n, own in distinct.tolist()])
    z = worst[kind.reshape(-1)] if len(worst) else np.empty(0)
    return np.where(z > 0, total / np.where(z > 0, z, 1.0), np.nan)


@lru_cache(maxsize=4096)
def _worst(length: int, protected: int, share: float | None, step: int, measure: Measure) -> float:
    """Return the largest sum that any list of this length (and so many protected) can have."""
    prefixes = range(step, length + 1, step)
    if not prefixes:
        return 0.0
    whole = protected / length if share is None else share
    most = protected if share is None else length
    count = np.arange(most + 1)
    best = np.where(count == 0, 0.0, -np.inf)
    for i in prefixes:
        # From one prefix to the next the number grows by 0 to `step`.
        padded = np.concatenate([np.full(step, -np.inf), best])
        best = np.lib.stride_tricks.sliding_window_view(padded, step + 1).max(axis=1)
        possible = count <= i
        if share is None:  # the rest must still find room after this prefix
            possible &= protected - count <= length - i
        gain = _distance(np.minimum(count, i), i, np.full(most + 1, whole), measure) / np.log2(i)
        best = np.where(possible, best + gain, -np.inf)
    return float(best.max())


def _distance(count: NDArray[np.int64], i: int, whole: Values, measure: Measure) -> Values:
    """Return how far prefixes of i places with so many protected are from the whole."""
    if measure == "rnd":
        return np.abs(count / i - whole)
    if measure == "rkl":
        return _kl_part(count / i, whole) + _kl_part(1 - count / i, 1 - whole)
    inside = _ratio(count.astype(np.float64), (i - count).astype(np.float64))
    return np.abs(inside - _ratio(whole, 1 - whole))


def _kl_part(p: Values, q: Values) -> Values:
    both = (p > 0) & (q > 0)  # a list's own share is 0 only where its prefixes' are
    return np.where(both, p * np.log(np.where(both, p, 1.0) / np.where(both, q, 1.0)), 0.0)


def _ratio(above: Values, below: Values) -> Values:
    both = (above > 0) & (below > 0)
    return np.where(both, above / np.where(both, below, 1.0), 0.0)
