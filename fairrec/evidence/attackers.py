"""Attackers that guess an attribute from what a recommender returned, and what they can do.

Everything that looks at the labels is refitted in every fold. Labels are permuted within the
folds, so that each permuted labelling has the same number of every value in every fold as the
true one: the test is exact although folds are balanced by the labels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.evidence.auc import within_fold_auc


@dataclass(frozen=True, slots=True)
class Attack:
    """What an attacker achieved.

    Attributes:
        auc: Out-of-fold AUC, macro over the values (see `fairrec.evidence.auc`).
        null_aucs: The same for permuted labels.
        scores: Out-of-fold probability of each unit's own value, of shape (n,).
    """

    auc: float
    null_aucs: NDArray[np.float64]
    scores: NDArray[np.float64]


def attack(
    features: Any,
    labels: NDArray[np.intp],
    attacker: str,
    rng: np.random.Generator,
    *,
    folds: int,
    permutations: int,
    components: int,
) -> Attack:
    """Return how well a cross-validated attacker recovers the labels from the features.

    Args:
        features: n units x m features; a SciPy sparse array, or a dense array.
        labels: n classes from 0 to C-1, each at least `folds` times.
        attacker: One of `MODELS`.
        rng: Source of the folds, the permutations and the models' own draws.
        folds: Folds of the cross-validation.
        permutations: Labellings to refit on.
        components: Features are reduced to as many by a singular value decomposition.
    """
    import sklearn

    fold_of = balanced_folds(labels, folds, rng)
    labellings = np.stack([labels, *(_permuted(labels, fold_of, rng) for _ in range(permutations))])
    seed = int(rng.integers(2**31))
    scores = np.empty((*labellings.shape, labels.max() + 1))
    with sklearn.config_context(assume_finite=True, skip_parameter_validation=True):
        for fold in range(folds):
            train, test = fold_of != fold, fold_of == fold
            seen, unseen = reduced(features, train, test, components, seed)
            for b, labelling in enumerate(labellings):
                model = MODELS[attacker](seed).fit(seen, labelling[train])
                scores[b, test] = model.predict_proba(unseen)
    # Equal lists must tie, whatever the last bits of their scores.
    aucs = within_fold_auc(scores.round(9), labellings, fold_of)
    return Attack(float(aucs[0]), aucs[1:], scores[0, np.arange(len(labels)), labels])


def balanced_folds(
    labels: NDArray[np.intp], folds: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Return a fold for every unit: each class is shuffled and dealt out in turn."""
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    fold_of = np.empty(len(labels), dtype=np.intp)
    fold_of[order] = np.arange(len(labels)) % folds
    return fold_of


def _permuted(
    labels: NDArray[np.intp], fold_of: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.intp]:
    permuted = labels.copy()
    for fold in np.unique(fold_of):
        permuted[fold_of == fold] = rng.permutation(labels[fold_of == fold])
    return permuted


def reduced(
    features: Any, train: NDArray[np.bool_], test: NDArray[np.bool_], components: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return training and test features: few, centred, of length 1 per feature on average."""
    from scipy.sparse import issparse
    from sklearn.decomposition import TruncatedSVD
    from sklearn.preprocessing import StandardScaler

    seen: Any = features[train]
    unseen: Any = features[test]
    if issparse(features):
        # What one training user has alone can teach nothing about the others.
        shared = np.asarray((seen != 0).sum(axis=0)).ravel() > 1
        seen, unseen = seen[:, shared], unseen[:, shared]
    else:
        scaler = StandardScaler().fit(seen)
        seen, unseen = scaler.transform(seen), scaler.transform(unseen)
    if seen.shape[1] > (most := min(components, len(np.flatnonzero(train)) - 1)):
        svd = TruncatedSVD(most, n_iter=4, random_state=seed).fit(seen)
        seen, unseen = svd.transform(seen), svd.transform(unseen)
    elif issparse(features):
        seen, unseen = seen.toarray(), unseen.toarray()
    if seen.shape[1] == 0:
        return np.zeros((train.sum(), 1)), np.zeros((test.sum(), 1))
    # One scale for all: the features' own proportions say which of them carry the lists.
    centre, scale = seen.mean(axis=0), seen.std(axis=0)
    scale = np.sqrt(np.mean(scale**2))
    scale = scale if scale > 1e-9 else 1.0
    return (seen - centre) / scale, (unseen - centre) / scale


def _logistic(seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1.0, max_iter=200)


def _boosting(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    model: Any = HistGradientBoostingClassifier  # its stubs take early_stopping for text alone
    return model(
        max_iter=30, max_leaf_nodes=6, min_samples_leaf=5, early_stopping=False, random_state=seed
    )


def _perceptron(seed: int) -> Any:
    from sklearn.neural_network import MLPClassifier

    # No step is large enough an improvement, so that it always takes 30 rounds: early stopping
    # would hold out rows, of which there may be too few to have one of every value.
    return MLPClassifier(
        (64,), alpha=0.1, tol=1e9, n_iter_no_change=30, max_iter=200, random_state=seed
    )


MODELS: dict[str, Callable[[int], Any]] = {
    "logistic": _logistic,
    "boosting": _boosting,
    "mlp": _perceptron,
}
