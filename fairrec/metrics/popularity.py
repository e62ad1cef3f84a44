"""How popular what is recommended is: means, lift over users' own histories, and places.

Popularity is a number per item of the catalogue, shape (N,): how often it was consumed. Lists'
values have shape (n,), NaN for a list without any known item; what is off the catalogue has no
popularity and is left out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.item_lists import ItemLists

Values = NDArray[np.float64]


def average_popularity(
    lists: ItemLists, popularity: ArrayLike, interactions: float | None = None
) -> Values:
    """Return ARP, the mean popularity of each list's items, shape (n,).

    Average recommendation popularity, by counts: Yin, Cui, Li, Yao and Chen, "Challenging the Long
    Tail Recommendation", VLDB 2012. At least 0; the mean over a random list is the mean over the
    catalogue. Neither direction is fair in itself: hold it against users' histories.

    Under the same name: counts over all interactions (`interactions`; RecTools' normalised form),
    counts over users, how often an item was *recommended* (holisticai), and attribute rank parity
    (FairRankTune), which is none of this.

    Args:
        lists: n lists.
        popularity: Shape (N,), at least 0.
        interactions: What to divide counts by, such as their sum or the number of users; None for
            nothing.

    Raises:
        WrongUse: Popularity has another shape, or `interactions` is not above 0.
        BadData: A popularity is negative or missing.
    """
    whole = 1.0 if interactions is None else interactions
    if not whole > 0:
        raise WrongUse(f"popularity is divided by {whole:g}.", expected="a number above 0.")
    by_item = _popularity(lists, popularity) / whole
    return mean_of_known(lists, lists.values(by_item))


def mean_popularity_rank(lists: ItemLists, popularity: ArrayLike) -> Values:
    """Return the mean place of each list's items in the catalogue by popularity, shape (n,).

    1 for the most popular item, N for the least; equal ones share the mean of their places. A
    random list has (N + 1) / 2; lower is more popular.
    """
    return mean_of_known(lists, lists.values(popularity_ranks(_popularity(lists, popularity))))


def popularity_ranks(popularity: ArrayLike) -> Values:
    """Return each item's place by popularity, 1 for the most popular, ties averaged; shape (N,)."""
    return rankdata(-np.asarray(popularity, dtype=np.float64))


def popularity_by_rank(lists: ItemLists, popularity: ArrayLike) -> Values:
    """Return the mean popularity at each place of the lists, shape (k,); NaN where nothing stands.

    Hou et al., "Large Language Models are Zero-Shot Rankers for Recommender Systems", ECIR 2024,
    draw it: falling from left to right means that the popular is put first.
    """
    at = lists.values(_popularity(lists, popularity))
    count = lists.known.sum(axis=0)
    total = np.where(lists.known, at, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def popularity_lift(profile: ArrayLike, recommended: ArrayLike) -> Values:
    """Return ΔGAP, ``(GAP_recommended - GAP_profile) / GAP_profile``, of a group of users.

    GAP is the mean over the group's users of the mean popularity of their items (Abdollahpouri,
    Mansoury, Burke and Mobasher, "The Unfairness of Popularity Bias in Recommendation", 2019; as
    popularity lift in "The Connection Between Popularity Bias, Calibration, and Fairness", RecSys
    2020). Above -1; 0 when lists are as popular as the histories, above 0 when they are more
    so. Users with either mean NaN do not count.

    Args:
        profile: Mean popularity of each user's history, shape (..., n).
        recommended: Mean popularity of each user's list, shape (..., n).

    Returns:
        Shape (...), NaN where nobody counts or the histories have popularity 0.
    """
    p, r = np.broadcast_arrays(
        np.asarray(profile, dtype=np.float64), np.asarray(recommended, dtype=np.float64)
    )
    both = ~(np.isnan(p) | np.isnan(r))
    own, given = np.where(both, p, 0.0).sum(axis=-1), np.where(both, r, 0.0).sum(axis=-1)
    return np.where(own > 0, given / np.where(own > 0, own, 1.0) - 1, np.nan)[()]


def log_popularity_difference(
    lists: ItemLists, histories: ItemLists, popularity: ArrayLike, least: float = 0.0
) -> Values:
    """Return LPD of each user: mean log popularity of the list less that of the history; (n,).

    ``1/|L| Σ_(i in L) ln p_i - 1/|H| Σ_(j in H) ln p_j``; the measure is its mean over users
    (Lichtenberg, Buchholz and Schwöbel, "Large Language Models as Recommender Systems: A Study of
    Popularity Bias", Gen-IR at SIGIR 2024). 0 when the list is as popular as the history in the
    geometric mean, 1 when it is e times as popular; swapping the two changes the sign alone.
    Nearest 0 is fairest. Others take ln(1 + p), which is another number.

    Args:
        lists: What was recommended.
        histories: What the same users had before.
        popularity: Shape (N,), at least 0.
        least: What popularity below it is raised to, such as 1. Where it stays 0 there is no
            logarithm, and the item is left out: the rarest of the tail then do not count.
    """
    _paired(lists, histories)
    by_item = log_popularity(np.maximum(_popularity(lists, popularity), least))
    return mean_of_known(lists, lists.values(by_item)) - mean_of_known(
        histories, histories.values(by_item)
    )


def log_popularity(popularity: Values) -> Values:
    """Return the natural logarithm of popularity, NaN where it is 0."""
    positive = popularity > 0
    return np.where(positive, np.log(np.where(positive, popularity, 1.0)), np.nan)


def mean_of_known(lists: ItemLists, at: Values) -> Values:
    """Return each list's mean of a quantity of its places, NaN left out; (n, k) to (n,)."""
    here = lists.known & ~np.isnan(at)
    count = here.sum(axis=1)
    total = np.where(here, at, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _paired(lists: ItemLists, histories: ItemLists) -> None:
    if (len(lists), lists.n_items) != (len(histories), histories.n_items):
        raise WrongUse(
            f"{len(lists)} lists of {lists.n_items} items stand against {len(histories)} histories "
            f"of {histories.n_items}.",
            expected="a history for every list, over one catalogue.",
        )


def _popularity(lists: ItemLists, popularity: ArrayLike) -> Values:
    x = np.asarray(popularity, dtype=np.float64)
    if x.shape != (lists.n_items,):
        raise WrongUse(
            f"popularity has the shape {x.shape}.",
            expected=f"({lists.n_items},): one number per item of the catalogue.",
        )
    if not (x >= 0).all():
        raise BadData("a popularity is negative or missing.", expected="numbers of at least 0.")
    return x
