"""Sums over lists equal literal loops, in one go or in parts."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from fairrec.audits.exposure_sums import ExposureSums
from fairrec.audits.popularity_sums import PopularitySums
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.item_groups import group_items
from fairrec.metrics.item_lists import END, OFF, ItemLists, relevant_items
from fairrec.metrics.popularity_parts import split_by_items

N = 40


def lists(n: int = 60, k: int = 6) -> ItemLists:
    rng = np.random.default_rng(3)
    items = np.array([rng.permutation(N)[:k] for _ in range(n)])
    items[rng.random(items.shape) < 0.1] = OFF
    for row, length in enumerate(rng.integers(0, k + 1, n)):
        items[row, length:] = END
    return ItemLists(items, N)


@pytest.mark.parametrize("column", [["a", "b", None, "c"] * 10, ["a", "a|b", "b", "c"] * 10])
def test_exposure_is_added_up_place_by_place(column: list[str | None]) -> None:
    some, groups = lists(), group_items(column)
    sums = ExposureSums(N, some.k, groups, [Browsing("log2"), Browsing("uniform")])
    sums.update(some, np.arange(len(some)))
    total, by_rank = np.zeros(N), np.zeros((some.k, len(groups)))
    member = groups.membership.toarray()
    off = given = 0.0
    for row in some.items:
        for rank, item in enumerate(row):
            weight = 1 / np.log2(rank + 2)
            if item == END:
                continue
            given += weight
            if item == OFF:
                off += weight
                continue
            total[item] += weight
            by_rank[rank] += member[item]
    np.testing.assert_allclose(sums.items.total, total)
    np.testing.assert_allclose(sums.by_rank, by_rank)
    np.testing.assert_allclose(sums.lists.sums["groups 0"].sum(axis=0), total @ member)
    assert sums.lists.sums["off 0"].sum() == pytest.approx(off)
    assert sums.lists.sums["all 0"].sum() == pytest.approx(given)
    assert sums.lists.sums["all 1"].sum() == some.lengths.sum()
    assert sums.n_lists == (some.lengths > 0).sum()


def test_parts_add_up_to_the_whole() -> None:
    some = lists()
    liked = relevant_items(
        [{str(i): 1.0 for i in range(u % 5)} for u in range(60)], {str(i): i for i in range(N)}
    )
    groups = group_items(["a", "b"] * 20)
    popularity = np.arange(N, 0, -1.0)
    parts = split_by_items(popularity, (0.2, 0.5))

    def made() -> tuple[ExposureSums, PopularitySums]:
        return ExposureSums(N, 6, groups, [Browsing("log2")]), PopularitySums(popularity, parts)

    whole, first, second = made(), made(), made()
    users = np.arange(60)
    for of, rows in ((whole, slice(None)), (first, slice(0, 25)), (second, slice(25, None))):
        for sums in of:
            sums.update(ItemLists(some.items[rows], N), users[rows], liked[rows])
    for all_of, one, other in zip(whole, first, second, strict=True):
        one.merge(other)  # type: ignore[arg-type]
        for name, table in all_of.lists.sums.items():
            np.testing.assert_allclose(one.lists.sums[name], table, err_msg=name)
        np.testing.assert_allclose(one.counts, all_of.counts)
        assert (one.users, one.n_lists) == (all_of.users, all_of.n_lists)


def test_ten_thousand_groups_take_the_room_of_the_largest_and_the_rest() -> None:
    """As they are, lists by groups would be 400 MB."""
    n_items, n, k = 20_000, 5_000, 10
    every = group_items([f"group {i % 10_000}" for i in range(n_items)])
    items = np.random.default_rng(0).permuted(np.tile(np.arange(n_items), (50, 1)), axis=1)
    some = ItemLists(items.reshape(-1, k)[:n].astype(np.int32), n_items)
    tracemalloc.start()
    try:
        sums = ExposureSums(n_items, k, every.largest(20), [Browsing("log2")])
        sums.update(some, np.arange(n))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 60e6
    assert sums.lists.sums["groups 0"].shape == (1000, 21)
    given = sums.lists.sums["groups 0"].sum(axis=0)
    assert given.sum() == pytest.approx(n * Browsing("log2").weights(k).sum())
    assert given[:20].sum() < 0.02 * given[20]


def test_popularity_is_averaged_list_by_list() -> None:
    some = lists()
    popularity = np.array([0.0, *np.random.default_rng(1).integers(1, 50, N - 1)])
    parts = split_by_items(popularity, (0.2,))
    sums = PopularitySums(popularity, parts)
    sums.update(some, np.arange(len(some)))
    arp, logs, tails = [], [], []
    for row in some.items:
        known = row[row >= 0]
        if len(known):
            arp.append(popularity[known].mean())
            positive = popularity[known][popularity[known] > 0]
            if len(positive):
                logs.append(np.log(positive).mean())
            tails.append((parts.codes[known] == 1).sum())
    assert sums.lists.mean("arp") == pytest.approx(np.mean(arp))
    assert sums.lists.mean("log_popularity") == pytest.approx(np.mean(logs))
    assert sums.lists.mean("aclt") == pytest.approx(np.mean(tails))
    held = [popularity[row[0]] for row in some.items if row[0] >= 0]
    assert sums.lists.mean("places")[0] == pytest.approx(np.mean(held))
