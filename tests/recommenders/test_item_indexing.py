"""Codes of items, and the trie that keeps beams to them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairrec.errors import WrongUse
from fairrec.recommenders.p5.indexing import item_codes
from fairrec.recommenders.p5.trie import CodeTrie


def two_communities(rng: np.random.Generator) -> list[np.ndarray]:
    """Users who consume items 0-19 alone, or 20-39 alone."""
    return [rng.choice(20, 8, replace=False) + 20 * (n % 2) for n in range(200)]


@settings(deadline=None, max_examples=30)
@given(
    n_items=st.integers(1, 120),
    how=st.sampled_from(["random", "sequential", "collaborative"]),
    branching=st.sampled_from([2, 4, 16]),
    seed=st.integers(0, 5),
)
def test_every_item_has_a_code_of_its_own(n_items, how, branching, seed) -> None:
    rng = np.random.default_rng(seed)
    histories = [rng.integers(0, n_items, 5) for _ in range(9)]
    codes = item_codes(histories, n_items, how, branching=branching, seed=seed)
    assert codes.min() >= 0
    assert codes.max() < branching
    assert len(np.unique(codes, axis=0)) == n_items
    again = item_codes(histories, n_items, how, branching=branching, seed=seed)
    assert np.array_equal(codes, again)


def test_collaborative_codes_share_beginnings_among_what_is_consumed_together() -> None:
    codes = item_codes(two_communities(np.random.default_rng(0)), 40, branching=8)
    assert not set(codes[:20, 0]) & set(codes[20:, 0])


def test_popular_items_come_first_within_a_cluster() -> None:
    histories = two_communities(np.random.default_rng(1))
    counts = np.bincount(np.concatenate(histories), minlength=40)
    codes = item_codes(histories, 40, branching=8)
    for first in np.unique(codes[:, 0]):
        members = np.flatnonzero(codes[:, 0] == first)
        in_order = members[np.argsort(codes[members, 1])]
        assert (np.diff(counts[in_order]) <= 0).all()


def test_sequential_codes_count_through_histories() -> None:
    codes = item_codes([np.array([3, 1]), np.array([1, 0])], 5, "sequential", branching=4)
    assert codes.tolist() == [[0, 2], [0, 1], [0, 3], [0, 0], [1, 0]]


def test_what_cannot_be_indexed() -> None:
    with pytest.raises(WrongUse, match="alphabetical"):
        item_codes([], 4, "alphabetical")  # type: ignore[arg-type]
    with pytest.raises(WrongUse, match="branching of 6"):
        item_codes([np.array([0])], 4, branching=6)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000))
def test_the_trie_allows_what_leads_to_an_allowed_item(seed) -> None:
    rng = np.random.default_rng(seed)
    codes = np.unique(rng.integers(0, 5, (12, 3)), axis=0)
    rng.shuffle(codes)
    trie = CodeTrie(codes)
    allowed = rng.random((1, len(codes))) < 0.5
    opened = trie.open_nodes(allowed)
    for depth in range(3):
        written = rng.integers(0, 5, (1, depth))
        goes_on = (codes[:, :depth] == written).all(axis=1) & allowed[0]
        expected = np.isin(np.arange(6), codes[goes_on, depth])
        assert np.array_equal(trie.next_allowed(written, opened, 6)[0], expected)


def test_the_trie_finds_items_again() -> None:
    codes = np.array([[2, 1], [0, 1], [2, 0]])
    assert CodeTrie(codes).items(np.array([[0, 1], [2, 0], [2, 1], [1, 1], [9, 9]])).tolist() == [
        1,
        2,
        0,
        -1,
        -1,
    ]
