"""Which lists of a sensitivity audit are compared with which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fairrec.audits.contrasts import Pair, wording
from fairrec.prompts import Attribute
from fairrec.types import Arm, Probe

REPEAT, PLACEBO = "\0repeat", "\0placebo"
"""Names of the noise floors among the contrasts, which no attribute has."""

STATED = (Arm.SENSITIVE, Arm.COUNTERFACTUAL)
"""Arms in which a value of an attribute is stated."""


def neutral_probes(probes: Sequence[Probe]) -> dict[tuple[str, str], Probe]:
    """Return the neutral probes by topic and wording."""
    return {(p.cluster, wording(p)): p for p in probes if p.arm is Arm.NEUTRAL}


def sensitivity_pairs(
    probes: Sequence[Probe],
    neutral: Mapping[tuple[str, str], Probe],
    attributes: Sequence[Attribute],
) -> dict[str, list[Pair]]:
    """Return what is compared with the neutral list, by attribute, and the noise floors.

    Probes of a topic and wording without a neutral one are left out, and so are stated values
    that the attributes do not have.
    """
    pairs: dict[str, list[Pair]] = {REPEAT: [], PLACEBO: []}
    pairs |= {attribute.name: [] for attribute in attributes}
    known = {a.name: {value.value for value in a.values} for a in attributes}
    for probe in probes:
        reference = neutral.get((probe.cluster, wording(probe)))
        if reference is None:
            continue
        name, value = probe.attribute or "", probe.value or ""
        if probe.arm is Arm.REPEAT and probe.attribute is None:
            pairs[REPEAT].append(Pair(str(probe.request.replicate), probe, reference))
        elif probe.arm is Arm.PLACEBO:
            pairs[PLACEBO].append(Pair(f"{name}: {value}", probe, reference))
        elif probe.arm in STATED and value in known.get(name, ()):
            pairs[name].append(Pair(value, probe, reference))
    return pairs
