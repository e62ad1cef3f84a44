"""Scored candidates, laid out as tables: users by stated values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.contrasts import in_order, wording
from fairrec.metrics.classification_fairness import rate_parts
from fairrec.types import Arm, Outcome, Probe, Ranking
from fairrec.users import User

Table = NDArray[np.float64]
STATED = (Arm.SENSITIVE, Arm.COUNTERFACTUAL)


@dataclass(frozen=True)
class ScoredPairs:
    """The N scored pairs of user and candidate of one attribute, over all its values.

    Attributes:
        values: The attribute's values.
        users: Number of users, with or without scores.
        user, value: Row and column of each pair.
        score: Its score.
        place: Its place among the user's candidates, from 0.
        relevant: Its label, 1 or 0; NaN where nothing is known of the user.
    """

    values: tuple[str, ...]
    users: int
    user: NDArray[np.intp]
    value: NDArray[np.intp]
    score: Table
    place: NDArray[np.intp]
    relevant: Table

    @property
    def labels(self) -> NDArray[np.str_]:
        """The stated value of each pair."""
        return np.array(self.values)[self.value]

    def selected(self, threshold: float, k: int | None) -> NDArray[np.bool_]:
        """Return which pairs reach the threshold and stand among the first k."""
        reached = self.score >= threshold
        return reached if k is None else reached & (self.place < k)

    def table(self, numbers: Table | NDArray[np.bool_]) -> Table:
        """Return sums of one number a pair, users x values; NaN where nothing was scored."""
        cell = self.user * len(self.values) + self.value
        size = self.users * len(self.values)
        sums = np.bincount(cell, numbers.astype(float), size).astype(float)  # whole if empty
        sums[np.bincount(cell, minlength=size) == 0] = np.nan
        return sums.reshape(self.users, len(self.values))

    def rate(
        self, rate: str, threshold: float, k: int | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the parts and the wholes of a rate, users x values each."""
        part, whole = rate_parts(rate, self.selected(threshold, k), self.relevant)
        return self.table(part), self.table(whole)


@dataclass(frozen=True, slots=True)
class Scored:
    """A probe, the row of its user, and score and place by candidate; none where it is missing."""

    probe: Probe
    id: str
    row: int
    scores: Mapping[str, tuple[float, int]]


class ScoredAnswers:
    """What was scored, of the audit's users.

    A user's candidates are their own, else those that were asked about, else all items that were
    scored for them; other items do not count.

    Attributes:
        users: The rows of every table.
        candidates: By user id.
        used: The probes that count: neutral, repeats of it, and stated values.
        values: By attribute, the values that were stated.
    """

    def __init__(
        self, users: Sequence[User], probes: Sequence[Probe], rankings: Mapping[str, Ranking]
    ) -> None:
        self.users = users
        rows = {user.id: row for row, user in enumerate(users)}
        # By id: a probe that is given twice has one answer and counts once.
        used = {p.id: p for p in probes if p.cluster in rows and counts(p)}
        answered = [(probe, rankings[id]) for id, probe in used.items()]
        self.candidates = _candidates(users, answered)
        self.used = [
            Scored(p, id, rows[p.cluster], _scores(rankings[id], self.candidates[p.cluster]))
            for id, p in used.items()
        ]
        self._neutral = {_place(s.probe): s for s in self.used if s.probe.arm is Arm.NEUTRAL}
        self.values = {
            name: in_order(s.probe.value or "" for s in self._stating(name))
            for name in in_order(p.attribute or "" for p in used.values() if p.arm in STATED)
        }

    def pairs(self, attribute: str) -> ScoredPairs:
        """Return the scored pairs of an attribute."""
        rows = []
        for scored, column in self._placed(attribute):
            liked = frozenset(self.users[scored.row].held_out)
            for item, (score, place) in scored.scores.items():
                known = float(item in liked) if liked else np.nan
                rows.append((scored.row, column, score, place, known))
        user, value, score, place, relevant = np.array(rows, dtype=float).reshape(-1, 5).T
        return ScoredPairs(
            self.values[attribute],
            len(self.users),
            user.astype(np.intp),
            value.astype(np.intp),
            score,
            place.astype(np.intp),
            relevant,
        )

    def changes(self, scored: Scored) -> Table:
        """Return by how much each candidate's score differs from the neutral one.

        Empty where either is missing.
        """
        reference = self._neutral.get(_place(scored.probe))
        before = {} if reference is None else reference.scores
        after = scored.scores
        return np.array([after[item][0] - before[item][0] for item in after if item in before])

    def stated_changes(self, attribute: str, *, absolute: bool = False) -> Table:
        """Return each user's mean change from the neutral scores, users x values."""
        columns = len(self.values[attribute])
        return self._mean_changes(self._placed(attribute), columns, absolute)

    def repeat_changes(self) -> Table:
        """Return each user's mean absolute change when the same is asked again, a column each."""
        repeats = [s for s in self.used if s.probe.arm is Arm.REPEAT]
        order = sorted({s.probe.request.replicate for s in repeats})
        places = [(s, order.index(s.probe.request.replicate)) for s in repeats]
        return self._mean_changes(places, max(len(order), 1), absolute=True)

    def gaps(self, attribute: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return, users x values, where anything was asked, and where not all has a score."""
        asked = np.zeros((len(self.users), len(self.values[attribute])), dtype=bool)
        lacking = np.zeros_like(asked)
        for scored, column in self._placed(attribute):
            asked[scored.row, column] = True
            lacking[scored.row, column] |= self.unscored(scored) > 0
        return asked, lacking

    def unscored(self, scored: Scored) -> int:
        """Return how many of the user's candidates have no score; 1 where none is known."""
        return max(1, len(self.candidates[scored.probe.cluster])) - len(scored.scores)

    def _stating(self, attribute: str) -> list[Scored]:
        return [s for s in self.used if s.probe.arm in STATED and s.probe.attribute == attribute]

    def _placed(self, attribute: str) -> list[tuple[Scored, int]]:
        column = {value: place for place, value in enumerate(self.values[attribute])}
        return [(s, column[s.probe.value or ""]) for s in self._stating(attribute)]

    def _mean_changes(
        self, places: Sequence[tuple[Scored, int]], columns: int, absolute: bool
    ) -> Table:
        found: dict[tuple[int, int], list[float]] = {}
        for scored, column in places:
            changes = self.changes(scored)
            if len(changes):
                mean = float((np.abs(changes) if absolute else changes).mean())
                found.setdefault((scored.row, column), []).append(mean)
        table = np.full((len(self.users), columns), np.nan)
        for cell, means in found.items():
            table[cell] = np.mean(means)
        return table


def user_shares(parts: Table, wholes: Table) -> Table:
    """Return each user's own share, users x values; NaN where there is nothing to take one of."""
    return np.where(wholes > 0, parts / np.where(wholes > 0, wholes, 1.0), np.nan)


def is_scored(ranking: Ranking) -> bool:
    """Tell whether an answer holds scores."""
    return ranking.outcome is Outcome.ANSWERED and ranking.scores is not None


def counts(probe: Probe) -> bool:
    """Tell whether a probe is of an arm that the audit judges."""
    if probe.arm in STATED:
        return probe.attribute is not None and probe.value is not None
    return probe.arm in (Arm.NEUTRAL, Arm.REPEAT) and probe.attribute is None


def _place(probe: Probe) -> tuple[str, str]:
    return probe.cluster, wording(probe)


def _candidates(
    users: Sequence[User], answered: Sequence[tuple[Probe, Ranking]]
) -> dict[str, frozenset[str]]:
    asked: dict[str, set[str]] = {user.id: set() for user in users}
    seen: dict[str, set[str]] = {user.id: set() for user in users}
    for probe, ranking in answered:
        asked[probe.cluster].update(probe.request.candidates or ())
        if is_scored(ranking):
            seen[probe.cluster].update(ranking.items)
    return {
        user.id: frozenset(user.candidates or asked[user.id] or seen[user.id]) for user in users
    }


def _scores(ranking: Ranking, candidates: frozenset[str]) -> dict[str, tuple[float, int]]:
    if not is_scored(ranking):
        return {}
    listed = zip(ranking.items, ranking.scores or (), strict=True)
    kept = [(item, score) for item, score in listed if item in candidates]
    return {item: (score, place) for place, (item, score) in enumerate(kept)}
