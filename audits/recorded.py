"""Audits of recorded answers: set up by what the recording holds, without asking anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fairrec.audits.attribute_leakage import AttributeLeakageAudit
from fairrec.audits.counterfactual import CounterfactualAudit
from fairrec.audits.group_utility import GroupUtilityAudit
from fairrec.audits.implicit_cue import ImplicitCueAudit
from fairrec.audits.implicit_cue_pairs import kind_of
from fairrec.audits.intersections import NAMES
from fairrec.audits.recorded_items import ITEM_BUILDERS, UNKNOWN_WORDS, Built, attributes_of
from fairrec.audits.scoring import ScoringAudit
from fairrec.audits.sensitivity import SensitivityAudit
from fairrec.audits.stereotype import StereotypeAudit
from fairrec.catalogs import Catalog
from fairrec.errors import BadData, WrongUse
from fairrec.prompts import Attribute, AttributeValue, CueSet
from fairrec.recordings import Recording
from fairrec.types import Arm
from fairrec.users import User

_STATED = (Arm.SENSITIVE, Arm.COUNTERFACTUAL)


def recorded_audit(
    recording: Recording, name: str, catalog: Catalog | None, settings: Mapping[str, Any]
) -> Built:
    """Return an audit and what it is to judge of a recording.

    Args:
        recording: What `fairrec.recordings.read_recording` returned.
        name: Name of the audit.
        catalog: Items with their columns, where the audit needs them.
        settings: Of the audit, by the names of its attributes.

    Raises:
        WrongUse: The audit is unknown, or a setting is not one of its own.
        BadData: The recording lacks what the audit judges.
    """
    if name not in _BUILDERS:
        raise WrongUse(f"the audit is {name!r}.", expected=f"one of {', '.join(_BUILDERS)}.")
    try:
        return _BUILDERS[name](recording, catalog, dict(settings))
    except TypeError as error:
        raise WrongUse(
            f"{name}: {error}.",
            expected="settings that this audit has.",
            do="leave the setting out.",
        ) from error


def _sensitivity(recording: Recording, catalog: Catalog | None, settings: dict[str, Any]) -> Built:
    audit = SensitivityAudit(
        topics=list(dict.fromkeys(probe.cluster for probe in recording.probes)),
        attributes=_attributes(recording, _STATED),
        template=UNKNOWN_WORDS,
        titles=recording.titles,
        **{"k": recording.k, **settings},
    )
    return audit, recording.probes, recording.answers


def _counterfactual(
    recording: Recording, catalog: Catalog | None, settings: dict[str, Any]
) -> Built:
    audit = CounterfactualAudit(
        users=_users(recording, "counterfactual"),
        attributes=_attributes(recording, _STATED),
        templates=[UNKNOWN_WORDS],
        titles=recording.titles,
        **{"k": recording.k, **settings},
    )
    return audit, recording.probes, recording.answers


def _implicit_cue(recording: Recording, catalog: Catalog | None, settings: dict[str, Any]) -> Built:
    cues: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {}
    for probe in recording.probes:
        if probe.arm is Arm.CUE and probe.attribute and probe.value:
            values = cues.setdefault((kind_of(probe), probe.attribute), {})
            said = probe.request.slots.get("said", probe.value)
            values[probe.value] = (*values.get(probe.value, ()), said)
    audit = ImplicitCueAudit(
        users=_users(recording, "implicit_cue"),
        attributes=_attributes(recording, (Arm.SENSITIVE,)),
        cues=[
            CueSet(kind, attribute, "the recording", {v: tuple(set(s)) for v, s in values.items()})
            for (kind, attribute), values in cues.items()
        ],
        template=UNKNOWN_WORDS,
        titles=recording.titles,
        **{"k": recording.k, **settings},
    )
    return audit, recording.probes, recording.answers


def _group_utility(
    recording: Recording, catalog: Catalog | None, settings: dict[str, Any]
) -> Built:
    users = _users(recording, "group_utility")
    audit = GroupUtilityAudit(
        users=users,
        attributes=_profile_names(users),
        template=UNKNOWN_WORDS,
        titles=recording.titles,
        catalog_size=None if catalog is None else len(catalog),
        **{"k": recording.k, **settings},
    )
    return audit, recording.probes, recording.answers


def _leakage(recording: Recording, catalog: Catalog | None, settings: dict[str, Any]) -> Built:
    users = _users(recording, "leakage")
    audit = AttributeLeakageAudit(
        users=users,
        attributes=_profile_names(users),
        template=UNKNOWN_WORDS,
        titles=recording.titles,
        **{"k": recording.k, **settings},
    )
    return audit, recording.probes, recording.answers


def _stereotype(recording: Recording, catalog: Catalog | None, settings: dict[str, Any]) -> Built:
    column = settings.pop("column", None)
    if catalog is None or column is None:
        raise WrongUse(
            "the audit 'stereotype' was given no catalogue, or no column of it.",
            expected="items with a column that groups them, such as genre.",
            do="name both: --catalog items.csv --column genre.",
        )
    audit = StereotypeAudit(
        topics=list(dict.fromkeys(probe.cluster for probe in recording.probes)),
        attributes=_attributes(recording, _STATED),
        template=UNKNOWN_WORDS,
        groups=dict(zip(catalog.ids, catalog.column(column), strict=True)),
        column=column,
        titles=recording.titles,
        **{"k": recording.k, **settings},
    )
    return audit, recording.probes, recording.answers


def _scoring(recording: Recording, catalog: Catalog | None, settings: dict[str, Any]) -> Built:
    if "threshold" not in settings:
        raise WrongUse(
            "the audit 'scoring' was given no threshold.",
            expected="the score from which on an item counts as selected.",
            do="name it: --threshold 5.",
        )
    audit = ScoringAudit(
        users=_users(recording, "scoring"),
        attributes=_attributes(recording, _STATED),
        template=UNKNOWN_WORDS,
        titles=recording.titles,
        **settings,
    )
    return audit, recording.probes, recording.answers


_BUILDERS: dict[str, Callable[[Recording, Catalog | None, dict[str, Any]], Built]] = {
    "sensitivity": _sensitivity,
    "counterfactual": _counterfactual,
    "implicit_cue": _implicit_cue,
    "group_utility": _group_utility,
    "leakage": _leakage,
    "stereotype": _stereotype,
    "scoring": _scoring,
    **ITEM_BUILDERS,
}


def _users(recording: Recording, audit: str) -> tuple[User, ...]:
    if recording.of_users:
        return recording.users
    raise BadData(
        f"the recording is about topics, but the audit {audit!r} is about users.",
        expected="rows that name a user.",
        do="judge it with the audit 'sensitivity'.",
    )


def _attributes(recording: Recording, arms: Sequence[Arm]) -> list[Attribute]:
    """Return what was stated, intersections aside: their parts' own values define them."""
    found = [
        Attribute(name, tuple(AttributeValue(value, value, value) for value in values))
        for name, values in recording.stated(arms).items()
        if NAMES not in name
    ]
    if not found:
        raise BadData(
            "the recording states no attribute.",
            expected='rows with a profile, such as {"gender": "female"}.',
            do="say in every row what its prompt stated.",
        )
    return found


def _profile_names(users: Sequence[User]) -> list[str]:
    """Return the attributes that users have at least two values of."""
    found = attributes_of(users)
    if not found:
        raise BadData(
            "no attribute of the recording's users has two values.",
            expected="users whose `user_profile` says who they are.",
            do="add it to the rows.",
        )
    return found
