"""Does popularity lift differ between groups of users?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairrec.evidence.groups import label_permutation_test
from fairrec.results import Estimate

Values = NDArray[np.float64]

FEWEST = 5
"""Users with a list and a history that a group of users needs."""


@dataclass(frozen=True)
class LiftRange:
    """How far the groups' lifts lie apart, and what chance makes of it.

    Attributes:
        estimate: The range, without an interval.
        p_value: Of "no group's lift differs", or None.
        null_mean: The mean range when users are dealt out to the groups at random, or None.
    """

    estimate: Estimate
    p_value: float | None
    null_mean: float | None


def groups_of(labels: Sequence[str], use: NDArray[np.bool_]) -> dict[str, NDArray[np.bool_]]:
    """Return the users of each value, "" left out, where at least `FEWEST` of `use` have it."""
    given = np.array(labels, dtype=object)
    members = {value: use & (given == value) for value in sorted(set(labels) - {""})}
    return {value: rows for value, rows in members.items() if rows.sum() >= FEWEST}


def lift_range(
    consumed: Mapping[str, Values],
    recommended: Mapping[str, Values],
    rng: np.random.Generator,
    draws: int,
    *,
    level: float = 0.95,
    unit: str = "user",
) -> LiftRange:
    """Return the range of the groups' lifts and test that there is none.

    Lists that are popular in proportion to histories lift all groups alike, though groups with
    popular tastes have larger numbers that vary more: users are not exchangeable. Exchanged is
    what lists have beyond that proportion, ``(r - R h) / mean of h in the group``, R being the
    mean of all lists over that of all histories: its mean is the group's lift less the lift of
    all, times a constant. The test is `label_permutation_test`, of Welch's statistic.

    Args:
        consumed: Mean popularity of each user's history by group; no NaN.
        recommended: That of the same users' lists.
        rng: Source of the permutations.
        draws: Permutations.
        level: Confidence level of the audit.
        unit: What a user is.
    """
    own = np.array([values.mean() for values in consumed.values()])
    given = np.array([values.mean() for values in recommended.values()])
    common = {
        "n": sum(map(len, consumed.values())),
        "unit": unit,
        "level": level,
        "direction": "lower",
    }
    if len(own) < 2 or (own <= 0).any():
        reason = "undefined: fewer than two groups, or one whose histories were never consumed"
        return LiftRange(Estimate(None, reason=reason, **common), None, None)
    every = float(
        np.concatenate([*recommended.values()]).sum() / np.concatenate([*consumed.values()]).sum()
    )
    beyond = {
        name: (recommended[name] - every * consumed[name]) / mean
        for name, mean in zip(consumed, own.tolist(), strict=True)
    }
    test = label_permutation_test(beyond, rng, draws)
    estimate = Estimate(
        float(np.ptp(given / own)),
        reason="a range is above 0 by chance alone: see the noise floor and the test",
        **common,
    )
    return LiftRange(estimate, test.p_value, test.null_mean)
