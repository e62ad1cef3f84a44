"""Sums over lists by share of the users: what uncertainty about providers resamples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from fairrec.audits.answered_lists import AnsweredLists
from fairrec.metrics.accumulators import bucket_of
from fairrec.metrics.exposure import Exposure
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.item_lists import ItemLists

Values = NDArray[np.float64]


def answered_owners(answered: AnsweredLists) -> NDArray[np.int64]:
    """Return the numbers of the users with a list, in rising order."""
    return np.unique(answered.owner[answered.answered])


def bucket_rows(
    answered: AnsweredLists, owners: NDArray[np.int64], buckets: int
) -> tuple[NDArray[np.int64], int]:
    """Return which share of these users every list belongs to, -1 for none, and how many shares.

    While there are at most `buckets` users, each is a share.
    """
    size = max(1, min(buckets, len(owners)))
    place = np.searchsorted(owners, answered.owner)
    counted = np.isin(answered.owner, owners)
    return np.where(counted, bucket_of(np.where(counted, place, 0), size), -1), size


def bucket_sums(
    answered: AnsweredLists,
    exposure: Exposure,
    membership: csr_matrix,
    buckets: int,
    owners: NDArray[np.int64] | None = None,
) -> Values:
    """Return exposure by share of the users and by group, shape (B, G).

    Args:
        answered: The lists.
        exposure: Attention of every place, shape (n, k).
        membership: Shape (N, G), sparse.
        buckets: Most shares of the users.
        owners: Users who count, in rising order; all who have a list when None.
    """
    chosen = answered_owners(answered) if owners is None else owners
    bucket, size = bucket_rows(answered, chosen, buckets)
    counted = answered.lists.known & (bucket >= 0)[:, None]
    cells = (bucket[np.nonzero(counted)[0]], answered.lists.items[counted])
    held = csr_matrix((exposure[counted], cells), shape=(size, answered.lists.n_items))
    return csr_matrix(held @ membership).toarray()


def left_out(sums: Values) -> Values:
    """Return the sums without each row; what only rounding leaves is nothing."""
    total = sums.sum(axis=0)
    rest = total - sums
    return np.where(rest > 1e-12 * total, rest, 0.0)


def by_owner(answered: AnsweredLists, values: Values) -> Values:
    """Return each user's mean over their lists, NaN without any; shape (owners,)."""
    here = ~np.isnan(values)
    owners = len(answered.owners)
    count = np.bincount(answered.owner[here], minlength=owners)
    total = np.bincount(answered.owner[here], values[here], minlength=owners)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def providers_named(lists: ItemLists, groups: ItemGroups) -> NDArray[np.int64]:
    """Return how many known providers each list names, shape (n,)."""
    starts = np.concatenate([[0], lists.known.sum(axis=1).cumsum()])
    items = lists.items[lists.known]
    held = csr_matrix((np.ones(len(items)), items, starts), shape=(len(lists), lists.n_items))
    named = csr_matrix(held @ groups.membership[:, groups.known])
    return np.diff(named.indptr).astype(np.int64)
