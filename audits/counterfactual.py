"""Counterfactual users: the same person, but for one stated attribute.

After Deldjoo and Di Noia, "CFaiRLLM: Consumer Fairness Evaluation in Large-Language Model
Recommender System", 2024: lists are compared between neutral and stated, and between a user's
own value and the others. Here every effect stands beside what noise alone does: the same prompt
asked again, and an irrelevant statement (a placebo).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from fairrec.audits.asking import (
    check_audited,
    check_least,
    check_share,
    check_words,
    rankings_by_probe,
    user_request,
)
from fairrec.audits.contrasts import (
    METRICS,
    Contrast,
    ListComparison,
    in_order,
    mean_present,
    measured_contrasts,
)
from fairrec.audits.counterfactual_benefit import Benefits, benefit_findings, benefits
from fairrec.audits.counterfactual_pairs import CounterfactualPairs, floored_effects
from fairrec.audits.counterfactual_warnings import about_lists, about_users
from fairrec.audits.excess import ExcessJudge
from fairrec.audits.funnel import validity_funnel
from fairrec.audits.intersections import intersection, stated_profile, with_intersections
from fairrec.audits.missingness import missingness_findings, worst_case_finding
from fairrec.audits.pairs import exchanges_behind
from fairrec.errors import WrongUse
from fairrec.metrics.similarity import Dialect
from fairrec.prompts import Attribute, AttributeValue, Template
from fairrec.results import AuditResult, Finding, Observation
from fairrec.seeds import generator
from fairrec.types import Answer, Arm, Probe, Ranking, content_hash
from fairrec.users import Sampling, User, sample_history


@dataclass(frozen=True)
class CounterfactualAudit:
    """Would the same user get other recommendations, or worse ones, as somebody else?

    Attributes:
        users: Whose requests are varied; the unit that statistics resample. At least 2.
        attributes: Sensitive attributes with the values to state. A user's own value is
            looked up in their profile.
        templates: Wordings of the prompt, at least one; every user is asked in each.
        k: Items asked for, at least 1.
        intersections: Names of attributes that are also stated together.
        placebos: Irrelevant attributes: the second noise floor.
        repeats: How often the neutral and the factual prompt are asked again: the first floor.
        history: Items of a user's history that are shown, or None for all.
        sampling: Which items of the history.
        minimum_group_size: Smallest group whose benefit is reported.
        margin: Excess similarity, and difference of benefit, that counts as none.
        titles: Item titles by id.
        dialect: Form of SERP* and PRAG* (see `fairrec.metrics.similarity`).
        rbo_p: Persistence of RBO, in (0, 1).
        draws: Bootstrap and permutation draws.
        seed: Seed of the resampling and of random histories.

    Raises:
        BadData: A user is there twice, or nobody has one of the attributes.
        WrongUse: Fewer than 2 users, no attribute or no template.
    """

    users: Sequence[User]
    attributes: Sequence[Attribute]
    templates: Sequence[Template]
    k: int = 10
    intersections: Sequence[Sequence[str]] = ()
    placebos: Sequence[Attribute] = ()
    repeats: int = 1
    history: int | None = None
    sampling: Sampling = "recent"
    minimum_group_size: int = 10
    margin: float = 0.05
    titles: Mapping[str, str] = field(default_factory=dict)
    dialect: Dialect = "unit"
    rbo_p: float = 0.9
    draws: int = 10_000
    seed: int = 0

    name = "counterfactual"

    def __post_init__(self) -> None:
        check_audited(self.users, [attribute.name for attribute in self.attributes])
        check_least(
            k=(self.k, 1),
            repeats=(self.repeats, 0),
            minimum_group_size=(self.minimum_group_size, 2),
            draws=(self.draws, 1),
        )
        check_share("margin", self.margin)
        if not self.templates:
            raise WrongUse("the audit has no template.", expected="at least one wording.")
        for template in self.templates:
            check_words(template, [*self.attributes, *self.placebos])
        known = {attribute.name: attribute for attribute in self.attributes}
        for name in (name for names in self.intersections for name in names):
            if name not in known:
                raise WrongUse(
                    f"an intersection names {name!r}.",
                    expected=f"attributes of the audit: {', '.join(known)}.",
                    do="add the attribute to the audit or leave the intersection out.",
                )

    def plan(self) -> list[Probe]:
        """Return, user by user and wording by wording, every arm."""
        return [
            probe
            for user in self._asked_users()
            for place, template in enumerate(self.templates)
            for probe in self._arms(user, template, place)
        ]

    def judge(self, probes: Sequence[Probe], answers: Iterable[Answer]) -> AuditResult:
        """Compare lists across arms and hold every effect against its noise floors."""
        rankings = rankings_by_probe(probes, list(answers))
        arms = CounterfactualPairs(probes)
        own = {user.id: user.profile for user in self._profiled_users()}
        contrasts = measured_contrasts(
            arms.contrasts,
            arms.columns,
            in_order(probe.cluster for probe in probes),
            rankings,
            ListComparison(self.k, self.dialect, self.rbo_p),
        )
        judge = ExcessJudge(self.name, self.k, self.margin, self.draws, self.seed)
        floored = list(floored_effects(arms.attributes, contrasts))
        benefit = benefits(probes, rankings, {u.id: u.held_out for u in self.users}, self.k)
        findings = [
            *judge.excess(floored),
            *judge.over_wordings(floored),
            *judge.similarities(_shown(arms.attributes, contrasts)),
            *self._benefit_findings(arms.attributes, probes, benefit, own),
            *self._worst_cases(arms, contrasts),
            *missingness_findings(
                self.name, probes, rankings, generator(self.seed, self.name, "missing"), self.draws
            ),
        ]
        return AuditResult(
            audit=self.name,
            name=self.name,
            findings=tuple(findings),
            observations=tuple(_observations(probes, rankings, contrasts, benefit)),
            validity=validity_funnel(probes, rankings),
            exchanges=exchanges_behind(findings, probes, rankings, self.titles),
            provenance={"audit": self._settings(probes)},
            warnings=(
                *about_lists(arms, contrasts, findings),
                *about_users(
                    self.users, self.attributes, arms.attributes, own, self.minimum_group_size
                ),
            ),
        )

    def _worst_cases(
        self, arms: CounterfactualPairs, contrasts: Mapping[str, Contrast]
    ) -> Iterable[Finding]:
        """How unequally the values change lists, whatever the missing lists would have been."""
        for name in arms.attributes:
            stated = contrasts[f"stated {name}"]
            yield worst_case_finding(
                self.name,
                name,
                "jaccard",
                mean_present(stated.tables["jaccard"], 1),
                generator(self.seed, self.name, "worst case", name),
                self.draws,
                asked=stated.asked,
            )

    def _benefit_findings(
        self,
        attributes: Sequence[str],
        probes: Sequence[Probe],
        benefit: Benefits,
        own: Mapping[str, Mapping[str, str]],
    ) -> list[Finding]:
        if not any(user.held_out for user in self.users):
            return []
        return benefit_findings(
            self.name,
            attributes,
            probes,
            benefit,
            own,
            minimum_group_size=self.minimum_group_size,
            margin=self.margin,
            rng=generator(self.seed, self.name, "benefit"),
            draws=self.draws,
        )

    def _profiled_users(self) -> list[User]:
        return with_intersections(self.users, self.intersections)

    def _asked_users(self) -> list[User]:
        if self.history is None:
            return self._profiled_users()
        return [
            sample_history(user, self.history, self.sampling, self.seed)
            for user in self._profiled_users()
        ]

    def _all_attributes(self) -> list[Attribute]:
        known = {attribute.name: attribute for attribute in self.attributes}
        crossed = [intersection([known[name] for name in names]) for names in self.intersections]
        return [*self.attributes, *crossed]

    def _arms(self, user: User, template: Template, place: int) -> list[Probe]:
        def probe(
            arm: Arm,
            name: str | None = None,
            said: AttributeValue | None = None,
            replicate: int = 0,
        ) -> Probe:
            request = user_request(
                user,
                template,
                self.k,
                titles=self.titles,
                profile=stated_profile(name, said.value) if name and said else {},
                slots={"template": str(place)} if len(self.templates) > 1 else {},
                replicate=replicate,
                **({"value": said.phrase, "statement": said.statement} if said else {}),
            )
            return Probe(request, arm, user.id, name, said.value if said else None)

        again = range(1, self.repeats + 1)
        asked = [probe(Arm.NEUTRAL), *(probe(Arm.REPEAT, replicate=n) for n in again)]
        for attribute in self._all_attributes():
            for said in attribute.values:
                if said.value == user.profile.get(attribute.name):
                    asked.append(probe(Arm.SENSITIVE, attribute.name, said))
                    asked += [probe(Arm.REPEAT, attribute.name, said, n) for n in again]
                else:
                    asked.append(probe(Arm.COUNTERFACTUAL, attribute.name, said))
        asked += [
            probe(Arm.PLACEBO, placebo.name, said)
            for placebo in self.placebos
            for said in placebo.values
        ]
        return asked

    def _settings(self, probes: Sequence[Probe]) -> dict[str, object]:
        return {
            "name": self.name,
            "users": len(self.users),
            "attributes": {
                a.name: [v.statement or v.phrase for v in a.values] for a in self._all_attributes()
            },
            "placebos": {
                p.name: [v.statement or v.phrase for v in p.values] for p in self.placebos
            },
            "templates": [{"system": t.system, "user": t.user} for t in self.templates],
            "k": self.k,
            "repeats": self.repeats,
            "history": self.history,
            "sampling": self.sampling,
            "minimum_group_size": self.minimum_group_size,
            "margin": self.margin,
            "dialect": self.dialect,
            "rbo_p": self.rbo_p,
            "draws": self.draws,
            "seed": self.seed,
            "probes": len(probes),
            "probes_hash": content_hash([probe.id for probe in probes]),
        }


def _shown(
    attributes: Sequence[str], contrasts: Mapping[str, Contrast]
) -> list[tuple[Contrast, str | None, str]]:
    """Return the contrasts whose mean similarities are findings: the floors first."""
    shown: list[tuple[str, str | None, str]] = [
        ("repeat", None, "repeat"),
        ("placebo", None, "placebo"),
    ]
    for name in attributes:
        shown += [
            (f"repeat {name}", name, "repeat"),
            (f"stated {name}", name, "stated_similarity"),
            (f"flip {name}", name, "flip_similarity"),
        ]
    return [
        (contrasts[key], attribute, statistic)
        for key, attribute, statistic in shown
        if contrasts[key].pairs
    ]


def _observations(
    probes: Sequence[Probe],
    rankings: Mapping[str, Ranking],
    contrasts: Mapping[str, Contrast],
    benefit: Mapping[str, Mapping[str, float | None]],
) -> Iterable[Observation]:
    """Yield a row a probe: its similarities to the neutral and the factual list, its benefit."""
    measures: dict[str, dict[str, float | None]] = {p.id: dict(benefit[p.id]) for p in probes}
    for name, contrast in contrasts.items():
        to = "factual" if name.startswith(("flip ", "repeat ")) else "neutral"
        if name == "placebo_flip":
            continue
        for metric in METRICS:
            for pair, value in zip(contrast.pairs, contrast.values[metric].tolist(), strict=True):
                known = None if value != value else value
                measures[pair.probe.id][f"{metric}_to_{to}"] = known
    for probe in probes:
        yield Observation(
            cluster=probe.cluster,
            arm=probe.arm,
            attribute=probe.attribute,
            value=probe.value,
            outcome=rankings[probe.id].outcome,
            measures=measures[probe.id],
            probe_id=probe.id,
        )
