"""How new what is recommended is to people: the rarer an item, the more it tells.

An item that nobody ever had is infinitely surprising by these formulas. Such items are left out
(NaN), or, with `least`, count as if they had been consumed that often: results say which.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.exposure import place_exposure
from fairrec.metrics.item_lists import ItemLists
from fairrec.metrics.popularity import mean_of_known

Values = NDArray[np.float64]


def self_information(
    popularity: ArrayLike, total: float | None = None, least: float = 0.0
) -> Values:
    """Return each item's self-information in bits, ``-log2(popularity / total)``, shape (N,).

    Zhou, Kuscsik, Liu, Medo, Wakeling and Zhang, "Solving the Apparent Diversity-Accuracy Dilemma
    of Recommender Systems", PNAS 2010. At least 0, higher is rarer. With `total` the number of
    users it is the inverse user frequency (MIUF, Vargas and Castells 2011), with that of
    interactions the novelty of others (Recommenders): the same but for a constant, and often under
    one name.

    Args:
        popularity: How often each item was consumed, shape (N,), at least 0.
        total: What counts are shares of; None takes their sum, the interactions.
        least: What counts below it are raised to; 1 makes an item that nobody had as surprising
            as one that a single user had (Elliot). The total stays.

    Raises:
        BadData: A count is negative, missing, or above the total.
        WrongUse: `least` is negative or above the total.

    >>> self_information([4, 2, 2, 0]).tolist()
    [1.0, 2.0, 2.0, nan]
    """
    x = np.asarray(popularity, dtype=np.float64)
    whole = float(x.sum() if total is None else total)
    if not (x >= 0).all() or x.max(initial=0.0) > whole * (1 + 1e-12):
        raise BadData(
            f"popularity goes from {x.min(initial=0.0):g} to {x.max(initial=0.0):g} of {whole:g}.",
            expected="counts of at least 0 and at most the total.",
        )
    if not 0 <= least <= max(whole, 1.0):
        raise WrongUse(f"counts are raised to {least:g} of {whole:g}.", expected="0 to the total.")
    counts = np.maximum(x, least)
    seen = (counts > 0) & (whole > 0)
    return np.where(seen, -np.log2(np.where(seen, counts / (whole or 1.0), 1.0)), np.nan)


def mean_self_information(
    lists: ItemLists,
    popularity: ArrayLike,
    total: float | None = None,
    least: float = 0.0,
) -> Values:
    """Return each list's mean self-information in bits, shape (n,); NaN without any seen item.

    MIUF when `total` is the number of users. At least 0; higher is more novel.
    """
    return mean_of_known(lists, lists.values(self_information(popularity, total, least)))


def expected_popularity_complement(
    lists: ItemLists,
    popularity: ArrayLike,
    users: float,
    relevance: Values | None = None,
    browsing: Browsing | None = None,
) -> Values:
    """Return EPC of each list, shape (n,): how far what is read is from what all know.

    ``Σ_r w_r rel_r (1 - popularity / users) / Σ_r w_r`` over the places of the list (Vargas and
    Castells, "Rank and Relevance in Novelty and Diversity Metrics for Recommender Systems", RecSys
    2011). In [0, 1]; higher is more novel. Without relevance every item counts as relevant. What is
    off the catalogue was read and gave nothing. NaN for an empty list.

    Args:
        lists: n lists.
        popularity: Users who had each item, shape (N,).
        users: How many users there are.
        relevance: Of each place, shape (n, k), in [0, 1]; None for 1.
        browsing: Weights of places; 1 / log2(r + 1) when None.
    """
    x = np.asarray(popularity, dtype=np.float64)
    if not users > 0 or not ((x >= 0) & (x <= users)).all():
        raise BadData(
            f"popularity goes up to {x.max(initial=0.0):g} of {users:g} users.",
            expected="numbers of users, at most all of them.",
        )
    return _discounted(lists, 1 - x / users, relevance, browsing)


def expected_free_discovery(
    lists: ItemLists,
    popularity: ArrayLike,
    total: float | None = None,
    relevance: Values | None = None,
    browsing: Browsing | None = None,
    least: float = 1.0,
) -> Values:
    """Return EFD of each list, shape (n,): self-information of what is read, in bits.

    ``Σ_r w_r rel_r -log2(popularity / total) / Σ_r w_r``: `expected_popularity_complement` with
    `self_information` for the complement, from the same source. At least 0; higher is more novel.
    Items without any interaction count as if they had `least`, 1 as in Elliot; with 0 their places
    are left out of both sums.
    """
    information = self_information(popularity, total, least)
    return _discounted(lists, information, relevance, browsing)


def _discounted(
    lists: ItemLists, by_item: Values, relevance: Values | None, browsing: Browsing | None
) -> Values:
    """Return the weighted mean over places; those of items whose value is NaN are left out."""
    weight = place_exposure(lists, Browsing("log2") if browsing is None else browsing)
    if relevance is not None and relevance.shape != weight.shape:
        raise WrongUse(
            f"relevance has the shape {relevance.shape} for lists of {weight.shape}.",
            expected="one relevance for every place.",
        )
    at = lists.values(by_item, 0.0)
    if np.isnan(by_item).any():
        weight = np.where(np.isnan(at), 0.0, weight)
        at = np.nan_to_num(at)
    gained = weight * at * (1.0 if relevance is None else relevance)
    whole = weight.sum(axis=1)
    return np.where(whole > 0, gained.sum(axis=1) / np.where(whole > 0, whole, 1.0), np.nan)
