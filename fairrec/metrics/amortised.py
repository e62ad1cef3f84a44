"""Amortised attention: over a sequence of lists, does everyone get attention by their relevance?

Biega, Gummadi and Weikum, "Equity of Attention: Amortizing Individual Fairness in Rankings", SIGIR
2018. No single list can give attention in proportion to relevance; a sequence of lists can.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fairrec.errors import BadData, WrongUse

Values = NDArray[np.float64]


def inequity_of_amortised_attention(attention: ArrayLike, relevance: ArrayLike) -> Values:
    """Return IAA, ``Σ_i |A_i - R_i|`` of accumulated attention and relevance (Eq. 3).

    Both are divided by their sums, so that one list and a thousand are on one scale: in [0, 2],
    0 when attention is in proportion to relevance, lower is fairer. Halved it is the part of
    attention that would have to move. NaN where either is all 0. The paper normalises each list
    before adding up, as `AmortisedAttention` does, and does not divide the sums.

    Args:
        attention: Of every item, summed over the sequence, shape (..., N).
        relevance: Likewise.

    Raises:
        BadData: A number is negative.
    """
    return np.abs(_shares(attention) - _shares(relevance)).sum(axis=-1)


class AmortisedAttention:
    """Attention and relevance of N items (or groups) added up over a sequence of lists.

    Every list counts alike: its attention and its relevance are divided by their sums. A list
    where either is all 0 is left out and counted.

    Attributes:
        attention, relevance: Sums so far, shape (N,).
        lists: Lists that count.
        left_out: Lists that do not.
    """

    def __init__(self, n_items: int) -> None:
        self.attention = np.zeros(n_items)
        self.relevance = np.zeros(n_items)
        self.lists = 0
        self.left_out = 0

    def update(self, attention: ArrayLike, relevance: ArrayLike) -> None:
        """Add lists: attention and relevance of every item in each, both of shape (n, N)."""
        a, r = _shares(np.atleast_2d(attention)), _shares(np.atleast_2d(relevance))
        if a.shape != r.shape or a.shape[1] != len(self.attention):
            raise WrongUse(
                f"attention has the shape {a.shape}, relevance {r.shape}.",
                expected=f"lists by {len(self.attention)} items.",
            )
        whole = ~np.isnan(a[:, 0]) & ~np.isnan(r[:, 0])
        self.attention += a[whole].sum(axis=0)
        self.relevance += r[whole].sum(axis=0)
        self.lists += int(whole.sum())
        self.left_out += int((~whole).sum())

    def merge(self, other: AmortisedAttention) -> None:
        """Add what another one has added up over other lists."""
        if len(other.attention) != len(self.attention):
            raise WrongUse(
                f"{len(other.attention)} and {len(self.attention)} items.", expected="the same."
            )
        self.attention += other.attention
        self.relevance += other.relevance
        self.lists += other.lists
        self.left_out += other.left_out

    def result(self) -> float:
        """Return IAA so far, in [0, 2]; NaN before the first list."""
        return float(inequity_of_amortised_attention(self.attention, self.relevance))


def _shares(amounts: ArrayLike) -> Values:
    x = np.asarray(amounts, dtype=np.float64)
    if (x < 0).any():
        raise BadData(f"a number is {np.nanmin(x):g}.", expected="numbers of at least 0.")
    total = x.sum(axis=-1, keepdims=True)
    return np.where(total > 0, x / np.where(total > 0, total, 1.0), np.nan)
