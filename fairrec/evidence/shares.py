"""Whether shares of what is recommended differ between values: permutations and exact tests.

Tables have the shape n clusters x V values x G shares, NaN where a value's list is missing. Under
"which value is stated does not matter" the values of a cluster are exchangeable, as in
`fairrec.evidence.permutation`. Where every cluster has one value alone (users grouped by what
they are), clusters are exchanged instead, which takes them to be alike but for the value.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import hypergeom

ALL_ORDERS = 5_000
"""Orders of all clusters together up to which each draw is among all orders of a cluster.
Beyond, it is among cyclic shifts in an order drawn once per cluster: a group as well, which is
all that an exact test needs (Lehmann and Romano, "Testing Statistical Hypotheses", 15.2)."""
BLOCK = 4_000_000


def exchangeable_within(present: NDArray[np.bool_]) -> bool:
    """Tell whether some cluster has two values to exchange; `present` is n x V."""
    return bool((present.sum(axis=1) > 1).any())


def null_means(
    table: NDArray[np.float64], rng: np.random.Generator, draws: int
) -> tuple[Iterator[NDArray[np.float64]], bool]:
    """Return the means of permuted tables in blocks of shape (b, V, G).

    Args:
        table: n x V x G, every value present somewhere.
        rng: Source of the draws.
        draws: Permutations; all of them are looked at when there are no more than that.

    Returns:
        The blocks, and whether they hold all permutations.
    """
    present = ~np.isnan(table[:, :, 0])
    table, present = table[present.any(axis=1)], present[present.any(axis=1)]
    if not exchangeable_within(present):
        return _across(table, present, rng, draws), False
    sizes = present.sum(axis=1)
    many = math.prod(math.factorial(size) for size in sizes.tolist())
    if many <= draws:
        return _every(table, present), True
    return _within(table, present, rng, draws), False


def _moves(row: NDArray[np.float64], orders: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return a cluster's table (V x G) with its present values in each of the orders."""
    places = np.flatnonzero(~np.isnan(row[:, 0]))
    moved = np.zeros((len(orders), *row.shape))
    moved[:, places] = row[places[orders]]
    return moved


def _orders(size: int) -> NDArray[np.intp]:
    return np.array(list(permutations(range(size))), dtype=np.intp).reshape(-1, size)


def _every(table: NDArray[np.float64], present: NDArray[np.bool_]) -> Iterator[NDArray[np.float64]]:
    sums = np.zeros((1, *table.shape[1:]))
    for row, size in zip(table, present.sum(axis=1).tolist(), strict=True):
        moved = _moves(row, _orders(size))
        sums = (sums[:, None] + moved[None]).reshape(-1, *table.shape[1:])
    yield sums / present.sum(axis=0)[:, None]


def _within(
    table: NDArray[np.float64], present: NDArray[np.bool_], rng: np.random.Generator, draws: int
) -> Iterator[NDArray[np.float64]]:
    """One matrix product: which order each cluster is drawn in, times its table in that order."""
    n, values, groups = table.shape
    sizes = present.sum(axis=1).tolist()
    whole = sum(math.factorial(size) for size in sizes) <= ALL_ORDERS
    moves = []
    for row, size in zip(table, sizes, strict=True):
        cycle = rng.permutation(size)
        shifts = (np.arange(size)[:, None] + np.arange(size)) % max(size, 1)
        back = np.argsort(cycle)
        moves.append(_moves(row, _orders(size) if whole else cycle[shifts[:, back]]))
    choices = np.array([len(moved) for moved in moves])
    first = np.concatenate([[0], np.cumsum(choices)[:-1]])
    stacked = np.concatenate(moves).reshape(-1, values * groups)
    counts = present.sum(axis=0)[:, None]
    block = max(1, BLOCK // len(stacked))
    for start in range(0, draws, block):
        size = min(block, draws - start)
        chosen = np.zeros((size, len(stacked)))
        drawn = first + rng.integers(0, choices, (size, n))
        np.put_along_axis(chosen, drawn, 1.0, axis=1)
        yield (chosen @ stacked).reshape(size, values, groups) / counts


def _across(
    table: NDArray[np.float64], present: NDArray[np.bool_], rng: np.random.Generator, draws: int
) -> Iterator[NDArray[np.float64]]:
    rows = np.nansum(table, axis=1)
    labels = present.argmax(axis=1)
    counts = present.sum(axis=0)
    block = max(1, BLOCK // len(rows))
    for start in range(0, draws, block):
        drawn = rng.permuted(np.tile(labels, (min(block, draws - start), 1)), axis=1)
        means = [(drawn == v).astype(np.float64) @ rows / c for v, c in enumerate(counts)]
        yield np.stack(means, axis=1)


def presence_p_values(listed: NDArray[np.bool_], present: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return, per value, the exact p-value that an item is listed as often as anywhere else.

    Permuting a cluster's m values, r of which list the item, a value lists it with probability
    r/m: the number of its lists with the item is a sum of such coins (Poisson-binomial). Between
    clusters it is hypergeometric. Two-sided: twice the smaller tail.

    Args:
        listed: n x V, whether the item is in the list.
        present: n x V, whether there is a list.
    """
    within = exchangeable_within(present)
    chance = listed.sum(axis=1) / np.maximum(present.sum(axis=1), 1)
    known: dict[bytes, NDArray[np.float64]] = {}
    p_values = []
    for seen, own in zip(listed.sum(axis=0).tolist(), present.T, strict=True):
        if (key := chance[own].tobytes() if within else own.tobytes()) not in known:
            known[key] = (
                _poisson_binomial(chance[own])
                if within
                else hypergeom.pmf(np.arange(own.sum() + 1), present.sum(), listed.sum(), own.sum())
            )
        pmf = known[key]
        p_values.append(min(1.0, 2 * min(pmf[: seen + 1].sum(), pmf[seen:].sum())))
    return np.array(p_values)


def _poisson_binomial(chances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities of 0, 1, ... successes: one binomial per distinct chance."""
    certain = int((chances == 1).sum())
    pmf: NDArray[np.float64] = np.zeros(certain + 1)
    pmf[certain] = 1.0
    open_ = chances[(chances > 0) & (chances < 1)]
    for chance, n in zip(*np.unique(open_, return_counts=True), strict=True):
        k = np.arange(n + 1)
        ways = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
        coins = np.exp(ways + k * np.log(chance) + (n - k) * np.log1p(-chance))
        pmf = np.convolve(pmf, coins).astype(np.float64)
    return pmf
