"""Attribute sensitivity on open prompts: the protocol of FaiRLLM.

Zhang, Bao, Zhang, Wang, Feng and He, "Is ChatGPT Fair for Recommendation? Evaluating Fairness
in Large Language Model Recommendation", RecSys 2023. For each topic a neutral prompt and one
prompt per attribute value; each list is compared with the neutral one. Unequal similarity
over the values of an attribute is unequal treatment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.funnel import validity_funnel
from fairrec.audits.pairs import exchange, worst_pairs
from fairrec.errors import WrongUse
from fairrec.evidence import (
    holm,
    mean_estimates,
    permutation_test,
    snsr_estimate,
    snsv_estimate,
)
from fairrec.metrics.batched_similarity import SIMILARITIES, encode_lists
from fairrec.metrics.similarity import Dialect
from fairrec.prompts import NEUTRAL_PHRASE, Attribute, Template
from fairrec.results import AuditResult, Estimate, Example, Finding, Observation
from fairrec.seeds import generator
from fairrec.types import Answer, Arm, Probe, Ranking, Request, content_hash

METRICS = ("jaccard", "serp", "prag", "rbo")


@dataclass(frozen=True)
class SensitivityAudit:
    """Do lists change unequally with the attribute that a user states?

    Attributes:
        topics: What the user is a fan of; the unit that statistics resample. At least 2.
        attributes: Sensitive attributes with their values.
        template: The words of the prompt.
        k: Items asked for, at least 1.
        candidates: Item ids to choose from by topic; None leaves the choice open.
        titles: Item titles by id, for readers of the result.
        dialect: Form of SERP* and PRAG* (see `fairrec.metrics.similarity`).
        rbo_p: Persistence of RBO, in (0, 1).
        draws: Bootstrap and permutation draws.
        seed: Seed of the resampling.

    Raises:
        WrongUse: Fewer than 2 topics, a topic twice, no attribute, or k larger than a pool.
    """

    topics: Sequence[str]
    attributes: Sequence[Attribute]
    template: Template
    k: int = 20
    candidates: Mapping[str, tuple[str, ...]] | None = None
    titles: Mapping[str, str] = field(default_factory=dict)
    dialect: Dialect = "unit"
    rbo_p: float = 0.9
    draws: int = 10_000
    seed: int = 0

    name = "sensitivity"

    def __post_init__(self) -> None:
        if len(self.topics) < 2:
            raise WrongUse(
                f"the audit has {len(self.topics)} topic(s).",
                expected="at least 2, better 20: topics are what uncertainty is estimated from.",
                do="name more topics.",
            )
        if len(set(self.topics)) != len(self.topics):
            raise WrongUse(
                "a topic is named twice.", expected="distinct topics.", do="remove the repeats."
            )
        if not self.attributes:
            raise WrongUse(
                "the audit has no attribute.",
                expected="at least one sensitive attribute.",
                do="name one, such as gender.",
            )
        for topic in self.topics if self.candidates is not None else ():
            pool = (self.candidates or {}).get(topic, ())
            if len(pool) < self.k:
                raise WrongUse(
                    f"k is {self.k}, but {topic!r} has {len(pool)} candidates.",
                    expected="k of at most the number of candidates.",
                    do="ask for fewer items or widen the pool.",
                )

    def plan(self) -> list[Probe]:
        """Return, topic by topic, the neutral prompt, its repeat, and one per value."""
        return [probe for topic in self.topics for probe in self._arms(topic)]

    def judge(self, probes: Sequence[Probe], answers: Iterable[Answer]) -> AuditResult:
        """Compare every list with its topic's neutral list and test each attribute."""
        rankings = {answer.probe_id: answer.ranking for answer in answers}
        neutral = {p.cluster: p for p in probes if p.arm is Arm.NEUTRAL}
        compared = [probe for probe in probes if probe.arm is not Arm.NEUTRAL]
        measures = self._similarities(
            [rankings[probe.id] for probe in compared],
            [rankings[neutral[probe.cluster].id] for probe in compared],
        )
        tables = {metric: self._tables(compared, measures[metric]) for metric in METRICS}
        examples = {
            attribute.name: worst_pairs(
                (probe, neutral[probe.cluster], measures["jaccard"][i])
                for i, probe in enumerate(compared)
                if probe.attribute == attribute.name
            )
            for attribute in self.attributes
        }
        shown = {e.probe_id for es in examples.values() for e in es}
        shown |= {e.reference_probe_id for es in examples.values() for e in es}
        return AuditResult(
            audit=self.name,
            name=self.name,
            findings=tuple(self._findings(tables, examples)),
            observations=tuple(
                Observation(
                    cluster=probe.cluster,
                    arm=probe.arm,
                    attribute=probe.attribute,
                    value=probe.value,
                    outcome=rankings[probe.id].outcome,
                    measures={m: _finite(measures[m][i]) for m in METRICS},
                    probe_id=probe.id,
                )
                for i, probe in enumerate(compared)
            ),
            validity=validity_funnel(probes, rankings),
            exchanges={
                probe.id: exchange(probe, rankings[probe.id], self.titles)
                for probe in probes
                if probe.id in shown
            },
            provenance={"audit": self._settings(probes)},
            warnings=tuple(_warnings(tables["jaccard"], neutral, rankings)),
        )

    def _arms(self, topic: str) -> list[Probe]:
        def request(phrase: str, profile: Mapping[str, str], replicate: int = 0) -> Request:
            return Request(
                k=self.k,
                instruction=self.template.instruction(value=phrase, name=topic, k=self.k),
                system=self.template.system,
                profile=profile,
                slots={"name": topic},
                candidates=None if self.candidates is None else self.candidates[topic],
                replicate=replicate,
            )

        stated = [
            Probe(
                request(value.phrase, {attribute.name: value.value}),
                Arm.SENSITIVE,
                topic,
                attribute.name,
                value.value,
            )
            for attribute in self.attributes
            for value in attribute.values
        ]
        return [
            Probe(request(NEUTRAL_PHRASE, {}), Arm.NEUTRAL, topic),
            Probe(request(NEUTRAL_PHRASE, {}, replicate=1), Arm.REPEAT, topic),
            *stated,
        ]

    def _similarities(
        self, lists: Sequence[Ranking], references: Sequence[Ranking]
    ) -> dict[str, NDArray[np.float64]]:
        """Return per metric one value a pair; NaN where either list is missing.

        K is what was asked for, so that a list of one title does not score as a whole one.
        """
        coded = encode_lists([r.items for r in lists] + [r.items for r in references])
        x, y = coded[: len(lists)], coded[len(lists) :]
        return {
            "jaccard": SIMILARITIES["jaccard"](x, y),
            "serp": SIMILARITIES["serp"](x, y, k=self.k, dialect=self.dialect),
            "prag": SIMILARITIES["prag"](x, y, k=self.k, dialect=self.dialect),
            "rbo": SIMILARITIES["rbo"](x, y, p=self.rbo_p),
        }

    def _tables(
        self, compared: Sequence[Probe], measure: NDArray[np.float64]
    ) -> dict[str | None, NDArray[np.float64]]:
        """Return per attribute a table of topics x values; under None, the neutral repeats."""
        place = {
            (probe.cluster, probe.attribute, probe.value): i for i, probe in enumerate(compared)
        }
        columns: dict[str | None, Sequence[str | None]] = {None: (None,)}
        columns |= {a.name: [value.value for value in a.values] for a in self.attributes}
        return {
            attribute: measure[
                [[place[topic, attribute, value] for value in values] for topic in self.topics]
            ]
            for attribute, values in columns.items()
        }

    def _findings(
        self,
        tables: Mapping[str, Mapping[str | None, NDArray[np.float64]]],
        examples: Mapping[str, tuple[Example, ...]],
    ) -> Iterable[Finding]:
        for metric in METRICS:
            yield from self._unequal_treatment(metric, tables[metric], examples)
        for metric in METRICS:
            yield from self._means(metric, tables[metric][None], None, ["neutral"], "repeat")
            for attribute in self.attributes:
                values = [value.value for value in attribute.values]
                table = tables[metric][attribute.name]
                yield from self._means(metric, table, attribute.name, values, "mean")

    def _unequal_treatment(
        self,
        metric: str,
        tables: Mapping[str | None, NDArray[np.float64]],
        examples: Mapping[str, tuple[Example, ...]],
    ) -> Iterable[Finding]:
        """SNSR and SNSV of every attribute; one family of tests per statistic and metric."""
        for statistic, estimate in (("snsr", snsr_estimate), ("snsv", snsv_estimate)):
            tests = {
                a.name: permutation_test(
                    tables[a.name], statistic, self._rng("permutation", a.name, metric), self.draws
                )
                for a in self.attributes
            }
            adjusted = holm([test.p_value for test in tests.values()])
            for (name, test), p_adjusted in zip(tests.items(), adjusted, strict=True):
                yield Finding(
                    id=f"{self.name}.{name}.{metric}.{statistic}",
                    audit=self.name,
                    metric=metric,
                    statistic=statistic,
                    attribute=name,
                    estimate=_within_unit(
                        estimate(tables[name], self._rng("bootstrap", name, metric), self.draws)
                    ),
                    p_value=test.p_value,
                    p_adjusted=p_adjusted,
                    family=f"{statistic.upper()} of {metric} over {len(tests)} attribute(s)",
                    noise_floor=test.null_mean,
                    examples=examples[name],
                )

    def _means(
        self,
        metric: str,
        table: NDArray[np.float64],
        attribute: str | None,
        values: Sequence[str],
        statistic: str,
    ) -> Iterable[Finding]:
        """The mean similarity to the neutral list, one finding a column."""
        rng = self._rng("bootstrap", str(attribute), metric)
        estimates = mean_estimates(table, rng, self.draws)
        for value, estimate in zip(values, estimates, strict=True):
            # Ids are written in gates, so they hold no spaces.
            place = f"{attribute}.{value.replace(' ', '_')}" if attribute else value
            yield Finding(
                id=f"{self.name}.{place}.{metric}.{statistic}",
                audit=self.name,
                metric=metric,
                statistic=statistic,
                attribute=attribute,
                value=value if attribute else None,
                estimate=_within_unit(estimate),
            )

    def _rng(self, *purpose: str) -> np.random.Generator:
        return generator(self.seed, self.name, *purpose)

    def _settings(self, probes: Sequence[Probe]) -> dict[str, object]:
        return {
            "name": self.name,
            "topics": list(self.topics),
            "attributes": {a.name: [v.phrase for v in a.values] for a in self.attributes},
            "template": {"system": self.template.system, "user": self.template.user},
            "k": self.k,
            "dialect": self.dialect,
            "rbo_p": self.rbo_p,
            "draws": self.draws,
            "seed": self.seed,
            "probes": len(probes),
            "probes_hash": content_hash([probe.id for probe in probes]),
        }


def _within_unit(estimate: Estimate) -> Estimate:
    """Cut an interval of a similarity, or of a spread of them, to what is possible."""
    if estimate.low is None or estimate.high is None:
        return estimate
    return replace(estimate, low=max(0.0, estimate.low), high=min(1.0, estimate.high))


def _finite(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None


def _warnings(
    jaccard: Mapping[str | None, NDArray[np.float64]],
    neutral: Mapping[str, Probe],
    rankings: Mapping[str, Ranking],
) -> Iterable[str]:
    """Say what makes the numbers weaker than they look."""
    stated = np.concatenate([table.ravel() for name, table in jaccard.items() if name is not None])
    repeats = jaccard[None]
    if not np.isfinite(stated).any():
        yield "No pair of lists could be compared: see what became of the prompts below."
        return
    if np.nanmin(stated) == 1.0:
        yield (
            "Every list holds the same items as its neutral list. Either stating an attribute "
            "changes nothing, or the recommender does not read the prompt."
        )
    lists = {rankings[probe.id].items for probe in neutral.values()}
    if len(lists) == 1:
        yield "The neutral list is the same for every topic: the recommender ignores the topic."
    if np.isfinite(repeats).any() and np.nanmin(repeats) < 1.0:
        yield (
            "Asked twice, the same neutral prompt gave different lists (mean Jaccard "
            f"{np.nanmean(repeats):.2f}): part of every difference below is that noise."
        )
    if len(neutral) < 10:
        yield f"{len(neutral)} topics are few: intervals from fewer than 10 are rough."
