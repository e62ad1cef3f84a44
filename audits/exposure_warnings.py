"""What makes numbers about exposure weaker than they look."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.sparse import csr_matrix

from fairrec.audits.answered_lists import AnsweredLists
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.item_groups import UNKNOWN, ItemGroups
from fairrec.metrics.item_lists import OFF

FEW = 20
"""Users below which intervals are rough."""


def about_lists(
    answered: AnsweredLists, groups: ItemGroups | None, column: str | None, merged: int
) -> Iterable[str]:
    """Say what is missing, unknown, made up or put together."""
    unit, lists = answered.unit, answered.lists
    present = len(answered.owners) - answered.n_missing
    if answered.n_missing:
        missing = f"{answered.n_missing} of {len(answered.owners)} {unit}s"
        yield f"{missing} have no list: they are left out."
    if 0 < present < FEW:
        yield f"{present} {unit}s are few: intervals from fewer than {FEW} are rough."
    shown = int(lists.listed.sum())
    made_up = int((lists.items == OFF).sum())
    if made_up:
        yield (
            f"{made_up} of {shown} recommendations ({made_up / shown:.0%}) are not in the "
            "catalogue: they keep their place and its attention, and belong to no item or group."
        )
    if groups is not None and UNKNOWN in groups.names:
        share = groups.sizes[groups.names.index(UNKNOWN)] / groups.sizes.sum()
        counts = groups.totals(lists.counts().astype(np.float64))
        shown = counts[groups.names.index(UNKNOWN)] / max(counts.sum(), 1.0)
        if max(share, shown) > 0.2:
            yield (
                f"{share:.0%} of the catalogue has no known {column}, and {shown:.0%} of what was "
                "recommended: it is a group of its own."
            )
    if merged:
        yield f"{merged} small groups of {column} are shown together as one, “other groups”."
    if groups is not None and groups.codes is None:
        yield (
            f"Items can have several groups of {column}, each a part of them: NDKL, pairs and "
            "FA*IR's test, which need one group for every place, are left out."
        )
    if np.any(lists.lengths[answered.answered] < lists.k):
        short = int((lists.lengths[answered.answered] < lists.k).sum())
        yield f"{short} list(s) hold fewer than {lists.k} items."


def about_relevance(
    relevant: csr_matrix | None,
    browsing: Sequence[Browsing],
    merits: Iterable[str],
    again: bool,
) -> Iterable[str]:
    """Say what lacks relevance, and what lacks more lists of a request.

    Args:
        relevant: What is relevant to the user of each list, or None.
        browsing: How people read.
        merits: What groups deserve.
        again: Whether the same was asked again.
    """
    if relevant is None or relevant.nnz == 0:
        needing = [str(model) for model in browsing if model.needs_relevance]
        needing += [f"merit by {merit}" for merit in merits if merit == "relevance"]
        if needing:
            yield (
                f"Nothing is known to be relevant to those who were asked for, which "
                f"{' and '.join(needing)} would need."
            )
        return
    if not again:
        yield (
            "Everybody was asked for once: expected exposure takes a single list for what a user "
            "would get on average, which makes attention look heaped on few."
        )
