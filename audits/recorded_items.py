"""Audits of the items' side from answers that are there already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from fairrec.audits.exposure import ExposureAudit
from fairrec.audits.grounding import GroundingAudit
from fairrec.audits.popularity import PopularityAudit
from fairrec.audits.position_bias import PositionBiasAudit
from fairrec.audits.provider import ProviderAudit
from fairrec.catalogs import Catalog
from fairrec.errors import BadData, WrongUse
from fairrec.prompts import Template
from fairrec.protocols import Audit
from fairrec.recordings import Recording
from fairrec.types import Answer, Probe
from fairrec.users import User

UNKNOWN_WORDS = Template("{statement} {value} {name} {history} {candidates}")
"""Stands for the words that were asked; the recording's own are in its probes."""

Built = tuple[Audit, Sequence[Probe], Sequence[Answer]]


def _exposure(recording: Recording, catalog: Catalog | None, settings: dict[str, Any]) -> Built:
    return _built(ExposureAudit, recording, catalog, settings)


def _grounding(recording: Recording, catalog: Catalog | None, settings: dict[str, Any]) -> Built:
    return _built(
        GroundingAudit,
        recording,
        catalog,
        {"attributes": attributes_of(recording.users), **settings},
    )


def _provider(recording: Recording, catalog: Catalog | None, settings: dict[str, Any]) -> Built:
    if "column" not in settings:
        raise WrongUse(
            "the audit 'provider' was given no column.",
            expected="the column of the catalogue that names providers.",
            do="name it: --column distributor.",
        )
    return _built(ProviderAudit, recording, catalog, settings)


def _popularity(recording: Recording, catalog: Catalog | None, settings: dict[str, Any]) -> Built:
    """Count popularity in the users' histories where no column of the catalogue says it."""
    column = settings.pop("popularity", None)
    if column is not None and catalog is not None:
        values = catalog.numbers(column)
        popularity = {i: v for i, v in zip(catalog.ids, values.tolist(), strict=True) if v == v}
    else:
        popularity = dict(Counter(item for user in recording.users for item in user.history))
    if not popularity:
        raise BadData(
            "nothing is known of how popular items are.",
            expected="histories of the users, or a numeric column of the catalogue.",
            do="name the column: --popularity votes.",
        )
    more = {"popularity": popularity, "attributes": attributes_of(recording.users), **settings}
    return _built(PopularityAudit, recording, catalog, more)


def _position_bias(
    recording: Recording, catalog: Catalog | None, settings: dict[str, Any]
) -> Built:
    positions = sorted(
        {
            int(probe.request.slots["position"])
            for probe in recording.probes
            if probe.request.slots.get("position", "").isdigit()
        }
    )
    if len(positions) < 2:
        raise BadData(
            f"the recording has the true item at {len(positions)} position(s).",
            expected="rows whose slots say its position, at least 2 different ones.",
            do="judge a recording of the audit 'position_bias'.",
        )
    return _built(
        PositionBiasAudit, recording, catalog, {"positions": tuple(positions), **settings}
    )


ITEM_BUILDERS: dict[str, Callable[[Recording, Catalog | None, dict[str, Any]], Built]] = {
    "exposure": _exposure,
    "popularity": _popularity,
    "position_bias": _position_bias,
    "grounding": _grounding,
    "provider": _provider,
}


def _built(
    audit: Callable[..., Audit],
    recording: Recording,
    catalog: Catalog | None,
    settings: dict[str, Any],
) -> Built:
    if catalog is None:
        raise WrongUse(
            "an audit of items was given no catalogue.",
            expected="all items that could have been recommended: what never is counts too.",
            do="name it: --catalog items.csv.",
        )
    whose: dict[str, Any] = (
        {"users": recording.users}
        if recording.of_users
        else {"topics": list(dict.fromkeys(probe.cluster for probe in recording.probes))}
    )
    made = audit(
        catalog=catalog,
        template=UNKNOWN_WORDS,
        **whose,
        **{"k": recording.k, **settings},
    )
    return made, recording.probes, recording.answers


def attributes_of(users: Sequence[User]) -> list[str]:
    """Return the attributes that users have at least two values of."""
    values: dict[str, set[str]] = {}
    for user in users:
        for name, value in user.profile.items():
            values.setdefault(name, set()).add(value)
    return [name for name, some in values.items() if len(some) > 1]
