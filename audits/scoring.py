"""Scoring: who is selected when candidates are scored one by one?

For recommenders that give every candidate a score, or a yes or no. The same user's candidates
are scored with nothing stated and with each value of an attribute; what differs is what was
stated alone. A candidate whose score reaches the threshold is selected, and rates of selection
are compared over the values; the candidates that the user went on to like are the relevant ones.

Selection at k also asks for a place among the user's first k. Places alone would be no use:
everybody has k of them, so their selection rates are equal whatever the recommender does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from fairrec.audits.asking import check_audited, check_words, rankings_by_probe, user_request
from fairrec.audits.funnel import validity_funnel
from fairrec.audits.intersections import intersection, stated_profile, with_intersections
from fairrec.audits.missingness import missingness_findings
from fairrec.audits.needs import NEEDS
from fairrec.audits.scoring_answers import ScoredAnswers
from fairrec.audits.scoring_findings import ScoringJudge
from fairrec.audits.scoring_warnings import (
    about_probes,
    about_rates,
    about_scores,
    about_selection,
)
from fairrec.errors import WrongUse
from fairrec.prompts import Attribute, AttributeValue, Template
from fairrec.results import AuditResult, Observation
from fairrec.seeds import generator
from fairrec.types import Answer, Arm, Probe, Ranking, content_hash
from fairrec.users import User


@dataclass(frozen=True)
class ScoringAudit:
    """Are the same candidates scored and selected otherwise when a user states who they are?

    Attributes:
        users: Whose candidates are scored; the unit that statistics resample. At least 2. Their
            held-out items are the relevant candidates; a user without any has no labels.
        attributes: Sensitive attributes with the values to state.
        template: The words; ``{candidates}`` shows the candidates.
        threshold: Score from which on a candidate is selected; 1 for a yes where no is 0.
        k: Selection at k is judged as well: the threshold is reached among the user's first k.
            None leaves it out.
        combinations: Attributes that are also stated together, such as ``[("gender", "age")]``.
        repeats: How often the neutral prompt is asked again: the noise floor.
        titles: Item titles by id, for the words.
        margin: Gap between rates that counts as none, in (0, 1).
        draws: Bootstrap and permutation draws.
        seed: Seed of the resampling.

    Raises:
        BadData: A user is there twice.
        WrongUse: Fewer than 2 users, no attribute, a combination of unknown attributes, words
            that cannot state a value, or a number out of range.
    """

    users: Sequence[User]
    attributes: Sequence[Attribute]
    template: Template
    threshold: float
    k: int | None = None
    combinations: Sequence[Sequence[str]] = ()
    repeats: int = 1
    titles: Mapping[str, str] = field(default_factory=dict)
    margin: float = 0.05
    draws: int = 10_000
    seed: int = 0

    name = "scoring"
    needs = NEEDS["scoring"]

    def __post_init__(self) -> None:
        check_audited(self.users, None)
        if not self.attributes:
            raise WrongUse(
                "the audit has no attribute.",
                expected="at least one sensitive attribute.",
                do="name one, such as gender.",
            )
        numbers = {
            "threshold": (self.threshold, math.isfinite(self.threshold), "a finite number"),
            "k": (self.k, self.k is None or self.k >= 1, "at least 1, or None"),
            "repeats": (self.repeats, self.repeats >= 0, "0 or more"),
            "margin": (self.margin, 0 < self.margin < 1, "between 0 and 1"),
            "draws": (self.draws, self.draws >= 1, "at least 1"),
        }
        for name, (given, fits, expected) in numbers.items():
            if not fits:
                raise WrongUse(f"{name} is {given}.", expected=f"{expected}.")
        known = [attribute.name for attribute in self.attributes]
        for name in (name for names in self.combinations for name in names):
            if name not in known:
                raise WrongUse(
                    f"a combination names {name!r}.",
                    expected=f"attributes of the audit: {', '.join(known)}.",
                    do="add the attribute to the audit or leave the combination out.",
                )
        check_words(self.template, self._stated)

    @property
    def _stated(self) -> list[Attribute]:
        """The attributes, then their combinations."""
        known = {attribute.name: attribute for attribute in self.attributes}
        crossed = [intersection([known[name] for name in names]) for names in self.combinations]
        return [*self.attributes, *crossed]

    def plan(self) -> list[Probe]:
        """Return, user by user, the neutral prompt, its repeats and one per value.

        Raises:
            WrongUse: A user has no candidates.
        """
        if bare := [user.id for user in self.users if not user.candidates]:
            raise WrongUse(
                f"{len(bare)} user(s) have no candidates to score: {', '.join(bare[:5])}.",
                expected="candidates for every user.",
                do="give users candidates, or leave these users out.",
            )
        return [
            probe
            for user in with_intersections(self.users, self.combinations)
            for probe in self._arms(user)
        ]

    def judge(self, probes: Sequence[Probe], answers: Iterable[Answer]) -> AuditResult:
        """Compare scores and selections over the values that the probes state."""
        rankings = rankings_by_probe(probes, list(answers))
        scored = ScoredAnswers(self.users, probes, rankings)
        judge = ScoringJudge(self.name, self.threshold, self.k, self.margin, self.draws, self.seed)
        used = [one.probe for one in scored.used]
        rng = generator(self.seed, self.name, "missing")
        findings = [
            *judge.findings(scored),
            *missingness_findings(self.name, used, rankings, rng, self.draws),
        ]
        return AuditResult(
            audit=self.name,
            name=self.name,
            findings=tuple(findings),
            observations=tuple(self._observations(scored, rankings)),
            validity=validity_funnel(used, rankings),
            exchanges={},
            provenance={"audit": self._settings(probes)},
            warnings=(
                *about_probes(self.users, self._stated, probes),
                *about_scores(scored, rankings),
                *about_selection(scored, self.threshold),
                *about_rates(findings),
            ),
        )

    def _arms(self, user: User) -> list[Probe]:
        def probe(
            arm: Arm,
            name: str | None = None,
            said: AttributeValue | None = None,
            replicate: int = 0,
        ) -> Probe:
            request = user_request(
                user,
                self.template,
                len(user.candidates or ()),
                titles=self.titles,
                value=said.phrase if said else None,
                statement=said.statement if said else "",
                profile=stated_profile(name, said.value) if name and said else {},
                replicate=replicate,
            )
            return Probe(request, arm, user.id, name, said.value if said else None)

        def arm_of(attribute: Attribute, said: AttributeValue) -> Arm:
            own = user.profile.get(attribute.name) == said.value
            return Arm.SENSITIVE if own else Arm.COUNTERFACTUAL

        return [
            probe(Arm.NEUTRAL),
            *(probe(Arm.REPEAT, replicate=n) for n in range(1, self.repeats + 1)),
            *(probe(arm_of(a, said), a.name, said) for a in self._stated for said in a.values),
        ]

    def _observations(
        self, scored: ScoredAnswers, rankings: Mapping[str, Ranking]
    ) -> Iterable[Observation]:
        """Yield a row a probe: its mean score, share of selected, and change from the neutral."""
        for one in scored.used:
            scores = np.array([score for score, _ in one.scores.values()])
            changes = scored.changes(one) if one.probe.arm is not Arm.NEUTRAL else np.array([])
            yield Observation(
                cluster=one.probe.cluster,
                arm=one.probe.arm,
                attribute=one.probe.attribute,
                value=one.probe.value,
                outcome=rankings[one.id].outcome,
                measures={
                    "score": _mean(scores),
                    "selection_rate": _mean(scores >= self.threshold),
                    "score_difference": _mean(changes),
                    "score_change": _mean(np.abs(changes)),
                },
                probe_id=one.id,
            )

    def _settings(self, probes: Sequence[Probe]) -> dict[str, object]:
        return {
            "name": self.name,
            "users": len(self.users),
            "attributes": {
                a.name: [v.statement or v.phrase for v in a.values] for a in self._stated
            },
            "combinations": [list(names) for names in self.combinations],
            "template": {"system": self.template.system, "user": self.template.user},
            "threshold": self.threshold,
            "k": self.k,
            "repeats": self.repeats,
            "margin": self.margin,
            "draws": self.draws,
            "seed": self.seed,
            "probes": len(probes),
            "probes_hash": content_hash([probe.id for probe in probes]),
        }


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None
