"""Findings on similarity to the neutral list: SNSR, SNSV and means, value by value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.contrasts import SIMILARITY_METRICS, mean_present
from fairrec.audits.excess import finding_id, within
from fairrec.audits.families import adjusted
from fairrec.evidence import mean_estimates, permutation_test, snsr_estimate, snsv_estimate
from fairrec.prompts import Attribute
from fairrec.results import Example, Finding
from fairrec.seeds import generator

Tables = Mapping[str | None, NDArray[np.float64]]
"""Of one metric, by attribute: topics x values, averaged over wordings; under None, repeats."""


@dataclass(frozen=True)
class SimilarityJudge:
    """Turns similarities to the neutral list into findings.

    Attributes:
        audit: Name of the audit.
        attributes: Sensitive attributes, whose values are the columns of the tables.
        draws: Bootstrap and permutation draws.
        seed: Run seed.
    """

    audit: str
    attributes: Sequence[Attribute]
    draws: int
    seed: int

    def unequal_treatment(
        self, metric: str, tables: Tables, examples: Mapping[str, tuple[Example, ...]]
    ) -> Iterable[Finding]:
        """Yield SNSR and SNSV of every attribute; a family of tests per statistic and metric."""
        for statistic, estimate in (("snsr", snsr_estimate), ("snsv", snsv_estimate)):
            found = []
            for name in (attribute.name for attribute in self.attributes):
                test = permutation_test(
                    tables[name], statistic, self._rng("permutation", name, metric), self.draws
                )
                found.append(
                    Finding(
                        id=finding_id(self.audit, name, None, metric, statistic),
                        audit=self.audit,
                        metric=metric,
                        statistic=statistic,
                        attribute=name,
                        estimate=within(
                            estimate(tables[name], self._rng("bootstrap", name, metric), self.draws)
                        ),
                        p_value=test.p_value,
                        noise_floor=test.null_mean,
                        examples=examples[name],
                    )
                )
            yield from adjusted(found, f"{statistic.upper()} of {metric} over attributes")

    def means(self, tables: Mapping[str, Tables]) -> Iterable[Finding]:
        """Yield the mean similarity to the neutral list, of its repeats and of every value."""
        for metric in SIMILARITY_METRICS:
            repeats = mean_present(tables[metric][None], 1)[:, None]
            yield from self._means(metric, repeats, None, ["neutral"], "repeat")
            for attribute in self.attributes:
                values = [value.value for value in attribute.values]
                table = tables[metric][attribute.name]
                yield from self._means(metric, table, attribute.name, values, "mean")

    def _means(
        self,
        metric: str,
        table: NDArray[np.float64],
        attribute: str | None,
        values: Sequence[str],
        statistic: str,
    ) -> Iterable[Finding]:
        rng = self._rng("bootstrap", str(attribute), metric)
        estimates = mean_estimates(table, rng, self.draws)
        for value, estimate in zip(values, estimates, strict=True):
            shown = (attribute, value) if attribute else (value, None)
            yield Finding(
                id=finding_id(self.audit, *shown, metric, statistic),
                audit=self.audit,
                metric=metric,
                statistic=statistic,
                attribute=attribute,
                value=value if attribute else None,
                estimate=within(estimate),
            )

    def _rng(self, *purpose: str) -> np.random.Generator:
        return generator(self.seed, self.audit, *purpose)
