"""AWRF, attention-weighted rank fairness: is the attention of a list shared out as a target is?

Sapiezynski, Zeng, Robertson, Mislove and Wilson, "Quantifying the Impact of User Attention on Fair
Group Representation in Ranked Lists", WWW 2019 companion; with the Jensen-Shannon divergence in
the TREC fair ranking tracks (Ekstrand, McDonald, Raj and Johnson, 2021 and 2022), which report
1 - distance, so that 1 is best there. Here it is the distance: 0 is fairest.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fairrec.errors import WrongUse

Values = NDArray[np.float64]


def awrf(
    group_exposure: ArrayLike,
    target: ArrayLike,
    distance: Literal["binomial", "jsd"] = "jsd",
    known: ArrayLike | None = None,
    protected: int = 0,
) -> Values:
    """Return how far each list's shares of attention are from the target, shape (n,).

    "jsd": the Jensen-Shannon divergence in bits of the shares of attention and the target. In
    [0, 1]. "binomial": ``|p - p̂|`` of one protected group against all others, p being its share of
    attention; in [0, 1] (Raj and Ekstrand, SIGIR 2022). 0 when the shares are the target's; lower
    is fairer. NaN where no known group has any attention, or the target says nothing of them.

    Another thing under this name: the mean attention of a group's items on a scale of 100, without
    any target (FairRankTune; here `mean_exposure` of a geometric model).

    Args:
        group_exposure: Attention of each list to each group, shape (n, G).
        target: Shares that groups should have, shape (G,) or (n, G).
        distance: Which of the two.
        known: Which groups count, shape (G,); the others, such as "unknown", are left out of
            attention and target. None for all.
        protected: Place of the protected group, of "binomial".

    Raises:
        WrongUse: The distance is unknown, or shapes do not fit.
    """
    x = np.atleast_2d(np.asarray(group_exposure, dtype=np.float64))
    aim = np.broadcast_to(np.asarray(target, dtype=np.float64), x.shape)
    counted = np.ones(x.shape[1], dtype=bool) if known is None else np.asarray(known, dtype=bool)
    if distance not in ("binomial", "jsd") or counted.shape != x.shape[1:]:
        raise WrongUse(
            f"the distance is {distance!r}, with {counted.shape} of {x.shape[1]} groups.",
            expected="'binomial' or 'jsd', and one flag per group.",
        )
    if distance == "binomial" and not counted[protected]:
        raise WrongUse("the protected group is one that does not count.", expected="a known group.")
    seen, wanted = _shares(np.where(counted, x, 0.0)), _shares(np.where(counted, aim, 0.0))
    if distance == "binomial":
        return np.abs(seen[:, protected] - wanted[:, protected])
    return _divergence(seen, wanted)


def _divergence(p: Values, q: Values) -> Values:
    """Return `jensen_shannon` of the rows of p and q, looking only at what p holds.

    A list holds few of many groups, and a group that it lacks adds half of its target.
    """
    rows, columns = np.nonzero(p > 0)
    x, y = p[rows, columns], q[rows, columns]
    middle = (x + y) / 2
    some = y > 0
    terms = x * np.log2(x / middle) - y
    terms += np.where(some, y * np.log2(np.where(some, y, middle) / middle), 0.0)
    found = (q.sum(axis=1) + np.bincount(rows, terms, minlength=len(p))) / 2
    unknown = np.isnan(p[:, 0]) | np.isnan(q[:, 0])
    return np.where(unknown, np.nan, np.maximum(found, 0.0))  # rounding alone puts it below 0


def _shares(amounts: Values) -> Values:
    total = amounts.sum(axis=1, keepdims=True)
    return np.where(total > 0, amounts / np.where(total > 0, total, 1.0), np.nan)
