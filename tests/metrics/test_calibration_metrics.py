"""Calibration, bias disparity and shares of groups against literal definitions."""

from __future__ import annotations

import math
from collections import Counter
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_lists import N_ITEMS, K, known, many_lists
from scipy.spatial.distance import jensenshannon
from scipy.special import rel_entr

from fairrec.errors import WrongUse
from fairrec.metrics.bias_disparity import bias, bias_disparity, preference_ratio
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.calibration import (
    calibration_jsd,
    calibration_kl,
    difference_of_group_unfairness,
    group_distribution,
    group_unfairness,
    history_distribution,
    mean_group_unfairness,
)
from fairrec.metrics.diversity_ratios import div_ratio, over_recommendation_ratio
from fairrec.metrics.item_groups import group_items
from fairrec.metrics.item_lists import ItemLists
from fairrec.metrics.merit import group_counts

GENRES = ["a|b", "a", "b", None, "c|a|b", "c", "a"]
GROUPS = group_items(GENRES)
PARTS = [{"a": 1 / 2, "b": 1 / 2}, {"a": 1}, {"b": 1}, {"unknown": 1}]
PARTS += [{"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}, {"c": 1}, {"a": 1}]


def literal_shares(items: list[int], weights: np.ndarray) -> list[float]:
    """Steck's p(g | u) of one list, what is off the catalogue left out."""
    held = dict.fromkeys(GROUPS.names, 0.0)
    for item, weight in zip(items, weights, strict=True):
        for group, part in PARTS[item].items() if item >= 0 else ():
            held[group] += weight * part
    total = sum(held.values())
    return [held[group] / total if total else math.nan for group in GROUPS.names]


@given(many_lists(), st.sampled_from([None, Browsing("log2"), Browsing("rbp", patience=0.7)]))
def test_distribution_of_lists(lists: ItemLists, browsing: Browsing | None) -> None:
    weights = (browsing or Browsing("uniform")).weights(K)
    want = [literal_shares(row, weights) for row in lists.items.tolist()]
    np.testing.assert_allclose(group_distribution(lists, GROUPS, browsing), want, atol=1e-12)


@given(many_lists(), st.sampled_from([1.0, 0.9, 0.5]))
def test_distribution_of_histories_weighs_the_latest_most(
    histories: ItemLists, recency: float
) -> None:
    want = []
    for row in histories.items.tolist():
        items = [item for item in row if item != -1]
        weights = np.array([recency ** (len(items) - 1 - place) for place in range(len(items))])
        want.append(literal_shares(items, weights))
    found = history_distribution(histories, GROUPS, recency)
    np.testing.assert_allclose(found, want, atol=1e-12)
    if recency == 1:
        np.testing.assert_allclose(found, group_distribution(histories, GROUPS), atol=1e-12)


@given(many_lists(4), many_lists(4), st.sampled_from([0.01, 0.1]))
def test_divergences(histories: ItemLists, lists: ItemLists, alpha: float) -> None:
    p, q = group_distribution(histories, GROUPS), group_distribution(lists, GROUPS)
    kl, jsd = calibration_kl(p, q, alpha), calibration_jsd(p, q)
    for row, (a, b) in enumerate(zip(p, q, strict=True)):
        if np.isnan(a).any() or np.isnan(b).any():
            assert np.isnan(kl[row]) and np.isnan(jsd[row])
        else:
            assert kl[row] == pytest.approx(
                rel_entr(a, (1 - alpha) * b + alpha * a).sum(), abs=1e-12
            )
            assert jsd[row] == pytest.approx(jensenshannon(a, b, base=2) ** 2, abs=1e-9)
            assert 0 <= kl[row] <= -math.log(alpha) + 1e-12
    assert not np.nan_to_num(calibration_kl(p, p)).any()


def test_ends_of_divergences() -> None:
    nothing_in_common = calibration_kl([[1, 0]], [[0, 1]])
    assert nothing_in_common[0] == pytest.approx(-math.log(0.01))
    assert calibration_jsd([[1, 0]], [[0, 1]])[0] == 1
    # KL asks for what the history holds; a list may add more.
    assert calibration_kl([[1, 0]], [[0.5, 0.5]])[0] == pytest.approx(-math.log(0.505))
    # One history against draws of lists.
    assert calibration_kl([0.5, 0.5], [[0.5, 0.5], [1, 0]]).shape == (2,)


@given(many_lists(4), many_lists(4))
def test_group_unfairness_is_of_all_users_together(histories: ItemLists, lists: ItemLists) -> None:
    def pooled(some: ItemLists) -> list[float]:
        items = list(chain(*known(some)))
        return literal_shares(items, np.ones(len(items)))

    found = group_unfairness(
        group_counts(histories, GROUPS).sum(axis=0), group_counts(lists, GROUPS).sum(axis=0)
    )
    want = np.array(pooled(lists)) - np.array(pooled(histories))
    np.testing.assert_allclose(found, want, atol=1e-12)
    mgu, dgu = mean_group_unfairness(found), difference_of_group_unfairness(found)
    np.testing.assert_allclose(mgu, np.abs(want).mean(), atol=1e-12)
    np.testing.assert_allclose(dgu, want.max() - want.min(), atol=1e-12)


def test_long_histories_count_more_in_group_unfairness() -> None:
    """One user had nine of a, another one of b; each is recommended one of their own."""
    found = group_unfairness([9, 1], [1, 1])
    np.testing.assert_allclose(found, [-0.4, 0.4])
    assert mean_group_unfairness(found) == pytest.approx(0.4)
    assert difference_of_group_unfairness(found) == pytest.approx(0.8)
    draws = group_unfairness([[9, 1], [0, 0]], [1, 1])
    np.testing.assert_allclose(mean_group_unfairness(draws), [0.4, np.nan])


def test_bias_disparity_by_hand() -> None:
    """Tsintzou's: users have 6 of a and 2 of b; a is a quarter of the catalogue."""
    np.testing.assert_allclose(preference_ratio([6, 2]), [0.75, 0.25])
    source = bias([6, 2], [0.25, 0.75])
    np.testing.assert_allclose(source, [3, 1 / 3])
    recommended = bias([[9, 1], [6, 2], [0, 0]], [0.25, 0.75])
    found = bias_disparity(source, recommended)
    np.testing.assert_allclose(found, [[0.2, -0.6], [0, 0], [np.nan, np.nan]], atol=1e-12)
    nothing = bias([4, 0], [0.5, 0.5])
    np.testing.assert_allclose(bias_disparity(nothing, source), [0.5, np.nan])
    np.testing.assert_allclose(bias([1, 1], [1, 0]), [0.5, np.nan])


@given(many_lists(), st.integers(1, 4))
def test_ratios_of_recommendations(lists: ItemLists, most: int) -> None:
    times = Counter(chain(*known(lists)))
    total = sum(times.values())
    counts = lists.counts()
    want = len(times) / total if total else math.nan
    np.testing.assert_allclose(div_ratio(counts), want, atol=1e-12)
    want = sum(n for _, n in times.most_common(most)) / total if total else math.nan
    np.testing.assert_allclose(over_recommendation_ratio(counts, most), want, atol=1e-12)


def test_ends_of_ratios() -> None:
    assert div_ratio([1, 1, 1, 0]) == 1
    assert div_ratio([9, 0, 0, 0]) == pytest.approx(1 / 9)
    assert over_recommendation_ratio([9, 0]) == 1  # fewer than three items
    np.testing.assert_allclose(
        over_recommendation_ratio([[4, 3, 2, 1], [0, 0, 0, 0]]), [0.9, np.nan]
    )


def test_bad_input() -> None:
    assert len(GENRES) == N_ITEMS
    for alpha in (0, 1, np.nan):
        with pytest.raises(WrongUse, match="alpha"):
            calibration_kl([[1, 0]], [[1, 0]], alpha)
    for recency in (0, 1.1, np.nan):
        with pytest.raises(WrongUse, match="recency"):
            history_distribution(ItemLists(np.array([[0]]), 7), GROUPS, recency)
    with pytest.raises(WrongUse, match="groups"):
        calibration_jsd([[1, 0]], [[1, 0, 0]])
    with pytest.raises(WrongUse, match="at least 1"):
        over_recommendation_ratio([1, 2], 0)
