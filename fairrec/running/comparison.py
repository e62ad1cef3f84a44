"""Before and after: what a mitigation changed in fairness, utility and cost.

Both are judged on the same probes, so differences are paired: of every finding it is asked what
the change would have been without each share of the topics or users (a delete-a-group jackknife),
and of utility and cost how much they changed for each of them.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import WrongUse
from fairrec.evidence.intervals import mean_estimate
from fairrec.evidence.sums import jackknife_estimate
from fairrec.metrics.utility import ndcg_at_k, relevance_matrix
from fairrec.protocols import Audit
from fairrec.results import AuditResult, Estimate, Finding
from fairrec.seeds import generator
from fairrec.types import Answer, Outcome, Probe
from fairrec.users import User

SHARES = 20
"""Shares of the clusters that are left out in turn; each costs two more judgements."""

FEWEST_SHARES = 5
"""With fewer clusters than this a change has no interval."""

_QUICK = 100  # draws where only the point estimates count


@dataclass(frozen=True, slots=True)
class Change:
    """One number before and after.

    Attributes:
        id: A finding's id, ``utility.ndcg``, ``utility.items_kept``, ``cost.seconds``,
            ``cost.calls`` or ``cost.tokens``; utility and cost are means over topics or users.
        before, after: Values, None where undefined.
        difference: After less before, with a paired interval; its direction says which sign
            is better, "lower" or "higher", or "" where none is.
    """

    id: str
    before: float | None
    after: float | None
    difference: Estimate

    @property
    def better(self) -> bool | None:
        """Whether the whole interval is on the better side, on the worse, or neither (None)."""
        e = self.difference
        if e.low is None or e.high is None or not e.direction or e.low <= 0 <= e.high:
            return None
        return (e.low > 0) == (e.direction == "higher")


@dataclass(frozen=True)
class Comparison:
    """Two judgements of the same probes.

    Attributes:
        before, after: The results.
        fairness: One change per finding that both have.
        utility: NDCG on held-out items where they are known, and the share of the items
            before that are still listed.
        cost: Seconds and calls per answer, and tokens where they were counted.
    """

    before: AuditResult
    after: AuditResult
    fairness: tuple[Change, ...]
    utility: tuple[Change, ...]
    cost: tuple[Change, ...]

    def change(self, id: str) -> Change:
        """Return the change with this id.

        Raises:
            KeyError: There is none.
        """
        for change in (*self.fairness, *self.utility, *self.cost):
            if change.id == id:
                return change
        raise KeyError(id)


def compare_answers(
    audit: Audit,
    probes: Sequence[Probe],
    before: Sequence[Answer],
    after: Sequence[Answer],
    results: tuple[AuditResult, AuditResult] | None = None,
    *,
    level: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Judge two sets of answers to the same probes and return what changed.

    Args:
        audit: How to judge.
        probes: What was asked.
        before, after: One answer per probe.
        results: The judgements, where they are there already.
        level: Confidence level of intervals.
        seed: Decides which clusters are left out together.

    Raises:
        WrongUse: A probe has no answer on one side.
    """
    by_id = [_answers(probes, side, name) for side, name in ((before, "before"), (after, "after"))]
    sides = [[found[probe.id] for probe in probes] for found in by_id]
    judged = results or (audit.judge(probes, sides[0]), audit.judge(probes, sides[1]))
    users = {user.id: user for user in cast(Sequence[User], getattr(audit, "users", ()))}
    unit = "user" if users else "topic"
    clusters = list(dict.fromkeys(probe.cluster for probe in probes))
    shares = _shares(clusters, seed)
    left_out = _judged_without(_quick(audit), probes, sides, shares)
    pairs = [
        _finding_change(finding, other, index, left_out, len(clusters), level, unit)
        for index, finding, other in _common(*judged)
    ]
    paired = _Paired(probes, clusters, level, seed, unit)
    return Comparison(
        before=judged[0],
        after=judged[1],
        fairness=tuple(pairs),
        utility=tuple(_utility(paired, probes, sides, users)),
        cost=tuple(_cost(paired, sides)),
    )


def _answers(probes: Sequence[Probe], answers: Sequence[Answer], side: str) -> dict[str, Answer]:
    found = {answer.probe_id: answer for answer in answers}
    missing = [probe for probe in probes if probe.id not in found]
    if missing:
        raise WrongUse(
            f"{len(missing)} of {len(probes)} probes have no answer {side}, such as one of "
            f"{missing[0].cluster!r}.",
            expected="answers to the same probes on both sides.",
            do="compare runs of the same audit, users, words and k.",
        )
    return found


def _shares(clusters: Sequence[str], seed: int) -> list[frozenset[str]]:
    if len(clusters) < FEWEST_SHARES:
        return []
    order = generator(seed, "comparison").permutation(len(clusters))
    parts = np.array_split(order, min(SHARES, len(clusters)))
    return [frozenset(clusters[int(place)] for place in part) for part in parts]


def _quick(audit: Audit) -> Audit:
    """Return the audit without the draws that only its intervals need."""
    fields = {f.name for f in dataclasses.fields(cast(Any, audit))}
    return dataclasses.replace(cast(Any, audit), draws=_QUICK) if "draws" in fields else audit


def _judged_without(
    audit: Audit,
    probes: Sequence[Probe],
    sides: Sequence[Sequence[Answer]],
    shares: Sequence[frozenset[str]],
) -> list[list[dict[str, float | None]]]:
    """Return the value of every finding, per share that is left out and side."""
    found = []
    for share in shares:
        kept = [place for place, probe in enumerate(probes) if probe.cluster not in share]
        some = [probes[place] for place in kept]
        found.append(
            [
                {
                    f.id: f.estimate.value
                    for f in audit.judge(some, [side[place] for place in kept]).findings
                }
                for side in sides
            ]
        )
    return found


def _common(before: AuditResult, after: AuditResult) -> list[tuple[str, Finding, Finding]]:
    others = {finding.id: finding for finding in after.findings}
    return [(f.id, f, others[f.id]) for f in before.findings if f.id in others]


def _finding_change(
    before: Finding,
    after: Finding,
    id: str,
    left_out: Sequence[Sequence[dict[str, float | None]]],
    n: int,
    level: float,
    unit: str,
) -> Change:
    a, b = before.estimate.value, after.estimate.value
    differences = [_less(late.get(id), early.get(id)) for early, late in left_out]
    estimate = jackknife_estimate(
        _less(b, a),
        np.array(differences),
        n=n,
        level=level,
        unit=unit,
        direction=before.estimate.direction,
        undefined="undefined before or after",
    )
    return Change(id, a, b, estimate)


def _less(after: float | None, before: float | None) -> float:
    return math.nan if after is None or before is None else after - before


class _Paired:
    """Means over clusters of what each answer has, before and after."""

    def __init__(
        self, probes: Sequence[Probe], clusters: Sequence[str], level: float, seed: int, unit: str
    ) -> None:
        number = {cluster: n for n, cluster in enumerate(clusters)}
        self._of = np.array([number[probe.cluster] for probe in probes], dtype=np.int64)
        self._n, self._level, self._seed, self._unit = len(clusters), level, seed, unit

    def change(
        self,
        id: str,
        before: NDArray[np.float64],
        after: NDArray[np.float64],
        direction: str,
    ) -> Change:
        """Compare where both are known; NaN is missing."""
        both = ~(np.isnan(before) | np.isnan(after))
        early, late = (self._means(np.where(both, side, np.nan)) for side in (before, after))
        estimate = mean_estimate(
            late - early,
            generator(self._seed, "comparison", id),
            level=self._level,
            unit=self._unit,
            direction=direction,
        )
        return Change(id, _mean(early), _mean(late), estimate)

    def _means(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        known = ~np.isnan(values)
        sums = np.bincount(self._of[known], values[known], self._n)
        counts = np.bincount(self._of[known], minlength=self._n)
        return np.divide(sums, counts, out=np.full(self._n, np.nan), where=counts > 0)


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(np.nanmean(values)) if (~np.isnan(values)).any() else None


def _utility(
    paired: _Paired,
    probes: Sequence[Probe],
    sides: Sequence[Sequence[Answer]],
    users: dict[str, User],
) -> list[Change]:
    k = max((probe.request.k for probe in probes), default=1)
    changes = []
    if any(user.held_out for user in users.values()):
        liked = [users[p.cluster].held_out if p.cluster in users else () for p in probes]
        early, late = (
            ndcg_at_k(*relevance_matrix([answer.ranking for answer in side], liked, k))
            for side in sides
        )
        changes.append(paired.change("utility.ndcg", early, late, "higher"))
    kept = np.array([_kept(early, late) for early, late in zip(*sides, strict=True)])
    changes.append(paired.change("utility.items_kept", np.where(kept >= 0, 1.0, kept), kept, ""))
    return changes


def _kept(before: Answer, after: Answer) -> float:
    early, late = before.ranking, after.ranking
    if early.outcome is not Outcome.ANSWERED or late.outcome is not Outcome.ANSWERED:
        return math.nan
    return len(set(early.items) & set(late.items)) / len(early.items)


def _cost(paired: _Paired, sides: Sequence[Sequence[Answer]]) -> list[Change]:
    measures: dict[str, Callable[[Answer], float]] = {
        "cost.seconds": lambda answer: answer.seconds,
        "cost.calls": lambda answer: float(len(answer.attempts)),
        "cost.tokens": _tokens,
    }
    found = []
    for id, measure in measures.items():
        early, late = (np.array([measure(answer) for answer in side]) for side in sides)
        if (np.isfinite(early) & np.isfinite(late)).any():
            found.append(paired.change(id, early, late, "lower"))
    return found


def _tokens(answer: Answer) -> float:
    usage = answer.ranking.usage
    return math.nan if usage is None else float(usage.prompt_tokens + usage.completion_tokens)
