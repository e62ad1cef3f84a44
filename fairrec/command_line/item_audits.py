"""Settings to the audits that look at lists from the items' side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fairrec.audits import (
    ExposureAudit,
    GroundingAudit,
    PopularityAudit,
    PositionBiasAudit,
    ProviderAudit,
)
from fairrec.catalogs import Catalog
from fairrec.command_line.configuration import Configuration
from fairrec.datasets import Dataset
from fairrec.errors import WrongUse
from fairrec.metrics.browsing import parse_browsing
from fairrec.protocols import Audit
from fairrec.users import User

ABOUT_ITEMS = ("exposure", "popularity", "position_bias", "grounding", "provider")


def build_item_audit(
    settings: Configuration,
    catalog: Catalog,
    dataset: Dataset | None,
    asked: Mapping[str, Any],
) -> Audit:
    """Return the audit that the settings describe.

    Args:
        settings: Which audit, and how it looks at lists.
        catalog: The items.
        dataset: Where interactions are counted, or None.
        asked: Users or topics, with the words: what all audits share.

    Raises:
        WrongUse: A column is unknown, or nothing is known of popularity.
    """
    items = settings.items
    browsing = tuple(parse_browsing(text) for text in items.browsing)
    shared: dict[str, Any] = {"catalog": catalog, **asked}
    users: Sequence[User] = asked.get("users", ())
    attributes = known_attributes(settings, users)
    match settings.audit:
        case "exposure":
            needs = "interactions" in items.merit and not isinstance(items.merit, dict)
            return ExposureAudit(
                **shared,
                column=settings.column,
                browsing=browsing,
                merit=items.merit,
                interactions=interactions(settings, catalog, dataset, users) if needs else None,
            )
        case "popularity":
            return PopularityAudit(
                **shared,
                popularity=interactions(settings, catalog, dataset, users),
                column=settings.column if settings.column in catalog.columns else None,
                quality=None if items.quality is None else numbers(catalog, items.quality),
                attributes=attributes,
            )
        case "grounding":
            return GroundingAudit(
                **shared,
                column=settings.column if settings.column in catalog.columns else None,
                attributes=attributes,
            )
        case "provider":
            return ProviderAudit(
                **shared,
                column=settings.column,
                browsing=browsing[0],
                minimum_alpha=items.minimum_alpha,
                source_column=items.source,
            )
        case _:
            if not users:
                raise WrongUse(
                    "the audit 'position_bias' was given no users.",
                    expected="users with candidates, one of which they went on to like.",
                    do="name a data set: --users FOLDER.",
                )
            return PositionBiasAudit(
                **{key: value for key, value in shared.items() if key not in ("topics", "repeats")},
                positions=tuple(items.positions),
                shuffles=items.shuffles,
                repeats=max(1, settings.repeats),
            )


def known_attributes(settings: Configuration, users: Sequence[User]) -> list[str]:
    """Return the attributes of the settings that any user has."""
    return [name for name in settings.attributes if any(name in user.profile for user in users)]


def interactions(
    settings: Configuration, catalog: Catalog, dataset: Dataset | None, users: Sequence[User]
) -> dict[str, float]:
    """Return how popular each item is: a column, or how many users of the data set have it.

    What the audited users hold out is not counted: it is what the recommender is to find.
    """
    column = settings.items.popularity
    if column is not None:
        return numbers(catalog, column)
    if dataset is None:
        raise WrongUse(
            "nothing is known of how popular items are.",
            expected="a data set whose interactions are counted, or a numeric column.",
            do="name one: `users: {path: FOLDER}` or `items: {popularity: votes}`.",
        )
    counts = np.bincount(dataset.items, minlength=len(dataset.catalog)).astype(float)
    known = dict(zip(dataset.catalog.ids, counts.tolist(), strict=True))
    for user in users:
        for item in user.held_out:
            known[item] -= 1
    return {item: known.get(item, 0.0) for item in catalog.ids}


def numbers(catalog: Catalog, column: str) -> dict[str, float]:
    """Return a numeric column by item id; what is missing is left out."""
    values = catalog.numbers(column)
    return {
        item: value
        for item, value in zip(catalog.ids, values.tolist(), strict=True)
        if not np.isnan(value)
    }
