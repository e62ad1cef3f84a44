"""What is measured list by list: representation of groups, expected exposure, who sees what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.stats import binomtest

from fairrec.audits.answered_lists import AnsweredLists
from fairrec.audits.excess import finding_id
from fairrec.audits.exposure_expected import expected_by_request
from fairrec.audits.families import adjusted
from fairrec.evidence.groupings import upper_p
from fairrec.evidence.groups import group_mean
from fairrec.evidence.intervals import mean_estimate
from fairrec.metrics.attention import awrf
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.concentration import shares
from fairrec.metrics.divergence import jensen_shannon
from fairrec.metrics.exposure import group_exposure, place_exposure
from fairrec.metrics.fa_ir import adjusted_table, prefix_test, protected_flags
from fairrec.metrics.group_representation import infeasible_index, ndkl
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.merit import catalogue_shares
from fairrec.metrics.pairwise_parity import favoured_pair_rates
from fairrec.results import Estimate, Finding
from fairrec.seeds import generator

Values = NDArray[np.float64]

ALPHA = 0.1
"""Chance at which FA*IR's test fails a list that was made by chance."""

SMALL = 0.5
"""Share of the catalogue up to which a group is one that FA*IR can protect."""


@dataclass(frozen=True)
class ListJudge:
    """Judges lists one by one, and what differs between users.

    Attributes:
        answered, again: The lists, and those of the repeats.
        groups: Groups of items, or None.
        column: What groups them.
        browsing: How people read.
        relevant, relevant_again: What is relevant to the user of each row, or None.
        profiles: Attributes of the users, by id.
        unit, draws, level, seed: As everywhere.
    """

    answered: AnsweredLists
    again: AnsweredLists
    groups: ItemGroups | None
    column: str
    browsing: Browsing
    relevant: csr_matrix | None
    relevant_again: csr_matrix | None
    profiles: Mapping[str, Mapping[str, str]]
    unit: str
    draws: int
    level: float
    seed: int

    def findings(self) -> list[Finding]:
        """Return everything that is found list by list."""
        found = [*self._asked_again(), *self._expected()]
        if self.groups is not None:
            found += [*self._representation(), *self._prefixes(), *self._user_groups()]
        return found

    def measures(self, row: int) -> dict[str, float | None]:
        """Return what is measured of one list, for the table of observations."""
        return {
            name: None if np.isnan(values[row]) else float(values[row])
            for name, values in self._by_list.items()
        }

    @cached_property
    def _exposure(self) -> Values:
        return place_exposure(self.answered.lists, self.browsing, self.relevant)

    @cached_property
    def _codes(self) -> NDArray[np.int64] | None:
        """The known group of every place; "unknown" counts as off the catalogue; None where items
        are in several groups."""
        groups, lists = self.groups, self.answered.lists
        if groups is None or groups.codes is None:
            return None
        codes = np.where(
            lists.known, groups.codes[np.where(lists.known, lists.items, 0)], lists.items
        )
        return np.where((codes >= 0) & ~groups.known[np.maximum(codes, 0)], -2, codes)

    @cached_property
    def _target(self) -> Values:
        """Catalogue shares of the known groups."""
        assert self.groups is not None
        return shares(np.where(self.groups.known, catalogue_shares(self.groups), 0.0))

    @cached_property
    def _by_list(self) -> dict[str, Values]:
        lists, groups = self.answered.lists, self.groups
        found = {"length": np.where(lists.lengths > 0, lists.lengths, np.nan).astype(np.float64)}
        if groups is not None:
            given = group_exposure(lists, groups, self._exposure)
            found["awrf"] = awrf(given, self._target, known=groups.known)
        if self._codes is not None:
            found["ndkl"] = ndkl(self._codes, self._target)
            found["infeasible_index"] = infeasible_index(self._codes, self._target)
        return found

    def _asked_again(self) -> Iterable[Finding]:
        """Yield by how much asking the same again moves the attention of a user's list."""
        if not self.again.probes:
            return
        first, second = (
            self._by_owner(some, place_exposure(some.lists, self.browsing, relevant))
            for some, relevant in (
                (self.answered, self.relevant),
                (self.again, self.relevant_again),
            )
        )
        both = np.asarray(first.sum(axis=1)).ravel() > 0
        both &= np.asarray(second.sum(axis=1)).ravel() > 0
        moved = np.asarray(np.abs(_rows_to_1(first) - _rows_to_1(second)).sum(axis=1)).ravel() / 2
        yield self._mean(
            "items", "exposure", "changed_when_asked_again", np.where(both, moved, np.nan)
        )

    def _by_owner(self, some: AnsweredLists, exposure: Values) -> csr_matrix:
        known = some.lists.known
        rows = some.owner[np.nonzero(known)[0]]
        shape = (len(some.owners), some.lists.n_items)
        return csr_matrix((exposure[known], (rows, some.lists.items[known])), shape=shape)

    def _expected(self) -> Iterable[Finding]:
        """Yield EE-D, EE-R and EE-L: lists of one request are averaged first."""
        if self.relevant is None:
            return
        found = expected_by_request(
            [self.answered, self.again],
            [self.relevant, self.relevant_again],
            self.browsing,
            self.groups,
        )
        for attribute, parts in found.items():
            name = "items" if attribute == "items" else self.column
            for statistic, values in parts._asdict().items():
                better = "higher" if statistic == "relevance" else "lower"
                yield self._mean(name, "expected_exposure", statistic, values, better)

    def _representation(self) -> Iterable[Finding]:
        assert self.groups is not None
        if self._codes is None:
            return
        for name in ("ndkl", "infeasible_index"):
            values = self._of_owner(self._by_list[name])
            yield self._mean(self.column, name, "mean", values, "lower")
        rates = favoured_pair_rates(self._codes, len(self.groups))
        for place, name in enumerate(self.groups.names):
            if self.groups.known[place]:
                values = self._of_owner(rates[:, place])
                yield self._mean(self.column, "favoured_pairs", "mean", values, "", name)

    def _prefixes(self) -> list[Finding]:
        """Return the share of lists that fail FA*IR's adjusted test, for each small group."""
        assert self.groups is not None
        if self._codes is None:
            return []
        found = []
        for place, name in enumerate(self.groups.names):
            share = float(self._target[place])
            if not self.groups.known[place] or not 0 < share <= SMALL:
                continue
            table = adjusted_table(self.answered.lists.k, round(share, 6), ALPHA)
            if table.table[-1] == 0:  # no list could fail: it would look fair whatever it holds
                short = f"lists of {len(table.table)} are too short to test a group of {share:.0%}"
                none = Estimate(None, reason=short, unit=self.unit, level=self.level)
                found.append(self._finding(self.column, "fa_ir", "failing", none, name))
                continue
            passed = prefix_test(protected_flags(self._codes, place), table.table)
            failed = self._of_owner(1 - passed)
            estimate = group_mean(failed, level=self.level, unit=self.unit, direction="lower")
            known = failed[~np.isnan(failed)]
            p_value = None
            if len(known) and np.isin(known, (0, 1)).all():
                p_value = float(
                    binomtest(
                        int(known.sum()), len(known), table.fail_probability, "greater"
                    ).pvalue
                )
            finding = self._finding(self.column, "fa_ir", "failing", estimate, name)
            found.append(replace(finding, p_value=p_value, noise_floor=table.fail_probability))
        return adjusted(found, f"lists that fail FA*IR's test, over groups of {self.column}")

    def _user_groups(self) -> list[Finding]:
        """Return how far user groups' shares of item groups lie apart, attribute by attribute."""
        assert self.groups is not None
        given = group_exposure(self.answered.lists, self.groups, self._exposure)
        size = len(self.answered.owners)
        by_owner = np.zeros((size, given.shape[1]))
        np.add.at(by_owner, self.answered.owner, given)
        there = by_owner.sum(axis=1) > 0
        found = []
        for attribute in sorted({name for of in self.profiles.values() for name in of}):
            labels = [self.profiles.get(owner, {}).get(attribute) for owner in self.answered.owners]
            values = sorted({label for label in labels if label is not None})
            code = np.array([values.index(label) if label is not None else -1 for label in labels])
            code = np.where(there, code, -1)
            counts = np.bincount(code[code >= 0], minlength=len(values))
            if len(values) < 2 or (counts < 2).any():
                continue
            found.append(self._apart(attribute, by_owner[code >= 0], code[code >= 0], len(values)))
        return adjusted(found, f"user groups' exposure to {self.column} over attributes")

    def _apart(self, attribute: str, given: Values, code: NDArray[np.int64], size: int) -> Finding:
        def divergence(codes: NDArray[np.int64]) -> float:
            held = np.zeros((size, given.shape[1]))
            np.add.at(held, codes, given)
            return float(jensen_shannon(shares(held)))

        rng = generator(self.seed, "exposure", "user groups", attribute)
        draws = min(self.draws, 999)
        null = np.array([divergence(rng.permutation(code)) for _ in range(draws)])
        estimate = Estimate(
            divergence(code),
            n=len(code),
            unit=self.unit,
            direction="lower",
            level=self.level,
            reason="above 0 by chance alone: see the noise floor and the test",
        )
        finding = self._finding(attribute, "exposure", "user_group_jsd", estimate)
        return replace(
            finding,
            p_value=upper_p(null, estimate.value or 0.0),
            noise_floor=float(null.mean()),
        )

    def _of_owner(self, values: Values) -> Values:
        """Return each user's mean over their lists, NaN without any."""
        here = ~np.isnan(values)
        size = len(self.answered.owners)
        count = np.bincount(self.answered.owner[here], minlength=size)
        total = np.bincount(self.answered.owner[here], values[here], minlength=size)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)

    def _mean(
        self,
        attribute: str,
        metric: str,
        statistic: str,
        values: Values,
        direction: str = "",
        value: str | None = None,
    ) -> Finding:
        rng = generator(self.seed, "exposure", attribute, metric, statistic, value or "")
        estimate = mean_estimate(
            values, rng, self.draws, level=self.level, unit=self.unit, direction=direction
        )
        return self._finding(attribute, metric, statistic, estimate, value)

    def _finding(
        self,
        attribute: str,
        metric: str,
        statistic: str,
        estimate: Estimate,
        value: str | None = None,
    ) -> Finding:
        return Finding(
            finding_id("exposure", attribute, value, metric, statistic),
            audit="exposure",
            metric=metric,
            statistic=statistic,
            attribute=attribute,
            value=value,
            estimate=estimate,
        )


def _rows_to_1(table: csr_matrix) -> csr_matrix:
    total = np.asarray(table.sum(axis=1)).ravel()
    scale = np.where(total > 0, 1 / np.where(total > 0, total, 1.0), 0.0)
    return csr_matrix(table.multiply(scale[:, None]))
