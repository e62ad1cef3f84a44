"""Settings to the mitigations that they name, and a recommender inside them."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from typing import Any, get_type_hints

import numpy as np
from pydantic import TypeAdapter, ValidationError

from fairrec.catalogs import Catalog
from fairrec.command_line.configuration import Configuration
from fairrec.command_line.item_audits import interactions
from fairrec.datasets import Dataset
from fairrec.errors import WrongUse
from fairrec.metrics.popularity_parts import split_by_interactions
from fairrec.mitigations import MITIGATIONS, Mitigation
from fairrec.protocols import Audit, Recommender


def mitigate(
    recommender: Recommender, settings: Configuration, mitigations: Sequence[Mitigation]
) -> Recommender:
    """Return the recommender with each mitigation around what is there already."""
    for mitigation in mitigations:
        recommender = mitigation.wrap(recommender, on_error=settings.on_error)
    return recommender


def with_popularity(
    settings: Configuration, catalog: Catalog, dataset: Dataset | None, audit: Audit
) -> Catalog:
    """Return the catalogue with the columns ``interactions``, a number, and ``popularity_part``:
    head, mid or tail, with 20, 60 and 20 % of the interactions.

    They are there for mitigations to name, as far as popularity is known (see
    `fairrec.command_line.item_audits.interactions`); columns of the same names stay.
    """
    if dataset is None and settings.items.popularity is None:
        return catalog
    users = getattr(audit, "users", ())
    known = interactions(settings, catalog, dataset, users)
    counts = np.array([known.get(item, 0.0) for item in catalog.ids])
    if not counts.any() or (counts < 0).any():
        return catalog
    parts = split_by_interactions(counts, (0.2, 0.8))
    names = np.array([parts.names[code] for code in parts.codes], dtype=object)
    added = {"interactions": counts, "popularity_part": names}
    return Catalog(catalog.ids, catalog.titles, {**added, **catalog.columns})


def build_mitigations(settings: Configuration, catalog: Catalog) -> list[Mitigation]:
    """Return the mitigations that the settings name, the innermost first.

    What a mitigation needs and is not given it takes from the audit's settings: the catalogue,
    the column, the attributes, the language and the seed.

    Raises:
        WrongUse: A name or a setting is unknown, or a value is not of the right kind.
    """
    return [
        build_mitigation(name, given, settings, catalog)
        for entry in settings.mitigate
        for name, given in entry.items()
    ]


def build_mitigation(
    name: str, given: Mapping[str, Any], settings: Configuration, catalog: Catalog
) -> Mitigation:
    """Return one mitigation; see `build_mitigations`."""
    kind = _kind(name)
    fields = {field.name for field in dataclasses.fields(kind) if field.name != "catalog"}
    if unknown := sorted(given.keys() - fields):
        close = difflib.get_close_matches(unknown[0], fields, 1)
        raise WrongUse(
            f"{name} has no setting {unknown[0]!r}.",
            expected=f"one of {', '.join(sorted(fields))}.",
            do=f"did you mean {close[0]!r}?" if close else "leave it out.",
        )
    if hasattr(kind, "fit"):
        raise WrongUse(
            f"{name} learns from answers before it is used.",
            expected="a mitigation that needs no fitting.",
            do=f"fit it in Python: fairrec.mitigations.{kind.__name__}(...).fit(...).wrap(...).",
        )
    named = settings.attributes
    known: dict[str, Any] = {
        "catalog": catalog,
        "column": getattr(kind, "default_column", "") or settings.column,
        "language": settings.language,
        "seed": settings.seed,
        "attributes": tuple(named),
        "attribute": next(iter(named)),
    }
    taken = {
        field.name: known[field.name] for field in dataclasses.fields(kind) if field.name in known
    }
    return kind(**{**taken, **_checked(kind, given)})


def parse_mitigation(text: str) -> dict[str, dict[str, Any]]:
    """Read ``fa_ir`` or ``fa_ir:p=0.4,protected=Drama`` as a name with its settings.

    Raises:
        WrongUse: A setting has no value.
    """
    import yaml

    name, _, rest = text.partition(":")
    settings = {}
    for part in filter(None, rest.split(",")):
        key, equals, value = part.partition("=")
        if not equals or not key.strip():
            raise WrongUse(
                f"--mitigate {text!r}: {part!r} has no value.",
                expected="settings as key=value, such as fa_ir:p=0.4,alpha=0.1.",
                do="use the settings file for values that hold commas.",
            )
        settings[key.strip()] = yaml.safe_load(value)
    return {name.strip(): settings}


def _kind(name: str) -> type[Mitigation]:
    if name in MITIGATIONS:
        return MITIGATIONS[name]
    close = difflib.get_close_matches(name, MITIGATIONS, 1)
    raise WrongUse(
        f"there is no mitigation {name!r}.",
        expected=f"one of {', '.join(sorted(MITIGATIONS))}.",
        do=f"did you mean {close[0]!r}?" if close else "choose one of them.",
    )


def _checked(kind: type[Mitigation], given: Mapping[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    checked = {}
    for key, value in given.items():
        try:
            checked[key] = TypeAdapter(hints[key]).validate_python(value)
        except ValidationError as error:
            raise WrongUse(
                f"{kind.name}: {key} is {value!r}.",
                expected="; ".join(problem["msg"] for problem in error.errors()) + ".",
            ) from error
    return checked
