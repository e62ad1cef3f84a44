"""What fairness of exposure asks of groups, as linear constraints on the exposure of items.

Singh and Joachims, "Fairness of Exposure in Rankings", KDD 2018, section 4. E_i is the expected
exposure of item i and r_i its relevance. For every two groups are to be equal

- "parity": mean exposure, Σ_g E_i / n_g (demographic parity);
- "treatment": exposure by merit, Σ_g E_i / Σ_g r_i (no disparate treatment);
- "impact": clicks by merit, Σ_g E_i r_i / Σ_g r_i, the chance of a click being E_i r_i (no
  disparate impact).
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import BadData, WrongUse

Constraint = Literal["parity", "treatment", "impact"]

_NO_MERIT = 1e-6


def constraint_rows(
    relevance: NDArray[np.float64], codes: NDArray[np.int64], constraint: Constraint
) -> NDArray[np.float64]:
    """Return c of shape (G' - 1, n): the constraints are ``c @ E = 0``.

    Args:
        relevance: Shape (n,), at least 0.
        codes: Shape (n,): the group of each item, -1 for one that no constraint is about.
        constraint: What is to be equal.

    Groups without merit, or with less than a millionth of the largest, are in no constraint:
    nothing is owed to them. The others are each compared with the group of most merit, the first
    of several, whose coefficients are the steadiest.

    Raises:
        WrongUse: The constraint is unknown.
        BadData: A relevance is negative.
    """
    if constraint not in get_args(Constraint):
        raise WrongUse(
            f"the constraint {constraint!r} is unknown.",
            expected="'parity', 'treatment' or 'impact'.",
        )
    if relevance.size and relevance.min() < 0:
        raise BadData(
            f"relevance goes down to {relevance.min():g}.",
            expected="numbers of at least 0.",
            do="scale scores to [0, 1] (scale='minmax').",
        )
    counted = relevance if constraint == "impact" else np.ones(len(relevance))
    members = codes == np.unique(codes[codes >= 0])[:, None]
    merits = members.sum(axis=1) if constraint == "parity" else members @ relevance
    owed = merits > merits.max(initial=0.0) * _NO_MERIT
    if owed.sum() < 2:
        return np.zeros((0, len(relevance)))
    rows = np.where(members[owed], counted, 0.0) / merits[owed, None]
    most = int(np.argmax(merits[owed]))
    return np.delete(rows, most, axis=0) - rows[most]


def price_of_missing(relevance: NDArray[np.float64], rows: NDArray[np.float64]) -> float:
    """Return what missing a constraint by 1 is to cost: more than any ranking gains by it.

    Moving exposure between two items changes what a ranking is worth by at most the largest
    relevance, and a constraint by at least about the smaller of its largest coefficients.
    """
    if not len(rows):
        return 0.0
    least = float(np.minimum(rows.max(axis=1), -rows.min(axis=1)).min())
    return 1e3 * max(float(np.abs(relevance).max()), 1e-9) / max(least, 1e-9)
