"""Leakage: can an attribute that nobody stated be recovered from what a recommender returns?

The question of Hua, Ge, Xu, Ji, Li and Zhang, "UP5: Unbiased Foundation Model for Fairness-aware
Recommendation", EACL 2024. Every user is asked for without a word about the attribute. Attackers
learn to guess it from the lists, from the scores and from the embeddings where there are any,
and are judged on users that they have not seen: an AUC of 0.5 is guessing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fairrec.audits.asking import (
    check_audited,
    check_least,
    check_share,
    rankings_by_probe,
    user_request,
)
from fairrec.audits.families import adjusted
from fairrec.audits.funnel import validity_funnel
from fairrec.errors import WrongUse
from fairrec.evidence.attackers import MODELS, Attack, attack
from fairrec.evidence.auc import auc_interval
from fairrec.evidence.leakage_sources import Source, sources_of
from fairrec.prompts import Template
from fairrec.results import AuditResult, Estimate, Finding, Observation
from fairrec.seeds import generator
from fairrec.types import Answer, Arm, Outcome, Probe, Ranking, content_hash
from fairrec.users import User

STATISTICS = ("auc", "advantage")


@dataclass(frozen=True)
class AttributeLeakageAudit:
    """How well does an attacker recover an attribute that the user did not state?

    All lists of a user make one row, so that no user is both learned from and guessed.
    A finding about scores or embeddings is there when an answer has them, or when nothing was
    answered at all.

    Attributes:
        users: With the attributes in their profiles; at least 2.
        attributes: Names of the attributes to recover.
        template: The words; the place of the attribute stays neutral.
        k: Items asked for, at least 1.
        titles: Item titles by id, for the words.
        attackers: "logistic" (L2-regularised logistic regression), "boosting" (gradient
            boosting of trees) and "mlp" (a perceptron with one hidden layer).
        folds: Folds of the cross-validation over users, at least 2. A value that fewer than
            2 x folds users have is left out and named.
        permutations: Permuted labellings that the logistic regression is refitted on, at
            least 19; the least p-value is 1 / (permutations + 1).
        boosting_permutations: The same for the others, which take ten times as long.
        components: What lists, scores and embeddings are reduced to.
        level: Confidence level of the intervals, in (0, 1).
        seed: Seed of folds, permutations and models.

    Raises:
        BadData: A user is there twice, or nobody has one of the attributes.
        WrongUse: Fewer than 2 users, no attribute, an unknown attacker, or numbers below the
            least ones named here.
    """

    users: Sequence[User]
    attributes: Sequence[str]
    template: Template
    k: int = 20
    titles: Mapping[str, str] = field(default_factory=dict)
    attackers: Sequence[str] = ("logistic", "boosting")
    folds: int = 5
    permutations: int = 200
    boosting_permutations: int = 99
    components: int = 50
    level: float = 0.95
    seed: int = 0

    name = "leakage"

    def __post_init__(self) -> None:
        check_audited(self.users, self.attributes)
        unknown = sorted(set(self.attackers) - set(MODELS))
        if unknown or not self.attackers:
            raise WrongUse(
                f"the attackers are {list(self.attackers)}.",
                expected=f"one or more of {', '.join(MODELS)}.",
            )
        check_least(
            k=(self.k, 1),
            folds=(self.folds, 2),
            permutations=(self.permutations, 19),
            boosting_permutations=(self.boosting_permutations, 19),
            components=(self.components, 1),
        )
        check_share("level", self.level)

    def plan(self) -> list[Probe]:
        """Return one neutral prompt per user."""
        return [
            Probe(
                user_request(user, self.template, self.k, titles=self.titles),
                Arm.NEUTRAL,
                user.id,
            )
            for user in self.users
        ]

    def judge(self, probes: Sequence[Probe], answers: Iterable[Answer]) -> AuditResult:
        """Attack what the probes that state nothing brought; others are left out and counted."""
        rankings = rankings_by_probe(probes, list(answers))
        profiles = {user.id: user.profile for user in self.users}
        neutral = [
            probe
            for probe in probes
            if probe.arm in (Arm.NEUTRAL, Arm.REPEAT) and not probe.request.profile
        ]
        asked = [probe for probe in neutral if probe.cluster in profiles]
        returned: dict[str, list[Ranking]] = {probe.cluster: [] for probe in asked}
        for probe in asked:
            if rankings[probe.id].outcome is Outcome.ANSWERED:
                returned[probe.cluster].append(rankings[probe.id])
        warnings = [*_left_out(probes, neutral, asked), *self._unusable(returned, profiles)]
        findings: list[Finding] = []
        guesses: dict[str, dict[str, float]] = {user: {} for user in returned}
        sources = sources_of(returned)
        for attacker in self.attackers:
            attacked: list[Finding] = []
            for attribute in self.attributes:
                values = {user: profiles[user].get(attribute) for user in returned}
                for source in sources:
                    found, scores = self._attack(attribute, values, source, attacker)
                    attacked += found
                    for user, score in scores.items():
                        guesses[user][f"{attribute}.{source.name}_{attacker}"] = score
            findings += adjusted(attacked, f"leakage by {attacker} attackers")
            warnings += self._too_few_permutations(attacker, attacked)
        findings.sort(key=lambda finding: self.attributes.index(finding.attribute or ""))
        return AuditResult(
            audit=self.name,
            name=self.name,
            findings=tuple(findings),
            observations=tuple(
                Observation(
                    cluster=probe.cluster,
                    arm=probe.arm,
                    attribute=None,
                    value=None,
                    outcome=rankings[probe.id].outcome,
                    measures=guesses[probe.cluster],
                    probe_id=probe.id,
                )
                for probe in asked
            ),
            validity=validity_funnel(asked, rankings),
            exchanges={},
            provenance={"audit": self._settings(probes)},
            warnings=tuple(warnings),
        )

    def _attack(
        self, attribute: str, values: Mapping[str, str | None], source: Source, attacker: str
    ) -> tuple[list[Finding], dict[str, float]]:
        """Return one attacker's findings and its score of every user's own value."""
        held = [values[user] for user in source.users]
        counts = Counter(value for value in held if value is not None)
        enough = {value for value, times in counts.items() if times >= 2 * self.folds}
        rows = [i for i, value in enumerate(held) if value in enough]
        names, labels = np.unique([str(held[row]) for row in rows], return_inverse=True)
        common: dict[str, Any] = {
            "level": self.level,
            "n": len(rows),
            "n_missing": len(values) - len(rows),
            "unit": "user",
        }
        metric = f"{source.name}_{attacker}"
        if len(names) < 2:
            reason = f"fewer than two values are had by {2 * self.folds} users with {source.name}"
            none = Estimate(None, reason=reason, **common)
            parts: dict[str, dict[str, Any]] = {s: {"estimate": none} for s in STATISTICS}
            scores: dict[str, float] = {}
        else:
            found = attack(
                source.features[rows],
                labels,
                attacker,
                generator(self.seed, self.name, attribute, metric),
                folds=self.folds,
                permutations=self._permutations(attacker),
                components=self.components,
            )
            common["method"] = (
                f"{self.folds}-fold cross-validation over users; score interval scaled to the "
                "spread of the AUC under permuted labels"
            )
            parts = _judged(found, common)
            users = [source.users[row] for row in rows]
            scores = dict(zip(users, found.scores.tolist(), strict=True))
        return [
            Finding(
                f"{self.name}.{attribute}.{metric}.{statistic}",
                audit=self.name,
                metric=metric,
                statistic=statistic,
                attribute=attribute,
                **part,
            )
            for statistic, part in parts.items()
        ], scores

    def _permutations(self, attacker: str) -> int:
        return self.permutations if attacker == "logistic" else self.boosting_permutations

    def _unusable(
        self,
        returned: Mapping[str, Sequence[Ranking]],
        profiles: Mapping[str, Mapping[str, str]],
    ) -> Iterable[str]:
        if silent := [user for user, rankings in returned.items() if not rankings]:
            yield f"{len(silent)} of {len(returned)} user(s) got no list: {_named(silent)}."
        answered = [user for user, rankings in returned.items() if rankings]
        for attribute in self.attributes:
            if lacking := [user for user in answered if attribute not in profiles[user]]:
                yield f"{len(lacking)} user(s) lack {attribute!r}: {_named(lacking)}."
            held = [profiles[user].get(attribute) for user in answered]
            counts = Counter(value for value in held if value is not None)
            if small := [f"{v} ({n})" for v, n in counts.items() if n < 2 * self.folds]:
                yield (
                    f"Values of {attribute!r} that fewer than {2 * self.folds} answered users "
                    f"have are left out: {_named(small)}."
                )
        lists = {ranking.items for rankings in returned.values() for ranking in rankings}
        if len(lists) == 1 and len(answered) > 1:
            yield "Every user got the same list: the recommender ignores whom it recommends to."

    def _too_few_permutations(self, attacker: str, family: Sequence[Finding]) -> Iterable[str]:
        tests = sum(finding.p_value is not None for finding in family)
        least = tests / (1 + self._permutations(attacker))
        if least > 0.05:
            yield (
                f"With {self._permutations(attacker)} permutations and {tests} tests no {attacker} "
                f"attacker can have an adjusted p-value below {min(1.0, least):.2f}: permute more."
            )

    def _settings(self, probes: Sequence[Probe]) -> dict[str, object]:
        return {
            "name": self.name,
            "users": len(self.users),
            "attributes": list(self.attributes),
            "template": {"system": self.template.system, "user": self.template.user},
            "k": self.k,
            "attackers": list(self.attackers),
            "folds": self.folds,
            "permutations": self.permutations,
            "boosting_permutations": self.boosting_permutations,
            "components": self.components,
            "level": self.level,
            "seed": self.seed,
            "probes": len(probes),
            "probes_hash": content_hash([probe.id for probe in probes]),
        }


def _judged(found: Attack, common: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the parts of the findings: the AUC, and |AUC - 0.5| with its test.

    The ends of the second are those of the first, folded at 0.5.
    """
    low, high = auc_interval(found.auc, found.null_aucs, common["n"], common["level"])
    advantage, null = abs(found.auc - 0.5), np.abs(found.null_aucs - 0.5)
    near, far = sorted((abs(low - 0.5), abs(high - 0.5)))
    return {
        "auc": {"estimate": Estimate(found.auc, low, high, **common)},
        "advantage": {
            "estimate": Estimate(
                advantage,
                0.0 if low <= 0.5 <= high else near,
                far,
                direction="lower",
                **common,
            ),
            "p_value": (1 + int((null >= advantage - 1e-12).sum())) / (1 + len(null)),
            "noise_floor": float(null.mean()),
        },
    }


def _left_out(
    probes: Sequence[Probe], neutral: Sequence[Probe], asked: Sequence[Probe]
) -> Iterable[str]:
    if stating := len(probes) - len(neutral):
        yield f"{stating} probe(s) that state or hint at something are left out."
    if strangers := sorted({p.cluster for p in neutral} - {p.cluster for p in asked}):
        yield (
            f"{len(strangers)} user(s) of the probes are not among the audit's users and are left "
            f"out: {_named(strangers)}."
        )


def _named(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
