"""Group utility: are some groups of users served less well than others?

Nobody's attribute is stated: every user is asked for once, and their list is measured against the
items that they went on to like. What is compared is what different users get, so a difference
can come from the recommender or from users who are harder to serve; control features compare like
with like.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.asking import (
    check_audited,
    check_least,
    check_share,
    rankings_by_probe,
    user_request,
)
from fairrec.audits.families import adjusted
from fairrec.audits.funnel import validity_funnel
from fairrec.audits.group_utility_comparison import GroupComparison, members_of
from fairrec.audits.group_utility_warnings import (
    about_control,
    about_coverage,
    about_groups,
    about_probes,
    worst_off,
)
from fairrec.audits.intersections import NAMES, with_intersections
from fairrec.audits.missingness import answered_finding, worst_case_finding
from fairrec.errors import BadData, WrongUse
from fairrec.evidence.inequality import inequality_estimates
from fairrec.metrics.utility import UTILITIES, relevance_matrix
from fairrec.prompts import Template
from fairrec.results import AuditResult, Finding, Observation
from fairrec.seeds import generator
from fairrec.types import Answer, Arm, Outcome, Probe, Ranking, content_hash, is_off_catalogue
from fairrec.users import User

Values = NDArray[np.float64]
MAIN = "ndcg"
"""The measure whose worst case over missing answers is reported."""


@dataclass(frozen=True)
class GroupUtilityAudit:
    """How useful are the lists to the users of each group, and to each user?

    Attributes:
        users: With attributes in their profiles and held-out items; at least 2.
        attributes: Names of the attributes that make groups.
        template: The words; the place of the attribute stays neutral.
        k: Items asked for, and ranks that count; at least 1.
        titles: Item titles by id, for the words.
        catalog_size: Items in the catalogue, for coverage; None leaves coverage out.
        control_features: Names of attributes within whose levels groups are compared too.
        intersections: Attributes that make groups together, such as ``[("gender", "age")]``.
        minimum_group_size: Users with a value that a group needs to be compared; at least 2.
        draws: Bootstrap and permutation draws.
        level: Confidence level of intervals, in (0, 1).
        seed: Run seed.

    Raises:
        BadData: A user is there twice, nobody has one of the attributes or held-out items.
        WrongUse: Fewer than 2 users, no attribute, an intersection of fewer than two attributes,
            or numbers below the least ones named here.
    """

    users: Sequence[User]
    attributes: Sequence[str]
    template: Template
    k: int = 20
    titles: Mapping[str, str] = field(default_factory=dict)
    catalog_size: int | None = None
    control_features: Sequence[str] = ()
    intersections: Sequence[Sequence[str]] = ()
    minimum_group_size: int = 10
    draws: int = 10_000
    level: float = 0.95
    seed: int = 0

    name = "group_utility"

    def __post_init__(self) -> None:
        check_audited(self.users, self.attributes)
        if self.control_features:
            check_audited(self.users, self.control_features)
        for parts in self.intersections:
            if isinstance(parts, str) or len(set(parts)) < 2:
                raise WrongUse(
                    f"an intersection is {parts!r}.",
                    expected='at least two different attributes, such as ("gender", "age").',
                )
        check_audited(self._grouped, self._names)
        check_least(
            k=(self.k, 1),
            draws=(self.draws, 1),
            minimum_group_size=(self.minimum_group_size, 2),
            catalog_size=(1 if self.catalog_size is None else self.catalog_size, 1),
        )
        check_share("level", self.level)
        if not any(user.held_out for user in self.users):
            raise BadData(
                "no user has held-out items.",
                expected="items that users went on to like: utility is measured against them.",
                do="split the users' histories, or run an audit that needs no ground truth.",
            )

    @property
    def _names(self) -> list[str]:
        """The attributes and intersections, each once."""
        return list(dict.fromkeys([*self.attributes, *map(NAMES.join, self.intersections)]))

    @property
    def _grouped(self) -> list[User]:
        """The users with their values of intersections."""
        return with_intersections(self.users, self.intersections)

    def plan(self) -> list[Probe]:
        """Return one neutral prompt per user."""
        return [
            Probe(
                user_request(user, self.template, self.k, titles=self.titles), Arm.NEUTRAL, user.id
            )
            for user in self.users
        ]

    def judge(self, probes: Sequence[Probe], answers: Iterable[Answer]) -> AuditResult:
        """Judge each user's neutral probes, or where there are none at all, the sensitive ones."""
        rankings = rankings_by_probe(probes, list(answers))
        known = {user.id for user in self.users}
        neutral = [probe for probe in probes if probe.arm is Arm.NEUTRAL]
        used = neutral or [probe for probe in probes if probe.arm is Arm.SENSITIVE]
        asked: dict[str, list[Probe]] = {}
        for probe in used:
            if probe.cluster in known:
                asked.setdefault(probe.cluster, []).append(probe)
        of_user = [asked.get(user.id, []) for user in self.users]
        utilities = self._utilities(of_user, rankings)
        listed = [
            next((_items(rankings[p.id], self.k) for p in some if _is_list(rankings[p.id])), _NONE)
            for some in of_user
        ]
        answered = np.array(
            [
                float(np.mean([_is_list(rankings[p.id]) for p in some])) if some else np.nan
                for some in of_user
            ]
        )
        findings = [
            *self._group_findings(utilities, listed),
            *self._missing_findings(utilities[MAIN], answered),
            *self._user_findings(utilities),
        ]
        judged = [probe for some in of_user for probe in some]
        return AuditResult(
            audit=self.name,
            name=self.name,
            findings=tuple(findings),
            observations=tuple(
                Observation(
                    cluster=user.id,
                    arm=some[0].arm,
                    attribute=None,
                    value=None,
                    outcome=next(
                        (Outcome.ANSWERED for p in some if _is_list(rankings[p.id])),
                        rankings[some[0].id].outcome,
                    ),
                    measures={
                        name: None if np.isnan(values[row]) else float(values[row])
                        for name, values in utilities.items()
                    },
                    probe_id=some[0].id,
                )
                for row, (user, some) in enumerate(zip(self.users, of_user, strict=True))
                if some
            ),
            validity=validity_funnel(judged, rankings),
            exchanges={},
            provenance={"audit": self._settings(probes)},
            warnings=(
                *about_probes(self.users, probes, used, answered),
                *about_groups(self._grouped, self._names, utilities[MAIN], self.minimum_group_size),
                *about_control(self.users, self.control_features),
                *about_coverage(listed, self.catalog_size),
                *worst_off(findings),
            ),
        )

    def _utilities(
        self, of_user: Sequence[Sequence[Probe]], rankings: Mapping[str, Ranking]
    ) -> dict[str, Values]:
        """Return each user's utility by measure, the mean over what was answered; else NaN."""
        lists = [rankings[probe.id] for some in of_user for probe in some]
        relevant = [
            user.held_out for user, some in zip(self.users, of_user, strict=True) for _ in some
        ]
        hits, n_relevant = relevance_matrix(lists, relevant, self.k)
        sizes = [len(some) for some in of_user]
        row = np.repeat(np.arange(len(sizes)), sizes)
        here = ~np.isnan(n_relevant)
        count = np.bincount(row[here], minlength=len(sizes))
        found = {}
        for name, measure in UTILITIES.items():
            total = np.bincount(row[here], measure(hits, n_relevant)[here], minlength=len(sizes))
            found[name] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        return found

    def _group_findings(
        self, utilities: Mapping[str, Values], listed: Sequence[frozenset[str]]
    ) -> list[Finding]:
        overall: list[Finding] = []
        within: list[Finding] = []
        for name in self._names:
            labels = self._labels(name)
            comparison = self._comparison(name, labels, name)
            for metric, values in utilities.items():
                overall += comparison.findings(metric, values)
            if self.catalog_size is not None:
                overall += comparison.coverage(listed, self.catalog_size)
            for feature in self.control_features:
                if feature in name.split(NAMES):
                    continue
                levels = np.array([user.profile.get(feature) or "" for user in self.users])
                for level in sorted(set(levels.tolist()) - {""}):
                    words = f"{feature}={level}"
                    some = self._comparison(name, labels, words, levels == level)
                    for metric, values in utilities.items():
                        within += some.within(metric, values, words)
        return [
            *adjusted(overall, "differences between groups over attributes and measures"),
            *adjusted(within, "differences between groups within levels of control features"),
        ]

    def _missing_findings(self, values: Values, answered: Values) -> list[Finding]:
        """Return how unequally groups were answered, and what that can hide at worst."""
        shares, worst = [], []
        truth = np.array([bool(user.held_out) for user in self.users])
        for name in self._names:
            members = members_of(self._labels(name))
            table, share = (np.full((len(values), len(members)), np.nan) for _ in range(2))
            asked = np.zeros(table.shape, dtype=bool)
            for column, rows in enumerate(members.values()):
                if len(rows) >= self.minimum_group_size:
                    share[rows, column] = answered[rows]
                    table[rows, column] = values[rows]
                    asked[rows, column] = truth[rows] & ~np.isnan(answered[rows])
            rng = generator(self.seed, self.name, "missing", name)
            shares.append(answered_finding(self.name, name, share, rng, self.draws))
            worst.append(
                worst_case_finding(self.name, name, MAIN, table, rng, self.draws, asked=asked)
            )
        return [*adjusted(shares, "share of answers over attributes"), *worst]

    def _user_findings(self, utilities: Mapping[str, Values]) -> list[Finding]:
        return [
            Finding(
                f"{self.name}.users.{metric}.{statistic}",
                audit=self.name,
                metric=metric,
                statistic=statistic,
                estimate=estimate,
            )
            for metric, values in utilities.items()
            for statistic, estimate in inequality_estimates(
                values,
                generator(self.seed, self.name, "users", metric),
                min(self.draws, 2000),
                level=self.level,
            ).items()
        ]

    def _labels(self, name: str) -> list[str | None]:
        return [user.profile.get(name) for user in self._grouped]

    def _comparison(
        self,
        name: str,
        labels: Sequence[str | None],
        purpose: str,
        within: NDArray[np.bool_] | None = None,
    ) -> GroupComparison:
        return GroupComparison(
            self.name,
            name,
            members_of(labels, within),
            self.minimum_group_size,
            generator(self.seed, self.name, name, purpose),
            self.draws,
            self.level,
        )

    def _settings(self, probes: Sequence[Probe]) -> dict[str, object]:
        return {
            "name": self.name,
            "users": len(self.users),
            "attributes": list(self.attributes),
            "intersections": [list(parts) for parts in self.intersections],
            "control_features": list(self.control_features),
            "template": {"system": self.template.system, "user": self.template.user},
            "k": self.k,
            "catalog_size": self.catalog_size,
            "minimum_group_size": self.minimum_group_size,
            "draws": self.draws,
            "level": self.level,
            "seed": self.seed,
            "probes": len(probes),
            "probes_hash": content_hash([probe.id for probe in probes]),
        }


_NONE: frozenset[str] = frozenset()


def _is_list(ranking: Ranking) -> bool:
    return ranking.outcome is Outcome.ANSWERED


def _items(ranking: Ranking, k: int) -> frozenset[str]:
    return frozenset(item for item in ranking.items[:k] if not is_off_catalogue(item))
