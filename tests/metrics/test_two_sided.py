from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairrec.errors import BadData, WrongUse
from fairrec.metrics import two_sided
from fairrec.metrics.item_lists import END, OFF, ItemLists
from fairrec.metrics.two_sided import (
    cross_utilities,
    mean_envy,
    mean_envy_of_lists,
    minimum_exposure,
    share_meeting_minimum,
    utility_kept,
)


def market(seed, m=7, n=9, k=4):
    rng = np.random.default_rng(seed)
    items = np.array([rng.permutation(n)[:k] for _ in range(m)])
    items[0, -1] = END
    items[1, 0] = OFF
    return rng.random((m, n)).round(3), ItemLists(items, n)


def literal_utility(scores, u, row):
    listed = [item for item in row if item != END]
    return sum(scores[u, item] for item in listed if item >= 0), len(listed)


def test_the_floor_is_that_of_the_written_number():
    assert minimum_exposure(1.0, 4, 3, 6) == 2
    assert minimum_exposure(0.5, 8, 3, 8) == 1
    assert minimum_exposure(1.0, 10, 2, 4) == 5
    assert minimum_exposure(0.0, 10, 2, 4) == 0
    assert 0.29 * 100 * 10 / 10 < 29
    assert minimum_exposure(0.29, 100, 10, 10) == 29


@given(st.integers(0, 1000), st.integers(0, 300), st.integers(1, 50), st.integers(1, 400))
def test_the_floor_is_exact(thousandths, m, k, n):
    alpha = thousandths / 1000
    exact = Fraction(thousandths, 1000) * m * k / n
    assert minimum_exposure(alpha, m, k, n) == exact.numerator // exact.denominator


def test_share_meeting_the_minimum():
    counts = np.array([[3, 0, 2, 1], [2, 2, 2, 2]])
    assert share_meeting_minimum(counts, 2).tolist() == [0.5, 1.0]
    assert share_meeting_minimum(counts, 0).tolist() == [1, 1]
    assert np.isnan(share_meeting_minimum(np.zeros((2, 0)), 1)).all()
    assert share_meeting_minimum([0.1 + 0.2], 0.3) == 1  # parts of items add up with rounding


@given(st.integers(0, 50))
def test_utility_kept_is_its_formula(seed):
    scores, lists = market(seed)
    for u, kept in enumerate(utility_kept(scores, lists)):
        utility, length = literal_utility(scores, u, lists.items[u])
        assert kept == pytest.approx(utility / sum(sorted(scores[u])[-length:]))
        assert 0 <= kept <= 1


@given(st.integers(0, 50))
def test_envy_is_over_all_pairs_of_users(seed):
    scores, lists = market(seed)
    m = len(lists)
    envy = []
    for u in range(m):
        best = sum(sorted(scores[u])[-int(lists.lengths[u]) :])
        worth = [literal_utility(scores, u, row)[0] / best for row in lists.items]
        envy.append(sum(max(other - worth[u], 0) for other in worth) / (m - 1))
    assert mean_envy(cross_utilities(scores, lists)) == pytest.approx(envy)
    assert mean_envy_of_lists(scores, lists) == pytest.approx(envy)


def test_blocks_give_the_same(monkeypatch):
    scores, lists = market(3, m=11)
    whole = mean_envy_of_lists(scores, lists)
    monkeypatch.setattr(two_sided, "BLOCK", 25)
    np.testing.assert_allclose(mean_envy_of_lists(scores, lists), whole)


def test_the_best_lists_keep_all_and_nobody_envies():
    scores, _ = market(5)
    best = ItemLists(np.argsort(-scores, axis=1)[:, :4], 9)
    assert utility_kept(scores, best) == pytest.approx(1.0)
    assert mean_envy_of_lists(scores, best) == pytest.approx(0.0)


def test_what_is_not_defined_is_nan():
    lists = ItemLists(np.array([[END, END], [0, 1]]), 2)
    assert utility_kept(np.ones((2, 2)), lists) == pytest.approx([np.nan, 1.0], nan_ok=True)
    assert np.isnan(utility_kept(np.zeros((2, 2)), lists)).all()
    assert np.isnan(mean_envy_of_lists(np.ones((2, 2)), lists)[0])
    one = ItemLists(np.array([[0]]), 2)
    assert np.isnan(mean_envy_of_lists(np.ones((1, 2)), one)).all()


def test_a_list_can_be_longer_than_the_catalogue():
    lists = ItemLists(np.array([[0, OFF, OFF]]), 2)
    assert utility_kept(np.array([[3.0, 1.0]]), lists) == pytest.approx(0.75)


def test_what_does_not_fit_is_said():
    lists = ItemLists(np.array([[0], [1]]), 2)
    with pytest.raises(WrongUse, match="scores have the shape"):
        utility_kept(np.ones((1, 2)), lists)
    with pytest.raises(BadData, match="negative or missing"):
        utility_kept(np.array([[1, -1], [np.nan, 0]]), lists)
    with pytest.raises(WrongUse, match="alpha is 2"):
        minimum_exposure(2, 1, 1, 1)
    with pytest.raises(WrongUse, match="utilities"):
        mean_envy(np.ones((2, 3)))
