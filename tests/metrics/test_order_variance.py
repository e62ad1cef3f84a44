"""Variance components are those of the analysis of variance, written out."""

from __future__ import annotations

import numpy as np
import pytest

from fairrec.metrics.order_variance import rank_variance


def anova(ranks: np.ndarray) -> tuple[float, float]:
    """Two-way layout without repeats, items by lists: variance of items and of what is left."""
    ranks = ranks.T
    n, s = ranks.shape
    grand, of_item, of_list = ranks.mean(), ranks.mean(axis=1), ranks.mean(axis=0)
    ms_item = s * ((of_item - grand) ** 2).sum() / (n - 1)
    left = ranks - of_item[:, None] - of_list[None, :] + grand
    ms_left = (left**2).sum() / ((n - 1) * (s - 1))
    return (ms_item - ms_left) / s, ms_left


@pytest.mark.parametrize(("items", "lists"), [(2, 2), (5, 2), (20, 5), (7, 9)])
def test_components_are_those_of_the_analysis_of_variance(items: int, lists: int) -> None:
    rng = np.random.default_rng(items)
    taste = rng.normal(size=items)
    scores = taste + rng.normal(size=(30, lists, items))
    ranks = scores.argsort(axis=2).argsort(axis=2) + 1.0
    found = rank_variance(ranks)
    expected = np.array([anova(one) for one in ranks])
    np.testing.assert_allclose(found.shared, expected[:, 0], atol=1e-9)
    np.testing.assert_allclose(found.total - found.shared, expected[:, 1], atol=1e-9)


def test_missing_lists_and_items_are_left_out() -> None:
    rng = np.random.default_rng(1)
    whole = rng.permuted(np.tile(np.arange(1.0, 7), (3, 1)), axis=1)
    padded = np.full((1, 5, 9), np.nan)
    padded[0, [0, 2, 4], :6] = whole
    for one, other in zip(rank_variance(padded), rank_variance(whole[None]), strict=True):
        np.testing.assert_allclose(one, other)
    padded[0, [0, 2]] = np.nan
    assert np.isnan(rank_variance(padded).total).all()
    assert np.isnan(rank_variance(np.ones((1, 3, 1))).shared).all()


def test_equal_lists_share_all_and_unrelated_ones_nothing() -> None:
    same = np.tile(np.arange(1.0, 11), (1, 4, 1))
    parts = rank_variance(same)
    np.testing.assert_allclose(parts.shared, parts.total)
    rng = np.random.default_rng(0)
    unrelated = rng.permuted(np.tile(np.arange(1.0, 11), (4000, 4, 1)), axis=2)
    parts = rank_variance(unrelated)
    assert parts.shared.mean() / parts.total.mean() == pytest.approx(0.0, abs=0.02)
