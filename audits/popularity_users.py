"""Popularity of lists against each user's own history, and against what they went on to like."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.excess import finding_id
from fairrec.audits.families import adjusted
from fairrec.audits.popularity_lift import groups_of, lift_range
from fairrec.evidence.differences import paired_test
from fairrec.evidence.intervals import mean_estimate, snsr_estimate
from fairrec.evidence.sums import function_estimates
from fairrec.metrics.bias_disparity import bias, bias_disparity
from fairrec.metrics.calibration import calibration_jsd, calibration_kl, group_distribution
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.item_lists import ItemLists
from fairrec.metrics.merit import catalogue_shares, group_counts
from fairrec.metrics.popularity import average_popularity, log_popularity, mean_of_known
from fairrec.metrics.popularity_parts import PopularityParts, user_popularity_deviation
from fairrec.results import Estimate, Finding
from fairrec.seeds import generator

Values = NDArray[np.float64]
Table = Mapping[str, tuple[float | str | None, ...]]

PERMUTATIONS = 1_999
"""Most permutations of which user is in which group."""


@dataclass(frozen=True)
class UserJudge:
    """Compares what users are recommended with what they consumed.

    Attributes:
        lists: One list per user, empty where there is none.
        histories: What each consumed.
        liked: What each went on to like.
        popularity: How often each item was consumed, shape (N,).
        parts: Head and tail.
        groups: Groups of the items, or None, and
        column: what makes them.
        profiles: Attributes of each user, in the order of the lists.
        attributes: Those whose groups are compared.
        unit, draws, level, seed: As everywhere.
    """

    lists: ItemLists
    histories: ItemLists
    liked: ItemLists
    popularity: Values
    parts: PopularityParts
    groups: ItemGroups | None
    column: str
    profiles: Sequence[Mapping[str, str]]
    attributes: Sequence[str]
    unit: str
    draws: int
    level: float
    seed: int

    def findings(self) -> list[Finding]:
        """Return all comparisons; none without any history or liked item."""
        found: list[Finding] = []
        paired: list[Finding] = []
        if self.histories.known.any():
            paired += [*self._lift(), *self._against("history", self.histories)]
            found += [*self._parts(), *self._calibration(), *self._user_groups(), *self._groups()]
        if self.liked.known.any():
            paired += self._against("relevant", self.liked)
        return [*adjusted(paired, "lists against the same users' items"), *found]

    def measures(self, row: int) -> dict[str, float | None]:
        """Return what is measured of one user, for the table of observations."""
        values = {"arp": self._recommended[row], "arp_of_history": self._consumed[row]}
        return {k: None if np.isnan(v) else float(v) for k, v in values.items()}

    @cached_property
    def _recommended(self) -> Values:
        return average_popularity(self.lists, self.popularity)

    @cached_property
    def _consumed(self) -> Values:
        return average_popularity(self.histories, self.popularity)

    @cached_property
    def both(self) -> NDArray[np.bool_]:
        """Users with a list and a history."""
        return ~(np.isnan(self._recommended) | np.isnan(self._consumed))

    def _lift(self) -> Iterable[Finding]:
        """Yield GAP of histories and of lists, and the lift between them."""
        both = self.both
        pair = np.column_stack([self._consumed, self._recommended])[both]
        for name, values in (("gap_of_histories", pair[:, 0]), ("gap_of_lists", pair[:, 1])):
            yield self._finding("items", None, "popularity", name, self._mean_of(values, name))
        (estimate,) = self._function(pair, lambda x: _over(x[..., 1:], x[..., :1]) - 1, "lift")
        test = paired_test(pair[:, 1] - pair[:, 0])
        yield replace(self._finding("items", None, "popularity", "lift", estimate), p_value=test)

    def _against(self, name: str, other: ItemLists) -> list[Finding]:
        """Return mean and spread of the difference of mean log popularity: LPD of histories."""
        by_item = log_popularity(self.popularity)
        listed = mean_of_known(self.lists, self.lists.values(by_item))
        there = mean_of_known(other, other.values(by_item))
        off = listed - there
        known = ~np.isnan(off)
        rng = generator(self.seed, "popularity", "log", name)
        mean = mean_estimate(off, rng, self.draws, level=self.level, unit=self.unit, direction="")
        both = np.column_stack([off, off**2, np.ones(len(off))])[known]
        (variance,) = self._function(
            both,
            lambda x: np.maximum(
                _over(x[..., 1:2], x[..., 2:]) - _over(x[..., :1], x[..., 2:]) ** 2, 0.0
            ),
            f"variance {name}",
            bounds=(0.0, np.inf),
        )
        metric = "log_popularity"
        p_value = paired_test(off)
        first = self._finding("items", None, metric, f"less_{name}", mean)
        return [
            replace(first, p_value=p_value),
            self._finding("items", None, metric, f"variance_less_{name}", variance),
        ]

    def _parts(self) -> Iterable[Finding]:
        """Yield by how much lists have more of each part than histories have, and UPD."""
        off = self._shares(self.lists, self.parts.groups) - self._shares(
            self.histories, self.parts.groups
        )
        for place, name in enumerate(self.parts.names):
            estimate = self._mean_of(off[:, place], f"part {name}")
            yield self._finding("items", name, "part", "share_less_history", estimate)
        upd = self._upd
        yield self._finding("items", None, "upd", "mean", self._mean_of(upd, "upd", "lower"))

    @cached_property
    def _upd(self) -> Values:
        return user_popularity_deviation(
            self._shares(self.histories, self.parts.groups),
            self._shares(self.lists, self.parts.groups),
        )

    def _calibration(self) -> Iterable[Finding]:
        for attribute, groups in (("items", self.parts.groups), (self.column, self.groups)):
            if groups is None:
                continue
            p, q = self._shares(self.histories, groups), self._shares(self.lists, groups)
            for metric, measure in (
                ("calibration_kl", calibration_kl),
                ("calibration_jsd", calibration_jsd),
            ):
                estimate = self._mean_of(measure(p, q), f"{metric} {attribute}", "lower")
                yield self._finding(attribute, None, metric, "mean", estimate)
            yield from self._unfairness(attribute, q - p)

    def _unfairness(self, attribute: str, off: Values) -> Iterable[Finding]:
        """Yield DGU, the range of groups' mean differences, and MGU, their mean size."""
        rng = generator(self.seed, "popularity", "dgu", attribute)
        table = off[~np.isnan(off).any(axis=1)]
        dgu = snsr_estimate(table, rng, self.draws, level=self.level, unit=self.unit)
        yield self._finding(attribute, None, "dgu", "value", dgu)
        if not len(table):
            yield self._finding(attribute, None, "mgu", "value", dgu)
            return
        value = float(np.abs(table.mean(axis=0)).mean())
        low = high = None
        if len(table) > 1:
            # A norm: |‖m‖ - ‖μ‖| <= ‖m - μ‖, so a high quantile of the noise's norm reaches μ's.
            rows = rng.integers(0, len(table), (min(self.draws, 2_000), len(table)))
            noise = np.abs(table[rows].mean(axis=1) - table.mean(axis=0)).mean(axis=1)
            reach = float(np.quantile(noise, self.level))
            low, high = max(0.0, value - reach), value + reach
        mgu = replace(dgu, value=value, low=low, high=high)
        yield self._finding(
            attribute, None, "mgu", "value", replace(mgu, method="bootstrap of the noise's size")
        )

    def _groups(self) -> Iterable[Finding]:
        """Yield bias disparity of the item groups: do lists sharpen what is preferred?"""
        groups = self.groups
        if groups is None:
            return
        both = self.both
        table = np.hstack(
            [group_counts(self.histories, groups)[both], group_counts(self.lists, groups)[both]]
        )
        size, catalogue = len(groups), catalogue_shares(groups)

        def all_three(x: Values) -> Values:
            source, given = bias(x[..., :size], catalogue), bias(x[..., size:], catalogue)
            return np.concatenate([source, given, bias_disparity(source, given)], axis=-1)

        estimates = self._function(
            table, all_three, "bias disparity", undefined="undefined: histories hold none of it"
        )
        for place, estimate in enumerate(estimates):
            statistic = ("in_histories", "in_lists", "disparity")[place // size]
            name = groups.names[place % size]
            yield self._finding(self.column, name, "preference_bias", statistic, estimate)

    def _user_groups(self) -> list[Finding]:
        """Return each user group's lift and UPD, and how far they lie apart, with tests."""
        found: list[Finding] = []
        tested: list[Finding] = []
        for attribute in self.attributes:
            labels = [profile.get(attribute) or "" for profile in self.profiles]
            members = groups_of(labels, self.both)
            for value, rows in members.items():
                pair = np.column_stack([self._consumed, self._recommended])[rows]
                (lift,) = self._function(
                    pair, lambda x: _over(x[..., 1:], x[..., :1]) - 1, f"lift {value}"
                )
                found.append(self._finding(attribute, value, "popularity", "lift", lift))
                upd = self._mean_of(self._upd[rows], f"upd {value}", "lower")
                found.append(self._finding(attribute, value, "upd", "mean", upd))
            if len(members) > 1:
                rng = generator(self.seed, "popularity", "lift range", attribute)
                spread = lift_range(
                    {v: self._consumed[rows] for v, rows in members.items()},
                    {v: self._recommended[rows] for v, rows in members.items()},
                    rng,
                    min(self.draws, PERMUTATIONS),
                    level=self.level,
                    unit=self.unit,
                )
                finding = self._finding(
                    attribute, None, "popularity", "lift_range", spread.estimate
                )
                tested.append(
                    replace(finding, p_value=spread.p_value, noise_floor=spread.null_mean)
                )
        return [*found, *adjusted(tested, "popularity lift of user groups over attributes")]

    def calibration_rows(self) -> list[tuple[float | str | None, ...]]:
        """Return rows of the figure on parts: of histories, and of what was liked."""
        rows: list[tuple[float | str | None, ...]] = []
        for source, lists in (("history", self.histories), ("relevant", self.liked)):
            given = self._shares(lists, self.parts.groups)
            if np.isnan(given).all():
                continue
            for place, name in enumerate(self.parts.names):
                e = self._mean_of(given[:, place], f"{source} {name}")
                rows.append((name, source, e.value, e.low, e.high))
        return rows

    def _shares(self, lists: ItemLists, groups: ItemGroups) -> Values:
        return group_distribution(lists, groups)

    def _mean_of(self, values: Values, purpose: str, direction: str = "") -> Estimate:
        rng = generator(self.seed, "popularity", "mean", purpose)
        return mean_estimate(
            values, rng, self.draws, level=self.level, unit=self.unit, direction=direction
        )

    def _function(
        self, table: Values, function: Callable[[Values], Values], purpose: str, **how: Any
    ) -> list[Estimate]:
        return function_estimates(
            table,
            function,
            generator(self.seed, "popularity", purpose),
            self.draws,
            n=len(table),
            n_missing=len(self.lists) - len(table),
            level=self.level,
            unit=self.unit,
            **how,
        )

    def _finding(
        self, attribute: str, value: str | None, metric: str, statistic: str, estimate: Estimate
    ) -> Finding:
        return Finding(
            finding_id("popularity", attribute, value, metric, statistic),
            audit="popularity",
            metric=metric,
            statistic=statistic,
            attribute=attribute,
            value=value,
            estimate=estimate,
        )


def _over(above: Values, below: Values) -> Values:
    x, y = np.broadcast_arrays(above, below)
    return np.where(y > 0, x / np.where(y > 0, y, 1.0), np.nan)
