"""Attackers that learn on some users and are judged on others, strongest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import BadData
from fairrec.evidence.attackers import MODELS, reduced
from fairrec.evidence.auc import within_fold_auc
from fairrec.seeds import generator


@dataclass(frozen=True, slots=True)
class FreshAttack:
    """What attackers achieved on users that they had not seen.

    Attributes:
        aucs: By attacker, the AUC (macro over the classes, one versus rest).
        strongest: The attacker whose AUC is farthest from 0.5. The largest of several is biased
            away from 0.5, so what it says of a protected recommender is on the safe side.
        auc: Its AUC.
        low, high: Ends of its interval, by a bootstrap of the judged users within classes.
        n: Judged users.
        left_out: Users of classes that fewer than 2 of either half have.
    """

    aucs: dict[str, float]
    strongest: str
    auc: float
    low: float
    high: float
    n: int
    left_out: int


def fresh_attack(
    features: Any,
    labels: NDArray[np.intp],
    train: NDArray[np.bool_],
    *,
    attackers: Sequence[str] = tuple(MODELS),
    components: int = 50,
    draws: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> FreshAttack:
    """Return how well fresh attackers recover labels of users that they did not learn from.

    Args:
        features: n users x m features; a SciPy sparse array, or a dense array.
        labels: n classes from 0 up.
        train: n; True for the users that attackers learn from. All others are judged.
        attackers: Names in `fairrec.evidence.attackers.MODELS`.
        components: Features are reduced to as many by a singular value decomposition.
        draws: Of the bootstrap.
        level: Confidence level of the interval, in (0, 1).
        seed: Of models and bootstrap.

    Raises:
        BadData: Fewer than two classes have two users in both halves.
    """
    import sklearn

    values = [
        v
        for v in np.unique(labels)
        if min((labels[train] == v).sum(), (labels[~train] == v).sum()) >= 2
    ]
    if len(values) < 2:
        raise BadData(
            f"{len(values)} class(es) have two users among those learned from and those judged.",
            expected="at least two classes with two users in both halves.",
            do="attack with more users.",
        )
    kept = np.isin(labels, values)
    known = np.searchsorted(values, labels[kept])
    learned, judged = train[kept], ~train[kept]
    seen, unseen = reduced(features[np.flatnonzero(kept)], learned, judged, components, seed)
    scores = {}
    with sklearn.config_context(assume_finite=True):
        for attacker in attackers:
            model = MODELS[attacker](seed).fit(seen, known[learned])
            scores[attacker] = model.predict_proba(unseen).round(9)
    truth = known[judged]
    aucs = {name: float(_auc(found, truth[None])[0]) for name, found in scores.items()}
    strongest = max(aucs, key=lambda name: abs(aucs[name] - 0.5))
    resampled = _bootstrapped(scores[strongest], truth, draws, generator(seed, "fresh attack"))
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return FreshAttack(
        aucs, strongest, aucs[strongest], float(low), float(high), len(truth), int((~kept).sum())
    )


def _auc(scores: NDArray[np.float64], labels: NDArray[np.intp]) -> NDArray[np.float64]:
    return within_fold_auc(scores[None], labels, np.zeros(labels.shape[1], dtype=np.intp))


def _bootstrapped(
    scores: NDArray[np.float64], labels: NDArray[np.intp], draws: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the macro AUC of `draws` samples with replacement, each class as large as it is."""
    classes = [np.flatnonzero(labels == value) for value in np.unique(labels)]
    again = labels[np.concatenate(classes)]
    found = []
    for _ in range(draws):
        rows = np.concatenate([rng.choice(members, len(members)) for members in classes])
        found.append(_auc(scores[rows], again[None])[0])
    return np.array(found)
