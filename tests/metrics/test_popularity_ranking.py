"""PRU and PRI against SciPy's Spearman correlation, one user or item at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_lists import N_ITEMS, K, counts, many_lists
from scipy.sparse import csr_matrix
from scipy.stats import spearmanr

from fairrec.errors import WrongUse
from fairrec.metrics.item_lists import ItemLists
from fairrec.metrics.popularity_ranking import (
    popularity_rank_correlation_of_items,
    popularity_rank_correlation_of_users,
    relevant_ranks,
)


def minus_rho(x: list[float], y: list[float]) -> float:
    if len(set(x)) < 2 or len(set(y)) < 2:
        return float("nan")
    return -float(spearmanr(x, y).statistic)


def tables(n: int) -> st.SearchStrategy[np.ndarray]:
    """Draw a rank, 0 for none, of every item for n users; ties are many."""
    row = st.lists(st.integers(0, 4), min_size=N_ITEMS, max_size=N_ITEMS)
    return st.lists(row, min_size=n, max_size=n).map(lambda rows: np.array(rows, dtype=float))


@given(tables(4), counts())
def test_users_and_items(ranks: np.ndarray, popularity: np.ndarray) -> None:
    want = [minus_rho(popularity[row > 0].tolist(), row[row > 0].tolist()) for row in ranks]
    found = popularity_rank_correlation_of_users(csr_matrix(ranks), popularity)
    np.testing.assert_allclose(found, want, atol=1e-9)
    liked = [item for item in range(N_ITEMS) if ranks[:, item].any()]
    means = [ranks[ranks[:, item] > 0, item].mean() for item in liked]
    found = popularity_rank_correlation_of_items(csr_matrix(ranks), popularity)
    np.testing.assert_allclose(found, minus_rho(popularity[liked].tolist(), means), atol=1e-9)


@given(tables(3), counts())
def test_only_the_order_of_popularity_counts(ranks: np.ndarray, popularity: np.ndarray) -> None:
    table = csr_matrix(ranks)
    np.testing.assert_allclose(
        popularity_rank_correlation_of_users(table, popularity),
        popularity_rank_correlation_of_users(table, np.exp(popularity)),
        atol=1e-12,
    )


def test_ends() -> None:
    popularity = [9.0, 5.0, 5.0, 1.0]
    first = [[1, 2.5, 2.5, 4], [4, 2.5, 2.5, 1], [0, 1, 2, 0], [3, 0, 0, 0], [0, 0, 0, 0]]
    found = popularity_rank_correlation_of_users(csr_matrix(np.array(first)), popularity)
    np.testing.assert_allclose(found, [1, -1, np.nan, np.nan, np.nan], atol=1e-12)
    assert popularity_rank_correlation_of_items(
        csr_matrix([[1.0, 2, 2, 3]]), popularity
    ) == pytest.approx(1)
    assert np.isnan(popularity_rank_correlation_of_items(csr_matrix([[1.0, 0, 0, 0]]), popularity))
    assert np.isnan(popularity_rank_correlation_of_items(csr_matrix((2, 4)), popularity))
    assert popularity_rank_correlation_of_users(csr_matrix((0, 4)), popularity).shape == (0,)


@given(many_lists(3), tables(3), st.sampled_from([None, K + 1.0, 30.0]))
def test_ranks_of_what_users_like(
    lists: ItemLists, liked: np.ndarray, unlisted: float | None
) -> None:
    found = relevant_ranks(lists, csr_matrix(liked), unlisted).toarray()
    for row, items in enumerate(lists.items.tolist()):
        for item in range(N_ITEMS):
            want = items.index(item) + 1 if item in items else unlisted or 0
            assert found[row, item] == (want if liked[row, item] else 0)


def test_a_popular_item_that_is_missed_counts_when_it_has_a_rank() -> None:
    lists = ItemLists(np.array([[1, 2, 3]]), 4)
    liked = csr_matrix([[1.0, 1.0, 0.0, 1.0]])
    popularity = [9.0, 5.0, 3.0, 1.0]
    hits = popularity_rank_correlation_of_users(relevant_ranks(lists, liked), popularity)
    assert hits[0] == pytest.approx(1)
    all_liked = popularity_rank_correlation_of_users(relevant_ranks(lists, liked, 4), popularity)
    assert all_liked[0] == pytest.approx(-0.5)


def test_bad_input() -> None:
    lists = ItemLists(np.array([[0, 1]]), 3)
    with pytest.raises(WrongUse, match="a rank above 2"):
        relevant_ranks(lists, csr_matrix((1, 3)), unlisted=2)
    with pytest.raises(WrongUse, match="lists by catalogue"):
        relevant_ranks(lists, csr_matrix((1, 4)))
    with pytest.raises(WrongUse, match="one per item"):
        popularity_rank_correlation_of_users(csr_matrix((1, 3)), [1.0])
    with pytest.raises(WrongUse, match="one per item"):
        popularity_rank_correlation_of_items(csr_matrix((1, 3)), [1.0])
