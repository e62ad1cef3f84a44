"""What is added up over a log of impressions, and what is found in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from fairrec.audits.excess import finding_id
from fairrec.evidence.sums import function_estimates, jackknife_estimate
from fairrec.metrics.accumulators import ItemTotals, ListSums
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.exposure import group_exposure, place_exposure
from fairrec.metrics.inequality import gini
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.item_lists import ItemLists
from fairrec.metrics.merit import (
    catalogue_shares,
    equal_shares,
    given_shares,
    interaction_shares,
)
from fairrec.results import Estimate, Finding
from fairrec.seeds import generator

Values = NDArray[np.float64]
Table = Mapping[str, tuple[float | str | None, ...]]


class Found(NamedTuple):
    """What a block found."""

    findings: Sequence[Finding]
    tables: Mapping[str, Table]
    warnings: Sequence[str]


class Block(Protocol):
    """Something that is added up over lists, and judged in the end."""

    def update(
        self, lists: ItemLists, users: NDArray[np.int64], relevant: csr_matrix | None
    ) -> None:
        """Add lists of users."""

    def judge(self) -> Found:
        """Return what was found."""
        ...


@dataclass(frozen=True)
class BlockSettings:
    """What all blocks are made of.

    Attributes:
        n_items: Items in the catalogue.
        groups: Groups of them, or None.
        column: Where the groups are from.
        popularity: How often each was consumed before, shape (N,), or None.
        merit: Names of targets, or shares by group.
        browsing: How lists are read.
        k: Ranks that count.
        draws, level, seed: Of intervals.
    """

    n_items: int
    groups: ItemGroups | None
    column: str
    popularity: Values | None
    merit: Sequence[str] | Mapping[str, float]
    browsing: Sequence[Browsing]
    k: int
    draws: int
    level: float
    seed: int


def blocks(settings: BlockSettings) -> list[Block]:
    """Return exposure, and popularity where it is known."""
    found: list[Block] = [ExposureBlock(settings, model) for model in settings.browsing]
    if settings.popularity is not None:
        found.append(PopularityBlock(settings, settings.popularity))
    return found


@dataclass
class ExposureBlock:
    """Exposure of items and groups under one browsing model."""

    settings: BlockSettings
    model: Browsing
    users: int = 0
    sums: ListSums = field(default_factory=ListSums)

    def __post_init__(self) -> None:
        self.items = ItemTotals(self.settings.n_items)
        self.deserved = np.zeros(self.settings.n_items)

    def update(
        self, lists: ItemLists, users: NDArray[np.int64], relevant: csr_matrix | None
    ) -> None:
        """Add lists of users."""
        self.users += len(users)
        known = lists.known
        exposure = place_exposure(lists, self.model, relevant)
        self.items.update(lists.items[known], exposure[known], np.repeat(users, known.sum(axis=1)))
        if self.settings.groups is not None:
            self.sums.update(
                {"groups": group_exposure(lists, self.settings.groups, exposure)}, users
            )
        if relevant is not None and "relevance" in self.settings.merit:
            self.deserved += np.asarray(relevant.sum(axis=0)).ravel()

    def judge(self) -> Found:
        """Return inequality among items, and each group's share beside its target."""
        reached = jackknife_estimate(
            float((self.items.total > 0).mean()),
            self.items.left_out(lambda some: (some > 0).mean(axis=1)),
            direction="higher",
            **self._common(),
        )
        unequal = jackknife_estimate(
            float(gini(self.items.total)),
            self.items.left_out(gini),
            direction="lower",
            **self._common(),
        )
        findings = [
            self._finding("items", None, "gini", unequal),
            self._finding("items", None, "coverage", reached),
        ]
        groups = self.settings.groups
        if groups is None:
            return Found(findings, {}, ())
        targets = self._targets(groups)
        shares, *ratios = self._estimates(groups, [np.ones(len(groups)), *targets.values()])
        for name, share in zip(groups.names, shares, strict=True):
            findings.append(self._finding(self.settings.column, name, "share", share))
        table: dict[str, list[Any]] = {
            column: [] for column in ("group", "merit", "target", "exposure", "low", "high")
        }
        for (merit, target), over in zip(targets.items(), ratios, strict=True):
            for name, ratio, share, part in zip(
                groups.names, over, shares, target.tolist(), strict=True
            ):
                statistic = f"share_over_{merit}"
                findings.append(self._finding(self.settings.column, name, statistic, ratio))
                row = (name, merit, part, share.value, share.low, share.high)
                for column, cell in zip(table.values(), row, strict=True):
                    column.append(None if cell != cell else cell)
        return Found(findings, {"group_exposure": {c: tuple(v) for c, v in table.items()}}, ())

    def _estimates(self, groups: ItemGroups, targets: Sequence[Values]) -> list[list[Estimate]]:
        """Return each group's share of exposure over each target; draws are made once for all."""
        by = np.stack(targets)

        def over(sums: Values) -> Values:
            ratios = _shares(sums)[..., None, :] / by
            return ratios.reshape(*sums.shape[:-1], by.size)

        found = function_estimates(
            self.sums.sums["groups"],
            over,
            generator(self.settings.seed, "exposure", str(self.model)),
            self.settings.draws,
            n=self.users,
            level=self.settings.level,
            undefined="undefined: the group deserves nothing, or nothing was shown",
        )
        return [found[start : start + len(groups)] for start in range(0, by.size, len(groups))]

    def _targets(self, groups: ItemGroups) -> dict[str, Values]:
        merit = self.settings.merit
        if isinstance(merit, Mapping):
            found = {"given": given_shares(merit, groups)}
        else:
            made = {
                "catalogue": lambda: catalogue_shares(groups),
                "equal": lambda: equal_shares(groups),
                "interactions": lambda: interaction_shares(self.settings.popularity, groups),  # type: ignore[arg-type]
                "relevance": lambda: interaction_shares(self.deserved, groups),
            }
            found = {name: made[name]() for name in merit}
        return {name: np.where(target > 0, target, np.nan) for name, target in found.items()}

    def _finding(
        self, attribute: str, value: str | None, statistic: str, estimate: Estimate
    ) -> Finding:
        several = len(self.settings.browsing) > 1
        metric = f"exposure_{self.model}".replace(".", "_") if several else "exposure"
        return Finding(
            finding_id("exposure", attribute, value, metric, statistic),
            audit="exposure",
            metric=metric,
            statistic=statistic,
            attribute=attribute,
            value=value,
            estimate=estimate,
        )

    def _common(self) -> dict[str, Any]:
        return {"n": self.users, "level": self.settings.level, "bounds": (0.0, 1.0)}


@dataclass
class PopularityBlock:
    """Average popularity of what is recommended."""

    settings: BlockSettings
    popularity: Values
    users: int = 0
    sums: ListSums = field(default_factory=ListSums)

    def update(
        self, lists: ItemLists, users: NDArray[np.int64], relevant: csr_matrix | None
    ) -> None:
        """Add lists of users."""
        self.users += len(users)
        count = lists.known.sum(axis=1)
        total = lists.values(self.popularity, elsewhere=0.0).sum(axis=1)
        self.sums.update({"total": total, "count": count.astype(np.float64)}, users)

    def judge(self) -> Found:
        """Return the average popularity over the catalogue's."""
        average = self.popularity.mean()
        sums = np.column_stack([self.sums.sums["total"], self.sums.sums["count"]])

        def relative(sums: Values) -> Values:
            count = sums[..., 1:] * average
            return np.where(count > 0, sums[..., :1] / np.where(count > 0, count, 1.0), np.nan)

        (estimate,) = function_estimates(
            sums,
            relative,
            generator(self.settings.seed, "exposure", "popularity"),
            self.settings.draws,
            n=self.users,
            level=self.settings.level,
        )
        finding = Finding(
            finding_id("exposure", "items", None, "popularity", "over_catalogue"),
            audit="exposure",
            metric="popularity",
            statistic="over_catalogue",
            attribute="items",
            estimate=estimate,
        )
        return Found([finding], {}, ())


def _shares(sums: Values) -> Values:
    total = sums.sum(axis=-1, keepdims=True)
    return np.where(total > 0, sums / np.where(total > 0, total, 1.0), np.nan)
