"""Scored candidates, laid out as tables: users by stated values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.contrasts import in_order, mean_present, wording
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
        sums = np.bincount(cell, numbers.astype(float), size)
        sums[np.bincount(cell, minlength=size) == 0] = np.nan
        return sums.reshape(self.users, len(self.values))

    def rate(
        self, rate: str, threshold: float, k: int | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the parts and the wholes of a rate, users x values each."""
        part, whole = rate_parts(rate, self.selected(threshold, k), self.relevant)
        return self.table(part), self.table(whole)


class ScoredAnswers:
    """What was scored, of the audit's users.

    A user's candidates are their own, else those that were asked about, else all items that were
    scored for them; other items do not count.

    Attributes:
        candidates: By user id.
        scores: By probe id, the score and the place of each scored candidate. Probes without
            scores have none.
        values: By attribute, the values that were stated.
        neutral: The neutral probe of each user and wording.
        used: The probes that count: neutral, repeats of it, and stated values.
    """

    def __init__(
        self, users: Sequence[User], probes: Sequence[Probe], rankings: Mapping[str, Ranking]
    ) -> None:
        self.users = users
        self._row = {user.id: row for row, user in enumerate(users)}
        self.used = [probe for probe in probes if probe.cluster in self._row and _counts(probe)]
        self.candidates = _candidates(users, self.used, rankings)
        self.scores = {
            probe.id: _scores(rankings[probe.id], self.candidates[probe.cluster])
            for probe in self.used
            if _is_scored(rankings[probe.id])
        }
        self.neutral = {(p.cluster, wording(p)): p for p in self.used if p.arm is Arm.NEUTRAL}
        self.values = {
            name: in_order(p.value or "" for p in self._stating(name))
            for name in in_order(p.attribute or "" for p in self.used if p.arm in STATED)
        }

    def pairs(self, attribute: str) -> ScoredPairs:
        """Return the scored pairs of an attribute."""
        column = {value: place for place, value in enumerate(self.values[attribute])}
        rows = []
        for probe in self._stating(attribute):
            row = self._row[probe.cluster]
            liked = frozenset(self.users[row].held_out)
            for item, (score, place) in self.scores.get(probe.id, {}).items():
                known = float(item in liked) if liked else np.nan
                rows.append((row, column[probe.value or ""], score, place, known))
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

    def mean_scores(self, attribute: str) -> Table:
        """Return each user's mean score over candidates, users x values."""
        pairs = self.pairs(attribute)
        return pairs.table(pairs.score) / pairs.table(np.ones_like(pairs.score))

    def changes(self, probe: Probe) -> NDArray[np.float64]:
        """Return by how much the scores of the candidates differ from the neutral ones.

        Empty where either is missing.
        """
        reference = self.neutral.get((probe.cluster, wording(probe)))
        if reference is None:
            return np.array([])
        before, after = (self.scores.get(p.id, {}) for p in (reference, probe))
        return np.array([after[item][0] - before[item][0] for item in after if item in before])

    def stated_changes(self, attribute: str, *, absolute: bool = False) -> Table:
        """Return each user's mean change from the neutral scores, users x values."""
        order = self.values[attribute]
        return self._changes(
            [(probe, order.index(probe.value or "")) for probe in self._stating(attribute)],
            len(order),
            absolute=absolute,
        )

    def repeat_changes(self) -> Table:
        """Return each user's mean absolute change when the same is asked again, a column each."""
        repeats = [p for p in self.used if p.arm is Arm.REPEAT]
        order = sorted({probe.request.replicate for probe in repeats})
        places = [(probe, order.index(probe.request.replicate)) for probe in repeats]
        return self._changes(places, max(len(order), 1), absolute=True)

    def incomplete(self, attribute: str) -> NDArray[np.bool_]:
        """Return, users x values, where something was asked and a candidate has no score."""
        found = np.zeros((len(self.users), len(self.values[attribute])), dtype=bool)
        for probe in self._stating(attribute):
            column = self.values[attribute].index(probe.value or "")
            found[self._row[probe.cluster], column] |= self.unscored(probe) > 0
        return found

    def asked(self, attribute: str) -> NDArray[np.bool_]:
        """Return, users x values, where anything was asked."""
        found = np.zeros((len(self.users), len(self.values[attribute])), dtype=bool)
        for probe in self._stating(attribute):
            column = self.values[attribute].index(probe.value or "")
            found[self._row[probe.cluster], column] = True
        return found

    def unscored(self, probe: Probe) -> int:
        """Return how many of the user's candidates have no score in the answer to a probe."""
        return max(1, len(self.candidates[probe.cluster])) - len(self.scores.get(probe.id, {}))

    def _stating(self, attribute: str) -> list[Probe]:
        return [p for p in self.used if p.arm in STATED and p.attribute == attribute]

    def _changes(self, probes: Sequence[tuple[Probe, int]], columns: int, absolute: bool) -> Table:
        found: dict[tuple[int, int], list[float]] = {}
        for probe, column in probes:
            changes = self.changes(probe)
            if len(changes):
                mean = float((np.abs(changes) if absolute else changes).mean())
                found.setdefault((self._row[probe.cluster], column), []).append(mean)
        table = np.full((len(self.users), columns), np.nan)
        for cell, means in found.items():
            table[cell] = np.mean(means)
        return table


def user_shares(parts: Table, wholes: Table) -> Table:
    """Return each user's own share, users x values; NaN where there is nothing to take one of."""
    return np.where(wholes > 0, parts / np.where(wholes > 0, wholes, 1.0), np.nan)




def _counts(probe: Probe) -> bool:
    if probe.arm in STATED:
        return probe.attribute is not None and probe.value is not None
    return probe.arm in (Arm.NEUTRAL, Arm.REPEAT) and probe.attribute is None


def _is_scored(ranking: Ranking) -> bool:
    return ranking.outcome is Outcome.ANSWERED and ranking.scores is not None


def _candidates(
    users: Sequence[User], probes: Sequence[Probe], rankings: Mapping[str, Ranking]
) -> dict[str, frozenset[str]]:
    asked: dict[str, set[str]] = {user.id: set() for user in users}
    seen: dict[str, set[str]] = {user.id: set() for user in users}
    for probe in probes:
        asked[probe.cluster].update(probe.request.candidates or ())
        if _is_scored(rankings[probe.id]):
            seen[probe.cluster].update(rankings[probe.id].items)
    return {
        user.id: frozenset(user.candidates or asked[user.id] or seen[user.id]) for user in users
    }


def _scores(ranking: Ranking, candidates: frozenset[str]) -> dict[str, tuple[float, int]]:
    listed = zip(ranking.items, ranking.scores or (), strict=True)
    kept = [(item, score) for item, score in listed if item in candidates]
    return {item: (score, place) for place, (item, score) in enumerate(kept)}
