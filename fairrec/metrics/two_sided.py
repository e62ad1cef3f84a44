"""Both sides of a market: a minimum for items or providers, no envy and no loss for users.

Patro, Biswas, Ganguly, Gummadi and Chakraborty, "FairRec: Two-Sided Fairness for Personalized
Recommendations in Two-Sided Platforms", WWW 2020.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.item_lists import ItemLists

Values = NDArray[np.float64]

BLOCK = 4_000_000
"""Utilities held at a time (32 MB)."""


def minimum_exposure(alpha: float, m: int, k: int, n: int) -> int:
    """Return the places that each of n items (or providers) is to have, ``⌊alpha m k / n⌋``.

    The floor is that of the decimal number as it is written: 0.29 x 100 is 29, where floating
    point says 28.999... At alpha 1 it is an equal share of all places, rounded down.

    Args:
        alpha: Part of the equal share that is promised, in [0, 1].
        m: Users, each with one list.
        k: Places of a list.
        n: Items or providers, at least 1.

    Raises:
        WrongUse: A number is out of its range.

    >>> minimum_exposure(0.29, 100, 10, 10)
    29
    """
    if not 0 <= alpha <= 1 or m < 0 or k < 0 or n < 1:
        raise WrongUse(
            f"alpha is {alpha} with {m} users, {k} places and {n} items.",
            expected="alpha in [0, 1], no negative number and at least 1 item.",
        )
    return int(Fraction(str(alpha)) * m * k // n)


def share_meeting_minimum(counts: ArrayLike, minimum: ArrayLike) -> Values:
    """Return the share of items (or providers) that have at least the minimum, over the last axis.

    In [0, 1], higher is fairer. 1 for a minimum of 0, which promises nothing: say so. NaN where
    there are none.

    Args:
        counts: Places that each of n has, shape (..., n).
        minimum: As `minimum_exposure` gives it; one for all, or as arrays broadcast.
    """
    x = np.asarray(counts, dtype=np.float64)
    if x.shape[-1] == 0:
        return np.full(x.shape[:-1], np.nan)[()]
    return (x >= np.asarray(minimum) - 1e-9).mean(axis=-1)[()]


def utility_kept(scores: ArrayLike, lists: ItemLists) -> Values:
    """Return what part of the best utility each user's list has, shape (m,).

    ``φ_u(R_u) = Σ_{i in R_u} V_u(i) / Σ_{i in R*_u} V_u(i)``, R*_u being the as many items that
    the user scores highest. In [0, 1]; 1 when nothing was given up, which is better. NaN for an
    empty list and where nothing is worth anything. Places off the catalogue are worth 0.

    Args:
        scores: V, the worth of every item of the catalogue to every user, shape (m, N), not
            negative.
        lists: One list per user.

    Raises:
        BadData: A score is negative or missing.
        WrongUse: Shapes do not fit.
    """
    v = _worth(scores, lists)
    best = _best(v, lists)
    held = np.take_along_axis(v, np.where(lists.known, lists.items, 0), axis=1)
    utility = np.where(lists.known, held, 0.0).sum(axis=1)
    return np.where(best > 0, utility / np.where(best > 0, best, 1.0), np.nan)


def cross_utilities(scores: ArrayLike, lists: ItemLists, rows: slice = slice(None)) -> Values:
    """Return what everybody's list is worth to some of the users, shape (rows, m).

    ``φ_u(R_v)``: as `utility_kept`, but of the list of every other user v; what counts as best is
    as many items as u's own list has. One matrix product.
    """
    return _crossed(_worth(scores, lists), lists, _held(lists), rows)


def mean_envy(utilities: Values) -> Values:
    """Return each user's mean envy of the others, shape (m,).

    ``Σ_{v ≠ u} max(φ_u(R_v) - φ_u(R_u), 0) / (m - 1)``; its mean over users is their measure. At
    least 0; 0 when nobody would have another's list, which is fairer. Users whose utilities are
    NaN envy nobody and are NaN. NaN for a single user.

    Args:
        utilities: φ, shape (m, m): users by lists, as `cross_utilities` returns for all users.
    """
    m = len(utilities)
    if utilities.shape != (m, m):
        raise WrongUse(
            f"utilities have the shape {utilities.shape}.", expected="users by users' lists."
        )
    return _envy(utilities, np.diagonal(utilities), m)


def mean_envy_of_lists(scores: ArrayLike, lists: ItemLists) -> Values:
    """Return each user's mean envy, as `mean_envy`, without holding all pairs at once; (m,).

    Arguments as in `utility_kept`. The product of m users and m lists is made in blocks.
    """
    v, held, m = _worth(scores, lists), _held(lists), len(lists)
    envy = np.full(m, np.nan)
    for start in range(0, m, block := max(1, BLOCK // max(m, 1))):
        rows = slice(start, min(start + block, m))
        utilities = _crossed(v, lists, held, rows)
        own = utilities[np.arange(len(utilities)), np.arange(rows.start, rows.stop)]
        envy[rows] = _envy(utilities, own, m)
    return envy


def _envy(utilities: Values, own: Values, m: int) -> Values:
    if m < 2:
        return np.full(len(utilities), np.nan)
    return np.maximum(utilities - own[:, None], 0.0).sum(axis=1) / (m - 1)


def _crossed(v: Values, lists: ItemLists, held: csr_matrix, rows: slice) -> Values:
    best = _best(v[rows], ItemLists(lists.items[rows], lists.n_items))[:, None]
    worth = np.asarray(v[rows] @ held)
    return np.where(best > 0, worth / np.where(best > 0, best, 1.0), np.nan)


def _held(lists: ItemLists) -> csr_matrix:
    """Return which lists hold each item, items x lists."""
    columns = np.nonzero(lists.known)[0]
    rows = lists.items[lists.known]
    return csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(lists.n_items, len(lists)))


def _best(v: Values, lists: ItemLists) -> Values:
    """Return the worth of the as many best items as each list has places."""
    most = min(lists.k, v.shape[1])
    top = -np.sort(-np.partition(v, v.shape[1] - most, axis=1)[:, v.shape[1] - most :], axis=1)
    sums = np.concatenate([np.zeros((len(v), 1)), top.cumsum(axis=1)], axis=1)
    return sums[np.arange(len(v)), np.minimum(lists.lengths, most)]


def _worth(scores: ArrayLike, lists: ItemLists) -> Values:
    v = np.asarray(scores, dtype=np.float64)
    if v.shape != (len(lists), lists.n_items):
        raise WrongUse(
            f"scores have the shape {v.shape}.",
            expected=f"({len(lists)}, {lists.n_items}): users by items of the catalogue.",
        )
    if not (v >= 0).all():
        raise BadData("a score is negative or missing.", expected="numbers of at least 0.")
    return v
