"""The two sides of a market: a minimum for providers and items, and what users give up for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, identity

from fairrec.audits.answered_lists import AnsweredLists
from fairrec.audits.excess import finding_id
from fairrec.audits.provider_buckets import (
    answered_owners,
    bucket_rows,
    bucket_sums,
    by_owner,
)
from fairrec.evidence import mean_estimate
from fairrec.evidence.thresholds import threshold_estimate
from fairrec.metrics.accumulators import BUCKETS
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.item_lists import END, OFF, ItemLists
from fairrec.metrics.two_sided import (
    mean_envy_of_lists,
    minimum_exposure,
    share_meeting_minimum,
    utility_kept,
)
from fairrec.results import Estimate, Finding
from fairrec.seeds import generator
from fairrec.types import Probe, Ranking

Values = NDArray[np.float64]

CELLS = 20_000_000
"""Most numbers (160 MB) that counts by share of the users, or by draw, may take."""


@dataclass(frozen=True)
class Market:
    """Judges both sides.

    Attributes:
        audit, attribute: What findings are of; the attribute is the column of providers.
        answered: The lists.
        groups: All providers.
        alpha: Part of an equal share that everybody is promised.
        k: Places asked for.
        draws, level, seed: Of intervals.
    """

    audit: str
    attribute: str
    answered: AnsweredLists
    groups: ItemGroups
    alpha: float
    k: int
    draws: int
    level: float
    seed: int

    def minima(self) -> list[Finding]:
        """Return the share of the providers, and of the items, that have the promised places.

        m is the number of answered lists. Intervals are over users: what other users would give.
        """
        n_items = self.answered.lists.n_items
        every = csr_matrix(identity(n_items))
        return [
            self._minimum(self.attribute, self.groups.membership, self.groups.known),
            self._minimum("items", every, np.ones(n_items, dtype=bool)),
        ]

    def promised(self, n: int) -> int:
        """Return the places that each of n is promised."""
        return minimum_exposure(self.alpha, int(self.answered.answered.sum()), self.k, n)

    def _minimum(
        self, attribute: str, membership: csr_matrix, counted: NDArray[np.bool_]
    ) -> Finding:
        n = int(counted.sum())
        m = int(self.answered.answered.sum())
        common: dict[str, Any] = {
            "n": len(answered_owners(self.answered)),
            "n_missing": self.answered.n_missing,
            "level": self.level,
            "unit": self.answered.unit,
            "direction": "higher",
        }
        if self.promised(n) == 0:
            reason = f"{m} lists of {self.k} promise less than one place to each of {n}"
            estimate = Estimate(None, reason=reason, **common)
        else:
            estimate = threshold_estimate(
                self._places(membership, counted),
                lambda sums: self._meeting(sums, n),
                generator(self.seed, self.audit, "minimum", attribute),
                min(self.draws, max(100, CELLS // n)),
                **common,
            )
        return Finding(
            finding_id(self.audit, attribute, None, "minimum_exposure", "share_meeting"),
            audit=self.audit,
            metric="minimum_exposure",
            statistic="share_meeting",
            attribute=attribute,
            estimate=estimate,
        )

    def _places(self, membership: csr_matrix, counted: NDArray[np.bool_]) -> Values:
        """Return places by share of the users and provider, then the number of lists."""
        buckets = int(np.clip(CELLS // len(counted), 20, BUCKETS))
        places = self.answered.lists.known.astype(np.float64)
        sums = bucket_sums(self.answered, places, membership, buckets)[:, counted]
        bucket, size = bucket_rows(self.answered, answered_owners(self.answered), buckets)
        lists = np.bincount(bucket[self.answered.answered], minlength=size)
        return np.column_stack([sums, lists.astype(np.float64)])

    def _meeting(self, sums: Values, n: int) -> Values:
        """Return the share that meets what so many lists promise."""
        lists = np.rint(sums[..., -1]).astype(np.int64)
        minima = [minimum_exposure(self.alpha, m, self.k, n) for m in lists.ravel().tolist()]
        return share_meeting_minimum(sums[..., :-1], np.reshape(minima, lists.shape)[..., None])

    def users(self, rankings: Mapping[str, Ranking]) -> list[Finding]:
        """Return what part of the best utility users keep, and how much they envy one another.

        Utility is what the recommender's own scores say, of lists whose candidates all have one.
        """
        scored = [_scored(probe, rankings[probe.id]) for probe in self.answered.probes]
        rows = [row for row, scores in enumerate(scored) if scores is not None]
        chosen = [scores for scores in scored if scores is not None]
        kept = np.full(len(scored), np.nan)
        envy = np.full(len(scored), np.nan)
        lacking = "no list has a score of at least 0 for each of its candidates"
        unshared = "users do not choose from the same candidates" if len(chosen) > 1 else lacking
        if chosen:
            lists = [rankings[self.answered.probes[row].id].items[: self.k] for row in rows]
            utilities, places = _aligned(chosen, lists, self.k)
            kept[rows] = utility_kept(utilities, places)
            if len({tuple(scores) for scores in chosen}) == 1:
                envy[rows] = mean_envy_of_lists(utilities, places)
        return [
            self._of_users("kept", by_owner(self.answered, kept), "higher", lacking),
            self._of_users("envy", by_owner(self.answered, envy), "lower", unshared),
        ]

    def _of_users(self, statistic: str, values: Values, direction: str, lacking: str) -> Finding:
        common: dict[str, Any] = {
            "unit": self.answered.unit,
            "level": self.level,
            "direction": direction,
        }
        if np.isnan(values).all():
            estimate = Estimate(None, reason=lacking, n_missing=len(values), **common)
        else:
            rng = generator(self.seed, self.audit, "users", statistic)
            estimate = mean_estimate(values, rng, self.draws, **common)
        return Finding(
            finding_id(self.audit, "users", None, "utility", statistic),
            audit=self.audit,
            metric="utility",
            statistic=statistic,
            attribute="users",
            estimate=estimate,
        )


def _scored(probe: Probe, ranking: Ranking) -> dict[str, float] | None:
    """Return the scores of a request's candidates in the order of their ids, where all have one."""
    candidates = probe.request.candidates
    if candidates is None or ranking.scores is None:
        return None
    given = dict(zip(ranking.items, ranking.scores, strict=True))
    if not all(given.get(item, -1.0) >= 0 for item in candidates):
        return None
    return {item: given[item] for item in sorted(set(candidates))}


def _aligned(
    scored: Sequence[Mapping[str, float]], lists: Sequence[Sequence[str]], k: int
) -> tuple[Values, ItemLists]:
    """Return scores and lists by place among each user's own candidates, ends filled with 0."""
    width = max(map(len, scored))
    utilities = np.zeros((len(scored), width))
    places = np.full((len(scored), k), END)
    for row, (scores, items) in enumerate(zip(scored, lists, strict=True)):
        utilities[row, : len(scores)] = list(scores.values())
        position = {item: place for place, item in enumerate(scores)}
        places[row, : len(items)] = [position.get(item, OFF) for item in items]
    return utilities, ItemLists(places, width)
