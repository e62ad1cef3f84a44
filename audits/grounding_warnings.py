"""What a reader of a grounding audit must know before believing its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from fairrec.audits.grounding_pieces import KINDS, Pieces
from fairrec.metrics.item_groups import UNKNOWN, ItemGroups
from fairrec.results import Finding
from fairrec.types import Arm, Outcome, Probe, Ranking


def about_answers(
    probes: Sequence[Probe],
    used: Sequence[Probe],
    again: Sequence[Probe],
    rankings: Mapping[str, Ranking],
    n_owners: int,
    unit: str,
) -> Iterable[str]:
    """Say what is left out, what is missing, and what could not occur."""
    if used and used[0].arm is Arm.SENSITIVE:
        yield "No neutral prompt was asked: titles are of lists for which something was stated."
    if left := len(probes) - len(used) - len(again):
        yield f"{left} probe(s) of other arms, or of others than the audit's {unit}s, are left out."
    if silent := sum(rankings[probe.id].outcome is not Outcome.ANSWERED for probe in used):
        yield f"{silent} of {len(used)} answers are missing; they name no title, right or wrong."
    if unasked := n_owners - len({probe.cluster for probe in used}):
        yield f"{unasked} of {n_owners} {unit}(s) were not asked for."
    if not again:
        yield "Nothing was asked again: there is no noise floor."
    if not any(probe.request.candidates for probe in used):
        yield "No candidates were shown: no title can stray from them."
    if not any(probe.request.history for probe in used):
        yield "No history was shown: no title can repeat it."
    if used and not any(rankings[probe.id].matches for probe in used):
        yield "Answers are item ids: none is matched by its letters."


def about_groups(pieces: Pieces, groups: ItemGroups | None) -> Iterable[str]:
    """Say what cannot be told by group of items."""
    if groups is None:
        return
    invented = int((pieces.flags[:, KINDS.index("hallucinated")] == 1).sum())
    if invented:
        yield (
            f"{invented} invented title(s) are in no group of items: they are no items, and what "
            "they would have been is not known."
        )
    ambiguous = pieces.flags[:, KINDS.index("ambiguous")] == 1
    placeless = ambiguous & (np.diff(pieces.items.indptr) == 0)
    if placeless.any():
        yield (
            f"{int(placeless.sum())} of {int(ambiguous.sum())} ambiguous title(s) fit items that "
            "their words do not name in full; they are in no group of items."
        )


def about_sizes(findings: Sequence[Finding], minimum: int, unit: str) -> Iterable[str]:
    """Say which groups have too few users or topics with a share."""
    small: dict[str, dict[str, int]] = {}
    for f in findings:
        if f.value is not None and f.statistic == "share" and f.attribute != "rank":
            sizes = small.setdefault(str(f.attribute), {})
            sizes[f.value] = max(sizes.get(f.value, 0), f.estimate.n)
    for about, sizes in small.items():
        if few := [f"{name} ({n})" for name, n in sizes.items() if n < minimum]:
            more = f" and {len(few) - 5} more" if len(few) > 5 else ""
            yield (
                f"Groups of {about!r} that fewer than {minimum} {unit}s have titles of are not "
                f"compared: {', '.join(few[:5])}{more}."
            )


def worst_off(findings: Sequence[Finding], minimum: int) -> Iterable[str]:
    """Name the compared groups for which titles are wrong more often than chance explains."""
    for finding in findings:
        p = finding.p_adjusted
        if finding.statistic not in ("difference", "range") or p is None or p > 0.05:
            continue
        shares = {
            f.value: f.estimate.value
            for f in findings
            if (f.attribute, f.metric, f.statistic) == (finding.attribute, finding.metric, "share")
            and f.value not in (None, UNKNOWN)
            and f.estimate.n >= minimum
            and f.estimate.value is not None
        }
        best, worst = min(shares, key=shares.__getitem__), max(shares, key=shares.__getitem__)
        yield (
            f"Titles are {finding.metric.replace('_', ' ')} most often for {finding.attribute} = "
            f"{worst} ({shares[worst]:.3f}) and least often for {best} ({shares[best]:.3f}; "
            f"adjusted p = {p:.2g})."
        )
