"""How long resampling takes: 2,000 users x 31 values x 10,000 draws, and SciPy beside it.

    python benchmarks/resampling.py [--users 2000] [--values 31] [--draws 10000] [--rounds 3]

Bootstrap and permutations are timed on the same table in the same run. SciPy's
`stats.bootstrap` and `stats.permutation_test` do the same resampling with `--slice` draws;
their seconds are scaled to all draws, which their time is proportional to. Medians of the rounds.
SciPy permutes fully; from 11 values on, permutations here are cyclic shifts in a random order, as
exact and much cheaper (see `fairrec.evidence.permutation`).
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
from scipy import stats

from fairrec.evidence import bootstrap_means, exceedance_test, permutation_test, snsr_estimate


def seconds(work: Callable[[], object], rounds: int) -> float:
    """Return the median of several runs."""
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def scipy_bootstrap(table: np.ndarray, draws: int) -> object:
    return stats.bootstrap(
        (table,), np.mean, n_resamples=draws, axis=0, batch=10, method="percentile", rng=0
    )


def scipy_permutations(table: np.ndarray, draws: int) -> object:
    """Permute the values of every user: samples are the columns, paired by user."""

    def spread(*columns: np.ndarray, axis: int) -> np.ndarray:
        return np.ptp(np.stack([c.mean(axis=axis) for c in columns]), axis=0)

    return stats.permutation_test(
        tuple(table.T),
        spread,
        permutation_type="samples",
        n_resamples=draws,
        batch=10,
        alternative="greater",
        vectorized=True,
        rng=0,
    )


def main() -> None:
    """Print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=2000)
    parser.add_argument("--values", type=int, default=31)
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--slice", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    table = rng.random((args.users, 1)) / 2 + rng.random((args.users, args.values)) / 2
    floor = rng.random((args.users, 1)) / 2 + rng.random((args.users, 1)) / 2
    scale = args.draws / args.slice
    ours = {
        "bootstrap of the means": lambda: bootstrap_means(table, rng, args.draws),
        "permutations, SNSR": lambda: permutation_test(table, "snsr", rng, args.draws),
        "exceedance test": lambda: exceedance_test(floor, table, rng, args.draws),
        "SNSR with its interval": lambda: snsr_estimate(table, rng, args.draws),
    }
    theirs = {
        "bootstrap of the means": lambda: scipy_bootstrap(table, args.slice),
        "permutations, SNSR": lambda: scipy_permutations(table, args.slice),
    }
    print(f"{args.users:,} users x {args.values} values x {args.draws:,} draws")
    print(f"{'':26} {'here':>8} {'SciPy, scaled':>15} {'ratio':>7}")
    taken = {}
    for name, work in ours.items():
        taken[name] = seconds(work, args.rounds)
        line = f"{name:26} {taken[name]:6.2f} s"
        if name in theirs:
            other = scale * seconds(theirs[name], args.rounds)
            line += f" {other:13.1f} s {other / taken[name]:6.1f}x"
        print(line, flush=True)
    both = taken["bootstrap of the means"] + taken["permutations, SNSR"]
    print(f"bootstrap and permutations together: {both:.2f} s")


if __name__ == "__main__":
    main()
