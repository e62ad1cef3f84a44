"""Testing that an effect is as good as none: "fair within the margin" as a claim of its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import WrongUse


def equivalence_p(
    values: NDArray[np.float64], margin: float, *, bound: float = 1.0
) -> float | None:
    """Return the p-value of "the mean is at least `margin` away from 0"; small means equivalent.

    Two one-sided Student tests, of which the larger p-value counts (Schuirmann, "A Comparison of
    the Two One-Sided Tests Procedure and the Power Approach", 1987).

    Where all n values are the same c within the margin, Student's test knows no spread and
    would claim certainty from two values. If the mean were at the margin and no value beyond
    `bound`, a value could be c with a chance of at most (bound - margin) / (bound - |c|) (Markov's
    inequality), so the p-value is that to the power of n.

    Args:
        values: One difference per cluster, of shape (n,); NaN where missing.
        margin: Half-width of the band that counts as no effect, in (0, bound).
        bound: Largest absolute value a difference can have; 1 for differences of similarities,
            infinite where there is none.

    Returns:
        A number in [0, 1], or None with fewer than two values, or where all are the same within
        the margin and there is no bound.

    Raises:
        WrongUse: The margin is not between 0 and the bound.
    """
    if not 0 < margin < bound:
        raise WrongUse(
            f"the margin is {margin}.",
            expected=f"a number between 0 and {bound}, the largest difference there can be.",
        )
    values = np.asarray(values, dtype=np.float64)
    values = values[~np.isnan(values)]
    n = len(values)
    if n < 2:
        return None
    if np.ptp(values) <= 1e-12 * bound:
        distance = abs(float(values.mean()))
        if distance >= margin:
            return 1.0
        if np.isinf(bound):
            return None
        return float(((bound - margin) / (bound - distance)) ** n)
    from statsmodels.stats.weightstats import DescrStatsW

    return float(DescrStatsW(values).ttost_mean(-margin, margin)[0])
