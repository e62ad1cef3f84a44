"""Several lists to one: the order that agrees with all of them best, in four senses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import WrongUse

Aggregation = Literal["rrf", "borda", "mean_score", "kemeny"]

EXACT_KEMENY = 10
"""Items up to which Kemeny's order is found exactly: time and memory double with each more."""


def aggregate(
    lists: Sequence[Sequence[str]],
    how: Aggregation,
    scores: Sequence[Sequence[float] | None] = (),
) -> list[str]:
    """Return one list of all items that any list has.

    The order of the lists does not matter, and ties go to the smaller id.

    Args:
        lists: At least one; each best first, without repeats.
        how: "rrf" (`reciprocal_rank_fusion`), "borda" (`mean_ranks`), "mean_score"
            (`mean_scores`) or "kemeny" (`kemeny_order`).
        scores: One number per item of each list, for "mean_score".

    Raises:
        WrongUse: There is no list, the method is unknown, or scores are lacking.

    >>> aggregate([["a", "b", "c"], ["b", "a", "c"], ["b", "c", "a"]], "kemeny")
    ['b', 'a', 'c']
    """
    if not lists or how not in get_args(Aggregation):
        raise WrongUse(
            f"{len(lists)} lists are to be merged by {how!r}.",
            expected=f"at least one list, and one of {', '.join(get_args(Aggregation))}.",
        )
    if how == "kemeny":
        return kemeny_order(lists)
    if how == "rrf":
        worth = reciprocal_rank_fusion(lists)
    elif how == "borda":
        worth = {item: -rank for item, rank in mean_ranks(lists).items()}
    else:
        worth = mean_scores(lists, scores)
    # Rounded, for sums in another order differ in their last bits.
    return sorted(worth, key=lambda item: (-round(worth[item], 12), item))


def reciprocal_rank_fusion(lists: Sequence[Sequence[str]], constant: int = 60) -> dict[str, float]:
    """Return ``Σ 1 / (constant + rank)`` by item, over the lists that have it.

    Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion Outperforms Condorcet and Individual
    Rank Learning Methods", SIGIR 2009; their constant is 60.
    """
    totals: dict[str, float] = {}
    for ranked in lists:
        for rank, item in enumerate(ranked, 1):
            totals[item] = totals.get(item, 0.0) + 1 / (constant + rank)
    return totals


def mean_ranks(lists: Sequence[Sequence[str]], candidates: Sequence[str] = ()) -> dict[str, float]:
    """Return the mean rank of every item over the lists, from 1, best first (Borda's count).

    Where a list leaves items out, they share the mean of the ranks behind its last item.

    Args:
        lists: At least one.
        candidates: Items that count as left out even where no list has them.

    >>> mean_ranks([["a", "b"], ["b"]], ["a", "b", "c"])
    {'a': 1.75, 'b': 1.5, 'c': 3.0}
    """
    items = dict.fromkeys([*candidates, *(item for ranked in lists for item in ranked)])
    totals = dict.fromkeys(items, 0.0)
    for ranked in lists:
        shared = (len(ranked) + 1 + len(items)) / 2
        place = {item: number for number, item in enumerate(ranked, 1)}
        for item in items:
            totals[item] += place.get(item, shared)
    return {item: total / len(lists) for item, total in totals.items()}


def mean_scores(
    lists: Sequence[Sequence[str]], scores: Sequence[Sequence[float] | None]
) -> dict[str, float]:
    """Return the mean score of every item; where a list leaves it out, that list's lowest.

    Raises:
        WrongUse: A list has no scores.
    """
    if len(scores) != len(lists) or any(some is None for some in scores):
        raise WrongUse(
            "scores are to be averaged, and a list has none.",
            expected="scores with every list.",
            do="aggregate by 'rrf', 'borda' or 'kemeny'.",
        )
    items = {item for ranked in lists for item in ranked}
    totals: dict[str, list[float]] = {item: [] for item in items}
    for ranked, given in zip(lists, scores, strict=True):
        known = dict(zip(ranked, given or (), strict=True))
        lowest = min(known.values(), default=0.0)
        for item in items:
            totals[item].append(known.get(item, lowest))
    return {item: sum(sorted(values)) / len(lists) for item, values in totals.items()}


def kemeny_order(lists: Sequence[Sequence[str]]) -> list[str]:
    """Return the order with the fewest disagreements with the lists about pairs of items.

    Kemeny, "Mathematics without Numbers", Daedalus 1959. A list that has one item of a pair puts
    it above the other; one that has neither says nothing. Exact up to `EXACT_KEMENY` items, by
    dynamic programming over sets; of longer lists the best order that no shift of one item
    betters, from Borda's.
    """
    items = sorted({item for ranked in lists for item in ranked})
    above = _preferences(lists, items)  # how many lists put row above column
    if len(items) <= EXACT_KEMENY:
        return [items[i] for i in _exact(above)]
    ranks = mean_ranks(lists)
    start = sorted(range(len(items)), key=lambda i: (round(ranks[items[i]], 12), i))
    return [items[i] for i in _shifted(above, start)]


def disagreements(order: Sequence[str], lists: Sequence[Sequence[str]]) -> int:
    """Return how many pairs the lists put the other way round than `order` does."""
    above = _preferences(lists, order)
    return int(np.tril(above, -1).sum())


def _preferences(lists: Sequence[Sequence[str]], items: Sequence[str]) -> NDArray[np.int64]:
    n = len(items)
    above = np.zeros((n, n), dtype=np.int64)
    for ranked in lists:
        place = {item: rank for rank, item in enumerate(ranked)}
        ranks = np.array([place.get(item, n + len(ranked)) for item in items])
        above += ranks[:, None] < ranks[None, :]
    return above


def _exact(above: NDArray[np.int64]) -> list[int]:
    """Return the best order: of every set of items, which one to put last."""
    n = len(above)
    cost = np.zeros(1 << n, dtype=np.int64)
    last = np.full(1 << n, -1, dtype=np.int64)
    for chosen in range(1, 1 << n):
        members = [i for i in range(n) if chosen >> i & 1]
        best = -1
        # Of equal orders the one with larger ids at the end.
        for i in reversed(members):
            # i stands below all others: every list that has it above one of them disagrees.
            total = cost[chosen ^ (1 << i)] + above[i, members].sum()
            if best < 0 or total < best:
                best, last[chosen] = total, i
        cost[chosen] = best
    order, left = [], (1 << n) - 1
    while left:
        order.append(int(last[left]))
        left ^= 1 << order[-1]
    return order[::-1]


def _shifted(above: NDArray[np.int64], order: list[int]) -> list[int]:
    """Move single items until no move lessens the disagreements."""
    better = True
    while better:
        better = False
        for item in list(order):
            place = order.index(item)
            rest = order[:place] + order[place + 1 :]
            # What it costs to stand before the first, between the others, or after the last.
            down = np.concatenate([[0], np.cumsum([above[item, other] for other in rest])])
            up = np.concatenate([[0], np.cumsum([above[other, item] for other in rest])])
            costs = down + (up[-1] - up)
            target = int(np.argmin(costs))
            if costs[target] < costs[place]:
                order, better = [*rest[:target], item, *rest[target:]], True
    return order
