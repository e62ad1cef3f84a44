"""Excess sensitivity: by how much an effect goes beyond the noise that is there anyway."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.contrasts import (
    METRICS,
    SIMILARITY_METRICS,
    Contrast,
    mean_present,
    over_same_wordings,
)
from fairrec.audits.families import adjusted
from fairrec.evidence import (
    cluster_excess,
    equivalence_p,
    exceedance_test,
    excess_estimate,
    mean_estimates,
    mixed_model_estimate,
)
from fairrec.evidence.mixed_model import FEWEST_TEMPLATES
from fairrec.results import Estimate, Example, Finding
from fairrec.seeds import generator


@dataclass(frozen=True)
class Floored:
    """An effect and the noise floor that it is held against.

    Attributes:
        attribute: The sensitive attribute.
        name: First word of the statistics: "stated" or "flip".
        effect: Similarity of lists across the statement; a column per value.
        floor: Similarity of lists that differ by noise alone.
        over: "" for repeats, or "placebo".
        examples: The pairs that differ most.
    """

    attribute: str
    name: str
    effect: Contrast
    floor: Contrast
    over: str = ""
    examples: tuple[Example, ...] = ()

    @property
    def statistic(self) -> str:
        """Name of the excess in findings."""
        return f"{self.name}_excess" + (f"_over_{self.over}" if self.over else "")


@dataclass(frozen=True, slots=True)
class _Case:
    """An effect of one metric, of all values or of one, beside its floor; users x columns."""

    floored: Floored
    metric: str
    value: str | None
    floor: NDArray[np.float64]
    effects: NDArray[np.float64]


@dataclass(frozen=True)
class ExcessJudge:
    """Turns effects and floors into findings of one audit.

    Attributes:
        audit: Name of the audit.
        k: Items asked for.
        margin: Half-width of the band of excess similarity that counts as no effect.
        draws: Bootstrap and permutation draws.
        seed: Run seed.
        unit: What a cluster is.
    """

    audit: str
    k: int
    margin: float
    draws: int
    seed: int
    unit: str = "user"

    def excess(self, floored: Sequence[Floored]) -> list[Finding]:
        """Return every excess: of the attributes, then of each of their values.

        Signs are such that more is worse: similarity lost, or places moved, beyond the floor.
        A family holds the attributes of one statistic and metric; values are a family each.
        """
        cases = [
            (
                f"{one.statistic} of {metric}" + ("" if whole else f" by value of {one.attribute}"),
                case,
            )
            for metric in METRICS
            for whole in (True, False)
            for one in floored
            for case in self._cases(one, metric, whole)
        ]
        families: dict[str, list[Finding]] = {}
        for family, case in cases:
            families.setdefault(family, []).append(self._finding(case))
        return [found for family, some in families.items() for found in adjusted(some, family)]

    def similarities(self, shown: Sequence[tuple[Contrast, str | None, str]]) -> Iterable[Finding]:
        """Yield the mean of every metric over users: of each contrast, and of its columns.

        Args:
            shown: Contrast, attribute and the name of the statistic.
        """
        cases = []
        for contrast, attribute, statistic in shown:
            columns: list[tuple[str | None, list[int]]] = [
                (None, list(range(len(contrast.columns))))
            ]
            if len(contrast.columns) > 1 and attribute is not None:
                columns += [(name, [place]) for place, name in enumerate(contrast.columns)]
            cases += [
                (metric, attribute, value, statistic, contrast.tables[metric][:, :, places])
                for metric in METRICS
                for value, places in columns
            ]
        if not cases:
            return
        table = np.column_stack([_per_cluster(table) for *_, table in cases])
        estimates = mean_estimates(table, self._rng("similarity"), self.draws, unit=self.unit)
        for (metric, attribute, value, statistic, _), estimate in zip(
            cases, estimates, strict=True
        ):
            yield Finding(
                id=finding_id(self.audit, attribute or "neutral", value, metric, statistic),
                audit=self.audit,
                metric=metric,
                statistic=statistic,
                attribute=attribute,
                value=value,
                estimate=within(estimate, self.k if metric == "rank_moves" else 1.0),
            )

    def over_wordings(self, floored: Sequence[Floored]) -> Iterable[Finding]:
        """Yield the excess by a mixed model where there are several wordings.

        Users and wordings are crossed random effects: the interval also covers wordings that
        were not asked.
        """
        for one in floored:
            floor = mean_present(one.floor.tables["jaccard"], axis=2)
            effect = mean_present(one.effect.tables["jaccard"], axis=2)
            if floor.shape[1] < FEWEST_TEMPLATES:
                return
            users, wordings = np.indices(floor.shape)
            found = mixed_model_estimate(
                (floor - effect).ravel(), users.ravel(), wordings.ravel(), unit=self.unit
            )
            yield Finding(
                id=finding_id(self.audit, one.attribute, None, "jaccard", f"{one.statistic}_mixed"),
                audit=self.audit,
                metric="jaccard",
                statistic=f"{one.statistic}_mixed",
                attribute=one.attribute,
                estimate=found.estimate,
                p_value=found.p_value,
            )

    def _cases(self, one: Floored, metric: str, whole: bool) -> Iterable[_Case]:
        sign = -1.0 if metric == "rank_moves" else 1.0
        places = [None] if whole else range(len(one.effect.columns))
        for place in places:
            chosen = slice(None) if place is None else slice(place, place + 1)
            floor, effects = over_same_wordings(
                sign * one.floor.tables[metric], sign * one.effect.tables[metric][:, :, chosen]
            )
            value = None if place is None else one.effect.columns[place]
            yield _Case(one, metric, value, floor, effects)

    def _finding(self, case: _Case) -> Finding:
        one, metric = case.floored, case.metric
        purpose = (one.statistic, one.attribute, str(case.value), metric)
        estimate = excess_estimate(
            case.floor,
            case.effects,
            self._rng("bootstrap", *purpose),
            self.draws,
            unit=self.unit,
            bound=1.0 if metric in SIMILARITY_METRICS else self.k,
        )
        rng = self._rng("exceedance", *purpose)
        test = exceedance_test(case.floor, case.effects, rng, self.draws)
        margin = self.margin if metric in SIMILARITY_METRICS else None
        values = cluster_excess(case.floor, case.effects)
        return Finding(
            id=finding_id(self.audit, one.attribute, case.value, metric, one.statistic),
            audit=self.audit,
            metric=metric,
            statistic=one.statistic,
            attribute=one.attribute,
            value=case.value,
            estimate=estimate,
            p_value=test.p_value,
            margin=margin,
            p_equivalent=None if margin is None else equivalence_p(values, margin),
            noise_floor=0.0,
            examples=one.examples if case.value is None else (),
        )

    def _rng(self, *purpose: str) -> np.random.Generator:
        return generator(self.seed, self.audit, *purpose)


def finding_id(audit: str, attribute: str, value: str | None, metric: str, statistic: str) -> str:
    """Return an id that a gate can name: dotted, without spaces."""
    parts = (audit, attribute, value, metric, statistic)
    return ".".join(part.replace(" ", "_") for part in parts if part is not None)


def _per_cluster(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each cluster's mean over all that is present."""
    return mean_present(table.reshape(len(table), -1), 1)


def within(estimate: Estimate, most: float = 1.0) -> Estimate:
    """Cut an interval to what is possible: of similarities and their spreads, 0 to 1."""
    if estimate.low is None or estimate.high is None:
        return estimate
    return replace(estimate, low=max(0.0, estimate.low), high=min(most, estimate.high))
