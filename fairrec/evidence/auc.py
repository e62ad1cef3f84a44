"""The AUC of cross-validated scores, and an interval that is right at no signal too.

Ranks are compared within a fold only. Pooling the scores of all folds puts the AUC below 0.5
when there is nothing to learn: a fold with more of a class leaves fewer of it to train on.

Folds share training data, so their AUCs are correlated, and the usual variances (DeLong; the
bootstrap over out-of-fold scores; LeDell, Petersen and van der Laan 2015), which take the
trained model as given, are about half of the true one when there is nothing to learn. Here the
spread comes from refitting on permuted labels, which is right there, and follows the score
interval elsewhere: Newcombe, "Confidence intervals for an effect size measure based on the
Mann-Whitney statistic, Part 2", Statistics in Medicine 25, 2006, method 5.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import stdtrit
from scipy.stats import rankdata


def within_fold_auc(
    scores: NDArray[np.float64], labels: NDArray[np.intp], folds: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the AUC of out-of-fold scores, macro-averaged over the classes (one versus rest).

    A class's AUC is the share of pairs, one unit of the class and one of another in the same
    fold, in which the first has the higher score for the class; ties count half. 0.5 is chance.

    Args:
        scores: B labellings x n units x C classes; higher means the class is likelier.
        labels: B x n classes, from 0 to C-1; every class is in every labelling.
        folds: The fold of each of the n units; some fold holds two classes.

    Returns:
        B numbers in [0, 1].
    """
    wins = np.zeros((scores.shape[0], scores.shape[2]))
    pairs = np.zeros_like(wins)
    for fold in np.unique(folds):
        here = folds == fold
        ranks = rankdata(scores[:, here], axis=1)
        own = labels[:, here, None] == np.arange(scores.shape[2])
        positive = own.sum(axis=1)
        wins += (ranks * own).sum(axis=1) - positive * (positive + 1) / 2
        pairs += positive * (here.sum() - positive)
    return (wins / pairs).mean(axis=1)


def auc_interval(
    auc: float, null_aucs: NDArray[np.float64], n: int, level: float = 0.95
) -> tuple[float, float]:
    """Return the ends of an interval for an AUC, given the AUCs of permuted labels.

    It holds the AUCs t with |auc - t| <= q s sqrt(v(t) / v(0.5)): s is the root mean square
    distance of the permuted AUCs from 0.5, q Student's quantile with as many degrees of freedom
    as permutations, and v the variance of an AUC of t among n units (Newcombe's method 5).

    Args:
        auc: What was seen, in [0, 1].
        null_aucs: AUCs of permuted labels, at least 2.
        n: Units.
        level: Confidence level, in (0, 1).
    """
    spread = np.sqrt(np.mean((null_aucs - 0.5) ** 2))
    reach = stdtrit(len(null_aucs), (1 + level) / 2) * spread

    return _lower(auc, reach, n), 1 - _lower(1 - auc, reach, n)


def _lower(auc: float, reach: float, n: int) -> float:
    """Return the least AUC t with auc - t <= reach sqrt(v(t) / v(0.5))."""

    def excess(t: float) -> float:
        return auc - t - reach * np.sqrt(_variance(t, n) / _variance(0.5, n))

    inside = min(auc, 1 - 1e-12)  # at 1 there is no variance, just below there is
    if auc <= 0 or excess(inside) >= 0:
        return auc
    root: Any = brentq(excess, 0.0, inside)
    return float(root)


def _variance(t: float, n: int) -> float:
    """Newcombe's variance of an AUC of t, times the number of pairs."""
    return t * (1 - t) * (1 + (n / 2 - 1) * ((1 - t) / (2 - t) + t / (1 + t)))
