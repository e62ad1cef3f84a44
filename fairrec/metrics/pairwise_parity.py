"""Pairs of items of different groups: whose item stands above the other?

Lists come as the group of every place: codes of shape (n, k), 0 to G - 1, `END` after the end and
`OFF` for what is no item of the catalogue, which is in no group and hence in no pair. Only pairs
within a list count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import BadData, WrongUse

Values = NDArray[np.float64]
Codes = NDArray[np.integer]


def favoured_pair_rates(codes: Codes, groups: int) -> Values:
    """Return in what share of its pairs with other groups each group stands above, shape (n, G).

    Wins of the items of group g over items of other groups, over the ``n_g (L - n_g)`` pairs that
    there are, L being the known items of the list: the Favored Pair Representation of Cachel,
    Rundensteiner and Harrison, "MANI-Rank", ICDE 2022, after Kuhlman, VanValkenburg and
    Rundensteiner, "FARE", WWW 2019. In [0, 1]: 0 when all of the group stand below all others, 1
    when above; 0.5 for every group is parity. NaN for a group that is not in the list or alone in
    it.

    The wins are counted, not compared pair by pair: an item beats all that stand below it, less
    those of its own group.

    Args:
        codes: Groups of places, shape (n, k).
        groups: G.

    Raises:
        BadData: A code is no group.

    >>> favoured_pair_rates(np.array([[0, 1, 0]]), 2).tolist()
    [[0.5, 0.5]]
    """
    if codes.size and codes.max() >= groups:
        raise BadData(f"a place has the group {int(codes.max())}.", expected=f"0 to {groups - 1}.")
    known = codes >= 0
    below = known[:, ::-1].cumsum(axis=1)[:, ::-1] - known
    cells = np.nonzero(known)[0] * groups + codes[known]
    shape = (len(codes), groups)
    size = np.bincount(cells, minlength=len(codes) * groups).reshape(shape)
    beaten = np.bincount(cells, below[known], minlength=len(codes) * groups).reshape(shape)
    wins = beaten - size * (size - 1) / 2
    pairs = size * (known.sum(axis=1)[:, None] - size)
    return np.where(pairs > 0, wins / np.maximum(pairs, 1), np.nan)


def attribute_rank_parity(rates: Values) -> Values:
    """Return the highest favoured-pair rate less the lowest, over the last axis.

    In [0, 1]; 0 is parity, and fairer. NaN with fewer than two groups. Also called ARP, as are
    two other things: the average recommendation popularity (Yin et al., VLDB 2012) and this
    with ratio, variance or mean deviation in place of the difference.
    """
    present = ~np.isnan(rates)
    high = np.where(present, rates, -np.inf).max(axis=-1)
    low = np.where(present, rates, np.inf).min(axis=-1)
    enough = present.sum(axis=-1) > 1
    return np.where(enough, np.where(enough, high, 0.0) - np.where(enough, low, 0.0), np.nan)


def pairwise_accuracy(
    codes: Codes, relevance: Values, group: int, versus: int | None = None
) -> Values:
    """Return how often the more relevant item stands above, where it is of one group; shape (n,).

    Over pairs of an item of `group` and a less relevant one of `versus`, the share in which the
    first stands above. With `versus` another group it is the inter-group pairwise accuracy of
    Beutel et al., "Fairness in Recommendation Ranking through Pairwise Comparisons", KDD 2019,
    and ``A_{group > versus}`` of Narasimhan et al., "Pairwise Fairness for Ranking and
    Regression", AAAI 2020; with `versus` the group itself, the intra-group one. In [0, 1]; fair
    when it is the same with groups exchanged, and higher is better. NaN without such a pair.
    Items that are not in the list are in no pair.

    Args:
        codes: Groups of places, shape (n, k).
        relevance: How relevant what stands there is, shape (n, k).
        group: Group of the more relevant item.
        versus: Group of the less relevant item; None for any other than `group`.

    Raises:
        WrongUse: Shapes differ.
    """
    if relevance.shape != codes.shape:
        raise WrongUse(
            f"relevance has the shape {relevance.shape} for lists of {codes.shape}.",
            expected="one relevance for every place.",
        )
    better = codes == group
    worse = (codes >= 0) & ~better if versus is None else codes == versus
    wins, pairs = np.zeros(len(codes)), np.zeros(len(codes))
    for place in range(codes.shape[1]):
        less = worse & (relevance < relevance[:, place : place + 1])
        wins += np.where(better[:, place], less[:, place + 1 :].sum(axis=1), 0)
        pairs += np.where(better[:, place], less.sum(axis=1), 0)
    return np.where(pairs > 0, wins / np.maximum(pairs, 1), np.nan)
