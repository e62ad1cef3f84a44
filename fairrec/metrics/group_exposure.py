"""Exposure of groups of items, and how unequal it is: parity, treatment and impact.

Singh and Joachims, "Fairness of Exposure in Rankings", KDD 2018, define three kinds of fairness;
Raj and Ekstrand, "Measuring Fairness in Ranked Results", SIGIR 2022, compare what was made of
them. Groups are along the last axis; a group with no item, no merit or no relevance is NaN.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fairrec.errors import BadData, WrongUse

Values = NDArray[np.float64]


def mean_exposure(exposure: ArrayLike, sizes: ArrayLike) -> Values:
    """Return the exposure of each group's average item (Singh and Joachims, Eq. 2).

    Equal for all groups under demographic parity of exposure. At least 0.

    Args:
        exposure: Sum over each group's items, shape (..., G).
        sizes: Items of each group, those never shown included, shape (G,).
    """
    return _ratio(exposure, sizes)


def treatment(exposure: ArrayLike, merit: ArrayLike) -> Values:
    """Return each group's exposure per merit (Singh and Joachims, section 4.2).

    Equal for all groups without disparate treatment: attention in proportion to merit. Ratios of
    two groups are their DTR, also called EUR, exposed utility ratio.

    Args:
        exposure: Shape (..., G).
        merit: What groups deserve, as sums or means like the exposure; shape (..., G).
    """
    return _ratio(exposure, merit)


def impact(attention: ArrayLike, merit: ArrayLike) -> Values:
    """Return each group's clicks, or realised utility, per merit (section 4.3).

    Equal for all groups without disparate impact. Ratios of two groups are their DIR, also called
    RUR, realised utility ratio. Clicks that were not seen are expected as exposure times
    relevance.

    Args:
        attention: Clicks on each group's items, shape (..., G).
        merit: Shape (..., G).
    """
    return _ratio(attention, merit)


def pair_ratio(values: ArrayLike, protected: int, reference: int) -> Values:
    """Return one group's value over another's: DTR of treatment, DIR of impact.

    At least 0; 1 is parity, below 1 the protected group has less. NaN where either is NaN or the
    reference is 0. Their logarithms (logEUR, logRUR) treat both groups alike and have parity at 0.
    """
    x = np.asarray(values, dtype=np.float64)
    return _ratio(x[..., protected], x[..., reference])


def min_max_ratio(values: ArrayLike) -> Values:
    """Return the lowest over the highest; in [0, 1], 1 is parity, NaN where all are 0."""
    low, high = _ends(values)
    return _ratio(low, high)


def difference(values: ArrayLike) -> Values:
    """Return the highest less the lowest; at least 0, 0 is parity."""
    low, high = _ends(values)
    return high - low


def log_ratio(values: ArrayLike) -> Values:
    """Return the natural logarithm of highest over lowest; at least 0, 0 is parity.

    NaN where a group has nothing: it would be infinite.
    """
    low, high = _ends(values)
    positive = low > 0
    quotient = np.where(positive, high / np.where(positive, low, 1.0), 1.0)
    return np.where(positive, np.log(quotient), np.nan)[()]


def l2(values: ArrayLike) -> Values:
    """Return the Euclidean distance of groups' values from their mean; 0 is parity."""
    x, present = _present(values)
    centred = np.where(present, x - _mean(x, present)[..., None], 0.0)
    return _enough(np.sqrt((centred**2).sum(axis=-1)), present)


def variance(values: ArrayLike) -> Values:
    """Return the population variance of groups' values; 0 is parity."""
    x, present = _present(values)
    centred = np.where(present, x - _mean(x, present)[..., None], 0.0)
    return _enough((centred**2).sum(axis=-1) / np.maximum(present.sum(axis=-1), 1), present)


DISPARITIES: dict[str, Callable[[ArrayLike], Values]] = {
    "min_max_ratio": min_max_ratio,
    "difference": difference,
    "log_ratio": log_ratio,
    "l2": l2,
    "variance": variance,
}
"""Forms for any number of groups, by the name that findings give them."""


def group_disparity(values: ArrayLike, how: str) -> Values:
    """Return how unequal groups' values are, over the last axis.

    Groups whose value is NaN do not count; NaN with fewer than two groups left.

    Args:
        values: Shape (..., G), not negative.
        how: A name in `DISPARITIES`.

    Raises:
        WrongUse: There is no such form.
        BadData: A value is negative.
    """
    if how not in DISPARITIES:
        raise WrongUse(f"the form is {how!r}.", expected=f"one of {', '.join(DISPARITIES)}.")
    return DISPARITIES[how](values)


def _ratio(above: ArrayLike, below: ArrayLike) -> Values:
    x, y = np.broadcast_arrays(
        np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    )
    positive = y > 0
    return np.where(positive, x / np.where(positive, y, 1.0), np.nan)[()]


def _present(values: ArrayLike) -> tuple[Values, NDArray[np.bool_]]:
    x = np.asarray(values, dtype=np.float64)
    if (x < 0).any():
        raise BadData(
            f"a group's value is {np.nanmin(x):g}.", expected="numbers of at least 0, or NaN."
        )
    return x, ~np.isnan(x)


def _ends(values: ArrayLike) -> tuple[Values, Values]:
    x, present = _present(values)
    low = np.where(present, x, np.inf).min(axis=-1)
    high = np.where(present, x, -np.inf).max(axis=-1)
    return _enough(low, present), _enough(high, present)


def _mean(x: Values, present: NDArray[np.bool_]) -> Values:
    return np.where(present, x, 0.0).sum(axis=-1) / np.maximum(present.sum(axis=-1), 1)


def _enough(value: Values, present: NDArray[np.bool_]) -> Values:
    return np.where(present.sum(axis=-1) > 1, value, np.nan)[()]
