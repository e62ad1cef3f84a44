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
    equivalence_p,
    exceedance_test,
    excess_estimate,
    mean_estimates,
    mixed_model_estimate,
)
from fairrec.results import Estimate, Example, Finding
from fairrec.seeds import generator

FEWEST_WORDINGS = 3
"""From this many wordings on, they too are a sample worth a random effect."""


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


@dataclass(frozen=True)
class ExcessJudge:
    """Turns effects and floors into findings of one audit.

    Attributes:
        audit: Name of the audit.
        margin: Half-width of the band of excess similarity that counts as no effect.
        draws: Bootstrap and permutation draws.
        seed: Run seed.
        unit: What a cluster is.
    """

    audit: str
    margin: float
    draws: int
    seed: int
    unit: str = "user"

    def excess(self, floored: Sequence[Floored]) -> Iterable[Finding]:
        """Yield every excess: of an attribute, then of each of its values.

        Signs are such that more is worse: similarity lost, or places moved, beyond the floor.
        A family holds the attributes of one statistic and metric; values are a family each.
        """
        statistics = dict.fromkeys(f.statistic for f in floored)
        for metric in METRICS:
            for statistic in statistics:
                some = [f for f in floored if f.statistic == statistic]
                overall = [self._excess(f, metric, None) for f in some]
                yield from adjusted(overall, f"{statistic} of {metric} over attributes")
        for metric in METRICS:
            for one in floored:
                values = [
                    self._excess(one, metric, place) for place in range(len(one.effect.columns))
                ]
                family = f"{one.statistic} of {metric} over the values of {one.attribute}"
                yield from adjusted(values, family)

    def similarities(
        self, contrast: Contrast, attribute: str | None, statistic: str
    ) -> Iterable[Finding]:
        """Yield the mean of every metric over users: of a contrast, and of each column."""
        columns: list[tuple[str | None, list[int]]] = [(None, list(range(len(contrast.columns))))]
        if len(contrast.columns) > 1 and attribute is not None:
            columns += [(name, [place]) for place, name in enumerate(contrast.columns)]
        for metric in METRICS:
            rng = self._rng("similarity", statistic, str(attribute), metric)
            table = np.stack(
                [_per_cluster(contrast.tables[metric][:, :, places]) for _, places in columns],
                axis=1,
            )
            direction = "lower" if metric == "rank_moves" else "higher"
            estimates = mean_estimates(table, rng, self.draws, unit=self.unit, direction=direction)
            for (value, _), estimate in zip(columns, estimates, strict=True):
                yield Finding(
                    id=finding_id(self.audit, attribute or "neutral", value, metric, statistic),
                    audit=self.audit,
                    metric=metric,
                    statistic=statistic,
                    attribute=attribute,
                    value=value,
                    estimate=_possible(estimate, metric),
                )

    def over_wordings(self, floored: Sequence[Floored]) -> Iterable[Finding]:
        """Yield the excess by a mixed model where there are several wordings.

        Users and wordings are crossed random effects: the interval also covers wordings that
        were not asked.
        """
        for one in floored:
            floor = mean_present(one.floor.tables["jaccard"], axis=2)
            effect = mean_present(one.effect.tables["jaccard"], axis=2)
            users, wordings = np.nonzero(~np.isnan(floor - effect))
            if len(set(wordings.tolist())) < FEWEST_WORDINGS:
                continue
            found = mixed_model_estimate((floor - effect)[users, wordings], users, wordings)
            yield Finding(
                id=finding_id(self.audit, one.attribute, None, "jaccard", f"{one.statistic}_mixed"),
                audit=self.audit,
                metric="jaccard",
                statistic=f"{one.statistic}_mixed",
                attribute=one.attribute,
                estimate=found.estimate,
                p_value=found.p_value,
            )

    def _excess(self, one: Floored, metric: str, place: int | None) -> Finding:
        sign = -1.0 if metric == "rank_moves" else 1.0
        effect_table = one.effect.tables[metric]
        if place is not None:
            effect_table = effect_table[:, :, [place]]
        floor, effects = over_same_wordings(sign * one.floor.tables[metric], sign * effect_table)
        value = None if place is None else one.effect.columns[place]
        purpose = (one.statistic, one.attribute, str(value), metric)
        estimate = excess_estimate(
            floor, effects, self._rng("excess", *purpose), self.draws, unit=self.unit
        )
        test = exceedance_test(floor, effects, self._rng("exceedance", *purpose), self.draws)
        margin = self.margin if metric in SIMILARITY_METRICS else None
        return Finding(
            id=finding_id(self.audit, one.attribute, value, metric, one.statistic),
            audit=self.audit,
            metric=metric,
            statistic=one.statistic,
            attribute=one.attribute,
            value=value,
            estimate=estimate,
            p_value=test.p_value,
            margin=margin,
            p_equivalent=None
            if margin is None
            else equivalence_p(_per_cluster(floor) - _per_cluster(effects), margin),
            noise_floor=0.0,
            examples=one.examples if place is None else (),
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


def _possible(estimate: Estimate, metric: str) -> Estimate:
    """Cut an interval to what the metric can be."""
    if estimate.low is None or estimate.high is None:
        return estimate
    high = estimate.high if metric == "rank_moves" else min(1.0, estimate.high)
    return replace(estimate, low=max(0.0, estimate.low), high=high)
