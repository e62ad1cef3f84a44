"""The AUC within folds against scikit-learn; its interval where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from fairrec.evidence.auc import auc_interval, within_fold_auc


def test_one_fold_is_the_auc_of_scikit_learn_ties_included() -> None:
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(3), 20)
    scores = rng.integers(0, 5, (1, 60, 3)).astype(float)
    found = within_fold_auc(scores, labels[None], np.zeros(60, dtype=int))
    expected = np.mean([roc_auc_score(labels == c, scores[0, :, c]) for c in range(3)])
    assert found == pytest.approx([expected])


def test_folds_are_weighed_by_their_pairs() -> None:
    """Fold 0: 1 x 3 pairs, all right. Fold 1: 2 x 2 pairs, one right. Fold 2: no pair."""
    labels = np.array([[1, 0, 0, 0, 1, 1, 0, 0, 1]])
    folds = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2])
    one = np.array([9, 1, 2, 3, 2, 0, 1, 5, 7.0])
    scores = np.stack([-one, one], axis=1)[None]
    assert within_fold_auc(scores, labels, folds) == pytest.approx([(3 + 1) / 7])


@given(
    st.floats(0, 1, allow_subnormal=False),
    st.floats(0, 0.3, allow_subnormal=False),
    st.integers(4, 500),
)
def test_an_interval_holds_the_estimate_and_stays_in_the_unit(
    auc: float, spread: float, n: int
) -> None:
    null = 0.5 + spread * np.array([-1.0, 1.0] * 50)
    low, high = auc_interval(auc, null, n)
    assert 0 <= low <= auc + 1e-9 and auc - 1e-9 <= high <= 1
    other = auc_interval(1 - auc, null, n)
    assert other == pytest.approx((1 - high, 1 - low), abs=1e-9)
    tighter = auc_interval(auc, null, n, level=0.8)
    assert low - 1e-9 <= tighter[0] and tighter[1] <= high + 1e-9


def test_at_chance_the_interval_is_as_wide_as_the_permutations_say() -> None:
    null = 0.5 + 0.05 * np.array([-1.0, 1.0] * 5000)
    inside, outside = 0.5 + 0.05 * 1.95, 0.5 + 0.05 * 1.97
    assert auc_interval(inside, null, 100)[0] < 0.5 < auc_interval(outside, null, 100)[0]
    assert auc_interval(1.0, null, 100)[0] < 1.0
    assert auc_interval(0.7, np.full(50, 0.5), 100) == pytest.approx((0.7, 0.7))
