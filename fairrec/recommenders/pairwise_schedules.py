"""Which candidates to compare with which: all pairs, a sorting network, or a Swiss tournament.

A schedule is a generator. It yields rounds of pairs (no two rounds can be asked at once), is sent
for each pair how probable it is that the first is preferred, and returns the order and, where it
has them, a score for each candidate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Pair = tuple[int, int]
Schedule = Generator[list[Pair], Sequence[float], tuple[Sequence[int], NDArray[np.float64] | None]]


def all_pairs(n: int) -> Schedule:
    """Compare each with each, n (n - 1) / 2 pairs in one round; the score is the mean share won
    (Qin et al., "Large Language Models are Effective Text Rankers with Pairwise Ranking
    Prompting", 2023, PRP-Allpair)."""
    pairs = list(combinations(range(n), 2))
    won = np.zeros(n)
    preferred = (yield pairs) if pairs else []
    for (first, second), p in zip(pairs, preferred, strict=True):
        won[first] += p
        won[second] += 1 - p
    scores = won / max(n - 1, 1)
    return np.argsort(-scores, kind="stable").tolist(), scores


def sorting_network(n: int) -> Schedule:
    """Sort by Batcher's odd-even merge sort (Batcher 1968): about n log2(n)^2 / 4 pairs in rounds
    that can each be asked at once. With preferences that form an order, it finds the order."""
    order = list(range(n))
    for comparators in network(n):
        pairs = [(order[a], order[b]) for a, b in comparators]
        preferred = yield pairs
        for (a, b), p in zip(comparators, preferred, strict=True):
            if p < 0.5:
                order[a], order[b] = order[b], order[a]
    return order, None


def swiss(n: int) -> Schedule:
    """Let neighbours in the standings who have not met meet, for ceil(log2 n) + 1 rounds of n / 2
    pairs. Ties go to who met the stronger (Buchholz), then to the order shown."""
    points = np.zeros(n)
    met: set[frozenset[int]] = set()
    rounds = min(n - 1, math.ceil(math.log2(n)) + 1) if n > 1 else 0
    for _ in range(rounds):
        pairs = _neighbours(np.argsort(-points, kind="stable").tolist(), met)
        byes = set(range(n)) - {place for pair in pairs for place in pair}
        preferred = yield pairs
        for (first, second), p in zip(pairs, preferred, strict=True):
            points[first] += p
            points[second] += 1 - p
        met |= {frozenset(pair) for pair in pairs}
        for place in byes:
            points[place] += 0.5
    strength = np.zeros(n)
    for first, second in met:
        strength[first] += points[second]
        strength[second] += points[first]
    order = sorted(range(n), key=lambda place: (-points[place], -strength[place], place))
    return order, points / max(rounds, 1)


def _neighbours(standings: list[int], met: set[frozenset[int]]) -> list[Pair]:
    """Pair each with the next in the standings whom it has not met; who has met all sits out."""
    pairs: list[Pair] = []
    left = list(standings)
    while left:
        first = left.pop(0)
        second = next((other for other in left if frozenset((first, other)) not in met), None)
        if second is not None:
            left.remove(second)
            pairs.append((first, second))
    return pairs


def network(n: int) -> list[list[Pair]]:
    """Return Batcher's network: rounds of comparators (a, b), a before b, none touching another."""
    rounds: list[list[Pair]] = []
    size = 1
    while size < n:
        step = size
        while step:
            comparators = [
                (i + j, i + j + step)
                for j in range(step % size, n - step, 2 * step)
                for i in range(min(step, n - j - step))
                if (i + j) // (2 * size) == (i + j + step) // (2 * size)
            ]
            rounds.append(comparators)
            step //= 2
        size *= 2
    return rounds


SCHEDULES: Mapping[str, Callable[[int], Schedule]] = {
    "all_pairs": all_pairs,
    "sorting_network": sorting_network,
    "swiss": swiss,
}


def count_pairs(schedule: str, n: int) -> int:
    """Return how many pairs of `n` candidates a schedule compares."""
    going = SCHEDULES[schedule](n)
    total, answers = 0, None
    try:
        while True:
            pairs = next(going) if answers is None else going.send(answers)
            total += len(pairs)
            answers = [1.0] * len(pairs)
    except StopIteration:
        return total
