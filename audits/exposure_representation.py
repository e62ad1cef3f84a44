"""How groups of items are represented in every list, and in lists drawn at random."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.exposure_chance import random_lists
from fairrec.metrics.attention import awrf
from fairrec.metrics.concentration import shares
from fairrec.metrics.exposure import group_exposure
from fairrec.metrics.group_representation import infeasible_index, max_skew, ndkl, skew_at_k
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.item_lists import OFF, ItemLists
from fairrec.metrics.merit import catalogue_shares

Values = NDArray[np.float64]
Codes = NDArray[np.int64]

LISTS = 2_000
"""Random lists that a noise floor is the mean of."""


def place_codes(lists: ItemLists, groups: ItemGroups) -> Codes | None:
    """Return the group of every place, "unknown" one of them; None where items are in several."""
    if groups.codes is None:
        return None
    return np.where(lists.known, groups.codes[np.where(lists.known, lists.items, 0)], lists.items)


def known_codes(codes: Codes, groups: ItemGroups) -> Codes:
    """Return codes with "unknown" as if off the catalogue: it takes a place and is no group."""
    return np.where((codes >= 0) & ~groups.known[np.maximum(codes, 0)], OFF, codes)


def list_measures(lists: ItemLists, exposure: Values, groups: ItemGroups) -> dict[str, Values]:
    """Return what is measured of every list, shape (n,); NaN for what a list has none of.

    Targets are the groups' shares of the catalogue. What needs one group for every place is left
    out where items are in several. A list without any known group has no skew.

    Args:
        lists: n lists.
        exposure: Attention of their places.
        groups: Groups of the items.
    """
    deserved = catalogue_shares(groups)
    given = group_exposure(lists, groups, exposure)
    found = {"awrf": awrf(given, deserved, known=groups.known)}
    codes = place_codes(lists, groups)
    if codes is None:
        return found
    among_known = shares(np.where(groups.known, deserved, 0.0))
    skew = max_skew(skew_at_k(codes, deserved)[:, groups.known])
    return {
        **found,
        "ndkl": ndkl(known_codes(codes, groups), among_known),
        "infeasible_index": infeasible_index(codes, deserved),
        "max_skew": np.where(np.isfinite(skew), skew, np.nan),
    }


def group_gaps(lists: ItemLists, exposure: Values, groups: ItemGroups) -> Values:
    """Return how far each known group's share of a list's attention is from its catalogue share.

    AWRF with the binomial distance, each group against all others; shape (n, known groups).
    """
    given, deserved = group_exposure(lists, groups, exposure), catalogue_shares(groups)
    return np.column_stack(
        [
            awrf(given, deserved, "binomial", known=groups.known, protected=place)
            for place in np.flatnonzero(groups.known).tolist()
        ]
    )


def chance_lists(
    rng: np.random.Generator, n_items: int, weights: Values
) -> tuple[ItemLists, Values]:
    """Return random choices of the catalogue and the attention of their places.

    Args:
        rng: Source of the draws.
        n_items: Items of the catalogue.
        weights: Attention of the places of a list of the usual length.
    """
    length = min(len(weights), n_items)
    items = random_lists(rng, n_items, LISTS, length)
    return ItemLists(items, n_items), np.tile(weights[:length], (LISTS, 1))


def chance_mean(values: Values) -> Values:
    """Return the mean over lists, NaN where none has a value."""
    count = (~np.isnan(values)).sum(axis=0)
    return np.where(count > 0, np.nansum(values, axis=0) / np.maximum(count, 1), np.nan)
