"""Head and tail: where they end, and what is recommended of them."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_lists import N_ITEMS, counts, known, many_lists
from scipy.spatial.distance import jensenshannon

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.item_lists import ItemLists
from fairrec.metrics.merit import group_counts
from fairrec.metrics.popularity_parts import (
    PopularityParts,
    mean_over_groups,
    part_counts,
    part_shares,
    pop_reo,
    pop_rsp,
    split_by_interactions,
    split_by_items,
    tail_count,
    tail_share,
    user_popularity_deviation,
)

SHARES = st.sampled_from([(0.2,), (0.5,), (0.8,), (0.2, 0.8), (0.5, 0.9)])


@given(counts().filter(np.any), SHARES)
def test_parts_end_with_the_item_that_reaches_the_share(
    popularity: np.ndarray, shares: tuple[float, ...]
) -> None:
    parts = split_by_interactions(popularity, shares)
    order = sorted(range(N_ITEMS), key=lambda item: (-popularity[item], item))
    want, reached, part = {}, 0.0, 0
    for item in order:
        while part < len(shares) and reached >= shares[part] * popularity.sum() - 1e-9:
            part += 1
        want[item] = part
        reached += popularity[item]
    assert parts.codes.tolist() == [want[item] for item in range(N_ITEMS)]
    assert all(a <= b for a, b in pairwise(parts.codes[order]))


@given(counts(), SHARES)
def test_parts_by_number_of_items(popularity: np.ndarray, shares: tuple[float, ...]) -> None:
    parts = split_by_items(popularity, shares)
    ends = [math.ceil(share * N_ITEMS - 1e-9) for share in shares]
    sizes = np.diff([0, *ends, N_ITEMS])
    assert np.bincount(parts.codes, minlength=len(sizes)).tolist() == sizes.tolist()
    assert parts.groups.sizes.tolist() == sizes.tolist()
    order = sorted(range(N_ITEMS), key=lambda item: (-popularity[item], item))
    assert all(a <= b for a, b in pairwise(parts.codes[order]))


def test_the_item_on_the_border_is_in_the_head_and_ties_keep_the_catalogues_order() -> None:
    assert split_by_interactions([4, 4, 1, 1], (0.8,)).tail.tolist() == [False, False, True, True]
    assert split_by_interactions([1, 4, 4, 1], (0.85,)).codes.tolist() == [0, 0, 0, 1]
    assert split_by_items([1, 1, 1, 1], (0.5,)).codes.tolist() == [0, 0, 1, 1]
    three = split_by_interactions([10, 3, 3, 2, 1, 1], (0.2, 0.8))
    assert three.names == ("head", "mid", "tail")
    assert three.codes.tolist() == [0, 1, 1, 2, 2, 2]


def test_the_definition_says_how_it_was_split() -> None:
    said = split_by_interactions([3, 2, 1], (0.2, 0.875)).definition
    assert "20% and 87.5% of the interactions" in said
    assert "equal ones in the order of the catalogue" in said
    assert "60% of the items" in split_by_items([3, 2, 1], (0.6,)).definition


@given(many_lists(), counts().filter(np.any), SHARES)
def test_shares_of_lists(
    lists: ItemLists, popularity: np.ndarray, shares: tuple[float, ...]
) -> None:
    parts = split_by_interactions(popularity, shares)
    last = len(shares)
    rows = [[int(parts.codes[item]) for item in row] for row in known(lists)]
    want = [[row.count(part) for part in range(last + 1)] for row in rows]
    np.testing.assert_array_equal(part_counts(lists, parts), want)
    np.testing.assert_array_equal(part_counts(lists, parts), group_counts(lists, parts.groups))
    share = [
        [c / len(row) if row else np.nan for c in w] for w, row in zip(want, rows, strict=True)
    ]
    np.testing.assert_allclose(part_shares(lists, parts), share, atol=1e-12)
    np.testing.assert_allclose(tail_share(lists, parts), [s[-1] for s in share], atol=1e-12)
    number = [w[-1] if row else np.nan for w, row in zip(want, rows, strict=True)]
    np.testing.assert_array_equal(tail_count(lists, parts), number)


def test_what_is_off_the_catalogue_is_in_no_part() -> None:
    parts = PopularityParts(("head", "tail"), np.array([0, 1]), "by hand")
    lists = ItemLists(np.array([[1, -2, -2], [-2, -2, -1], [0, 1, -1]]), 2)
    np.testing.assert_array_equal(tail_share(lists, parts), [1, np.nan, 0.5])
    np.testing.assert_array_equal(tail_count(lists, parts), [1, np.nan, 1])


def test_pop_rsp_and_pop_reo() -> None:
    # Chances 0.5 and 0.25: mean 0.375, population standard deviation 0.125.
    assert pop_rsp([5, 5], [10, 20]) == pytest.approx(1 / 3, abs=1e-12)
    assert pop_reo([2, 4], [4, 8]) == 0
    assert pop_reo([4, 0], [4, 8]) == pytest.approx(1, abs=1e-12)  # all or nothing: sqrt(P - 1)
    assert pop_reo([1, 0, 0], [1, 1, 1]) == pytest.approx(math.sqrt(2), abs=1e-12)
    assert np.isnan(pop_reo([1, 0], [4, 0]))  # nothing of the tail is relevant
    assert np.isnan(pop_rsp([0, 0], [4, 4]))  # nothing was recommended
    rows = pop_rsp([[5, 5], [0, 0]], [10, 20])
    np.testing.assert_allclose(rows, [1 / 3, np.nan])


def test_pop_rsp_of_lists_and_histories() -> None:
    """Zhu's chances, counted pair by pair."""
    rng = np.random.default_rng(1)
    lists = ItemLists(np.array([rng.permutation(N_ITEMS)[:3] for _ in range(8)]), N_ITEMS)
    histories = ItemLists(np.array([rng.permutation(N_ITEMS)[:2] for _ in range(8)]), N_ITEMS)
    parts = split_by_items(np.arange(N_ITEMS)[::-1], (0.3,))
    rates = []
    for part in range(2):
        of_part = [item for item in range(N_ITEMS) if parts.codes[item] == part]
        given_ = sum(item in of_part for row in known(lists) for item in row)
        possible = sum(item not in row for row in known(histories) for item in of_part)
        rates.append(given_ / possible)
    candidates = 8 * parts.groups.sizes - part_counts(histories, parts).sum(axis=0)
    found = pop_rsp(part_counts(lists, parts).sum(axis=0), candidates)
    assert found == pytest.approx(np.std(rates) / np.mean(rates), abs=1e-12)


@given(many_lists(4), many_lists(4), counts().filter(np.any))
def test_deviation(lists: ItemLists, histories: ItemLists, popularity: np.ndarray) -> None:
    parts = split_by_interactions(popularity, (0.2, 0.8))
    p, q = part_shares(histories, parts), part_shares(lists, parts)
    found = user_popularity_deviation(p, q)
    for one, a, b in zip(found, p, q, strict=True):
        if np.isnan(a).any() or np.isnan(b).any():
            assert np.isnan(one)
        else:
            both = [*zip(a, (a + b) / 2, strict=True), *zip(b, (a + b) / 2, strict=True)]
            want = sum(x * math.log2(x / m) / 2 for x, m in both if x > 0)
            assert one == pytest.approx(want, abs=1e-9)
    np.testing.assert_array_equal(found, user_popularity_deviation(q, p))
    assert not np.nan_to_num(user_popularity_deviation(p, p)).any()


def test_deviation_is_the_divergence_not_its_root() -> None:
    found = user_popularity_deviation([[0.5, 0.5], [1, 0]], [[0.9, 0.1], [0, 1]])
    assert found[0] == pytest.approx(jensenshannon([0.5, 0.5], [0.9, 0.1], base=2) ** 2)
    assert found[1] == 1


def test_groups_count_the_same_however_large() -> None:
    values, groups = [0.2, 0.4, np.nan, 0.9, np.nan], [2, 2, 2, 0, 4]
    assert mean_over_groups(values, groups) == pytest.approx((0.3 + 0.9) / 2)
    assert math.isnan(mean_over_groups([np.nan], [0]))


def test_bad_input() -> None:
    with pytest.raises(BadData, match="no item has any interaction"):
        split_by_interactions([0, 0])
    with pytest.raises(BadData, match="negative or missing"):
        split_by_items([1, np.nan])
    for shares in [(), (0.8, 0.2), (0.0,), (1.0,), (0.1, 0.2, 0.3), (np.nan,)]:
        with pytest.raises(WrongUse, match="parts end at"):
            split_by_interactions([1, 2], shares)
    parts = split_by_items([1, 2], (0.5,))
    with pytest.raises(WrongUse, match="a part for every item"):
        part_shares(ItemLists(np.array([[0]]), 3), parts)
