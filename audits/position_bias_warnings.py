"""What a reader of a position bias audit must know before believing its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fairrec.audits.position_bias_answers import Asked, named
from fairrec.results import Finding
from fairrec.types import Outcome, Ranking
from fairrec.users import User


def about_design(users: Sequence[User], asked: Asked) -> Iterable[str]:
    """Say what was not asked, and where more than one candidate is a true item."""
    if asked.left:
        yield (
            f"{asked.left} probe(s) are left out: of other users, with other candidates, or with "
            "the true item at a position that is not judged."
        )
    if lacking := len(users) * len(asked.positions) - len(asked.placed):
        yield f"{lacking} of {len(users) * len(asked.positions)} positions of users were not asked."
    if len(asked.orders) < 2:
        yield f"Candidates were shown in {len(asked.orders)} random order(s): nothing to compare."
    elif asked.replicates < 2:
        yield "No order was asked again: there is no noise floor."
    several = [
        user.id for user in users if len(set(user.held_out) & set(user.candidates or ())) > 1
    ]
    if several:
        yield (
            f"{len(several)} user(s) have more than one held-out item among the candidates; the "
            "first is the true one, and the others count as any candidate."
        )


def about_answers(asked: Asked, rankings: Mapping[str, Ranking]) -> Iterable[str]:
    """Say how many answers are missing, stray from the candidates or are short."""
    lists = [(probe, rankings[probe.id]) for probe in asked.probes]
    if silent := sum(ranking.outcome is not Outcome.ANSWERED for _, ranking in lists):
        yield (
            f"{silent} of {len(lists)} answers are missing; they count in no measure, and are "
            "not wrong answers."
        )
    strays = short = lists_short = lost = 0
    for probe, ranking in lists:
        candidates = frozenset(probe.request.candidates or ())
        inside = sum(item in candidates for item in named(ranking))
        strays += len(named(ranking)) - inside
        if named(ranking):
            lack = max(0, min(probe.request.k, len(candidates)) - inside)
            short, lists_short = short + lack, lists_short + (lack > 0)
            lost += inside == 0
    if strays:
        yield f"{strays} recommended title(s) are not among the candidates that were shown."
    if short:
        yield (
            f"{lists_short} answer(s) leave out {short} candidate(s) that were to be ranked; these "
            "count as ranked after all that an answer names, tied."
        )
    if lost:
        yield f"{lost} answer(s) name no candidate at all and so rank none."


def about_positions(findings: Sequence[Finding]) -> Iterable[str]:
    """Name the best and the worst position where they differ by more than chance."""
    for finding in findings:
        p = finding.p_adjusted
        if (finding.metric, finding.statistic) != ("hit_at_1", "range") or p is None or p > 0.05:
            continue
        means = {
            f.value: f.estimate.value
            for f in findings
            if (f.metric, f.statistic) == ("hit_at_1", "mean") and f.estimate.value is not None
        }
        worst, best = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
        yield (
            f"The true item comes first most often when shown at position {best} "
            f"({means[best]:.3f}) and least often at position {worst} ({means[worst]:.3f}; "
            f"adjusted p = {p:.2g})."
        )
