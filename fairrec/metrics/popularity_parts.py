"""The head and the tail of a catalogue, and how much of each is recommended.

Where the head ends is a choice on which every number here depends, so a split says how it was made
(`PopularityParts.definition`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.divergence import jensen_shannon
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.item_lists import ItemLists

Values = NDArray[np.float64]
NAMES = {2: ("head", "tail"), 3: ("head", "mid", "tail")}


@dataclass(frozen=True, eq=False)
class PopularityParts:
    """Items by popularity, the most popular first.

    Attributes:
        names: P parts, "head" first and "tail" last.
        codes: Part of each item, shape (N,).
        definition: How the catalogue was split, in words.
    """

    names: tuple[str, ...]
    codes: NDArray[np.int64]
    definition: str

    @cached_property
    def groups(self) -> ItemGroups:
        """The parts as groups of items."""
        n = len(self.codes)
        flags = csr_matrix((np.ones(n), self.codes, np.arange(n + 1)), shape=(n, len(self.names)))
        return ItemGroups(self.names, flags)

    @property
    def tail(self) -> NDArray[np.bool_]:
        """Which items are in the tail, shape (N,)."""
        return self.codes == len(self.names) - 1


def split_by_interactions(
    popularity: ArrayLike, shares: Sequence[float] = (0.8,)
) -> PopularityParts:
    """Return parts by share of all interactions: the head is what makes up the first share.

    Items are added from the most popular on, equal ones in the order of the catalogue, until the
    share is reached; the item that reaches it is the last of its part (Elliot does so with 0.8).

    Args:
        popularity: Shape (N,), at least 0.
        shares: Rising shares in (0, 1) at which a part ends: one makes head and tail, two head,
            mid and tail. (0.2, 0.8) is that of Abdollahpouri et al. 2021.

    Raises:
        BadData: A number is negative or missing, or all are 0.
        WrongUse: Shares do not rise within (0, 1), or are more than two.
    """
    x, cuts = _popularity(popularity), _checked(shares)
    if x.sum() == 0:
        raise BadData("no item has any interaction.", expected="some items that were consumed.")
    order = np.argsort(-x, kind="stable")
    before = np.concatenate([[0.0], np.cumsum(x[order])[:-1]]) / x.sum()
    codes = np.empty(len(x), dtype=np.int64)
    codes[order] = np.searchsorted(cuts - 1e-12, before, side="right")
    return PopularityParts(NAMES[len(cuts) + 1], codes, _definition(cuts, "interactions"))


def split_by_items(popularity: ArrayLike, shares: Sequence[float] = (0.2,)) -> PopularityParts:
    """Return parts by share of the items: the head is the most popular first share of them.

    ``⌈share N⌉`` items end a part, equal ones in the order of the catalogue. Arguments and errors
    as in `split_by_interactions`; all may be 0.
    """
    x, cuts = _popularity(popularity), _checked(shares)
    order = np.argsort(-x, kind="stable")
    codes = np.empty(len(x), dtype=np.int64)
    codes[order] = np.searchsorted(np.ceil(cuts * len(x) - 1e-9), np.arange(len(x)), side="right")
    return PopularityParts(NAMES[len(cuts) + 1], codes, _definition(cuts, "items"))


def part_counts(lists: ItemLists, parts: PopularityParts) -> Values:
    """Return how many items of each part every list holds, shape (n, P)."""
    known, n_parts = lists.known, len(parts.names)
    if len(parts.codes) != lists.n_items:
        raise WrongUse(
            f"{len(parts.codes)} items are in parts, the catalogue has {lists.n_items}.",
            expected="a part for every item of the catalogue.",
        )
    cells = parts.codes.take(lists.items[known])
    cells += np.repeat(np.arange(len(lists)) * n_parts, known.sum(axis=1))
    counts = np.bincount(cells, minlength=len(lists) * n_parts)
    return counts.reshape(len(lists), n_parts).astype(np.float64)


def part_shares(lists: ItemLists, parts: PopularityParts) -> Values:
    """Return the share of each part among each list's known items, shape (n, P)."""
    return _shares(part_counts(lists, parts))


def tail_share(lists: ItemLists, parts: PopularityParts) -> Values:
    """Return APLT of each list: the share of the tail among its known items, shape (n,).

    Average percentage of long tail items (Abdollahpouri, Burke and Mobasher, "Managing Popularity
    Bias in Recommender Systems with Personalized Re-Ranking", FLAIRS 2019). In [0, 1]; a
    random list has the tail's share of the catalogue; higher favours the tail. NaN for a list
    without known items. RecBole's TailPercentage is this with a tail of its own: a share of the
    items (0.1), the first of equal ones, or the items consumed at most so often.
    """
    return part_shares(lists, parts)[:, -1]


def tail_count(lists: ItemLists, parts: PopularityParts) -> Values:
    """Return ACLT of each list: how many tail items it holds, shape (n,); 0 to k.

    Average coverage of long tail items, as of the same paper: a number of items, not of the
    catalogue's tail. NaN for a list without known items.
    """
    return np.where(lists.known.any(axis=1), part_counts(lists, parts)[:, -1], np.nan)


def pop_rsp(recommended: ArrayLike, candidates: ArrayLike) -> Values:
    """Return PopRSP: how unequal the chances of parts to be recommended are.

    Population standard deviation over mean of ``recommended_g / candidates_g`` over parts (Zhu,
    Wang and Caverlee, "Measuring and Mitigating Item Under-Recommendation Bias in Personalized
    Ranking Systems", SIGIR 2020). 0 when all parts have the same chance; at most sqrt(P - 1);
    lower is fairer. NaN where a part has no candidates or nothing was recommended.

    Args:
        recommended: How often items of each part were recommended, shape (..., P).
        candidates: How often they could have been: pairs of user and item not in the user's
            history, shape (..., P). For one list per user that is
            ``n * parts.groups.sizes - part_counts(histories, parts).sum(axis=0)``.
    """
    return _relative_spread(recommended, candidates)


def pop_reo(hits: ArrayLike, relevant: ArrayLike) -> Values:
    """Return PopREO: how unequal the recall of parts is.

    As `pop_rsp` with ``hits_g / relevant_g``, equal opportunity: relevant items of every part
    should have the same chance to be found. NaN where a part has no relevant item.

    Args:
        hits: Relevant items of each part that were recommended, shape (..., P).
        relevant: Relevant items of each part, shape (..., P).
    """
    return _relative_spread(hits, relevant)


def user_popularity_deviation(profile: ArrayLike, recommended: ArrayLike) -> Values:
    """Return each user's popularity deviation: JSD between part shares of history and list.

    In bits, [0, 1]; 0 when the list has the history's shares, lower is fairer (Abdollahpouri,
    Mansoury, Burke, Mobasher and Malthouse, "User-Centered Evaluation of Popularity Bias in
    Recommender Systems", UMAP 2021). UPD is its mean over each group's users, then over groups
    (`mean_over_groups`), of parts that end at 20% and 80% of the interactions.

    Args:
        profile: Shares of the parts in histories, shape (n, P), NaN where unknown.
        recommended: Shares of the parts in lists, shape (n, P).
    """
    p, r = np.asarray(profile, dtype=np.float64), np.asarray(recommended, dtype=np.float64)
    return jensen_shannon(np.stack(np.broadcast_arrays(p, r), axis=1))


def mean_over_groups(values: ArrayLike, groups: ArrayLike) -> float:
    """Return the mean over groups of the mean over their users: every group counts the same.

    NaN is left out, and so are groups in which nobody has a value; NaN when nobody has one.

    Args:
        values: One per user, shape (n,), such as `user_popularity_deviation`.
        groups: Number of each user's group, shape (n,), from 0.

    >>> mean_over_groups([0.0, 0.5, 1.0], [0, 0, 1])
    0.625
    """
    x, g = np.asarray(values, dtype=np.float64), np.asarray(groups, dtype=np.int64)
    there = ~np.isnan(x)
    count = np.bincount(g[there])
    total = np.bincount(g[there], x[there])[count > 0]
    return float((total / count[count > 0]).mean()) if len(total) else float("nan")


def _relative_spread(above: ArrayLike, below: ArrayLike) -> Values:
    x, y = np.broadcast_arrays(
        np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    )
    whole = (y > 0).all(axis=-1)
    rates = np.where(y > 0, x / np.where(y > 0, y, 1.0), 0.0)
    mean = rates.mean(axis=-1)
    defined = whole & (mean > 0)
    return np.where(defined, rates.std(axis=-1) / np.where(defined, mean, 1.0), np.nan)[()]


def _popularity(popularity: ArrayLike) -> Values:
    x = np.asarray(popularity, dtype=np.float64)
    if x.ndim != 1 or not len(x) or not (x >= 0).all():
        raise BadData(
            "popularity is negative or missing somewhere, or there is no item.",
            expected="a number of at least 0 for every item.",
        )
    return x


def _checked(shares: Sequence[float]) -> Values:
    cuts = np.asarray(shares, dtype=np.float64)
    inside = len(cuts) in (1, 2) and (cuts > 0).all() and (cuts < 1).all()
    if not inside or (np.diff(cuts) <= 0).any():
        raise WrongUse(
            f"parts end at the shares {list(shares)}.",
            expected="one or two shares in (0, 1), rising.",
        )
    return cuts


def _definition(cuts: Values, what: str) -> str:
    ends = " and ".join(f"{100 * share:g}%" for share in cuts)
    return (
        "items from the most popular on, equal ones in the order of the catalogue; "
        f"parts end with the item that reaches {ends} of the {what}"
    )


def _shares(amounts: Values) -> Values:
    total = amounts.sum(axis=-1, keepdims=True)
    return np.where(total > 0, amounts / np.where(total > 0, total, 1.0), np.nan)
