"""What a reader of a scoring audit must know before believing its numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from fairrec.audits.scoring_answers import STATED, ScoredAnswers, counts, is_scored
from fairrec.prompts import Attribute
from fairrec.results import Finding
from fairrec.types import Arm, Outcome, Probe, Ranking
from fairrec.users import User


def about_probes(
    users: Sequence[User], attributes: Sequence[Attribute], probes: Sequence[Probe]
) -> Iterable[str]:
    """Say what was not asked, and what was asked of others than the audit's."""
    if left := sum(not counts(probe) for probe in probes):
        yield f"{left} probe(s) of other arms are left out."
    if again := len(probes) - len({probe.id for probe in probes}):
        yield f"{again} probe(s) are the same as an earlier one and count once."
    known = {user.id for user in users}
    asked = {probe.cluster for probe in probes}
    if strangers := sorted(asked - known):
        yield (
            f"{len(strangers)} user(s) of the probes are not among the audit's users and are left "
            f"out: {_named(strangers)}."
        )
    if unasked := [user.id for user in users if user.id not in asked]:
        yield f"{len(unasked)} user(s) were not asked for: {_named(unasked)}."
    stated: dict[str, set[str]] = {}
    for probe in probes:
        if probe.arm in STATED and counts(probe):
            stated.setdefault(probe.attribute or "", set()).add(probe.value or "")
    for attribute in attributes:
        values = {value.value for value in attribute.values}
        found = stated.get(attribute.name, set())
        if lacking := sorted(values - found):
            yield f"Values of {attribute.name!r} that were never stated: {_named(lacking)}."
        if unknown := sorted(found - values):
            yield (
                f"Values of {attribute.name!r} that the audit does not name were stated and are "
                f"judged as well: {_named(unknown)}."
            )
    if not any(probe.arm is Arm.NEUTRAL for probe in probes):
        yield "No neutral prompt was asked: by how much a statement changes scores is not known."
    elif not any(probe.arm is Arm.REPEAT for probe in probes):
        yield "The neutral prompt was not asked again: how much is noise is not known."


def about_scores(answers: ScoredAnswers, rankings: Mapping[str, Ranking]) -> Iterable[str]:
    """Say which scores are missing, and which say nothing."""
    told = [rankings[scored.id] for scored in answers.used]
    failed = Counter(
        f"{ranking.outcome}: {ranking.detail}" if ranking.detail else str(ranking.outcome)
        for ranking in told
        if ranking.outcome is not Outcome.ANSWERED
    )
    if failed:
        words = [f"{why[:200]} ({n})" for why, n in failed.most_common()]
        yield f"{failed.total()} request(s) have no answer: {_named(words, 3, '; ')}."
    if bare := sum(r.outcome is Outcome.ANSWERED and not is_scored(r) for r in told):
        yield (
            f"{bare} answer(s) have no scores and are missing: the audit needs a recommender that "
            "scores candidates."
        )
    partly = [scored for scored in answers.used if scored.scores and answers.unscored(scored)]
    if partly:
        yield (
            f"{len(partly)} answer(s) leave {sum(map(answers.unscored, partly))} candidate(s) "
            "without a score; they are missing, not rejected."
        )
    tied = [s for s in answers.used if len(s.scores) > 1 and _are_tied(s.scores.values())]
    if tied:
        yield (
            f"In {len(tied)} of {sum(bool(s.scores) for s in answers.used)} scored answers all "
            "candidates have the same score: their order says nothing."
        )
    single = sorted(user for user, items in answers.candidates.items() if len(items) == 1)
    if single:
        yield f"{len(single)} user(s) have a single candidate: {_named(single)}."
    blind = [user.id for user in answers.users if not user.held_out]
    if blind:
        yield (
            f"{len(blind)} user(s) have no held-out items: which of their candidates are relevant "
            f"is not known: {_named(blind)}."
        )
    stated = [s for s in answers.used if s.probe.arm in STATED]
    changes = [answers.changes(s) for s in stated]
    moved = np.concatenate([np.zeros(0), *changes])
    if len(moved) and not moved.any():
        yield (
            "No score changes with what is stated. Either stating an attribute changes nothing, "
            "or the recommender does not read the prompt."
        )


def about_selection(answers: ScoredAnswers, threshold: float) -> Iterable[str]:
    """Say where everything or nothing is selected, and whom a rate leaves out."""
    scores = np.array([score for s in answers.used for score, _ in s.scores.values()])
    if not len(scores):
        yield "No candidate was scored: nothing can be compared."
    elif (scores >= threshold).all():
        yield f"Every score reaches the threshold of {threshold:g}: there is no selection to judge."
    elif (scores < threshold).all():
        yield f"No score reaches the threshold of {threshold:g}: there is no selection to judge."


def about_rates(findings: Sequence[Finding]) -> Iterable[str]:
    """Name the values that a gap leaves out because their rate is not defined."""
    gaps = {
        (found.attribute, found.metric)
        for found in findings
        if found.statistic.endswith("_gap") and found.estimate.value is not None
    }
    lacking: dict[tuple[str | None, str], list[str]] = {}
    for found in findings:
        place = (found.attribute, found.metric)
        if found.statistic == "rate" and found.estimate.value is None and place in gaps:
            lacking.setdefault(place, []).append(found.value or "")
    for (attribute, metric), values in lacking.items():
        yield (
            f"The gap of {metric.replace('_', ' ')} by {attribute!r} leaves out values without "
            f"one: {_named(values)}."
        )


def _are_tied(scored: Iterable[tuple[float, int]]) -> bool:
    return len({score for score, _ in scored}) == 1


def _named(names: Sequence[str], most: int = 5, between: str = ", ") -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return between.join(names[:most]) + more
