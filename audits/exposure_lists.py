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
from fairrec.audits.excess import finding_id, within
from fairrec.audits.exposure_again import attention_moved, shares_moved
from fairrec.audits.exposure_expected import expected_by_request
from fairrec.audits.exposure_representation import (
    chance_lists,
    chance_mean,
    group_gaps,
    known_codes,
    list_measures,
    place_codes,
)
from fairrec.audits.exposure_users import user_group_findings
from fairrec.audits.families import adjusted
from fairrec.evidence.groups import group_mean
from fairrec.evidence.intervals import mean_estimate
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.exposure import group_exposure, place_exposure
from fairrec.metrics.fa_ir import adjusted_table, prefix_test, protected_flags
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.item_lists import ItemLists
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
        from_catalogue: Whether every item of the catalogue could have been chosen in any list.
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
    from_catalogue: bool = True

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
        return None if self.groups is None else place_codes(self.answered.lists, self.groups)

    @cached_property
    def _shares(self) -> Values:
        """Catalogue shares of all groups: what a place is given by chance."""
        assert self.groups is not None
        return catalogue_shares(self.groups)

    @cached_property
    def _by_list(self) -> dict[str, Values]:
        lists, groups = self.answered.lists, self.groups
        found = {"length": np.where(lists.lengths > 0, lists.lengths, np.nan).astype(np.float64)}
        return (
            found if groups is None else {**found, **list_measures(lists, self._exposure, groups)}
        )

    @cached_property
    def _chance(self) -> tuple[ItemLists, Values] | None:
        """Lists drawn at random, and their attention: the floor under what lists are like."""
        lengths = self.answered.lists.lengths[self.answered.answered]
        if not self.from_catalogue or self.browsing.needs_relevance or not len(lengths):
            return None
        rng = generator(self.seed, "exposure", "random lists")
        weights = self.browsing.weights(round(float(lengths.mean())))
        return chance_lists(rng, self.answered.lists.n_items, weights)

    def _asked_again(self) -> Iterable[Finding]:
        """Yield by how much asking the same again moves the attention of a user's list."""
        if not self.again.probes:
            return
        moved = attention_moved(self.answered, self._exposure, self.again, self._exposure_again)
        yield self._mean("items", "exposure", "changed_when_asked_again", moved)

    @cached_property
    def _exposure_again(self) -> Values:
        return place_exposure(self.again.lists, self.browsing, self.relevant_again)

    def moved(self) -> Values | None:
        """Return by how much groups' shares move when the same is asked again, shape (G,)."""
        if self.groups is None or not self.again.probes:
            return None
        return shares_moved(
            self.answered, self._exposure, self.again, self._exposure_again, self.groups
        )

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
        for attribute, of in found.items():
            name = "items" if attribute == "items" else self.column
            values = of.plain._asdict()
            if self.again.probes:
                values["disparity_unbiased"] = of.disparity_unbiased
                values["difference_unbiased"] = of.difference_unbiased
            for statistic, by_user in values.items():
                better = "higher" if statistic == "relevance" else "lower"
                yield self._mean(name, "expected_exposure", statistic, by_user, better)

    def _representation(self) -> Iterable[Finding]:
        """Yield means over users, with what random lists have as the noise floor."""
        groups = self.groups
        assert groups is not None
        chance = None if self._chance is None else list_measures(*self._chance, groups)
        for name in ("ndkl", "infeasible_index", "max_skew"):
            if name in self._by_list:
                found = self._mean(
                    self.column, name, "mean", self._of_owner(self._by_list[name]), "lower"
                )
                yield _floored(found, None if chance is None else chance[name])
        names = [name for name, known in zip(groups.names, groups.known, strict=True) if known]
        gaps = group_gaps(self.answered.lists, self._exposure, groups)
        floors = None if self._chance is None else group_gaps(*self._chance, groups)
        for place, name in enumerate(names):
            values = self._of_owner(gaps[:, place])
            found = self._mean(self.column, "awrf_binomial", "mean", values, "lower", name)
            found = replace(found, estimate=within(found.estimate))
            yield _floored(found, None if floors is None else floors[:, place])
        if self._codes is None:
            return
        rates = favoured_pair_rates(known_codes(self._codes, groups), len(groups))
        for name, values in zip(names, rates[:, groups.known].T, strict=True):
            found = self._mean(
                self.column, "favoured_pairs", "mean", self._of_owner(values), "", name
            )
            yield replace(found, estimate=within(found.estimate))

    def _prefixes(self) -> list[Finding]:
        """Return the share of lists that fail FA*IR's adjusted test, for each small group."""
        assert self.groups is not None
        if self._codes is None:
            return []
        found = []
        for place, name in enumerate(self.groups.names):
            share = float(self._shares[place])
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
        assert self.groups is not None
        given = group_exposure(self.answered.lists, self.groups, self._exposure)
        by_owner = np.zeros((len(self.answered.owners), given.shape[1]))
        np.add.at(by_owner, self.answered.owner, given)
        return user_group_findings(
            by_owner,
            self.answered.owners,
            self.profiles,
            self.column,
            unit=self.unit,
            draws=self.draws,
            level=self.level,
            seed=self.seed,
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


def _floored(finding: Finding, of_chance: Values | None) -> Finding:
    """Return a finding with what chance gives on average as its noise floor."""
    mean = np.nan if of_chance is None else float(chance_mean(of_chance))
    return replace(finding, noise_floor=None if np.isnan(mean) else mean)
