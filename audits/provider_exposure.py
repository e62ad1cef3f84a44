"""Exposure by provider: how concentrated it is, and how far it is from the catalogue's shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from fairrec.audits.answered_lists import AnsweredLists
from fairrec.audits.excess import finding_id
from fairrec.audits.families import adjusted
from fairrec.audits.provider_buckets import answered_owners, bucket_sums, left_out
from fairrec.evidence.group_shares import share_estimates, shifted
from fairrec.evidence.groupings import random_groupings, upper_p
from fairrec.evidence.sums import jackknife_estimate
from fairrec.metrics.accumulators import BUCKETS
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.concentration import (
    catalogue_coverage,
    effective_number,
    herfindahl,
    shannon_entropy,
    shares,
    total_variation,
)
from fairrec.metrics.exposure import item_exposure, place_exposure
from fairrec.metrics.inequality import gini
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.merit import catalogue_shares
from fairrec.results import Estimate, Finding
from fairrec.seeds import generator

Values = NDArray[np.float64]

LEFT_OUT = 200
"""Most shares of the users that are left out in turn."""


def top_share(amounts: Values, most: int) -> Values:
    """Return the share of all that the `most` largest have; NaN where there is nothing."""
    part = shares(amounts)
    some = min(most, part.shape[-1])
    return np.partition(part, part.shape[-1] - some, axis=-1)[..., -some:].sum(axis=-1)


CONCENTRATION: dict[str, tuple[Callable[[Values], Values], str]] = {
    "gini": (gini, "lower"),
    "hhi": (herfindahl, "lower"),
    "effective_number": (effective_number, "higher"),
    "normalised_entropy": (lambda amounts: shannon_entropy(amounts, normalised=True), "higher"),
    "top_1_share": (lambda amounts: top_share(amounts, 1), "lower"),
    "top_5_share": (lambda amounts: top_share(amounts, 5), "lower"),
    "coverage": (catalogue_coverage, "higher"),
}
"""Statistics of the exposure of all providers, and which are fairer."""


@dataclass(frozen=True)
class ProviderExposure:
    """Judges the exposure of providers.

    Attributes:
        audit, attribute: What findings are of; the attribute is the column of providers.
        answered: The lists.
        again: The lists when the same was asked again.
        groups: All providers.
        shown: The largest of them, for findings of their own.
        browsing: How people read.
        interactions: Each shown group's share of past interactions, or None.
        draws, level, seed: Of intervals and tests.
    """

    audit: str
    attribute: str
    answered: AnsweredLists
    again: AnsweredLists
    groups: ItemGroups
    shown: ItemGroups
    browsing: Browsing
    interactions: Values | None
    draws: int
    level: float
    seed: int

    @property
    def known_items(self) -> NDArray[np.bool_]:
        """Which items have a known provider, shape (N,)."""
        known = np.asarray(self.groups.membership @ self.groups.known.astype(np.float64)).ravel()
        return known > 0.5

    def sums(
        self, lists: AnsweredLists | None = None, owners: NDArray[np.int64] | None = None
    ) -> Values:
        """Return exposure by share of the users and known provider, shape (B, G)."""
        lists = self.answered if lists is None else lists
        exposure = place_exposure(lists.lists, self.browsing)
        sums = bucket_sums(lists, exposure, self.groups.membership, LEFT_OUT, owners)
        return sums[:, self.groups.known]

    def item_amounts(self) -> Values:
        """Return the exposure of every item, shape (N,)."""
        lists = self.answered.lists
        return item_exposure(lists, place_exposure(lists, self.browsing))

    def concentration(self) -> list[Finding]:
        """Return how concentrated exposure is, each beside what a random grouping makes of it.

        The noise floor is the mean over groupings of the items at random into providers of the
        same sizes, and the test is of "providers have nothing to do with exposure": one-sided
        towards concentration. Items whose provider is unknown do not count.
        """
        sums = self.sums()
        total, rest = sums.sum(axis=0), left_out(sums)
        target = catalogue_shares(self.groups)[self.groups.known]
        target = target / target.sum()

        def distance(amounts: Values) -> Values:
            return total_variation(shares(amounts), target)

        statistics = {"total_variation": (distance, "lower"), **CONCENTRATION}
        null = self._null(self.known_items, self.groups.known, self.groups, statistics)
        findings = []
        for name, (measure, direction) in statistics.items():
            value = _of(measure, total)
            estimate = jackknife_estimate(
                value,
                measure(rest) if (rest.sum(axis=1) > 0).all() else np.full(len(rest), np.nan),
                bounds=(1.0, float(len(total))) if name == "effective_number" else (0.0, 1.0),
                direction=direction,
                **self._common(),
            )
            finding = self._finding(None, name, estimate)
            if name in null and not np.isnan(value):
                sign = 1.0 if direction == "lower" else -1.0
                finding = replace(
                    finding,
                    p_value=upper_p(sign * null[name], sign * value),
                    noise_floor=float(np.nanmean(null[name])),
                )
            findings.append(finding)
        return [
            *adjusted(findings, "concentration of exposure by provider"),
            *self._asked_again(),
        ]

    def shares(self) -> tuple[list[Finding], dict[str, tuple[float | str | None, ...]]]:
        """Return each shown provider's share of exposure, and the table for the figure.

        Shares are of the exposure of all items of the catalogue. The noise floor is by how much
        asking again alone moves the share; tests are of a random grouping of the items.
        """
        exposure = place_exposure(self.answered.lists, self.browsing)
        sums = bucket_sums(self.answered, exposure, self.shown.membership, BUCKETS)
        targets = {"catalogue": catalogue_shares(self.shown)}
        if self.interactions is not None and not np.isnan(self.interactions).any():
            targets["interactions"] = self.interactions
        rng = generator(self.seed, self.audit, "shares")
        squared = float((exposure[self.answered.lists.known] ** 2).sum())
        share = share_estimates(sums, squared, rng, self.draws, **self._common())
        null = self._null(
            np.ones(len(self.known_items), dtype=bool),
            np.ones(len(self.shown), dtype=bool),
            self.shown,
            {"share": (shares, "")},
        )
        moved = self._moved()
        findings, tested = [], []
        for place, name in enumerate(self.shown.names):
            floor = None if np.isnan(moved[place]) else float(moved[place])
            findings.append(replace(self._finding(name, "share", share[place]), noise_floor=floor))
        for of, target in targets.items():
            for place, whole in enumerate(share):
                estimate = shifted(whole, float(target[place]))
                floor = None if np.isnan(moved[place]) else float(moved[place])
                name = self.shown.names[place]
                finding = replace(
                    self._finding(name, f"share_less_{of}", estimate), noise_floor=floor
                )
                if of == "catalogue" and "share" in null and estimate.value is not None:
                    off = np.abs(null["share"][:, place] - target[place])
                    finding = replace(finding, p_value=upper_p(off, abs(estimate.value)))
                tested.append(finding)
        table: dict[str, list[float | str | None]] = {
            name: [] for name in ("group", "merit", "target", "exposure", "low", "high")
        }
        for of, target in targets.items():
            for name, deserved, estimate in zip(self.shown.names, target, share, strict=True):
                row = (name, of, float(deserved), estimate.value, estimate.low, estimate.high)
                for column, cell in zip(table.values(), row, strict=True):
                    column.append(cell)
        return (
            [*findings, *adjusted(tested, "share of exposure less share of the catalogue")],
            {name: tuple(column) for name, column in table.items()},
        )

    def _null(
        self,
        items: NDArray[np.bool_],
        columns: NDArray[np.bool_],
        groups: ItemGroups,
        statistics: dict[str, tuple[Callable[[Values], Values], str]],
    ) -> dict[str, Values]:
        """Return the statistics under random groupings of the items, by name; none of nothing."""
        amounts = self.item_amounts()[items]
        if amounts.sum() == 0:
            return {}
        membership = csr_matrix(groups.membership[items][:, columns])
        rng = generator(self.seed, self.audit, "groupings", str(len(groups)))
        blocks = [
            {name: measure(totals) for name, (measure, _) in statistics.items()}
            for totals in random_groupings(amounts, membership, rng, self.draws)
        ]
        return {name: np.concatenate([block[name] for block in blocks]) for name in statistics}

    def _moved(self) -> Values:
        """Return by how much each shown group's share moves when asked again, NaN where unknown."""
        first, second = (
            bucket_sums(lists, place_exposure(lists.lists, self.browsing), self.shown.membership, 1)
            for lists in (self.answered, self.again)
        )
        return np.abs(shares(first) - shares(second))[0]

    def _asked_again(self) -> Iterable[Finding]:
        """Yield by how much asking the same users again moves the providers' shares."""
        both = np.intersect1d(answered_owners(self.answered), answered_owners(self.again))
        if not len(both):
            return
        first, second = self.sums(owners=both), self.sums(self.again, both)

        def distance(a: Values, b: Values) -> Values:
            return total_variation(shares(a), shares(b))

        estimate = jackknife_estimate(
            float(distance(first.sum(axis=0), second.sum(axis=0))),
            distance(left_out(first), left_out(second)),
            bounds=(0.0, 1.0),
            **{
                **self._common(),
                "n": len(both),
                "n_missing": len(self.answered.owners) - len(both),
            },
        )
        yield self._finding(None, "repeat_distance", estimate)

    def _common(self) -> dict[str, Any]:
        return {
            "n": len(self.answered.owners) - self.answered.n_missing,
            "n_missing": self.answered.n_missing,
            "unit": self.answered.unit,
            "level": self.level,
        }

    def _finding(self, value: str | None, statistic: str, estimate: Estimate) -> Finding:
        return Finding(
            finding_id(self.audit, self.attribute, value, "exposure", statistic),
            audit=self.audit,
            metric="exposure",
            statistic=statistic,
            attribute=self.attribute,
            value=value,
            estimate=estimate,
        )


def _of(measure: Callable[[Values], Values], amounts: Values) -> float:
    """Return a measure, NaN of nothing."""
    return float(measure(amounts)) if amounts.sum() > 0 else np.nan
