"""What a reader must know before believing numbers about providers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.answered_lists import AnsweredLists
from fairrec.metrics.item_groups import ItemGroups

Values = NDArray[np.float64]


def about_lists(answered: AnsweredLists, again: AnsweredLists) -> Iterator[str]:
    """Say who has no list, what is off the catalogue, and whether anything was asked twice."""
    unit, missing, owners = answered.unit, answered.n_missing, len(answered.owners)
    if missing:
        yield f"{missing} of {owners} {unit}s have no list and count for nothing."
    listed = int(answered.lists.listed.sum())
    off = listed - int(answered.lists.known.sum())
    if off:
        yield (
            f"{off} of {listed} places ({off / listed:.1%}) hold what is no item of the "
            "catalogue: they have no provider, and shares are of the others' exposure."
        )
    if not again.answered.any():
        yield (
            "nothing was asked again and answered: how far asking again alone moves the "
            "providers' shares is not known."
        )


def about_providers(
    groups: ItemGroups, shown: ItemGroups, item_amounts: Values, column: str
) -> Iterator[str]:
    """Say which items have no provider, what was put together, and who is far above the rest."""
    known = groups.known
    totals = groups.totals(item_amounts)
    if not known.all():
        items = float(groups.sizes[~known].sum())
        exposed = totals[~known].sum() / totals.sum() if totals.sum() > 0 else 0.0
        yield (
            f"{items:g} of {groups.sizes.sum():g} items ({items / groups.sizes.sum():.1%}) have no "
            f"{column}, with {exposed:.1%} of the exposure: concentration and minimum exposure are "
            "of the others."
        )
    named = int(known.sum())
    rest = 0 if shown is groups else named - (int(shown.known.sum()) - 1)  # but for "other groups"
    if rest:
        yield (
            f"{named} values of {column} are too many for findings of their own: the "
            f"{named - rest} with most items have them, the other {rest} are put together as "
            "'other groups'. Concentration counts every one."
        )
    if totals[known].sum() > 0:
        first = int(np.flatnonzero(known)[totals[known].argmax()])
        exposed = totals[first] / totals[known].sum()
        offered = groups.sizes[first] / groups.sizes[known].sum()
        if exposed > 2 * offered:
            yield (
                f"{groups.names[first]!r} has the most exposure of all values of {column}: "
                f"{exposed:.1%}, with {offered:.1%} of the items."
            )


def about_minimum(names: Sequence[str], promised: Sequence[int], alpha: float) -> Iterator[str]:
    """Say where the promised minimum is nothing."""
    for name, minimum in zip(names, promised, strict=True):
        if minimum == 0:
            yield (
                f"at alpha {alpha:g} there are too few places to promise one to each of the "
                f"{name}: whether they have it says nothing."
            )


def about_sources(codes: NDArray[np.int64], column: str) -> Iterator[str]:
    """Say how many items have no known source."""
    unknown = int((codes < 0).sum())
    if unknown:
        yield (
            f"{unknown} of {len(codes)} items are neither 'human' nor 'llm' in {column}: "
            "source bias is of the others."
        )
