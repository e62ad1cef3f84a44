"""Fresh attackers: they find what is there, and nothing where there is nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from fairrec.errors import BadData
from fairrec.evidence.fresh_attack import fresh_attack


def planted(seed: int, shift: float, n: int = 300) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    features = rng.normal(size=(n, 5)) + shift * (labels == 1)[:, None]
    return features, labels, rng.random(n) < 0.5


def test_a_planted_signal_is_found_by_all() -> None:
    found = fresh_attack(*planted(0, 2.0), draws=200)
    assert set(found.aucs) == {"logistic", "boosting", "mlp"}
    assert min(found.aucs.values()) > 0.7
    assert found.low < found.auc < found.high
    assert found.auc == found.aucs[found.strongest] == max(found.aucs.values())


def test_without_a_signal_intervals_hold_a_half() -> None:
    held = 0
    for seed in range(40):
        found = fresh_attack(*planted(seed, 0.0), attackers=["logistic"], draws=200)
        held += found.low <= 0.5 <= found.high
    assert held >= 34  # 38 of 40 expected


def test_the_auc_is_the_share_of_pairs_that_are_right() -> None:
    from fairrec.evidence.attackers import MODELS, reduced

    features, labels, train = planted(3, 0.7)
    found = fresh_attack(features, labels, train, attackers=["logistic"], draws=10)
    seen, unseen = reduced(features, train, ~train, 50, 0)
    scores = MODELS["logistic"](0).fit(seen, labels[train]).predict_proba(unseen)
    truth = labels[~train]
    shares = []
    for value in range(3):
        own, other = scores[truth == value, value], scores[truth != value, value]
        shares.append(np.mean((own[:, None] > other) + 0.5 * (own[:, None] == other)))
    assert found.auc == pytest.approx(np.mean(shares), abs=1e-6)


def test_what_is_judged_teaches_nothing() -> None:
    """Attackers who had seen the judged labels would follow them when they are turned round."""
    features, labels, train = planted(4, 2.0)
    turned = np.where(train, labels, np.array([1, 0, 2])[labels])
    found = fresh_attack(features, turned, train, attackers=["logistic"], draws=10)
    assert found.auc < fresh_attack(features, labels, train, attackers=["logistic"], draws=10).auc
    assert found.auc < 0.55


def test_lists_and_rare_classes() -> None:
    features, labels, train = planted(5, 1.0)
    labels[:1] = 7
    found = fresh_attack(csr_array(np.maximum(features, 0)), labels, train, draws=10)
    assert found.left_out == 1
    assert found.n == int((~train)[1:].sum())
    with pytest.raises(BadData, match="1 class"):
        fresh_attack(features, np.zeros(300, dtype=np.intp), train)


def test_many_classes_of_few_users() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(80) % 20
    features = rng.normal(size=(80, 3))
    found = fresh_attack(features, labels, np.arange(80) < 40, draws=10)
    assert set(found.aucs) == {"logistic", "boosting", "mlp"}
