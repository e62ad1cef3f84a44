"""Which conditions a recording holds for some users but lacks for others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from fairrec.types import Arm, Probe


def missing_conditions(
    probes: Sequence[Probe], profiles: Mapping[str, Mapping[str, str]]
) -> tuple[str, ...]:
    """Name what was asked for most users or topics but not for all.

    A user's own value and another value are a condition each, whichever values these are: a log
    need not ask every user for every other value. Repeats of a statement are no condition.

    Args:
        probes: What was asked.
        profiles: Users' own attributes by id; who is known to lack one lacks no answer for it.
    """
    asked: dict[str, Counter[str]] = {}
    attribute: dict[str, str | None] = {}
    for probe in probes:
        if probe.arm is Arm.REPEAT and probe.request.profile:
            continue
        words = _words(probe)
        asked.setdefault(words, Counter())[probe.cluster] += 1
        attribute[words] = probe.attribute if probe.arm is Arm.SENSITIVE else None
    clusters = dict.fromkeys(probe.cluster for probe in probes)
    found = []
    for words, counts in asked.items():
        usual = Counter(counts.values()).most_common(1)[0][0]
        for cluster in clusters:
            own = profiles.get(cluster)
            if own and "user's own" in words and attribute[words] not in own:
                continue
            if (lacking := usual - counts[cluster]) > 0:
                times = f" ({lacking} of {usual})" if usual > 1 else ""
                found.append(f"{cluster!r} without {words}{times}")
    return tuple(found)


def _words(probe: Probe) -> str:
    """Return a condition in words; equal words are the same condition."""
    request = probe.request
    said = ", ".join(f"{name} = {value}" for name, value in request.profile.items()) or "neutral"
    if "user" in request.slots and probe.arm is Arm.SENSITIVE:
        said = f"the user's own {probe.attribute}"
    elif probe.arm is Arm.COUNTERFACTUAL:
        said = f"another {probe.attribute}"
    elif probe.arm is Arm.CUE:
        said = f"a cue for {probe.attribute} = {probe.value}"
    if request.replicate:
        said += f", repeat {request.replicate}"
    if "template" in request.slots:
        said += f", template {request.slots['template']}"
    return said
