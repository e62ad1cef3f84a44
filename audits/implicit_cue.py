"""Implicit cues: does a hint make the recommender behave as if an attribute had been stated?

After Xu et al., "Do LLMs Implicitly Exhibit User Discrimination in Recommendation?", 2023, and
Kantharuban et al., "Stereotype or Personalization? User Identity Biases Chatbot
Recommendations", 2024. A name, a
pronoun or a way of speaking stands where an attribute would be stated. If the list for "My name is
Emily." is more like the list for "I am a woman." than like that for "I am a man.", and the
other way round for Jake, the recommender acts on what it guessed. The same statement asked
again shows how alike two lists for one value can be; held against it, the cue reproduces a
share of the statement's effect.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from fairrec.audits.asking import (
    check_audited,
    check_least,
    check_words,
    rankings_by_probe,
    user_request,
)
from fairrec.audits.contrasts import SIMILARITY_METRICS, ListComparison, finite, in_order
from fairrec.audits.excess import finding_id
from fairrec.audits.families import adjusted
from fairrec.audits.funnel import validity_funnel
from fairrec.audits.implicit_cue_pairs import STATED, CueTables, HintPairs
from fairrec.audits.missingness import missingness_findings
from fairrec.audits.pairs import exchanges_behind
from fairrec.errors import WrongUse
from fairrec.evidence import alignment, alignment_test, mean_estimate, share_estimate
from fairrec.metrics.similarity import Dialect
from fairrec.prompts import Attribute, CueSet, Template
from fairrec.results import AuditResult, Finding, Observation
from fairrec.seeds import generator
from fairrec.types import Answer, Arm, Probe, content_hash
from fairrec.users import User


@dataclass(frozen=True)
class ImplicitCueAudit:
    """Does the recommender act on an attribute that it was only given a hint of?

    Attributes:
        users: Who gives the hints; the unit that statistics resample. At least 2. Their own
            values do not matter: every user gives every hint.
        attributes: Sensitive attributes with the statements that hints are compared with.
        cues: Kinds of cue; each is about one of the attributes.
        template: The words of the prompt, with ``{statement}``.
        k: Items asked for, at least 1.
        cues_per_value: Cues of each kind and value that a user gives, drawn for each user.
        titles: Item titles by id.
        dialect: Form of SERP* and PRAG* (see `fairrec.metrics.similarity`).
        rbo_p: Persistence of RBO, in (0, 1).
        draws: Bootstrap and permutation draws.
        seed: Seed of the resampling and of the choice of cues.

    Raises:
        WrongUse: Fewer than 2 users, a kind of cue about another attribute, one that lacks cues
            for two values, or a template without ``{statement}``.
    """

    users: Sequence[User]
    attributes: Sequence[Attribute]
    cues: Sequence[CueSet]
    template: Template
    k: int = 10
    cues_per_value: int = 1
    titles: Mapping[str, str] = field(default_factory=dict)
    dialect: Dialect = "unit"
    rbo_p: float = 0.9
    draws: int = 10_000
    seed: int = 0

    name = "implicit_cue"

    def __post_init__(self) -> None:
        check_audited(self.users, None)
        check_least(k=(self.k, 1), cues_per_value=(self.cues_per_value, 1), draws=(self.draws, 1))
        if "statement" not in self.template.fields:
            raise WrongUse(
                f"the template {self.template.user!r} has no {{statement}}.",
                expected="a place where a whole sentence can stand.",
                do="add {statement} to it.",
            )
        check_words(self.template, self.attributes)
        stated = {attribute.name: attribute for attribute in self.attributes}
        for kind in self.cues:
            if kind.attribute not in stated:
                raise WrongUse(
                    f"the cues {kind.kind!r} are about {kind.attribute!r}.",
                    expected=f"cues about {', '.join(stated) or 'an attribute'}.",
                    do="add the attribute to the audit or leave these cues out.",
                )
            both = self._values(kind)
            if len(both) < 2:
                raise WrongUse(
                    f"the cues {kind.kind!r} share {len(both)} value(s) with {kind.attribute!r}.",
                    expected="cues for at least 2 of the values that the attribute states.",
                    do="name the values of the attribute as the cues do.",
                )

    def plan(self) -> list[Probe]:
        """Return, user by user, the neutral prompt, every statement twice, and the cues."""
        return [probe for user in self.users for probe in self._arms(user)]

    def judge(self, probes: Sequence[Probe], answers: Iterable[Answer]) -> AuditResult:
        """Compare the lists for cues with the lists for statements."""
        rankings = rankings_by_probe(probes, list(answers))
        clusters = in_order(probe.cluster for probe in probes)
        compared = HintPairs(probes)
        comparison = ListComparison(self.k, self.dialect, self.rbo_p)
        measures = comparison.measure(
            [rankings[hint.id] for hint, _ in compared.pairs],
            [rankings[said.id] for _, said in compared.pairs],
        )
        findings: list[Finding] = []
        for metric in SIMILARITY_METRICS:
            tables = compared.tables(measures[metric], clusters)
            for attribute, kinds in tables.items():
                family = f"as_if of {metric} over cues of {attribute}"
                findings += adjusted(self._as_if(attribute, metric, kinds), family)
                findings += self._shares(attribute, metric, kinds)
        findings += missingness_findings(
            self.name, probes, rankings, self._rng("missing"), self.draws
        )
        return AuditResult(
            audit=self.name,
            name=self.name,
            findings=tuple(findings),
            observations=tuple(
                Observation(
                    cluster=hint.cluster,
                    arm=hint.arm,
                    attribute=hint.attribute,
                    value=hint.value,
                    outcome=rankings[hint.id].outcome,
                    measures={
                        f"{metric}_to_{said.value}": finite(measures[metric][i])
                        for metric in SIMILARITY_METRICS
                    },
                    probe_id=hint.id,
                )
                for i, (hint, said) in enumerate(compared.pairs)
            ),
            validity=validity_funnel(probes, rankings),
            exchanges=exchanges_behind(findings, probes, rankings, self.titles),
            provenance={"audit": self._settings(probes)},
            warnings=tuple(compared.warnings(measures["jaccard"])),
        )

    def _values(self, kind: CueSet) -> list[str]:
        known = next(a for a in self.attributes if a.name == kind.attribute)
        return [value.value for value in known.values if kind.statements(value.value)]

    def _arms(self, user: User) -> list[Probe]:
        def probe(
            arm: Arm,
            attribute: str | None = None,
            value: str | None = None,
            statement: str = "",
            cue: CueSet | None = None,
            replicate: int = 0,
        ) -> Probe:
            request = user_request(
                user,
                self.template,
                self.k,
                titles=self.titles,
                statement=statement,
                profile={attribute: value} if attribute and value and cue is None else {},
                slots={} if cue is None else {"cue": cue.kind, "said": statement},
                replicate=replicate,
            )
            return Probe(request, arm, user.id, attribute, value)

        asked = [probe(Arm.NEUTRAL)]
        for attribute in self.attributes:
            for value in attribute.values:
                stated = (attribute.name, value.value, value.statement)
                asked.append(probe(Arm.SENSITIVE, *stated))
                asked.append(probe(Arm.REPEAT, *stated, replicate=1))
        for kind in self.cues:
            for value in self._values(kind):
                rng = generator(self.seed, "cues", user.id, kind.kind, value)
                statements = kind.statements(value)
                chosen = rng.permutation(len(statements))[: self.cues_per_value]
                asked += [
                    probe(Arm.CUE, kind.attribute, value, statements[i], kind) for i in chosen
                ]
        return asked

    def _as_if(self, attribute: str, metric: str, kinds: Mapping[str, CueTables]) -> list[Finding]:
        """How much more a cue's list resembles that of its own value's statement."""
        found = []
        for kind, tables in kinds.items():
            # The statement asked again is no cue: it shows what there is to reproduce.
            statistic, value = ("stated_as_if", None) if kind == STATED else ("as_if", kind)
            estimate = mean_estimate(
                alignment(tables.cue),
                self._rng("as_if", attribute, metric, kind),
                self.draws,
                unit="user",
                direction="" if kind == STATED else "lower",
            )
            test = alignment_test(
                tables.cue, self._rng("permutation", attribute, metric, kind), self.draws
            )
            found.append(
                Finding(
                    id=finding_id(self.name, attribute, value, metric, statistic),
                    audit=self.name,
                    metric=metric,
                    statistic=statistic,
                    attribute=attribute,
                    value=value,
                    estimate=estimate,
                    p_value=test.p_value,
                    noise_floor=0.0,
                )
            )
        return found

    def _shares(
        self, attribute: str, metric: str, kinds: Mapping[str, CueTables]
    ) -> Iterable[Finding]:
        """What part of the statement's own alignment a cue reaches."""
        for kind, tables in kinds.items():
            if kind != STATED:
                yield Finding(
                    id=finding_id(self.name, attribute, kind, metric, "effect_share"),
                    audit=self.name,
                    metric=metric,
                    statistic="effect_share",
                    attribute=attribute,
                    value=kind,
                    estimate=share_estimate(
                        alignment(tables.cue),
                        alignment(tables.stated),
                        self._rng("effect_share", attribute, metric, kind),
                        self.draws,
                    ),
                )

    def _rng(self, *purpose: str) -> np.random.Generator:
        return generator(self.seed, self.name, *purpose)

    def _settings(self, probes: Sequence[Probe]) -> dict[str, object]:
        return {
            "name": self.name,
            "users": len(self.users),
            "attributes": {a.name: [v.statement for v in a.values] for a in self.attributes},
            "cues": {kind.kind: kind.source for kind in self.cues},
            "cues_per_value": self.cues_per_value,
            "template": {"system": self.template.system, "user": self.template.user},
            "k": self.k,
            "dialect": self.dialect,
            "rbo_p": self.rbo_p,
            "draws": self.draws,
            "seed": self.seed,
            "probes": len(probes),
            "probes_hash": content_hash([probe.id for probe in probes]),
        }
