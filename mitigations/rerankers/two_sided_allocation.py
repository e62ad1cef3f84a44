"""FairRec: a minimum of places for every item, and no user's list worth envying.

Patro, Biswas, Ganguly, Gummadi and Chakraborty, "FairRec: Two-Sided Fairness for Personalized
Recommendations in Two-Sided Platforms", WWW 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.item_lists import END
from fairrec.metrics.two_sided import minimum_exposure
from fairrec.mitigations.rerankers.allocation_repairs import complete
from fairrec.mitigations.rerankers.candidates import Candidates, Places, Reranked
from fairrec.mitigations.rerankers.compiled import Compiled
from fairrec.mitigations.rerankers.reranker import Batch, Reranker

Order = Literal["score", "allocation"]


def fairrec_allocation(
    candidates: Candidates,
    *,
    k: int,
    alpha: float,
    order: Order = "score",
    repair: bool = True,
) -> Reranked:
    """Return lists in which every item has ``⌊alpha · m k / n⌋`` places (FairRec, Algorithm 1).

    Users take turns, in the order of the lists: each takes the best of its candidates that it does
    not have and that still has copies, of which every item has as many as it is promised
    (Algorithm 2). When no copies are left, each list is filled up with its best candidates.

    n counts the items that are candidates of some list, and m k the places there are: a list with
    fewer than k candidates has as many places as candidates.

    Where every item is a candidate of every list (a dense matrix):

    - every item has its minimum;
    - EF1: nobody prefers another's list, less its best item, to the own list. That this can
      always be had is not proven; in tens of thousands of random cases it always was;
    - no item is twice in a list; alpha 0 gives the k best.

    Where items are candidates of some lists only, the minimum is met as far as it can be, and envy
    is undone as far as lists can exchange (in 3 of 1,000 small random cases some remains).

    The paper's rounds alone keep neither promise always. Its Algorithm 2 ends when a user has all
    items of which copies are left; its proof of EF1 takes no account of an item that two users
    both hold, taken in different rounds. We go on with the next user, then repair what is broken
    (`complete`). Where neither happens the lists are the published ones.

    Time grows with the candidates; and, for users whose lists are far below their best, with how
    many lists hold any of their candidates (on a dense matrix, m k each).

    Args:
        candidates: m lists; scores are worth, at least 0.
        k: Places of a list, at least 1.
        alpha: Part of the equal share that is promised, in [0, 1]; 0.0 changes nothing.
        order: Whether lists are sorted by score, or stand in the order of allocation as in the
            published code.
        repair: False gives the published lists, with promises broken, to compare with.

    Returns:
        Places, and a shortfall that is the same for all lists: the places that items miss in the
        whole batch, divided by m, so that shortfalls add up to all that is missing. Above 0 only
        where items are candidates of too few lists; no lists of these candidates miss less.

    Raises:
        BadData: A score is below 0.
        WrongUse: alpha is outside [0, 1].

    >>> from fairrec.mitigations.rerankers.candidates import candidate_lists
    >>> lists = candidate_lists([[0.9, 0.8, 0.1], [0.9, 0.8, 0.2], [0.9, 0.8, 0.3]])
    >>> lists.lists(fairrec_allocation(lists, k=1, alpha=1.0).places).items.tolist()
    [[0], [1], [2]]
    """
    promised, minimum = promise(candidates, k=k, alpha=alpha)
    places = _round_robin(candidates.items, candidates.lengths, promised, k, not repair)
    return finished(candidates, places, minimum, order, repair)


def promise(candidates: Candidates, *, k: int, alpha: float) -> tuple[NDArray[np.int64], int]:
    """Return how many places each item is promised, shape (N,), and what candidates are.

    It is 0 for items that no list can choose.
    """
    if (candidates.scores[candidates.listed] < 0).any():
        raise BadData(
            "a candidate's score is below 0.",
            expected="worths of at least 0: they are added up and compared between lists.",
            do='scale scores, such as by scale="minmax".',
        )
    offered = np.zeros(candidates.n_items, dtype=np.int64)
    offered[candidates.items[candidates.listed]] = 1
    there = int(np.minimum(candidates.lengths, k).sum())
    minimum = minimum_exposure(alpha, there, 1, max(1, int(offered.sum())))
    return offered * minimum, minimum


def finished(
    candidates: Candidates, places: Places, minimum: int, order: Order, repair: bool = True
) -> Reranked:
    """Return what rounds have begun as full lists, with promises kept and the shortfall."""
    missing = complete(candidates, places, minimum, repair)
    if order == "score":  # candidates are sorted by it, so columns are
        width = candidates.items.shape[1]
        places = np.sort(np.where(places == END, width, places), axis=1)
        places[places == width] = END
    m = len(candidates)
    return Reranked(places, np.full(m, missing / max(m, 1)))


@Compiled
def _round_robin(
    items: NDArray[np.int64],
    lengths: NDArray[np.int64],
    promised: NDArray[np.int64],
    k: int,
    halt: bool,
) -> Places:
    """Return what users take in turn, best first, while there are copies; shape (m, k).

    What is before a user's pointer is taken or has no copies left, for good: nothing is looked at
    twice. A user who can take nothing is passed over, or ends the rounds if `halt`.
    """
    m = len(items)
    places = np.full((m, k), END)
    sizes = np.zeros(m, dtype=np.int64)
    pointers = np.zeros(m, dtype=np.int64)
    copies = promised.copy()
    left = copies.sum()
    for _ in range(k):
        before = left
        for u in range(m):
            if left == 0:
                break
            best = pointers[u]
            while best < lengths[u] and copies[items[u, best]] == 0:
                best += 1
            if best < lengths[u]:
                places[u, sizes[u]] = best
                sizes[u] += 1
                copies[items[u, best]] -= 1
                left -= 1
                best += 1
            elif halt:
                return places
            pointers[u] = best
        if left == before:
            break
    return places


@dataclass(frozen=True, kw_only=True, eq=False)
class FairRec(Reranker):
    """A minimum of places for every item, no envy by more than one item among users.

    See `fairrec_allocation`. Lists are allocated together, in the order of requests, and sorted by
    score. Groups are not used.

    Attributes:
        alpha: Part of the equal share of places that every item is promised, in [0, 1].
    """

    name: ClassVar[str] = "fairrec"
    strength: ClassVar[str] = "alpha"

    alpha: float = 0.5

    def __post_init__(self) -> None:
        check_alpha(self.alpha)

    def rerank(self, batch: Batch, state: Any = None) -> Reranked:
        return fairrec_allocation(batch.candidates, k=batch.k, alpha=self.alpha)


def check_alpha(alpha: float) -> None:
    """Raise WrongUse for a part that is none."""
    if not 0 <= alpha <= 1:
        raise WrongUse(f"alpha is {alpha}.", expected="a part of the equal share, in [0, 1].")
