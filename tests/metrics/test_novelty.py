"""Novelty against literal definitions, and what is made of items that nobody had."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_lists import N_ITEMS, K, counts, known, many_lists

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.item_lists import END, ItemLists
from fairrec.metrics.novelty import (
    expected_free_discovery,
    expected_popularity_complement,
    mean_self_information,
    self_information,
)

POPULARITY = np.array([4.0, 2.0, 2.0, 0.0])


def test_self_information_by_hand() -> None:
    np.testing.assert_array_equal(self_information(POPULARITY), [1, 2, 2, np.nan])
    np.testing.assert_array_equal(self_information(POPULARITY, total=4), [0, 1, 1, np.nan])
    np.testing.assert_array_equal(self_information(POPULARITY, least=1), [1, 2, 2, 3])
    assert np.isnan(self_information([0.0, 0.0])).all()
    assert np.isnan(self_information([0.0, 0.0], least=1)).all()


@given(many_lists(), counts(least=1), st.sampled_from([6.0, 10.0, 100.0]))
def test_mean_over_known_items(lists: ItemLists, popularity: np.ndarray, users: float) -> None:
    want = [
        sum(-math.log2(popularity[item] / users) for item in row) / len(row) if row else math.nan
        for row in known(lists)
    ]
    found = mean_self_information(lists, popularity, total=users)
    np.testing.assert_allclose(found, want, atol=1e-12)
    # Against interactions it is the same but for a constant.
    other = mean_self_information(lists, popularity)
    np.testing.assert_allclose(other - found, np.log2(popularity.sum() / users) + 0 * found)


def test_items_that_nobody_had_are_left_out_or_raised_never_0() -> None:
    lists = ItemLists(np.array([[0, 3], [3, END]]), 4)
    np.testing.assert_array_equal(mean_self_information(lists, POPULARITY), [1, np.nan])
    np.testing.assert_array_equal(mean_self_information(lists, POPULARITY, least=1), [2, 3])
    weight = 1 / math.log2(3)
    found = expected_free_discovery(lists, POPULARITY)
    np.testing.assert_allclose(found, [(1 + 3 * weight) / (1 + weight), 3])
    np.testing.assert_allclose(expected_free_discovery(lists, POPULARITY, least=0), [1, np.nan])
    # As a complement they are defined: nobody knows them.
    np.testing.assert_allclose(expected_popularity_complement(lists, POPULARITY, 4)[1], 1)


@given(
    many_lists(),
    counts(least=1),
    st.sampled_from([None, Browsing("uniform"), Browsing("rbp", patience=0.5)]),
    st.integers(0, 99),
)
def test_discounted_by_rank_and_gated_by_relevance(
    lists: ItemLists, popularity: np.ndarray, browsing: Browsing | None, seed: int
) -> None:
    relevance = np.random.default_rng(seed).integers(0, 3, (len(lists), K)) / 2
    weights = (browsing or Browsing("log2")).weights(K)
    total = popularity.sum()
    epc, efd = [], []
    for row, items in enumerate(lists.items.tolist()):
        whole = sum(w for w, item in zip(weights, items, strict=True) if item != END)
        gates = [
            (w * relevance[row, rank], popularity[item])
            for rank, (w, item) in enumerate(zip(weights, items, strict=True))
            if item >= 0
        ]
        epc.append(sum(g * (1 - p / 10) for g, p in gates) / whole if whole else math.nan)
        efd.append(sum(-g * math.log2(p / total) for g, p in gates) / whole if whole else math.nan)
    found = expected_popularity_complement(lists, popularity, 10, relevance, browsing)
    np.testing.assert_allclose(found, epc, atol=1e-12)
    found = expected_free_discovery(lists, popularity, None, relevance, browsing)
    np.testing.assert_allclose(found, efd, atol=1e-12)


def test_without_relevance_every_item_counts() -> None:
    lists = ItemLists(np.arange(N_ITEMS)[None, :K], N_ITEMS)
    popularity = np.arange(1.0, N_ITEMS + 1)
    np.testing.assert_allclose(
        expected_popularity_complement(lists, popularity, 10),
        expected_popularity_complement(lists, popularity, 10, np.ones((1, K))),
    )
    assert expected_popularity_complement(lists, np.full(N_ITEMS, 10.0), 10)[0] == 0


def test_bad_input() -> None:
    lists = ItemLists(np.array([[0, 1]]), 4)
    for popularity in ([-1.0, 1, 1, 1], [np.nan, 1, 1, 1]):
        with pytest.raises(BadData, match="counts of at least 0"):
            self_information(popularity)
    with pytest.raises(BadData, match="at most the total"):
        self_information(POPULARITY, total=3)
    for least in (-1, 9):
        with pytest.raises(WrongUse, match="0 to the total"):
            self_information(POPULARITY, least=least)
    with pytest.raises(BadData, match="at most all of them"):
        expected_popularity_complement(lists, POPULARITY, 3)
    with pytest.raises(WrongUse, match="one relevance for every place"):
        expected_free_discovery(lists, POPULARITY, relevance=np.ones((1, 3)))
