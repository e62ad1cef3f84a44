"""Rank correlations equal SciPy's, ties and all, and know what they cannot know."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau, rankdata, spearmanr

from fairrec.errors import WrongUse
from fairrec.metrics import rank_correlation
from fairrec.metrics.rank_correlation import (
    average_ranks,
    displacement,
    kendall_tau_b,
    list_ranks,
    spearman,
)

tied = st.integers(0, 6)
two_lists = st.integers(2, 12).flatmap(
    lambda n: st.tuples(*(st.lists(tied, min_size=n, max_size=n) for _ in range(2)))
)


@given(two_lists)
def test_correlations_are_scipys(lists: tuple[list[int], list[int]]) -> None:
    x, y = lists
    assert average_ranks(x).tolist() == rankdata(x).tolist()
    if len(set(x)) < 2 or len(set(y)) < 2:
        assert np.isnan([kendall_tau_b(x, y), spearman(x, y), displacement(x, y)]).all()
        return
    assert kendall_tau_b(x, y) == pytest.approx(kendalltau(x, y).statistic, abs=1e-12)
    assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)


@given(two_lists)
def test_displacement_is_its_formula(lists: tuple[list[int], list[int]]) -> None:
    x, y = (rankdata(some) for some in lists)
    if len(set(x)) < 2 or len(set(y)) < 2:
        return
    moved = sum(abs(a - b) for a, b in zip(x, y, strict=True))
    expected = sum(abs(a - b) for a in x for b in y) / len(x)
    assert displacement(*lists) == pytest.approx(moved / expected, abs=1e-12)


def test_displacement_without_ties_is_spearmans_footrule() -> None:
    first = np.arange(6)
    all_orders = np.array(list(permutations(range(6))))
    found = displacement(first, all_orders)
    expected = 3 * np.abs(first - all_orders).sum(axis=1) / (6**2 - 1)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert found.mean() == pytest.approx(1.0)
    assert displacement(np.arange(7), np.arange(7)[::-1]) == pytest.approx(1.5)


def test_what_one_order_lacks_counts_in_neither() -> None:
    x = np.array([3.0, np.nan, 1.0, 7.0, 5.0])
    y = np.array([1.0, 2.0, np.nan, 9.0, 4.0])
    for measure in (kendall_tau_b, spearman, displacement):
        assert measure(x, y) == measure(x[[0, 3, 4]], y[[0, 3, 4]])
    nothing = np.full(5, np.nan)
    for measure in (kendall_tau_b, spearman, displacement):
        assert np.isnan(measure(x, nothing))
        assert np.isnan(measure([1.0], [2.0]))


def test_many_at_once_are_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 5, (4, 3, 7)).astype(float), rng.integers(0, 5, (3, 7)).astype(float)
    x[rng.random(x.shape) < 0.2] = np.nan
    monkeypatch.setattr(rank_correlation, "BLOCK", 100)
    for measure in (kendall_tau_b, spearman, displacement):
        together = measure(x, y)
        assert together.shape == (4, 3)
        for i, j in np.ndindex(4, 3):
            np.testing.assert_array_equal(together[i, j], measure(x[i, j], y[j]))
    assert kendall_tau_b(np.empty((0, 4)), np.empty((0, 4))).shape == (0,)


@given(st.permutations(range(8)), st.integers(1, 8))
def test_ends_of_the_scales(order: list[int], named: int) -> None:
    lists = np.full((1, 8), -1)
    lists[0, :named] = order[:named]
    ranks = list_ranks(lists, np.array([8]))[0]
    assert kendall_tau_b(ranks, ranks) == pytest.approx(1)
    assert spearman(ranks, ranks) == pytest.approx(1)
    assert displacement(ranks, ranks) == 0
    assert kendall_tau_b(ranks, -ranks) == pytest.approx(-1)
    assert ranks.sum() == pytest.approx(36)
    assert [ranks[item] for item in order[:named]] == list(range(1, named + 1))


def test_list_ranks_of_lists_of_several_sizes() -> None:
    lists = np.array([[1, 0, -1, -1], [-1, -1, -1, -1], [3, 2, 1, 0]])
    found = list_ranks(lists, np.array([3, 2, 4]))
    nan = np.nan
    np.testing.assert_array_equal(found, [[2, 1, 3, nan], [nan, nan, nan, nan], [4, 3, 2, 1]])
    with pytest.raises(WrongUse, match="beyond its last"):
        list_ranks(np.array([[2]]), np.array([2]))
    with pytest.raises(WrongUse, match="twice"):
        list_ranks(np.array([[1, 1]]), np.array([2]))
