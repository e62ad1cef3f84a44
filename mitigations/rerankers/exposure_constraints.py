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


def constraint_rows(
    relevance: NDArray[np.float64], codes: NDArray[np.int64], constraint: Constraint
) -> NDArray[np.float64]:
    """Return c of shape (G' - 1, n): the constraints are ``c @ E = 0``.

    Args:
        relevance: Shape (n,), at least 0.
        codes: Shape (n,): the group of each item, -1 for one that no constraint is about.
        constraint: What is to be equal.

    Groups without merit, where merit matters, are in no constraint: nothing is owed to them.

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
    rows = []
    for group in np.unique(codes[codes >= 0]):
        member = codes == group
        merit = member.sum() if constraint == "parity" else relevance[member].sum()
        if merit > 0:
            counted = relevance if constraint == "impact" else np.ones(len(relevance))
            rows.append(np.where(member, counted, 0.0) / merit)
    return np.array([row - rows[0] for row in rows[1:]]).reshape(-1, len(relevance))
