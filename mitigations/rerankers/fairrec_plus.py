"""FairRec+: FairRec's promises, with lists passed on to those who like them better.

Biswas, Patro, Ganguly, Gummadi and Chakraborty, "Toward Fair Recommendation in Two-Sided
Platforms", ACM Transactions on the Web 16(2), 2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import WrongUse
from fairrec.metrics.item_lists import END
from fairrec.mitigations.rerankers.candidates import Candidates, Places, Reranked
from fairrec.mitigations.rerankers.compiled import Compiled
from fairrec.mitigations.rerankers.reranker import Batch, Reranker
from fairrec.mitigations.rerankers.two_sided_allocation import (
    Order,
    check_alpha,
    finished,
    promise,
)

MOST_LISTS = 20_000
"""Lists at a time: the worth of every list to every user takes 3.2 GB."""


def fairrec_plus(
    candidates: Candidates, *, k: int, alpha: float, order: Order = "score"
) -> Reranked:
    """Return lists in which every item has ``⌊alpha · m k / n⌋`` places (FairRec+).

    As `fairrec_allocation`, with two steps after each round. Users who envy each other in a circle
    pass their lists on along it, until there are no such circles: each gets one worth more. Then
    who envies comes before whom he envies in the next round (a topological order of envy). A list
    is passed only to a user of whom all its items are candidates.

    Guarantees, arguments and shortfall are those of `fairrec_allocation`. The published code passes
    lists on, but what a user may still take stays with the user: an item can come twice into one
    list, others then miss their minimum, and envy by more than one item is left. Here a user has
    what the list holds, and what is still broken is repaired. Where envy leaves the order open,
    users stand in the order of the lists.

    Time and memory grow with m²: every user's worth of every list is held (8 bytes each).

    Raises:
        BadData: A score is below 0.
        WrongUse: alpha is outside [0, 1], or there are more than `MOST_LISTS` lists.

    >>> from fairrec.mitigations.rerankers.candidates import candidate_lists
    >>> lists = candidate_lists([[0.9, 0.8, 0.1], [0.9, 0.8, 0.2], [0.9, 0.8, 0.3]])
    >>> lists.lists(fairrec_plus(lists, k=2, alpha=1.0).places).items.tolist()
    [[0, 2], [0, 1], [1, 2]]
    """
    promised, minimum = promise(candidates, k=k, alpha=alpha)
    items, scores, lengths = candidates.items, candidates.scores, candidates.lengths
    m, n = len(candidates), candidates.n_items
    if m > MOST_LISTS:
        raise WrongUse(
            f"{m} lists are to be allocated together.",
            expected=f"at most {MOST_LISTS}: memory grows with their square.",
            do="use fairrec, or rerank fewer lists at a time.",
        )
    bundles = np.full((m, k), END)
    sizes, pointers = np.zeros((2, m), dtype=np.int64)
    holds, users = np.arange(m), np.arange(m)
    worth = np.zeros((m, m))
    left = int(promised.sum())
    for _ in range(k):
        taken = np.full(m, END)
        given = _one_round(
            items, lengths, promised, users, holds, bundles, sizes, pointers, taken, left
        )
        if given == 0:
            break
        left -= given
        _add_worth(items, scores, lengths, taken, worth, n)
        users = _end_circles(worth, holds)
    return finished(candidates, _columns(items, lengths, bundles, holds, n), minimum, order)


@Compiled
def _one_round(
    items: NDArray[np.int64],
    lengths: NDArray[np.int64],
    copies: NDArray[np.int64],
    users: NDArray[np.int64],
    holds: NDArray[np.int64],
    bundles: NDArray[np.int64],
    sizes: NDArray[np.int64],
    pointers: NDArray[np.int64],
    taken: NDArray[np.int64],
    left: int,
) -> int:
    """Let users, in this order, take the best item with copies that their bundle lacks.

    Args:
        items: Shape (m, c), and `lengths`: the candidates.
        copies: Copies left of each item, shape (N,); changed in place, as all below.
        users: Their order.
        holds: Which bundle each user holds.
        bundles: Shape (m, k): items of each bundle.
        sizes: How many items each bundle has.
        pointers: Before which of each user's candidates no item has copies.
        taken: What each bundle gets in this round, or `END`.
        left: Copies left in all.

    Returns:
        How many items were taken.
    """
    given = 0
    for u in users:
        if given == left:
            break
        bundle = holds[u]
        while pointers[u] < lengths[u] and copies[items[u, pointers[u]]] == 0:
            pointers[u] += 1
        for best in range(pointers[u], lengths[u]):
            item = items[u, best]
            if copies[item] > 0 and not (bundles[bundle, : sizes[bundle]] == item).any():
                bundles[bundle, sizes[bundle]] = item
                sizes[bundle] += 1
                copies[item] -= 1
                taken[bundle] = item
                given += 1
                break
    return given


@Compiled
def _add_worth(
    items: NDArray[np.int64],
    scores: NDArray[np.float64],
    lengths: NDArray[np.int64],
    taken: NDArray[np.int64],
    worth: NDArray[np.float64],
    n: int,
) -> None:
    """Add what each bundle got to its worth for every user: -inf where it is no candidate."""
    value = np.full(n, -np.inf)
    for u in range(len(items)):
        for j in range(lengths[u]):
            value[items[u, j]] = scores[u, j]
        for bundle in range(len(taken)):
            if taken[bundle] != END:
                worth[u, bundle] += value[taken[bundle]]
        for j in range(lengths[u]):
            value[items[u, j]] = -np.inf


@Compiled
def _end_circles(worth: NDArray[np.float64], holds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pass bundles on along circles of envy until there are none; return the users, enviers first.

    A search in depth along envy. Each user looks through the bundles once, whatever is passed on:
    a bundle that was not worth envy is not worth it later, as a user's own only gains; and those
    who are done hold theirs for good. So all circles together take the time of one search, m².

    Args:
        worth: Shape (m, m): users by bundles.
        holds: Which bundle each user holds; changed in place.
    """
    m = len(holds)
    holder = np.zeros(m, dtype=np.int64)
    for u in range(m):
        holder[holds[u]] = u
    pointers = np.zeros(m, dtype=np.int64)
    depth = np.full(m, END)  # on the path that is searched, END off it
    done = np.zeros(m, dtype=np.bool_)
    path = np.zeros(m, dtype=np.int64)
    order = np.zeros(m, dtype=np.int64)
    place = m
    for first in range(m - 1, -1, -1):
        if done[first]:
            continue
        path[0], depth[first], size = first, 0, 1
        while size > 0:
            u = path[size - 1]
            own = worth[u, holds[u]]
            bundle = pointers[u]
            while bundle < m and (worth[u, bundle] <= own or done[holder[bundle]]):
                bundle += 1
            pointers[u] = bundle
            if bundle == m:
                size -= 1
                depth[u] = END
                done[u] = True
                place -= 1
                order[place] = u
            elif depth[holder[bundle]] == END:
                depth[holder[bundle]] = size
                path[size] = holder[bundle]
                size += 1
            else:
                start = depth[holder[bundle]]
                spare = holds[path[start]]
                for j in range(start, size):
                    holds[path[j]] = holds[path[j + 1]] if j + 1 < size else spare
                    depth[path[j]] = END
                for j in range(start, size):
                    holder[holds[path[j]]] = path[j]
                size = start
                if size == 0:
                    path[0], depth[first], size = first, 0, 1
    return order


@Compiled
def _columns(
    items: NDArray[np.int64],
    lengths: NDArray[np.int64],
    bundles: NDArray[np.int64],
    holds: NDArray[np.int64],
    n: int,
) -> Places:
    """Return the items of each user's bundle as columns of the user's candidates."""
    places = np.full(bundles.shape, END)
    column = np.zeros(n, dtype=np.int64)
    for u in range(len(items)):
        for j in range(lengths[u]):
            column[items[u, j]] = j
        for j in range(bundles.shape[1]):
            if bundles[holds[u], j] != END:
                places[u, j] = column[bundles[holds[u], j]]
    return places


@dataclass(frozen=True, kw_only=True, eq=False)
class FairRecPlus(Reranker):
    """FairRec, with lists passed on along circles of envy: users like theirs better.

    See `fairrec_plus`. Lists are allocated together and sorted by score. Groups are not used.

    Attributes:
        alpha: Part of the equal share of places that every item is promised, in [0, 1].
    """

    name: ClassVar[str] = "fairrec_plus"
    strength: ClassVar[str] = "alpha"

    alpha: float = 0.5

    def __post_init__(self) -> None:
        check_alpha(self.alpha)

    def rerank(self, batch: Batch, state: Any = None) -> Reranked:
        return fairrec_plus(batch.candidates, k=batch.k, alpha=self.alpha)
