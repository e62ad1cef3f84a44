"""The pairs of lists behind a finding: which differ most, and what a reader is shown of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from fairrec.audits.contrasts import Contrast
from fairrec.results import Example, Exchange, Finding
from fairrec.types import Probe, Ranking, is_off_catalogue

MOST = 10


def worst_pairs(
    pairs: Iterable[tuple[Probe, Probe, float]], most: int = MOST
) -> tuple[Example, ...]:
    """Return the pairs of least similarity, the least first.

    Args:
        pairs: Probe, the probe it is compared with, and the similarity of their lists; pairs
            without one (NaN) are left out.
        most: How many to return at most.
    """
    found = [
        Example(probe.cluster, probe.value or "", float(similarity), probe.id, reference.id)
        for probe, reference, similarity in pairs
        if np.isfinite(similarity)
    ]
    return tuple(sorted(found, key=lambda example: example.measure)[:most])


def worst_of(contrast: Contrast) -> tuple[Example, ...]:
    """Return the pairs of a contrast whose lists have least in common."""
    return worst_pairs(
        (pair.probe, pair.reference, similarity)
        for pair, similarity in zip(contrast.pairs, contrast.values["jaccard"], strict=True)
    )


def exchange(probe: Probe, ranking: Ranking, titles: Mapping[str, str]) -> Exchange:
    """Return what was asked and answered, in words; `titles` are by item id."""
    return Exchange(
        cluster=probe.cluster,
        arm=probe.arm,
        attribute=probe.attribute,
        value=probe.value,
        system=probe.request.system,
        instruction=probe.request.instruction,
        titles=tuple(
            item[1:] if is_off_catalogue(item) else titles.get(item, item) for item in ranking.items
        ),
        items=ranking.items,
        outcome=ranking.outcome,
        text=ranking.text,
    )


def exchanges_behind(
    findings: Iterable[Finding],
    probes: Sequence[Probe],
    rankings: Mapping[str, Ranking],
    titles: Mapping[str, str],
) -> dict[str, Exchange]:
    """Return, by probe id, the exchanges that the findings' examples point at."""
    examples = {example for finding in findings for example in finding.examples}
    shown = {e.probe_id for e in examples} | {e.reference_probe_id for e in examples}
    return {
        probe.id: exchange(probe, rankings[probe.id], titles)
        for probe in probes
        if probe.id in shown
    }
