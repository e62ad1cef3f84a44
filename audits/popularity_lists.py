"""Popularity within lists: does it decide the order, and what of what is liked is novel?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from fairrec.audits.answered_lists import AnsweredLists
from fairrec.audits.excess import finding_id
from fairrec.evidence.intervals import mean_estimate
from fairrec.metrics.item_lists import relevance_at
from fairrec.metrics.novelty import expected_free_discovery, expected_popularity_complement
from fairrec.metrics.popularity import average_popularity
from fairrec.metrics.popularity_ranking import (
    popularity_rank_correlation_of_items,
    popularity_rank_correlation_of_users,
)
from fairrec.metrics.rank_correlation import spearman
from fairrec.results import Estimate, Finding
from fairrec.seeds import generator

Values = NDArray[np.float64]


@dataclass(frozen=True)
class ListPopularity:
    """Judges lists one by one.

    Attributes:
        answered, again: The lists, and those of the repeats.
        relevant: What is relevant to the user of each row, or None.
        popularity: How often each item was consumed, shape (N,).
        unit, draws, level, seed: As everywhere.
    """

    answered: AnsweredLists
    again: AnsweredLists
    relevant: csr_matrix | None
    popularity: Values
    unit: str
    draws: int
    level: float
    seed: int

    def findings(self) -> Iterable[Finding]:
        """Yield what is found within lists."""
        lists = self.answered.lists
        order = lists.values(self.popularity)
        rank = np.broadcast_to(np.arange(1.0, lists.k + 1), order.shape)
        # Positive where the popular comes first.
        first = -spearman(order, np.where(np.isnan(order), np.nan, rank))
        yield self._mean("popularity", "popular_first", first)
        if self.again.probes:
            listed, repeated = (
                self._by_owner(some, average_popularity(some.lists, self.popularity))
                for some in (self.answered, self.again)
            )
            yield self._mean_of("arp", "changed_when_asked_again", np.abs(listed - repeated))
        if self.relevant is not None:
            yield from self._of_relevant(self.relevant)

    def _of_relevant(self, relevant: csr_matrix) -> Iterable[Finding]:
        lists = self.answered.lists
        hits = relevance_at(lists, relevant)
        efd = expected_free_discovery(lists, self.popularity, None, hits)
        yield self._mean("efd", "mean", efd, "higher")
        # How many users there are is not known; the most popular item stands for all of them.
        most = max(float(self.popularity.max()), 1.0)
        epc = expected_popularity_complement(lists, self.popularity, most, hits)
        yield self._mean("epc", "mean", epc, "higher")
        rows, ranks = np.nonzero(hits > 0)
        placed = csr_matrix(
            (ranks + 1.0, (rows, lists.items[rows, ranks])), shape=(len(lists), lists.n_items)
        )
        of_users = popularity_rank_correlation_of_users(placed, self.popularity)
        pru = self._mean("pru", "mean", of_users)
        # Lists end: items that a user likes and that were not listed have no place.
        said = ", ".join(filter(None, (pru.estimate.method, "of liked items that were listed")))
        yield replace(pru, estimate=replace(pru.estimate, method=said))
        pri = popularity_rank_correlation_of_items(placed, self.popularity)
        known = not np.isnan(pri)
        estimate = Estimate(
            pri if known else None,
            n=int((placed.getnnz(axis=0) > 0).sum()),
            unit="item",
            level=self.level,
            reason="a correlation over items has no interval over users"
            if known
            else "fewer than two liked items were listed, or they are equally popular",
        )
        yield self._finding("pri", "value", estimate)

    def _mean(self, metric: str, statistic: str, by_list: Values, direction: str = "") -> Finding:
        return self._mean_of(metric, statistic, self._by_owner(self.answered, by_list), direction)

    def _mean_of(self, metric: str, statistic: str, values: Values, direction: str = "") -> Finding:
        rng = generator(self.seed, "popularity", metric, statistic)
        estimate = mean_estimate(
            values, rng, self.draws, level=self.level, unit=self.unit, direction=direction
        )
        return self._finding(metric, statistic, estimate)

    def _finding(self, metric: str, statistic: str, estimate: Estimate) -> Finding:
        return Finding(
            finding_id("popularity", "items", None, metric, statistic),
            audit="popularity",
            metric=metric,
            statistic=statistic,
            attribute="items",
            estimate=estimate,
        )

    @staticmethod
    def _by_owner(some: AnsweredLists, values: Values) -> Values:
        here = ~np.isnan(values)
        size = len(some.owners)
        count = np.bincount(some.owner[here], minlength=size)
        total = np.bincount(some.owner[here], values[here], minlength=size)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)
