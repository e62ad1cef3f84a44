"""What a reader of a group utility audit must know before believing its numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from fairrec.results import Finding
from fairrec.types import Arm, Probe
from fairrec.users import User

Values = NDArray[np.float64]


def about_probes(
    users: Sequence[User], probes: Sequence[Probe], used: Sequence[Probe], answered: Values
) -> Iterable[str]:
    """Say which probes and users are left out.

    Args:
        users: The audit's users.
        probes: What was asked.
        used: Those that count.
        answered: Share of answered probes per user, NaN where nobody asked.
    """
    if used and used[0].arm is Arm.SENSITIVE:
        yield (
            "No neutral prompt was asked: utility is that of lists for users whose attribute was "
            "stated, and can come from the statement."
        )
    if left := len(probes) - len(used):
        yield f"{left} probe(s) of other arms are left out."
    known = {user.id for user in users}
    if strangers := sorted({probe.cluster for probe in used} - known):
        yield (
            f"{len(strangers)} user(s) of the probes are not among the audit's users and are left "
            f"out: {_named(strangers)}."
        )
    ids = np.array([user.id for user in users])
    if unasked := ids[np.isnan(answered)].tolist():
        yield f"{len(unasked)} user(s) were not asked for: {_named(unasked)}."
    if silent := ids[answered == 0].tolist():
        yield (
            f"{len(silent)} of {len(users)} user(s) got no list; they are missing, not badly "
            f"served: {_named(silent)}."
        )
    if blind := [user.id for user in users if not user.held_out]:
        yield f"{len(blind)} user(s) have no held-out items to measure by: {_named(blind)}."


def about_groups(
    users: Sequence[User], names: Sequence[str], values: Values, minimum: int
) -> Iterable[str]:
    """Say who belongs to no group and which groups are too small.

    Args:
        users: The audit's users, with their intersections.
        names: Attributes and intersections.
        values: One utility per user, NaN where missing.
        minimum: Users with a value that a group needs.
    """
    for name in names:
        if lacking := [user.id for user in users if name not in user.profile]:
            yield f"{len(lacking)} user(s) lack {name!r}: {_named(lacking)}."
        counts: Counter[str] = Counter()
        for user, value in zip(users, values.tolist(), strict=True):
            if name in user.profile:
                counts[user.profile[name]] += not np.isnan(value)
        if small := [f"{group} ({n})" for group, n in sorted(counts.items()) if n < minimum]:
            yield (
                f"Groups of {name!r} with fewer than {minimum} measured users are not compared: "
                f"{_named(small)}."
            )


def about_control(users: Sequence[User], features: Sequence[str]) -> Iterable[str]:
    """Say who has no level of a control feature."""
    for feature in features:
        if lacking := [user.id for user in users if feature not in user.profile]:
            yield f"{len(lacking)} user(s) lack the control feature {feature!r}: {_named(lacking)}."


def about_coverage(listed: Sequence[frozenset[str]], catalog_size: int | None) -> Iterable[str]:
    """Say where lists name more items than there are, and where all are the same."""
    items = frozenset().union(*listed)
    if catalog_size is not None and len(items) > catalog_size:
        yield (
            f"{len(items)} different items were recommended, of a catalogue of {catalog_size}: "
            "coverage is too high."
        )
    lists = {some for some in listed if some}
    if len(lists) == 1 and sum(map(bool, listed)) > 1:
        yield "Every user got the same items: the recommender ignores whom it recommends to."


def worst_off(findings: Sequence[Finding]) -> Iterable[str]:
    """Name the groups that are served worse than chance explains."""
    by_id = {finding.id: finding for finding in findings}
    for finding in findings:
        p = finding.p_adjusted
        if finding.statistic != "difference" or p is None or p > 0.05:
            continue
        stem = finding.id.removesuffix("difference")
        least, most = by_id.get(f"{stem}min"), by_id.get(f"{stem}max")
        if least is None or most is None or least.value is None or most.value is None:
            continue
        yield (
            f"Worst off in {finding.metric} by {finding.attribute}: {least.value} "
            f"({least.estimate.value:.3f}, against {most.estimate.value:.3f} of {most.value}; "
            f"adjusted p = {p:.2g})."
        )


def _named(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
