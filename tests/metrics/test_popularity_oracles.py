"""Popularity metrics equal published programs' values, whose definitions are spelled out here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from item_oracles import case, lists_of, positions

from fairrec.metrics.item_lists import ItemLists, relevance_at, relevant_items
from fairrec.metrics.novelty import (
    expected_free_discovery,
    expected_popularity_complement,
    mean_self_information,
    self_information,
)
from fairrec.metrics.popularity import average_popularity
from fairrec.metrics.popularity_parts import (
    PopularityParts,
    pop_reo,
    split_by_interactions,
    split_by_items,
    tail_count,
    tail_share,
)


def counted(by_item: dict[str, float]) -> np.ndarray:
    return np.array([by_item[item] for item in positions(len(by_item))], dtype=float)


class Elliot:
    """That program's data: items of training users, held-out items, lists cut at 5."""

    def __init__(self, id: str) -> None:
        one = case(id)
        inputs = one["inputs"]
        self.expected = one["expected"]
        self.lists = lists_of(inputs["recs"], inputs["cutoff"])
        seen = [str(item) for items in inputs["train"].values() for item in items]
        self.popularity = np.array([float(seen.count(item)) for item in positions()])
        self.users = len(inputs["train"])
        liked = [[str(item) for item in items] for items in inputs["test"].values()]
        self.relevant = relevant_items(liked, positions())
        self.parts = split_by_interactions(self.popularity, (0.8,))
        head = {f"{place + 1}" for place in np.flatnonzero(~self.parts.tail)}
        assert head == {str(item) for item in inputs["short_head"]}


def test_arp() -> None:
    one = Elliot("elliot_ARP")
    found = average_popularity(one.lists, one.popularity).mean()
    assert found == pytest.approx(one.expected, abs=1e-9)


def test_aclt() -> None:
    one = Elliot("elliot_ACLT")
    assert tail_count(one.lists, one.parts).mean() == pytest.approx(one.expected, abs=1e-9)


def test_epc_and_efd() -> None:
    one = Elliot("elliot_EPC")
    relevance = relevance_at(one.lists, one.relevant)
    found = expected_popularity_complement(one.lists, one.popularity, one.users, relevance)
    assert found.mean() == pytest.approx(one.expected, abs=1e-9)
    found = expected_free_discovery(one.lists, one.popularity, None, relevance)
    assert found.mean() == pytest.approx(case("elliot_EFD")["expected"], abs=1e-9)


def test_pop_reo() -> None:
    one = Elliot("elliot_PopREO")
    hits = relevance_at(one.lists, one.relevant)
    held = np.bincount(
        one.parts.codes[one.lists.items[one.lists.known]], hits[one.lists.known], minlength=2
    )
    liked = one.parts.groups.totals(np.asarray(one.relevant.sum(axis=0)).ravel())
    assert pop_reo(held, liked) == pytest.approx(one.expected, abs=1e-9)


@pytest.mark.parametrize("k", [1, 5])
def test_arp_per_user_and_by_interactions(k: int) -> None:
    one = case(f"rectools_ARP@{k}")
    lists, popularity = lists_of(one["inputs"]["recs"]).top(k), counted(one["inputs"]["popularity"])
    want = one["expected"]
    found = average_popularity(lists, popularity)
    np.testing.assert_allclose(found, list(want["per_user"].values()), atol=1e-9)
    shares = average_popularity(lists, popularity, interactions=popularity.sum())
    assert shares.mean() == pytest.approx(want["normalised_mean"], abs=1e-9)


@pytest.mark.parametrize("k", [1, 5])
def test_miuf(k: int) -> None:
    one = case(f"rectools_MIUF@{k}")
    lists, popularity = lists_of(one["inputs"]["recs"]).top(k), counted(one["inputs"]["popularity"])
    found = mean_self_information(lists, popularity, total=one["inputs"]["n_train_users"])
    np.testing.assert_allclose(found, list(one["expected"]["per_user"].values()), atol=1e-9)
    assert found.mean() == pytest.approx(one["expected"]["mean"], abs=1e-9)


def test_novelty() -> None:
    one = case("msrec_historical_item_novelty")
    found = self_information(counted(one["inputs"]["popularity"]))
    np.testing.assert_allclose(found, list(one["expected"].values()), atol=1e-9)
    one = case("msrec_novelty")
    lists = lists_of(one["inputs"]["recs"])
    found = mean_self_information(lists, counted(one["inputs"]["popularity"]))
    assert found.mean() == pytest.approx(one["expected"], abs=1e-9)


def tail_percentage(lists: ItemLists, one: dict[str, Any]) -> float:
    """That program's tail: a share of the items, the first of equal ones, or the rare ones."""
    popularity = counted(one["inputs"]["popularity"])
    ratio, n = one["inputs"]["tail_ratio"], len(popularity)
    if ratio < 1:  # ours takes the last of equal ones, so the catalogue is turned round
        parts = split_by_items(popularity[::-1], (1 - int(n * ratio) / n,))
        turned = ItemLists(n - 1 - lists.items, n)
        return float(tail_share(turned, parts).mean())
    parts = PopularityParts(("head", "tail"), (popularity <= ratio).astype(int), "rare items")
    return float(tail_share(lists, parts).mean())


@pytest.mark.parametrize("id", ["recbole_TailPercentage", "recbole_TailPercentage_tail2"])
@pytest.mark.parametrize("k", [1, 3, 5])
def test_tail_percentage(id: str, k: int) -> None:
    one = case(id)
    found = tail_percentage(lists_of(one["inputs"]["recs"]).top(k), one)
    assert found == pytest.approx(one["expected"][f"tailpercentage@{k}"], abs=6e-11)


def test_times_recommended_that_another_program_calls_popularity() -> None:
    for top in (1, 3):
        one = case(f"holisticai_top{top}")
        scores = np.array(one["inputs"]["scores"])
        turned = scores[:, ::-1] if top == 1 else scores
        order = np.argsort(-turned, axis=1, kind="stable")
        order = 3 - order if top == 1 else order
        lists = ItemLists(order[:, :top], 4)
        found = average_popularity(lists, lists.counts())
        assert found.mean() == pytest.approx(one["expected"]["arp_rec_counts"], abs=1e-9)
