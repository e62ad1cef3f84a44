"""How much faster the batched list similarities are than a plain loop over pairs.

    python benchmarks/batched_similarity.py [--pairs 100000] [--k 20]

Two loops stand beside them. "loop" calls the single-list functions of
`fairrec.metrics.similarity` pair by pair: the same measure, defaults and checks. "bare loop" is
the formula alone, written with sets and dictionaries, for lists that are known to be full and
free of repeats: the least that Python can do. Each side starts from data in the form it likes
best (lists of item ids, integer-coded arrays); what encoding takes is printed too. The best of
several rounds counts, for every side.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

import numpy as np

from fairrec.metrics.batched_similarity import SIMILARITIES, encode_lists
from fairrec.metrics.similarity import jaccard, prag, serp

CATALOGUE = 3_000
POOL = 40
"""Each pair draws its two lists from this many items, so that they overlap by a third."""

List = Sequence[str]


def bare_jaccard(x: List, y: List) -> float:
    left, right = set(x), set(y)
    return len(left & right) / len(left | right)


def bare_serp(x: List, y: List) -> float:
    size, reference = len(x), set(y)
    total = 0
    for place, item in enumerate(x):
        if item in reference:
            total += size - place
    return total / (size * (size + 1) / 2)


def bare_prag(x: List, y: List) -> float:
    size, place = len(x), {item: j for j, item in enumerate(y)}
    count = 0
    for i, first in enumerate(x):
        if first in place:
            for second in x[i + 1 :]:
                if second not in place or place[first] < place[second]:
                    count += 1
    return count / (size * (size - 1) / 2)


LOOPS: dict[str, tuple[Callable[[List, List], float], Callable[[List, List], float]]] = {
    "jaccard": (jaccard, bare_jaccard),
    "serp": (serp, bare_serp),
    "prag": (prag, bare_prag),
}


def best_seconds(work: Callable[[], object], rounds: int) -> float:
    """Return the shortest of several runs."""
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def show(name: str, single: float, bare: float, batched: float) -> None:
    print(
        f"{name:8} {batched * 1e3:7.1f} ms {single * 1e3:7.0f} ms {single / batched:5.0f}x"
        f" {bare * 1e3:9.0f} ms {bare / batched:5.0f}x"
    )


def main() -> None:
    """Print seconds and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--k", type=int, default=20)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    titles = np.array([f"title {number}" for number in range(CATALOGUE)], dtype=object)
    xs, ys = [], []
    for _ in range(arguments.pairs):
        pool = titles[rng.choice(CATALOGUE, POOL, replace=False)]
        for side in (xs, ys):
            side.append(rng.permutation(pool)[: arguments.k].tolist())

    encoding = best_seconds(lambda: encode_lists([*xs, *ys]), 2)
    coded = encode_lists([*xs, *ys])
    x, y = coded[: len(xs)], coded[len(xs) :]
    print(f"{arguments.pairs:,} pairs, K={arguments.k}; encoding all lists: {encoding:.2f} s")
    print(f"{'':8} {'batched':>10} {'loop':>10} {'ratio':>6} {'bare loop':>12} {'ratio':>6}")
    totals = np.zeros(3)
    for name, loops in LOOPS.items():
        seconds = []
        for loop in loops:
            assert np.array_equal(SIMILARITIES[name](x, y), list(map(loop, xs, ys))), name
            seconds.append(
                best_seconds(lambda f=loop: [f(a, b) for a, b in zip(xs, ys, strict=True)], 2)
            )
        seconds.append(best_seconds(lambda f=SIMILARITIES[name]: f(x, y), 10))
        totals += seconds
        show(name, *seconds)
    show("together", *totals)


if __name__ == "__main__":
    main()
