"""Sums of popularity are what counting list by list gives, however they are put together."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from fairrec.audits.popularity_findings import PopularityJudge
from fairrec.audits.popularity_sums import PopularitySums
from fairrec.metrics.item_lists import END, OFF, ItemLists
from fairrec.metrics.popularity_parts import split_by_interactions

N, K = 60, 6
RNG = np.random.default_rng(11)
POPULARITY = np.where(np.arange(N) < 50, np.floor(400 / (1 + np.arange(N))), 0.0)
PARTS = split_by_interactions(POPULARITY, (0.2, 0.8))


def random_lists(n: int, k: int = K, seed: int = 0, shortest: int = 0) -> ItemLists:
    """Lists of any length, with places that are off the catalogue."""
    rng = np.random.default_rng(seed)
    items = np.stack([rng.permutation(N)[:k] for _ in range(n)]).astype(np.int32)
    items[rng.random((n, k)) < 0.1] = OFF
    ends = rng.integers(shortest, k + 1, n)
    items[np.arange(k) >= ends[:, None]] = END
    return ItemLists(items, N)


def summed(*batches: tuple[ItemLists, np.ndarray]) -> PopularitySums:
    sums = PopularitySums(POPULARITY, PARTS)
    for lists, users in batches:
        sums.update(lists, users)
    return sums


def literal(lists: ItemLists, of) -> float:
    """Return the mean over lists of the mean over their items, NaN left out."""
    means = []
    for row in lists.items:
        values = [of(item) for item in row if item >= 0]
        values = [value for value in values if not np.isnan(value)]
        if values:
            means.append(np.mean(values))
    return float(np.mean(means))


def test_means_are_those_counted_list_by_list() -> None:
    lists = random_lists(200)
    sums = summed((lists, np.arange(200)))
    whole = POPULARITY.sum()

    def log(item: int) -> float:
        return float(np.log(POPULARITY[item])) if POPULARITY[item] else np.nan

    def bits(item: int) -> float:
        return float(-np.log2(POPULARITY[item] / whole)) if POPULARITY[item] else np.nan

    def place(item: int) -> float:
        more = (POPULARITY[item] < POPULARITY).sum()
        return more + ((POPULARITY[item] == POPULARITY).sum() + 1) / 2

    for name, of in {
        "arp": lambda item: POPULARITY[item],
        "log_popularity": log,
        "self_information": bits,
        "popularity_rank": place,
    }.items():
        assert sums.lists.mean(name) == pytest.approx(literal(lists, of), rel=1e-12), name
    tails = [[item for item in row if item >= 0] for row in lists.items]
    count = [sum(PARTS.tail[item] for item in row) for row in tails if row]
    share = [np.mean(PARTS.tail[row]) for row in tails if row]
    assert sums.lists.mean("aclt") == pytest.approx(np.mean(count), abs=1e-12)
    assert sums.lists.mean("parts")[-1] == pytest.approx(np.mean(share), abs=1e-12)
    assert sums.lists.mean("parts").sum() == pytest.approx(1, abs=1e-12)
    for rank in range(K):
        there = [POPULARITY[row[rank]] for row in lists.items if row[rank] >= 0]
        assert sums.lists.mean("places")[rank] == pytest.approx(np.mean(there), rel=1e-12)
    assert sums.counts.tolist() == lists.counts().tolist()
    assert sums.n_lists == sum(map(bool, tails))


def test_batches_and_merged_halves_give_the_whole() -> None:
    lists, users = random_lists(900, seed=3), np.arange(900) * 3
    whole = summed((lists, users))
    parts = [
        (ItemLists(lists.items[i : i + 100], N), users[i : i + 100]) for i in range(0, 900, 100)
    ]
    streamed = summed(*parts)
    merged, other = summed(*parts[:4]), summed(*parts[4:])
    merged.merge(other)
    for some in (streamed, merged):
        assert set(some.lists.sums) == set(whole.lists.sums)
        for name, sums in whole.lists.sums.items():
            np.testing.assert_allclose(some.lists.sums[name], sums, rtol=1e-12, atol=1e-9)
            np.testing.assert_array_equal(some.lists.counts[name], whole.lists.counts[name])
        np.testing.assert_array_equal(some.counts, whole.counts)
        assert (some.users, some.n_lists) == (whole.users, whole.n_lists)


def test_missing_lists_add_nothing() -> None:
    lists = random_lists(50, seed=5, shortest=1)
    empty = np.full((20, K), END, dtype=np.int32)
    made_up = np.full((20, K), OFF, dtype=np.int32)
    more = ItemLists(np.vstack([lists.items, empty, made_up]).astype(np.int32), N)
    some, all_of_them = summed((lists, np.arange(50))), summed((more, np.arange(90)))
    assert some.n_lists == all_of_them.n_lists
    for name in some.lists.sums:
        np.testing.assert_array_equal(some.lists.mean(name), all_of_them.lists.mean(name))
    nothing = summed((ItemLists(empty, N), np.arange(20)))
    assert nothing.n_lists == 0
    judge = PopularityJudge(nothing, n=0, n_missing=20, draws=50)
    assert judge.tables() == {}
    assert all(f.estimate.value is None and f.estimate.reason for f in judge.findings())


def test_hits_and_chances_of_the_parts() -> None:
    lists, histories = random_lists(80, seed=7), random_lists(80, k=9, seed=8)
    liked = csr_matrix((RNG.random((80, N)) < 0.2) * 3.0)  # grades do not count, only likes
    sums = PopularitySums(POPULARITY, PARTS)
    sums.update(lists, np.arange(80), liked, histories)
    size = len(PARTS.names)
    hits, relevant, chances, listed = (np.zeros(size) for _ in range(4))
    for row in range(80):
        items = [item for item in lists.items[row] if item >= 0]
        if not items:
            continue
        likes = set(liked[row].indices.tolist())
        had = {item for item in histories.items[row].tolist() if item >= 0}
        for item in range(N):
            part = PARTS.codes[item]
            hits[part] += item in items and item in likes
            relevant[part] += item in likes
            chances[part] += item not in had
            listed[part] += item in items
    for name, expected in (
        ("part_hits", hits),
        ("part_relevant", relevant),
        ("part_chances", chances),
        ("part_counts", listed),
    ):
        assert sums.lists.sums[name].sum(axis=0).tolist() == expected.tolist(), name
    found = {f.metric: f.estimate for f in PopularityJudge(sums, n=80, draws=100).findings()}
    recall, rate = hits / relevant, listed / chances
    assert found["pop_reo"].value == pytest.approx(recall.std() / recall.mean(), abs=1e-12)
    assert found["pop_rsp"].value == pytest.approx(rate.std() / rate.mean(), abs=1e-12)


def test_items_that_nobody_had_have_no_logarithm() -> None:
    lists = ItemLists(np.array([[55, 56], [0, 57]], dtype=np.int32), N)
    sums = summed((lists, np.arange(2)))
    assert sums.lists.mean("arp") == pytest.approx(100.0)  # (0 + 200) / 2
    assert sums.lists.mean("log_popularity") == pytest.approx(np.log(400))  # of the first item
    assert sums.lists.counts["log_popularity"].sum() == 1
    only = summed((ItemLists(np.array([[55, 56]], dtype=np.int32), N), np.arange(1)))
    found = {f.id: f.estimate for f in PopularityJudge(only, n=1, draws=50).findings()}
    silent = found["popularity.items.self_information.mean"]
    assert silent.value is None
    assert silent.reason


def test_intervals_are_over_users() -> None:
    """A user asked ten times is one user: ten alike lists each do not make an interval narrow."""
    lists = random_lists(40, seed=9, shortest=K)
    once = PopularityJudge(summed((lists, np.arange(40))), n=40, draws=800)
    tenfold = ItemLists(np.repeat(lists.items, 10, axis=0), N)
    often = PopularityJudge(summed((tenfold, np.repeat(np.arange(40), 10))), n=40, draws=800)
    one, ten = (
        next(f.estimate for f in judge.findings() if f.id == "popularity.items.arp.mean")
        for judge in (once, often)
    )
    assert ten.value == pytest.approx(one.value)
    assert ten.high - ten.low == pytest.approx(one.high - one.low, rel=0.15)


def test_a_log_takes_little_time() -> None:
    n, k, n_items = 10_000, 20, 100_000
    popularity = np.floor(1e6 / (1 + np.arange(n_items)))
    rng = np.random.default_rng(0)
    items = rng.integers(0, n_items, (n, k)).astype(np.int32)
    sums = PopularitySums(popularity, split_by_interactions(popularity, (0.2, 0.8)))
    lists = ItemLists(items, n_items)
    sums.update(lists, np.arange(n))
    start = time.process_time()
    sums.update(lists, np.arange(n))
    # About 65 ns for each impression; ten times as much means that something is looped over.
    assert (time.process_time() - start) / (n * k) < 650e-9
