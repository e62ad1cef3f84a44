"""Attribute sensitivity on open prompts: the protocol of FaiRLLM.

Zhang, Bao, Zhang, Wang, Feng and He, "Is ChatGPT Fair for Recommendation? Evaluating Fairness
in Large Language Model Recommendation", RecSys 2023. For each topic a neutral prompt and one
prompt per attribute value; each list is compared with the neutral one. Unequal similarity
over the values of an attribute is unequal treatment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from fairrec.audits.asking import check_least, check_share, check_words, rankings_by_probe
from fairrec.audits.contrasts import (
    SIMILARITY_METRICS,
    Contrast,
    ListComparison,
    Pair,
    finite,
    in_order,
    mean_present,
    measured_contrasts,
)
from fairrec.audits.excess import ExcessJudge, Floored
from fairrec.audits.funnel import validity_funnel
from fairrec.audits.missingness import missingness_findings, worst_case_finding
from fairrec.audits.pairs import exchanges_behind, worst_of
from fairrec.audits.sensitivity_findings import SimilarityJudge, Tables
from fairrec.audits.sensitivity_pairs import PLACEBO, REPEAT, neutral_probes, sensitivity_pairs
from fairrec.audits.sensitivity_warnings import about_lists, about_values
from fairrec.errors import WrongUse
from fairrec.metrics.similarity import Dialect
from fairrec.prompts import Attribute, AttributeValue, Template
from fairrec.results import AuditResult, Finding, Observation
from fairrec.seeds import generator
from fairrec.types import Answer, Arm, Probe, Ranking, Request, content_hash


@dataclass(frozen=True)
class SensitivityAudit:
    """Do lists change unequally with the attribute that a user states?

    Attributes:
        topics: What the user is a fan of; the unit that statistics resample. At least 2.
        attributes: Sensitive attributes with their values.
        template: The words of the prompt, with the topic's ``{name}``.
        other_templates: Further wordings; every topic is asked in each, and counts once.
        placebos: Irrelevant attributes: a second noise floor besides the repeats.
        repeats: How often the neutral prompt is asked again: the first noise floor.
        k: Items asked for, at least 1.
        cutoffs: Ranks, each at most k, at which lists are compared as well.
        candidates: Item ids to choose from by topic; None leaves the choice open.
        titles: Item titles by id, for readers of the result.
        dialect: Form of SERP* and PRAG* (see `fairrec.metrics.similarity`).
        rbo_p: Persistence of RBO, in (0, 1).
        draws: Bootstrap and permutation draws.
        margin: Similarity lost beyond the noise floor that counts as none.
        seed: Seed of the resampling.

    Raises:
        WrongUse: Fewer than 2 topics, a topic twice, no attribute, words that leave out the
            topic or a value, a cut-off above k, or k larger than a pool.
    """

    topics: Sequence[str]
    attributes: Sequence[Attribute]
    template: Template
    other_templates: Sequence[Template] = ()
    placebos: Sequence[Attribute] = ()
    repeats: int = 1
    k: int = 20
    cutoffs: Sequence[int] = ()
    candidates: Mapping[str, tuple[str, ...]] | None = None
    titles: Mapping[str, str] = field(default_factory=dict)
    dialect: Dialect = "unit"
    rbo_p: float = 0.9
    draws: int = 10_000
    margin: float = 0.05
    seed: int = 0

    name = "sensitivity"

    def __post_init__(self) -> None:
        check_least(k=(self.k, 1), repeats=(self.repeats, 0), draws=(self.draws, 1))
        check_share("margin", self.margin)
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
        for template in self._templates:
            if "name" not in template.fields:
                raise WrongUse(
                    f"the template {template.user!r} has no {{name}}.",
                    expected="a place for the topic: prompts would all be the same.",
                    do="add {name} to it.",
                )
            check_words(template, [*self.attributes, *self.placebos])
        for cutoff in self.cutoffs:
            if not 1 <= cutoff <= self.k:
                raise WrongUse(f"a cut-off is {cutoff}.", expected=f"ranks from 1 to k = {self.k}.")
        for topic in self.topics if self.candidates is not None else ():
            pool = (self.candidates or {}).get(topic, ())
            if len(pool) < self.k:
                raise WrongUse(
                    f"k is {self.k}, but {topic!r} has {len(pool)} candidates.",
                    expected="k of at most the number of candidates.",
                    do="ask for fewer items or widen the pool.",
                )

    @property
    def _templates(self) -> list[Template]:
        return [self.template, *self.other_templates]

    def plan(self) -> list[Probe]:
        """Return, topic by topic, the neutral prompt, its repeats, and one per value."""
        return [
            probe
            for topic in self.topics
            for place, template in enumerate(self._templates)
            for probe in self._arms(topic, template, place)
        ]

    def judge(self, probes: Sequence[Probe], answers: Iterable[Answer]) -> AuditResult:
        """Compare every list with its topic's neutral list and test each attribute."""
        rankings = rankings_by_probe(probes, list(answers))
        neutral = neutral_probes(probes)
        pairs = sensitivity_pairs(probes, neutral, self.attributes)
        topics = in_order(probe.cluster for probe in probes)
        contrasts = self._measured(pairs, topics, rankings, self.k)
        examples = {a.name: worst_of(contrasts[a.name]) for a in self.attributes}
        tables = self._tables(contrasts)
        judge = SimilarityJudge(self.name, self.attributes, self.draws, self.seed)
        findings: list[Finding] = []
        for metric in SIMILARITY_METRICS:
            findings += judge.unequal_treatment(metric, tables[metric], examples)
        findings += judge.means(tables)
        for cutoff in self.cutoffs:
            cut = self._tables(self._measured(pairs, topics, rankings, cutoff))
            for metric in SIMILARITY_METRICS:
                findings += judge.unequal_treatment(f"{metric}_at_{cutoff}", cut[metric], examples)
        findings += self._beyond_noise(contrasts)
        findings += self._missing(probes, rankings, contrasts)
        return AuditResult(
            audit=self.name,
            name=self.name,
            findings=tuple(findings),
            observations=tuple(_observations(probes, rankings, contrasts)),
            validity=validity_funnel(probes, rankings),
            exchanges=exchanges_behind(findings, probes, rankings, self.titles),
            provenance={"audit": self._settings(probes)},
            warnings=(
                *about_values(probes, self.attributes),
                *about_lists(probes, rankings, tables["jaccard"], neutral),
            ),
        )

    def _arms(self, topic: str, template: Template, place: int) -> list[Probe]:
        several = {"template": str(place)} if self.other_templates else {}

        def probe(
            arm: Arm,
            name: str | None = None,
            said: AttributeValue | None = None,
            replicate: int = 0,
        ) -> Probe:
            words = {} if said is None else {"value": said.phrase, "statement": said.statement}
            request = Request(
                k=self.k,
                instruction=template.instruction(name=topic, k=self.k, **words),
                system=template.system,
                profile={name: said.value} if name and said else {},
                slots={"name": topic, **several},
                candidates=None if self.candidates is None else self.candidates[topic],
                replicate=replicate,
            )
            return Probe(request, arm, topic, name, said.value if said else None)

        return [
            probe(Arm.NEUTRAL),
            *(probe(Arm.REPEAT, replicate=n) for n in range(1, self.repeats + 1)),
            *(probe(Arm.SENSITIVE, a.name, said) for a in self.attributes for said in a.values),
            *(probe(Arm.PLACEBO, p.name, said) for p in self.placebos for said in p.values),
        ]

    def _measured(
        self,
        pairs: Mapping[str, Sequence[Pair]],
        topics: Sequence[str],
        rankings: Mapping[str, Ranking],
        k: int,
    ) -> dict[str, Contrast]:
        columns: dict[str, Sequence[str]] = {
            name: in_order(pair.column for pair in some) or [""] for name, some in pairs.items()
        }
        columns |= {a.name: [value.value for value in a.values] for a in self.attributes}
        comparison = ListComparison(k, self.dialect, self.rbo_p)
        return measured_contrasts(pairs, columns, topics, rankings, comparison)

    def _tables(self, contrasts: Mapping[str, Contrast]) -> dict[str, Tables]:
        names: dict[str | None, str] = {None: REPEAT} | {a.name: a.name for a in self.attributes}
        return {
            metric: {
                name: mean_present(contrasts[key].tables[metric], 1) for name, key in names.items()
            }
            for metric in SIMILARITY_METRICS
        }

    def _beyond_noise(self, contrasts: Mapping[str, Contrast]) -> list[Finding]:
        """By how much stating a value changes lists more than noise does; see `ExcessJudge`."""
        judge = ExcessJudge(self.name, self.k, self.margin, self.draws, self.seed, unit="topic")
        floors = [(REPEAT, ""), *([(PLACEBO, "placebo")] if contrasts[PLACEBO].pairs else [])]
        floored = [
            Floored(attribute.name, "stated", contrasts[attribute.name], contrasts[floor], over)
            for floor, over in floors
            for attribute in self.attributes
            if contrasts[floor].pairs
        ]
        return [*judge.excess(floored), *judge.over_wordings(floored)]

    def _missing(
        self,
        probes: Sequence[Probe],
        rankings: Mapping[str, Ranking],
        contrasts: Mapping[str, Contrast],
    ) -> Iterable[Finding]:
        """Who goes without an answer, and what the missing lists could hide."""
        rng = self._rng("missing")
        yield from missingness_findings(self.name, probes, rankings, rng, self.draws, unit="topic")
        for attribute in self.attributes:
            contrast = contrasts[attribute.name]
            yield worst_case_finding(
                self.name,
                attribute.name,
                "jaccard",
                mean_present(contrast.tables["jaccard"], 1),
                rng,
                self.draws,
                asked=contrast.asked,
                unit="topic",
            )

    def _rng(self, *purpose: str) -> np.random.Generator:
        return generator(self.seed, self.name, *purpose)

    def _settings(self, probes: Sequence[Probe]) -> dict[str, object]:
        return {
            "name": self.name,
            "topics": list(self.topics),
            "attributes": {a.name: [v.phrase for v in a.values] for a in self.attributes},
            "placebos": {p.name: [v.phrase for v in p.values] for p in self.placebos},
            "template": {"system": self.template.system, "user": self.template.user},
            "other_templates": [t.user for t in self.other_templates],
            "repeats": self.repeats,
            "k": self.k,
            "cutoffs": list(self.cutoffs),
            "dialect": self.dialect,
            "rbo_p": self.rbo_p,
            "draws": self.draws,
            "margin": self.margin,
            "seed": self.seed,
            "probes": len(probes),
            "probes_hash": content_hash([probe.id for probe in probes]),
        }


def _observations(
    probes: Sequence[Probe], rankings: Mapping[str, Ranking], contrasts: Mapping[str, Contrast]
) -> Iterable[Observation]:
    """Yield a row per list that is compared with the neutral one."""
    measures = {
        pair.probe.id: {m: finite(contrast.values[m][i]) for m in SIMILARITY_METRICS}
        for contrast in contrasts.values()
        for i, pair in enumerate(contrast.pairs)
    }
    for probe in probes:
        if probe.arm is not Arm.NEUTRAL:
            yield Observation(
                cluster=probe.cluster,
                arm=probe.arm,
                attribute=probe.attribute,
                value=probe.value,
                outcome=rankings[probe.id].outcome,
                measures=measures.get(probe.id, dict.fromkeys(SIMILARITY_METRICS)),
                probe_id=probe.id,
            )
