import numpy as np
import pytest
from scipy.sparse import csr_matrix

from fairrec.evidence import groupings
from fairrec.evidence.groupings import random_groupings, upper_p


def member(codes, n_groups):
    n = len(codes)
    return csr_matrix((np.ones(n), (np.arange(n), codes)), shape=(n, n_groups))


def drawn(amounts, membership, draws=4_000, seed=0):
    blocks = random_groupings(amounts, membership, np.random.default_rng(seed), draws)
    return np.concatenate(list(blocks))


def test_groups_keep_their_sizes_and_all_is_dealt_out():
    amounts = np.array([5.0, 0, 0, 3, 0, 1, 0, 0])
    totals = drawn(amounts, member([0, 0, 0, 1, 1, 2, 2, 2], 3))
    assert totals.shape == (4_000, 3)
    np.testing.assert_allclose(totals.sum(axis=1), 9)
    assert totals.mean(axis=0) == pytest.approx([27 / 8, 18 / 8, 27 / 8], abs=0.15)
    # Of two items, one group has both at most: 5 + 3 but never 5 + 3 + 1.
    assert set(totals[:, 1]) == {0, 1, 3, 4, 5, 6, 8}


def test_an_item_in_two_groups_gives_each_its_part():
    membership = csr_matrix(np.array([[0.5, 0.5], [1, 0], [0, 1]]))
    totals = drawn(np.array([4.0, 0, 0]), membership)
    assert {tuple(row) for row in totals} == {(2, 2), (4, 0), (0, 4)}
    assert totals.mean(axis=0) == pytest.approx([2, 2], abs=0.1)


def test_blocks_do_not_matter(monkeypatch):
    amounts, membership = np.arange(6.0), member([0, 0, 1, 1, 2, 2], 3)
    whole = drawn(amounts, membership, 50)
    monkeypatch.setattr(groupings, "BLOCK", 21)
    np.testing.assert_array_equal(drawn(amounts, membership, 50), whole)


def test_the_p_value_counts_ties_and_itself():
    null = np.array([1.0, 2.0, 3.0, np.nan])
    assert upper_p(null, 4.0) == 0.25
    assert upper_p(null, 2.0 + 1e-13) == 0.75
    assert upper_p(null, 0.0) == 1.0
