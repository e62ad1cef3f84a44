"""Thresholds with coverage for finite samples, and how much coverage is achieved, by group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv

from fairrec.errors import WrongUse
from fairrec.types import Request

if TYPE_CHECKING:
    from fairrec.mitigations.conformal_reasking import ReaskingRecommender, Settled


@dataclass(frozen=True, slots=True)
class GroupCoverage:
    """How many answers of a group are within its threshold.

    Attributes:
        group: The stated value.
        threshold: None where there is none; nothing is asked about the group then.
        calibrated_on: Calibration requests behind the threshold.
        n: Requests that could be judged here.
        unjudged: Requests without an answer, or without a counterfactual one.
        asked_again: How many were asked again.
        covered: Share of first answers within the threshold, which is promised to be 1 - alpha
            at least in the mean over calibration sets. None where nothing could be judged, as
            are its limits.
        low, high: Its exact confidence limits (Clopper and Pearson, Biometrika 26, 1934).
        covered_finally: Share of the answers that are returned; never below `covered`.
    """

    group: str
    threshold: float | None
    calibrated_on: int
    n: int
    unjudged: int
    asked_again: int
    covered: float | None
    low: float | None
    high: float | None
    covered_finally: float | None


def conformal_threshold(dissimilarities: ArrayLike, alpha: float) -> float:
    """Return the r-th smallest of n dissimilarities, r = ceil((n + 1) (1 - alpha)).

    A further one that is exchangeable with them is at most as large with probability 1 - alpha at
    least, and, unless there are ties, 1 - alpha + 1 / (n + 1) at most. Infinite where r is above
    n: fewer than 1 / alpha - 1 values promise nothing.

    Args:
        dissimilarities: Shape (n,), no NaN; n may be 0.
        alpha: In [0, 1).

    Raises:
        WrongUse: alpha is out of range.

    >>> conformal_threshold([0.5, 0.1, 0.2, 0.4], 0.2), conformal_threshold([0.5], 0.2)
    (0.5, inf)
    """
    check_alpha(alpha)
    ordered = np.sort(np.asarray(dissimilarities, dtype=np.float64))
    # As it is written: 0.1 is a tenth here, so that (n + 1) 0.9 is whole where it should be.
    rank = math.ceil((len(ordered) + 1) * (1 - Fraction(str(float(alpha)))))
    return float(ordered[rank - 1]) if rank <= len(ordered) else math.inf


def coverage(
    recommender: ReaskingRecommender, requests: Sequence[Request], level: float = 0.95
) -> list[GroupCoverage]:
    """Return the coverage of every group, in the order of their names.

    Args:
        recommender: What asks.
        requests: None of them of the calibration set; those that state nothing are left out.
        level: Confidence level, in (0, 1).

    Raises:
        WrongUse: The level is out of range.
    """
    if not 0 < level < 1:
        raise WrongUse(f"the level is {level}.", expected="a number between 0 and 1.")
    conformal = recommender.mitigation
    groups: dict[str, list[Settled]] = {}
    for settled in recommender.settle(requests):
        if settled.first.group is not None:
            groups.setdefault(settled.first.group, []).append(settled)
    found = []
    for group, some in sorted(groups.items()):
        threshold = conformal.thresholds.get(group)
        limit = math.inf if threshold is None else threshold
        judged = [one for one in some if not math.isnan(one.first.dissimilarity)]
        n, within = len(judged), sum(one.first.dissimilarity <= limit for one in judged)
        finally_within = sum(one.final.dissimilarity <= limit for one in judged)
        low, high = clopper_pearson(within, n, level) if n else (None, None)
        found.append(
            GroupCoverage(
                group=group,
                threshold=threshold,
                calibrated_on=conformal.calibrated_on.get(group, 0),
                n=n,
                unjudged=len(some) - n,
                asked_again=sum(one.asked_again for one in some),
                covered=within / n if n else None,
                low=low,
                high=high,
                covered_finally=finally_within / n if n else None,
            )
        )
    return found


def clopper_pearson(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the exact confidence limits of a share of n independent trials, n at least 1."""
    tail = (1 - level) / 2
    low = betaincinv(successes, n - successes + 1, tail) if successes else 0.0
    high = betaincinv(successes + 1, n - successes, 1 - tail) if successes < n else 1.0
    return float(low), float(high)


def check_alpha(alpha: float) -> None:
    """Raise WrongUse unless alpha is in [0, 1)."""
    if not 0 <= alpha < 1:
        raise WrongUse(
            f"alpha is {alpha}.", expected="a share from 0 to below 1 that may be asked again."
        )
