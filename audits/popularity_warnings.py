"""What makes numbers about popularity weaker than they look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.popularity_lift import FEWEST
from fairrec.metrics.item_lists import ItemLists

NAMED = 5
"""Groups that a warning names."""


def about_histories(
    histories: ItemLists, popularity: NDArray[np.float64], of_users: bool
) -> Iterable[str]:
    """Say who has nothing to be compared with, and which items nobody ever had.

    Args:
        histories: What each who was asked for consumed, of the catalogue.
        popularity: How often each item was consumed, shape (N,).
        of_users: Whether users were asked for, not topics.
    """
    without = int((~histories.known.any(axis=1)).sum())
    if of_users and without:
        yield (
            f"{without} of {len(histories)} users have no history to be compared with, "
            "or none of it is in the catalogue."
        )
    if not of_users:
        yield "Topics have no histories: lift and calibration are left out."
    never = int((popularity == 0).sum())
    if never:
        yield (
            f"{never} of {len(popularity)} items were never consumed: they have no logarithm "
            "and no self-information, and are left out of their means."
        )


def about_groups(
    attributes: Sequence[str],
    profiles: Sequence[Mapping[str, str]],
    measured: NDArray[np.bool_],
) -> Iterable[str]:
    """Say who belongs to no group of users, and which groups are too small.

    Args:
        attributes: Those whose groups are compared.
        profiles: Attributes of each user.
        measured: Users with a list and a history, in the same order.
    """
    for attribute in attributes:
        given = [profile.get(attribute) or "" for profile in profiles]
        if lacking := given.count(""):
            yield f"{lacking} of {len(given)} users have no {attribute!r} and are in no group."
        counts: Counter[str] = Counter()
        for value, there in zip(given, measured.tolist(), strict=True):
            counts[value] += there
        few = [f"{v} ({n})" for v, n in sorted(counts.items()) if v and n < FEWEST]
        if few:
            more = f" and {len(few) - NAMED} more" if len(few) > NAMED else ""
            yield (
                f"Groups of {attribute!r} with fewer than {FEWEST} users who have a list and a "
                f"history are not compared: {', '.join(few[:NAMED])}{more}."
            )
