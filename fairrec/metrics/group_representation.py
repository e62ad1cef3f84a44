"""How far the groups in a ranked list are from a target: NDKL, skew and infeasible prefixes.

All of them are from Geyik, Ambler and Kenthapadi, "Fairness-Aware Ranking in Search &
Recommendation Systems with Application to LinkedIn Talent Search", KDD 2019.

Lists come as the group of every place: codes of shape (n, k), 0 to G - 1, `END` after the end and
`OFF` for what is no item of the catalogue. What is off the catalogue takes a place and belongs to
no group. Targets are shares of G groups, of shape (G,) or one row per list, (n, G).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.item_lists import END

Values = NDArray[np.float64]
Codes = NDArray[np.integer]

ROUNDING = 1e-9
"""A minimum number this close below a whole number is that number: 0.29 x 100 is 29."""


def ndkl(codes: Codes, target: ArrayLike | None = None, epsilon: float = 0.0) -> Values:
    """Return the normalised discounted cumulative KL divergence (Eq. 4) of every list, shape (n,).

    ``1/Z Σ_i KL(P_i || Q) / log2(i + 1)``, natural logarithm, with ``Z = Σ_i 1 / log2(i + 1)``:
    P_i are the groups' shares among the known items of the first i places and Q is the target.
    At least 0; 0 when every prefix has the target's shares, which short prefixes cannot have, so
    that even the best order of a list is above 0. Lower is fairer. It is infinite where a list
    holds a group whose target is 0; NaN for a list without any known item.

    Places off the catalogue keep their rank and hence the discount of the others, but add nothing
    to shares; prefixes of them alone are left out of sum and Z.

    Also called NDKL: the same with each list's own shares as the target (FairRankTune; `target`
    None, epsilon 1e-7), and the divergence of a fixed few prefixes, as `rkl` is.

    Args:
        codes: Groups of places, shape (n, k).
        target: Shares of the groups, shape (G,) or (n, G), summing to 1; None takes the shares of
            each list's own known items.
        epsilon: Added to every share and target, which makes all values finite; groups without
            any place count then too.

    Raises:
        BadData: The target is no distribution, or a code is no group of it.
    """
    known = codes >= 0
    if target is None:
        own = _own_counts(codes, known)
        expected = own / np.maximum(known.sum(axis=1), 1)[:, None]
        absent = np.zeros(len(codes))
    else:
        q = _targets(target, codes)
        expected = np.where(known, np.take_along_axis(q, np.where(known, codes, 0), axis=1), 1.0)
        absent = _log_ratio(np.zeros_like(q), q, epsilon).sum(axis=1)
    first = _first_places(codes, known)
    nothing = np.where(first, _log_ratio(np.zeros(codes.shape), expected, epsilon), 0.0)
    absent = absent - nothing.sum(axis=1) if target is not None else absent
    counts = np.zeros(codes.shape)
    total, z = np.zeros(len(codes)), np.zeros(len(codes))
    for place in range(codes.shape[1]):
        counts += (codes == codes[:, place : place + 1]) & known[:, place : place + 1]
        seen = known[:, : place + 1].sum(axis=1)
        shares = counts / np.maximum(seen, 1)[:, None]
        terms = np.where(first, _log_ratio(shares, expected, epsilon), 0.0)
        weight = np.where((seen > 0) & (codes[:, place] != END), 1 / np.log2(place + 2), 0.0)
        counted = weight > 0
        total += np.where(counted, weight * np.where(counted, terms.sum(axis=1) + absent, 0.0), 0.0)
        z += weight
    return np.where(z > 0, total / np.where(z > 0, z, 1.0), np.nan)


def skew_at_k(
    codes: Codes, target: ArrayLike, k: int | None = None, epsilon: float = 0.0
) -> Values:
    """Return every group's skew in the first k places (Eq. 1), shape (n, G).

    ``ln(share / target)``, the share being of all places, those off the catalogue too. 0 when the
    share is the target's, above 0 for a group that is there too often; nearest 0 is fairest. -inf
    for a group without any place; NaN for a target of 0 or an empty list.

    Args:
        codes: Groups of places, shape (n, k).
        target: Shares of the groups, shape (G,) or (n, G), summing to 1.
        k: Places that count; of a shorter list all. None for all.
        epsilon: Added to share and target, which makes -inf finite (1e-12 in some programs: a
            group that is not there then has about -27, less its target's logarithm).

    Raises:
        BadData: The target is no distribution, or a code is no group of it.
        WrongUse: k is below 1.

    >>> skew_at_k(np.array([[0, 0, 1, 0]]), [0.5, 0.5]).round(3).tolist()
    [[0.405, -0.693]]
    """
    if k is not None and k < 1:
        raise WrongUse(f"k is {k}.", expected="at least 1, or None for all places.")
    codes = codes[:, :k]
    q = _targets(target, codes)
    counts = _group_counts(codes, q.shape[1])
    places = (codes != END).sum(axis=1)[:, None]
    share = counts / np.maximum(places, 1) + epsilon
    defined = (places > 0) & (q > 0)
    ratio = np.where(defined & (share > 0), share / np.where(defined, q + epsilon, 1.0), 1.0)
    return np.where(defined, np.where(share > 0, np.log(ratio), -np.inf), np.nan)


def min_skew(skew: Values) -> Values:
    """Return the skew of the group that is least there (Eq. 2), over the last axis.

    At most 0 where all places have a group; 0 is fairest. Groups whose skew is NaN do not count.
    """
    return _over_groups(skew, np.minimum, np.inf)


def max_skew(skew: Values) -> Values:
    """Return the skew of the group that is most there (Eq. 3), over the last axis.

    At least 0 where all places have a group; 0 is fairest. Groups whose skew is NaN do not count.
    """
    return _over_groups(skew, np.maximum, -np.inf)


def mean_absolute_skew(skew: Values) -> Values:
    """Return the mean of the absolute skews over groups, over the last axis; 0 is fairest."""
    present = ~np.isnan(skew)
    count = present.sum(axis=-1)
    total = np.abs(np.where(present, skew, 0.0)).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def infeasible_index(codes: Codes, target: ArrayLike) -> Values:
    """Return in how many prefixes of a list some group lacks its minimum, shape (n,).

    ``Σ_i [some group has fewer than ⌊target i⌋ of the first i places]`` (section 5.2 of the
    paper). 0 to the length of the list; 0 is fairest; NaN for an empty list.

    Args:
        codes: Groups of places, shape (n, k).
        target: Shares of the groups, shape (G,) or (n, G), summing to 1.

    Raises:
        BadData: The target is no distribution, or a code is no group of it.
    """
    return _infeasible(codes, target)[0]


def infeasible_count(codes: Codes, target: ArrayLike) -> Values:
    """Return how many minima of groups are missed over all prefixes of a list, shape (n,).

    As `infeasible_index`, but a prefix counts once for every group that lacks its minimum.
    """
    return _infeasible(codes, target)[1]


def _infeasible(codes: Codes, target: ArrayLike) -> tuple[Values, Values]:
    q = _targets(target, codes)
    rows = np.arange(len(codes))
    counts = np.zeros((len(codes), q.shape[1]))
    index, count = np.zeros(len(codes)), np.zeros(len(codes))
    for place in range(codes.shape[1]):
        here = codes[:, place]
        counts[rows[here >= 0], here[here >= 0]] += 1
        lacking = (counts < np.floor(q * (place + 1) + ROUNDING)).sum(axis=1) * (here != END)
        index += lacking > 0
        count += lacking
    empty = (codes != END).sum(axis=1) == 0
    return np.where(empty, np.nan, index), np.where(empty, np.nan, count)


def _targets(target: ArrayLike, codes: Codes) -> Values:
    """Return the target of every list, shape (n, G)."""
    q = np.asarray(target, dtype=np.float64)
    if q.ndim == 0 or not (q >= 0).all() or (np.abs(q.sum(axis=-1) - 1) > 1e-6).any():
        raise BadData(
            f"the target has a part that is negative or missing, or sums to "
            f"{np.unique(np.atleast_1d(q.sum(axis=-1)))[:3].tolist()}.",
            expected="shares of the groups that sum to 1.",
        )
    if codes.size and codes.max() >= q.shape[-1]:
        raise BadData(
            f"a place has the group {int(codes.max())}.",
            expected=f"0 to {q.shape[-1] - 1}, as many groups as the target has.",
        )
    return np.broadcast_to(q, (len(codes), q.shape[-1]))


def _group_counts(codes: Codes, groups: int) -> Values:
    known = codes >= 0
    cells = np.nonzero(known)[0] * groups + codes[known]
    counts = np.bincount(cells, minlength=len(codes) * groups)
    return counts.reshape(len(codes), groups).astype(np.float64)


def _own_counts(codes: Codes, known: NDArray[np.bool_]) -> Values:
    """Return how often each place's group is in its list, shape (n, k)."""
    counts = np.zeros(codes.shape)
    for place in range(codes.shape[1]):
        counts += (codes == codes[:, place : place + 1]) & known[:, place : place + 1]
    return counts


def _first_places(codes: Codes, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which places are the first of their group, shape (n, k)."""
    first = known.copy()
    for place in range(1, codes.shape[1]):
        first[:, place] &= (codes[:, :place] != codes[:, place : place + 1]).all(axis=1)
    return first


def _log_ratio(p: Values, q: Values, epsilon: float) -> Values:
    """Return ``p ln(p / q)``: 0 where p is 0, infinite where q alone is 0."""
    p, q = p + epsilon, q + epsilon
    both = (p > 0) & (q > 0)
    finite = p * np.log(np.where(both, p, 1.0) / np.where(both, q, 1.0))
    return np.where((p > 0) & (q <= 0), np.inf, finite)


def _over_groups(skew: Values, choose: np.ufunc, start: float) -> Values:
    present = ~np.isnan(skew)
    found = choose.reduce(np.where(present, skew, start), axis=-1)
    return np.where(present.any(axis=-1), found, np.nan)
