"""What an allocation of items to lists still lacks: places for items, and lists nobody envies.

Greedy rounds can end with an item below its minimum (those who could still take it have it), and
with a list that somebody would prefer by more than one item. Both are put right by exchanges
that leave every list as long as it is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fairrec.metrics.item_lists import END
from fairrec.mitigations.rerankers.candidates import Candidates, Places
from fairrec.mitigations.rerankers.compiled import Compiled

SWEEPS = 100
"""Times that all lists are looked through for envy; two or three are the rule."""

SLACK = 1e-12
"""Part of a worth that is rounding."""


def complete(candidates: Candidates, places: Places, minimum: int, repair: bool = True) -> int:
    """Fill lists up, keep both promises, and return how many places items miss in all.

    A list's free places go to its best candidates. Then items below the minimum are given places
    of items above it, by the shortest chains of exchanges and the cheapest last links: what is
    missed in the end is as little as these candidates allow. Last, envy by more than one item is
    undone, which takes no item below the minimum.

    Args:
        candidates: m lists; scores are at least 0.
        places: Shape (m, k): what the lists have already; changed in place.
        minimum: Places that every candidate of any list is to have.
        repair: Whether to do more than to fill the lists.
    """
    items, scores = candidates.items, candidates.scores
    _fill(candidates.lengths, places)
    counts = candidates.lists(places).counts()
    wanted = np.zeros(candidates.n_items, dtype=bool)
    wanted[items[candidates.listed]] = True
    if repair and (counts[wanted] < minimum).any():
        rows, columns = np.nonzero(candidates.listed)
        order = np.argsort(items[rows, columns], kind="stable")
        ends = np.cumsum(np.bincount(items[rows, columns], minlength=candidates.n_items))
        starts = np.concatenate([[0], ends])
        _meet_minimum(items, scores, places, counts, minimum, starts, rows[order], columns[order])
    if repair and minimum > 0:  # else all have their best, and envy nobody
        _undo_envy(candidates, places, counts, minimum)
    return int(np.maximum(minimum - counts[wanted], 0).sum())


@Compiled
def _fill(lengths: NDArray[np.int64], places: Places) -> None:
    """Put each list's best candidates, as far as it does not have them, into its free places."""
    m, k = places.shape
    for u in range(m):
        size = 0
        while size < k and places[u, size] != END:
            size += 1
        had = np.zeros(lengths[u], dtype=np.bool_)
        for j in range(size):
            had[places[u, j]] = True
        best = 0
        while size < k and best < lengths[u]:
            if not had[best]:
                places[u, size] = best
                size += 1
            best += 1


@Compiled
def _meet_minimum(
    items: NDArray[np.int64],
    scores: NDArray[np.float64],
    places: Places,
    counts: NDArray[np.int64],
    minimum: int,
    starts: NDArray[np.int64],
    users: NDArray[np.int64],
    columns: NDArray[np.int64],
) -> None:
    """Give items below the minimum places of items above it, as long as there is a way.

    A way is a chain: a list takes the item that is short for one that it has, another list takes
    that one, and so on, until what is given is above the minimum. Without a chain nothing more can
    be done for the item, nor by way of any item that the search has met: the argument is that of
    augmenting paths in flows.

    Args:
        items: Shape (m, c), and `scores`: the candidates.
        places: Shape (m, k), and `counts`, shape (N,): changed in place.
        minimum: What every candidate is to have.
        starts: Shape (N + 1,): where in `users` and `columns` the lists begin that each item is
            a candidate of.
    """
    m, k = places.shape
    n = len(counts)
    had = np.zeros(items.shape, dtype=np.bool_)
    for u in range(m):
        for j in range(k):
            if places[u, j] != END:
                had[u, places[u, j]] = True
    dead = np.zeros(n, dtype=np.bool_)
    queue = np.zeros(n, dtype=np.int64)
    # How each item met would be given away: by whom, from which place, for which candidate.
    giver, place, instead = np.zeros((3, n), dtype=np.int64)
    for short in range(n):
        while starts[short] < starts[short + 1] and counts[short] < minimum and not dead[short]:
            met = dead.copy()
            met[short] = True
            queue[0] = short
            head, tail, last = 0, 1, END
            while head < tail and last == END:
                item = queue[head]
                head += 1
                least = np.inf
                for entry in range(starts[item], starts[item + 1]):
                    u, column = users[entry], columns[entry]
                    if had[u, column]:
                        continue
                    for j in range(k):
                        if places[u, j] == END:
                            break
                        given = items[u, places[u, j]]
                        if counts[given] > minimum:
                            loss = scores[u, places[u, j]] - scores[u, column]
                            if loss < least:
                                least, last = loss, given
                                giver[given], place[given], instead[given] = u, j, column
                        elif not met[given]:
                            met[given] = True
                            giver[given], place[given], instead[given] = u, j, column
                            queue[tail] = given
                            tail += 1
            if last == END:
                dead[queue[:tail]] = True
                break
            counts[short] += 1
            counts[last] -= 1
            given = last
            while given != short:
                u, j, column = giver[given], place[given], instead[given]
                had[u, places[u, j]] = False
                had[u, column] = True
                places[u, j] = column
                given = items[u, column]


def _undo_envy(
    candidates: Candidates, places: Places, counts: NDArray[np.int64], minimum: int
) -> None:
    """Exchange items until nobody envies anybody by more than one item, or nobody can exchange."""
    items, scores, lengths = candidates.items, candidates.scores, candidates.lengths
    for _ in range(SWEEPS):
        envied = _envied(items, scores, lengths, places, counts)
        changed = 0
        for u in np.flatnonzero(envied != END):
            changed += _exchange(items, scores, lengths, places, counts, minimum, u, envied[u])
        if changed == 0:
            break


@Compiled
def _envied(
    items: NDArray[np.int64],
    scores: NDArray[np.float64],
    lengths: NDArray[np.int64],
    places: Places,
    counts: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return whom each user envies most by more than one item, `END` where nobody; shape (m,).

    u envies v by more than one item if v's list, without its best item for u, is worth more to u
    than u's own. Who has at least the worth of the k best candidates without the first can envy
    nobody so. All others are compared with those who hold any of their candidates.
    """
    m, k = places.shape
    starts = np.zeros(len(counts) + 1, dtype=np.int64)
    starts[1:] = np.cumsum(counts)
    free = starts[:-1].copy()
    holders = np.zeros(starts[-1], dtype=np.int64)
    for v in range(m):
        for j in range(k):
            if places[v, j] != END:
                item = items[v, places[v, j]]
                holders[free[item]] = v
                free[item] += 1
    envied = np.full(m, END)
    found_by = np.full(m, END)
    rest = np.zeros(m)  # worth of v's list for u, without its best item
    for u in range(m):
        own, enough = 0.0, 0.0
        for j in range(min(k, lengths[u])):
            own += scores[u, places[u, j]]
            enough += scores[u, j] if j > 0 else 0.0
        most = own * (1 + SLACK)
        if most >= enough:
            continue
        for j in range(lengths[u]):  # best first: what is met first is a list's best item
            for entry in range(starts[items[u, j]], starts[items[u, j] + 1]):
                v = holders[entry]
                if found_by[v] != u:
                    found_by[v] = u
                    rest[v] = 0.0
                else:
                    rest[v] += scores[u, j]
                    if rest[v] > most:
                        most = rest[v]
                        envied[u] = v
    return envied


@Compiled
def _exchange(
    items: NDArray[np.int64],
    scores: NDArray[np.float64],
    lengths: NDArray[np.int64],
    places: Places,
    counts: NDArray[np.int64],
    minimum: int,
    u: int,
    v: int,
) -> int:
    """Better u's list until u does not envy v by more than one item; return the exchanges made.

    u gives an item that has more places than it must for the best candidate beyond the list. Where
    no item has, u gives one for one of v's: of such exchanges that better u's list, the one that
    leaves the largest product of the worths of both lists. No item is left with fewer places than
    the minimum, or with fewer than it had.
    """
    k = places.shape[1]
    in_u = np.full(len(counts), END)  # where an item is among u's candidates
    in_v = np.full(len(counts), END)
    for j in range(lengths[u]):
        in_u[items[u, j]] = j
    for j in range(lengths[v]):
        in_v[items[v, j]] = j
    made = 0
    while made < 2 * k:
        had_u = np.zeros(lengths[u] + 1, dtype=np.bool_)
        had_v = np.zeros(lengths[v] + 1, dtype=np.bool_)
        own, worth, best, theirs = 0.0, 0.0, 0.0, 0.0
        for j in range(k):
            own += scores[u, places[u, j]]
            had_u[places[u, j]] = True
            if places[v, j] != END:
                theirs += scores[v, places[v, j]]
                had_v[places[v, j]] = True
                at = in_u[items[v, places[v, j]]]
                if at != END:
                    worth += scores[u, at]
                    best = max(best, scores[u, at])
        if worth - best <= own * (1 + SLACK):
            break
        other = 0
        while had_u[other]:
            other += 1
        give, gain = END, 0.0
        for i in range(k):
            more = scores[u, other] - scores[u, places[u, i]]
            if counts[items[u, places[u, i]]] > minimum and more > gain:
                give, gain = i, more
        if give != END:
            counts[items[u, places[u, give]]] -= 1
            counts[items[u, other]] += 1
            places[u, give] = other
            made += 1
            continue
        largest, get = -np.inf, END
        for i in range(k):
            to_v = in_v[items[u, places[u, i]]]
            if to_v == END or had_v[to_v]:
                continue
            for j in range(k):
                if places[v, j] == END:
                    break
                to_u = in_u[items[v, places[v, j]]]
                if to_u == END or had_u[to_u]:
                    continue
                more = scores[u, to_u] - scores[u, places[u, i]]
                less = scores[v, places[v, j]] - scores[v, to_v]
                product = (own + more) * (theirs - less)
                if more > 0 and product > largest:
                    give, get, largest = i, j, product
        if get == END:
            break
        to_u = in_u[items[v, places[v, get]]]
        places[v, get] = in_v[items[u, places[u, give]]]
        places[u, give] = to_u
        made += 1
    return made
