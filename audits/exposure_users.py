"""Do groups of users see other groups of items?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.excess import finding_id
from fairrec.audits.families import adjusted
from fairrec.evidence.groupings import upper_p
from fairrec.metrics.concentration import shares, total_variation
from fairrec.metrics.divergence import jensen_shannon
from fairrec.results import Estimate, Finding
from fairrec.seeds import generator

Values = NDArray[np.float64]

MOST = 999
"""Permutations of the users' groups that are looked at."""

REASON = "above 0 by chance alone: see the noise floor and the test"


def user_group_findings(
    given: Values,
    owners: Sequence[str],
    profiles: Mapping[str, Mapping[str, str]],
    column: str,
    *,
    unit: str,
    draws: int,
    level: float,
    seed: int,
) -> list[Finding]:
    """Return how far user groups' shares of item groups lie apart, attribute by attribute.

    `user_group_jsd` is the Jensen-Shannon divergence of all groups' shares in bits, each group
    counting alike; `user_group_distance` the largest total variation of any two. The test permutes
    which group each user is in, all of a user's lists together; the noise floor is the mean then.

    Args:
        given: Attention of each user's lists to each group of items, shape (users, G).
        owners: Ids of the users.
        profiles: Their attributes, by id; users without a value are left out, attributes with
            fewer than two users of any value too.
        column: What groups the items.
        unit, draws, level, seed: As everywhere.
    """
    there = given.sum(axis=1) > 0
    found: dict[str, list[Finding]] = {"user_group_jsd": [], "user_group_distance": []}
    for attribute in sorted({name for of in profiles.values() for name in of}):
        labels = [profiles.get(owner, {}).get(attribute) for owner in owners]
        values = sorted(
            {label for label, here in zip(labels, there, strict=True) if label and here}
        )
        code = np.array([values.index(label) if label in values else -1 for label in labels])
        kept = there & (code >= 0)
        if len(values) < 2 or np.bincount(code[kept]).min() < 2:
            continue
        common = {"n": int(kept.sum()), "n_missing": int((~kept).sum())}
        common |= {"unit": unit, "level": level, "direction": "lower"}
        rng = generator(seed, "exposure", "user groups", attribute)
        seen, null = _apart(given[kept], code[kept], rng, min(draws, MOST))
        for statistic, value, by_chance in zip(found, seen.tolist(), null.T, strict=True):
            found[statistic].append(_finding(attribute, statistic, value, by_chance, common))
    return [
        finding
        for statistic, some in found.items()
        for finding in adjusted(some, f"{statistic}: exposure to {column} over users' attributes")
    ]


def _apart(
    given: Values, code: NDArray[np.int64], rng: np.random.Generator, draws: int
) -> tuple[Values, Values]:
    """Return both statistics, shape (2,), and under permutations of the users, (draws, 2)."""
    size = int(code.max()) + 1
    first, second = np.triu_indices(size, 1)

    def measured(codes: NDArray[np.int64]) -> list[float]:
        held = np.zeros((size, given.shape[1]))
        np.add.at(held, codes, given)
        p = shares(held)
        return [float(jensen_shannon(p)), float(total_variation(p[first], p[second]).max())]

    null = np.array([measured(rng.permutation(code)) for _ in range(draws)])
    return np.array(measured(code)), null


def _finding(
    attribute: str, statistic: str, value: float, null: Values, common: Mapping[str, Any]
) -> Finding:
    finding = Finding(
        finding_id("exposure", attribute, None, "exposure", statistic),
        audit="exposure",
        metric="exposure",
        statistic=statistic,
        attribute=attribute,
        estimate=Estimate(value, reason=REASON, **common),
    )
    return replace(finding, p_value=upper_p(null, value), noise_floor=float(null.mean()))
