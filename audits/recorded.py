"""Audits of recorded answers: set up by what the recording holds, without asking anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fairrec.audits.counterfactual import CounterfactualAudit
from fairrec.audits.intersections import NAMES
from fairrec.audits.sensitivity import SensitivityAudit
from fairrec.catalogs import Catalog
from fairrec.errors import BadData, WrongUse
from fairrec.prompts import Attribute, AttributeValue, Template
from fairrec.protocols import Audit
from fairrec.recordings import Recording
from fairrec.types import Answer, Arm, Probe

_STATED = (Arm.SENSITIVE, Arm.COUNTERFACTUAL)

_UNKNOWN_WORDS = Template("{statement} {value} {name} {history}")
"""Stands for the words that were asked; the recording's own are in its probes."""

Built = tuple[Audit, Sequence[Probe], Sequence[Answer]]


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
        template=_UNKNOWN_WORDS,
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
        templates=[_UNKNOWN_WORDS],
        titles=recording.titles,
        **{"k": recording.k, **settings},
    )
    return audit, recording.probes, recording.answers


_BUILDERS: dict[str, Callable[[Recording, Catalog | None, dict[str, Any]], Built]] = {
    "sensitivity": _sensitivity,
    "counterfactual": _counterfactual,
}


def _users(recording: Recording, audit: str) -> tuple[Any, ...]:
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
