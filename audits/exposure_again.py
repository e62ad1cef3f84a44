"""What asking the same again changes, where nothing else has changed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from fairrec.audits.answered_lists import AnsweredLists
from fairrec.metrics.concentration import shares
from fairrec.metrics.exposure import group_exposure
from fairrec.metrics.item_groups import ItemGroups

Values = NDArray[np.float64]


def attention_moved(
    first: AnsweredLists, exposure: Values, again: AnsweredLists, exposure_again: Values
) -> Values:
    """Return what part of each user's attention goes to other items when asked again.

    Total variation of the shares of attention that items have in the user's first lists and in
    those of all repeats; shape (users,), NaN for users without either.

    Args:
        first, again: Lists of the first asking and of repeats.
        exposure, exposure_again: Attention of their places, as `place_exposure` returns it.
    """
    one, other = _by_owner(first, exposure), _by_owner(again, exposure_again)
    both = (_totals(one) > 0) & (_totals(other) > 0)
    moved = _totals(abs(_rows_to_1(one) - _rows_to_1(other))) / 2
    return np.where(both, moved, np.nan)


def shares_moved(
    first: AnsweredLists,
    exposure: Values,
    again: AnsweredLists,
    exposure_again: Values,
    groups: ItemGroups,
) -> Values | None:
    """Return by how much each group's share of exposure moves on average, shape (G,).

    The mean over repeats of the absolute difference to the first asking, each over the users who
    have both lists; None where nobody has.
    """
    size = len(first.owners)
    before = _of_owners(group_exposure(first.lists, groups, exposure), first.owner, size)
    given = group_exposure(again.lists, groups, exposure_again)
    replicate = np.array([probe.request.replicate for probe in again.probes])
    moves = []
    for one in np.unique(replicate):
        after = _of_owners(given[replicate == one], again.owner[replicate == one], size)
        both = (before.sum(axis=1) > 0) & (after.sum(axis=1) > 0)
        if both.any():
            moves.append(np.abs(shares(after[both].sum(axis=0)) - shares(before[both].sum(axis=0))))
    return np.mean(moves, axis=0) if moves else None


def _of_owners(values: Values, owner: NDArray[np.int64], size: int) -> Values:
    total = np.zeros((size, values.shape[1]))
    np.add.at(total, owner, values)
    return total


def _by_owner(some: AnsweredLists, exposure: Values) -> csr_matrix:
    known = some.lists.known
    rows = some.owner[np.nonzero(known)[0]]
    shape = (len(some.owners), some.lists.n_items)
    return csr_matrix((exposure[known], (rows, some.lists.items[known])), shape=shape)


def _totals(table: csr_matrix) -> Values:
    return np.asarray(table.sum(axis=1)).ravel()


def _rows_to_1(table: csr_matrix) -> csr_matrix:
    total = _totals(table)
    scale = np.where(total > 0, 1 / np.where(total > 0, total, 1.0), 0.0)
    return csr_matrix(table.multiply(scale[:, None]))
