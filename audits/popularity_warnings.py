"""What makes numbers about popularity weaker than they look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fairrec.users import User


def about_histories(
    owners: Sequence[str], users: Mapping[str, User], popularity: NDArray[np.float64]
) -> Iterable[str]:
    """Say who has nothing to be compared with, and which items nobody ever had.

    Args:
        owners: Who was asked for.
        users: Users by id; none for topics.
        popularity: How often each item was consumed, shape (N,).
    """
    without = sum(not users[name].history for name in owners if name in users)
    if users and without:
        yield f"{without} of {len(users)} users have no history to be compared with."
    if not users:
        yield "Topics have no histories: lift and calibration are left out."
    never = int((popularity == 0).sum())
    if never:
        yield (
            f"{never} of {len(popularity)} items were never consumed: they have no logarithm "
            "and no self-information, and are left out of their means."
        )
