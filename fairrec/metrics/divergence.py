"""How far distributions lie apart, and which of their parts stand out."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fairrec.errors import BadData


def jensen_shannon(
    distributions: ArrayLike, weights: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return the Jensen-Shannon divergence of V distributions, in bits.

    H(Σ w_v P_v) - Σ w_v H(P_v), H being entropy to base 2 (Lin, "Divergence Measures Based on
    the Shannon Entropy", IEEE Transactions on Information Theory 37, 1991). It is 0 when all are
    equal and at most the entropy of the weights: 1 bit for two distributions of equal weight with
    nothing in common, log2 V for V of them.

    Args:
        distributions: Shape (..., V, G): V distributions over G parts, each summing to 1. NaN
            anywhere gives NaN.
        weights: Shape (V,), not negative, scaled to sum to 1; equal when None.

    Returns:
        Shape (...), in [0, H(weights)].

    Raises:
        BadData: A distribution or the weights have a negative part or do not sum to 1 (weights:
            to something positive).
    """
    p = np.asarray(distributions, dtype=np.float64)
    if p.ndim < 2:
        raise BadData(
            f"distributions have the shape {p.shape}.", expected="V distributions over G parts."
        )
    sums = p.sum(axis=-1)
    if (p < 0).any() or (np.abs(sums - 1) > 1e-6).any():
        raise BadData(
            "a distribution has a negative part or does not sum to 1.",
            expected="parts in [0, 1] that sum to 1.",
            do="divide counts by their sum.",
        )
    w = np.ones(p.shape[-2]) if weights is None else np.asarray(weights, dtype=np.float64)
    if w.shape != p.shape[-2:-1] or not (w >= 0).all() or not 0 < w.sum() < np.inf:
        raise BadData(
            f"weights are {w.tolist()} for {p.shape[-2]} distributions.",
            expected="one weight each, not negative, some of them positive.",
        )
    w = w / w.sum()
    mixture = np.einsum("v,...vg->...g", w, p)
    divergence = _entropy(mixture) - np.einsum("v,...v->...", w, _entropy(p))
    return np.maximum(divergence, 0.0)  # rounding alone puts it below 0


def _entropy(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Entropy in bits over the last axis; 0 log 0 is 0."""
    return -(p * np.log2(np.where(p > 0, p, 1.0))).sum(axis=-1)


def log_odds(
    counts: ArrayLike,
    prior: ArrayLike,
    *,
    totals: ArrayLike | None = None,
    prior_total: float | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each part's log-odds ratio in a row against all other rows, and its z-score.

    With an informative Dirichlet prior: rare parts are drawn towards what is usual (Monroe,
    Colaresi and Quinn, "Fightin' Words", Political Analysis 16, 2008). 0 means as usual as in
    the other rows; a positive part is over-represented.

    Args:
        counts: Shape (..., V, G): how often each row has each part, not negative (fractions
            are fine). NaN gives NaN.
        prior: Shape (G,): pseudo-counts, positive, such as a total of 500 shared out as usual.
        totals: Shape (V,): each row's count of all parts, where `counts` has only some of them.
        prior_total: Pseudo-counts of all parts, likewise.

    Returns:
        Log-odds ratios (natural logarithm) and z-scores, both of shape (..., V, G). The z-score
        takes every count as independent of the others.

    Raises:
        BadData: A count is negative, there are fewer than two rows, the prior does not fit, or a
            part is all there is.
    """
    y = np.asarray(counts, dtype=np.float64)
    a = np.asarray(prior, dtype=np.float64)
    if y.ndim < 2 or y.shape[-2] < 2 or (y < 0).any():
        raise BadData(
            f"counts have the shape {y.shape}, or one is negative.",
            expected="counts of at least 0, of at least 2 rows.",
        )
    if a.shape != y.shape[-1:] or not ((a > 0) & (a < np.inf)).all():
        raise BadData(
            f"the prior has the shape {a.shape} for {y.shape[-1]} parts, or is not above 0.",
            expected="one positive pseudo-count per part.",
        )
    whole = y.sum(axis=-1) if totals is None else np.asarray(totals, dtype=np.float64)
    whole = whole[..., None]
    pseudo = a.sum() if prior_total is None else prior_total
    own = y + a
    others = y.sum(axis=-2, keepdims=True) - y + a
    own_rest = whole + pseudo - own
    others_rest = whole.sum(axis=-2, keepdims=True) - whole + pseudo - others
    if (own_rest <= 0).any() or (others_rest <= 0).any():
        raise BadData(
            "a part is all there is, or more.",
            expected="at least 2 parts, and totals of at least the counts.",
        )
    ratio = np.log(own / own_rest) - np.log(others / others_rest)
    return ratio, ratio / np.sqrt(1 / own + 1 / others)
