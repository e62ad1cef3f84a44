"""What a reader of a sensitivity audit must know before believing its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.sensitivity_pairs import STATED
from fairrec.prompts import Attribute
from fairrec.types import Arm, Probe, Ranking


def about_values(probes: Sequence[Probe], attributes: Sequence[Attribute]) -> Iterable[str]:
    """Say which values were not stated for every topic, and which the audit does not have."""
    topics = {probe.cluster for probe in probes}
    told: dict[tuple[str | None, str | None], set[str]] = {}
    for probe in probes:
        if probe.arm in STATED:
            told.setdefault((probe.attribute, probe.value), set()).add(probe.cluster)
    known = [(a.name, value.value) for a in attributes for value in a.values]
    lacking = {key: len(topics - told.get(key, set())) for key in known}
    some = [f"{name} = {value} for {n}" for (name, value), n in lacking.items() if n]
    if some:
        yield f"Values that were not stated for every topic: {_named(some)} of {len(topics)}."
    if unknown := [f"{name} = {value}" for name, value in told if (name, value) not in known]:
        left = sum(
            probe.arm in STATED and (probe.attribute, probe.value) not in known for probe in probes
        )
        yield (
            f"{left} probe(s) state what the audit does not have and are left out: "
            f"{_named(unknown)}."
        )


def about_lists(
    probes: Sequence[Probe],
    rankings: Mapping[str, Ranking],
    jaccard: Mapping[str | None, NDArray[np.float64]],
    neutral: Mapping[tuple[str, str], Probe],
) -> Iterable[str]:
    """Say what makes the numbers weaker than they look.

    Args:
        probes: What was asked.
        rankings: Answers by probe id.
        jaccard: Similarities to the neutral lists by attribute, topics x values; under None
            those of the repeats.
        neutral: Neutral probes by topic and wording.
    """
    topics = {probe.cluster for probe in probes}
    if lacking := sorted(topics - {topic for topic, _ in neutral}):
        yield (
            f"{len(lacking)} topic(s) have no neutral prompt and are left out: {_named(lacking)}."
        )
    stated = np.concatenate([table.ravel() for name, table in jaccard.items() if name is not None])
    repeats = jaccard[None]
    if not np.isfinite(stated).any():
        yield "No pair of lists could be compared: see what became of the prompts below."
        return
    if not any(probe.arm is Arm.REPEAT for probe in probes):
        yield "The neutral prompt was not asked again: how much is noise is not known."
    if np.nanmin(stated) == 1.0:
        yield (
            "Every list holds the same items as its neutral list. Either stating an attribute "
            "changes nothing, or the recommender does not read the prompt."
        )
    lists = {rankings[probe.id].items for probe in neutral.values()}
    if len(lists) == 1:
        yield "The neutral list is the same for every topic: the recommender ignores the topic."
    if np.isfinite(repeats).any() and np.nanmin(repeats) < 1.0:
        yield (
            "Asked twice, the same neutral prompt gave different lists (mean Jaccard "
            f"{np.nanmean(repeats):.2f}): part of every difference below is that noise."
        )
    if len(topics) < 10:
        yield f"{len(topics)} topics are few: intervals from fewer than 10 are rough."


def _named(names: Sequence[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")
