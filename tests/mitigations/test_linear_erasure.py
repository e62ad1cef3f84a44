"""Linear erasure: nothing linear is left, and no less could have been changed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from fairrec.errors import BadData
from fairrec.mitigations.cfp.erasure import LinearErasure, correlation_removed


def planted(seed: int, classes: int, rank: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of 6 numbers that lie in `rank` directions and shift with the class."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, 200)])
    vectors = rng.normal(size=(len(labels), rank)) + labels[:, None] * rng.normal(size=rank)
    return vectors @ rng.normal(size=(rank, 6)), labels


def linear_tie(vectors: np.ndarray, labels: np.ndarray) -> float:
    marks = labels[:, None] == np.unique(labels)
    return float(np.abs((vectors - vectors.mean(0)).T @ (marks - marks.mean(0))).max())


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 999), st.integers(2, 4), st.integers(4, 6))
def test_no_covariance_is_left(seed, classes, rank) -> None:
    vectors, labels = planted(seed, classes, rank)
    erased = LinearErasure.fit(vectors, labels).transform(vectors)
    assert linear_tie(erased, labels) < 1e-6 * len(labels)
    assert linear_tie(vectors, labels) > 1


def test_a_linear_attacker_is_at_chance_and_could_not_be_cheaper() -> None:
    vectors, labels = planted(1, 2, 6)
    erased = LinearErasure.fit(vectors, labels).transform(vectors)
    attacker = LogisticRegression(C=1e6, max_iter=2000)
    assert attacker.fit(vectors, labels).score(vectors, labels) > 0.7
    probability = attacker.fit(erased, labels).predict_proba(erased)[:, 1]
    assert probability == pytest.approx(labels.mean(), abs=1e-3)
    # Against taking out the direction between the means at a right angle.
    apart = vectors[labels == 1].mean(0) - vectors[labels == 0].mean(0)
    apart /= np.linalg.norm(apart)
    centred = vectors - vectors.mean(0)
    projected = vectors - centred @ apart[:, None] * apart
    assert ((erased - vectors) ** 2).sum() < ((projected - vectors) ** 2).sum()


def test_correlation_remover_is_told_the_label() -> None:
    vectors, labels = planted(2, 3)
    assert linear_tie(correlation_removed(vectors, labels), labels) < 1e-6
    assert correlation_removed(vectors, labels, alpha=0.0) == pytest.approx(vectors)


def test_bad_vectors() -> None:
    with pytest.raises(BadData, match="1 class"):
        LinearErasure.fit(np.ones((3, 2)), np.zeros(3, dtype=np.intp))
    with pytest.raises(BadData, match="1 values not finite"):
        LinearErasure.fit(np.array([[0, np.nan], [1, 2]]), np.array([0, 1]))
