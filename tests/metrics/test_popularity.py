"""How popular what is recommended is, against literal definitions and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from random_lists import N_ITEMS, K, counts, known, many_lists

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.item_lists import ItemLists
from fairrec.metrics.popularity import (
    average_popularity,
    log_popularity_difference,
    mean_popularity_rank,
    popularity_by_rank,
    popularity_lift,
    popularity_ranks,
)

# The middle list has something off the catalogue, the last is empty.
LISTS = ItemLists(np.array([[0, 1, 2], [3, -2, 0], [-1, -1, -1]]), 4)
POPULARITY = np.array([8.0, 4.0, 4.0, 0.0])


def mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan


@given(many_lists(), counts())
def test_means_are_those_of_known_items(lists: ItemLists, popularity: np.ndarray) -> None:
    want = [mean([popularity[item] for item in row]) for row in known(lists)]
    np.testing.assert_allclose(average_popularity(lists, popularity), want, atol=1e-12)
    places = [
        1 + sum(x > y for x in popularity) + (sum(x == y for x in popularity) - 1) / 2
        for y in popularity
    ]
    np.testing.assert_allclose(popularity_ranks(popularity), places, atol=1e-12)
    want = [mean([places[item] for item in row]) for row in known(lists)]
    np.testing.assert_allclose(mean_popularity_rank(lists, popularity), want, atol=1e-12)
    want = [
        mean([popularity[row[rank]] for row in lists.items.tolist() if row[rank] >= 0])
        for rank in range(K)
    ]
    np.testing.assert_allclose(popularity_by_rank(lists, popularity), want, atol=1e-12)


def test_by_hand() -> None:
    nan = np.nan
    np.testing.assert_array_equal(average_popularity(LISTS, POPULARITY), [16 / 3, 4, nan])
    np.testing.assert_array_equal(average_popularity(LISTS, POPULARITY, 16), [1 / 3, 0.25, nan])
    np.testing.assert_array_equal(mean_popularity_rank(LISTS, POPULARITY), [2, 2.5, nan])
    np.testing.assert_array_equal(popularity_by_rank(LISTS, POPULARITY), [4, 4, 6])


def test_all_items_have_the_mean_of_the_catalogue() -> None:
    everything = ItemLists(np.arange(N_ITEMS)[None, :], N_ITEMS)
    popularity = np.arange(N_ITEMS) ** 2.0
    assert average_popularity(everything, popularity)[0] == popularity.mean()
    assert mean_popularity_rank(everything, popularity)[0] == (N_ITEMS + 1) / 2


def test_lift_is_of_the_groups_means() -> None:
    profile, given_ = [1.0, 3.0, np.nan, 5.0], [2.0, 8.0, 9.0, np.nan]
    assert popularity_lift(profile, given_) == pytest.approx((2 + 8) / (1 + 3) - 1)
    assert popularity_lift(profile, profile) == 0
    assert np.isnan(popularity_lift([0.0, np.nan], [1.0, 1.0]))
    draws = popularity_lift([[1.0, 3.0], [2.0, 2.0]], [2.0, 4.0])
    np.testing.assert_allclose(draws, [0.5, 0.5])


@given(many_lists(3), many_lists(3), counts())
def test_log_difference(lists: ItemLists, histories: ItemLists, popularity: np.ndarray) -> None:
    def logs(some: ItemLists) -> list[float]:
        return [
            mean([math.log(popularity[i]) for i in row if popularity[i] > 0]) for row in known(some)
        ]

    found = log_popularity_difference(lists, histories, popularity)
    want = [a - b for a, b in zip(logs(lists), logs(histories), strict=True)]
    np.testing.assert_allclose(found, want, atol=1e-12)
    back = log_popularity_difference(histories, lists, popularity)
    np.testing.assert_allclose(found, -back, atol=1e-12)
    # What counts are shares of does not matter.
    scaled = log_popularity_difference(lists, histories, popularity / 1000)
    np.testing.assert_allclose(found, scaled, atol=1e-12)


def test_log_difference_of_items_that_nobody_had() -> None:
    rare, popular = (ItemLists(np.array([some]), 4) for some in ([3, 1], [0, 1]))
    assert log_popularity_difference(popular, rare, POPULARITY)[0] == pytest.approx(
        math.log(8) / 2 - math.log(4) / 2
    )
    raised = log_popularity_difference(popular, rare, POPULARITY, least=1)[0]
    assert raised == pytest.approx(math.log(8) / 2)


def test_bad_input() -> None:
    with pytest.raises(WrongUse, match="one number per item"):
        average_popularity(LISTS, [1.0, 2.0])
    with pytest.raises(BadData, match="negative or missing"):
        average_popularity(LISTS, [1.0, -2.0, 0.0, 0.0])
    with pytest.raises(BadData, match="negative or missing"):
        popularity_by_rank(LISTS, [1.0, np.nan, 0.0, 0.0])
    with pytest.raises(WrongUse, match="above 0"):
        average_popularity(LISTS, POPULARITY, interactions=0)
    with pytest.raises(WrongUse, match="a history for every list"):
        log_popularity_difference(LISTS, ItemLists(LISTS.items, 5), POPULARITY)
    one = ItemLists(LISTS.items[:1], 4)
    with pytest.raises(WrongUse, match="a history for every list"):
        log_popularity_difference(LISTS, one, POPULARITY)
