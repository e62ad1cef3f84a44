"""Grounding: does a recommender name items that exist, and those that it was to choose from?

A language model that writes titles makes some of them up, names others twice, and strays from the
candidates or back into the history it was shown. Where this happens more to some users, or to items
of some groups, these are served less well by it, whatever the rest of the list is worth.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fairrec.audits.answered_lists import list_probes
from fairrec.audits.asking import (
    check_audited,
    check_least,
    check_share,
    rankings_by_probe,
)
from fairrec.audits.funnel import validity_funnel
from fairrec.audits.grounding_findings import BY_ITEM, BY_RANK, GroundingJudge, Table
from fairrec.audits.grounding_pieces import KINDS, read_pieces
from fairrec.audits.grounding_warnings import about_answers, about_groups, about_sizes, worst_off
from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.metrics.item_groups import ItemGroups, group_items
from fairrec.prompts import Template
from fairrec.results import AuditResult, Finding, Observation
from fairrec.types import Answer, Arm, Outcome, Probe, Ranking, content_hash
from fairrec.users import User

MOST_GROUPS = 50
"""Item groups that are told apart: the largest; the rest are one group."""


@dataclass(frozen=True)
class GroundingAudit:
    """What are the titles that a recommender names: items, inventions, repeats?

    Attributes:
        catalog: The items that exist.
        template: The words; nothing is stated.
        users: Who is asked for; or
        topics: what is asked about. At least 2 of either.
        candidates: Item ids to choose from by topic; users have their own.
        k: Items asked for.
        repeats: How often the same is asked again, for the noise floor.
        column: Column of the catalogue that groups items, or None.
        attributes: Names of the profile attributes that group users.
        minimum_group_size: Users or topics with a share that a group needs to be compared; at least
            2.
        draws: Bootstrap and permutation draws.
        level: Confidence level of intervals, in (0, 1).
        seed: Run seed.

    Raises:
        BadData: A user is there twice, or nobody has one of the attributes.
        WrongUse: Fewer than 2 users or topics, an unknown column, attributes of topics, or numbers
            below the least ones.
    """

    catalog: Catalog
    template: Template
    users: Sequence[User] = ()
    topics: Sequence[str] = ()
    candidates: Mapping[str, tuple[str, ...]] | None = None
    k: int = 20
    repeats: int = 1
    column: str | None = None
    attributes: Sequence[str] = ()
    minimum_group_size: int = 5
    draws: int = 2_000
    level: float = 0.95
    seed: int = 0

    name = "grounding"

    def __post_init__(self) -> None:
        check_least(
            k=(self.k, 1),
            repeats=(self.repeats, 0),
            draws=(self.draws, 1),
            minimum_group_size=(self.minimum_group_size, 2),
        )
        check_share("level", self.level)
        if self.users:
            check_audited(self.users, list(self.attributes) or None)
        elif self.attributes:
            raise WrongUse(
                f"attributes of topics were asked for: {', '.join(self.attributes)}.",
                expected="users with attributes, or no attributes.",
                do="name users, or leave the attributes out.",
            )
        self.plan()
        _ = self._groups

    @cached_property
    def _groups(self) -> ItemGroups | None:
        if self.column is None:
            return None
        return group_items(self.catalog.column(self.column).tolist()).largest(MOST_GROUPS)

    def plan(self) -> list[Probe]:
        """Return one neutral prompt per user or topic, and its repeats."""
        return list_probes(
            self.users,
            self.topics,
            self.template,
            self.k,
            titles=dict(zip(self.catalog.ids, self.catalog.titles, strict=True)),
            candidates=self.candidates,
            repeats=self.repeats,
        )

    def judge(self, probes: Sequence[Probe], answers: Iterable[Answer]) -> AuditResult:
        """Judge the neutral probes, or where there are none at all, the sensitive ones."""
        rankings = rankings_by_probe(probes, list(answers))
        neutral = [probe for probe in probes if probe.arm is Arm.NEUTRAL]
        used = neutral or [probe for probe in probes if probe.arm is Arm.SENSITIVE]
        repeats = [probe for probe in probes if probe.arm is Arm.REPEAT]
        owners = [user.id for user in self.users] or list(self.topics)
        known = frozenset(owners)
        used, again = (
            [probe for probe in some if probe.cluster in known] for some in (used, repeats)
        )
        pieces, repeated = (
            read_pieces(some, rankings, owners, self.catalog) for some in (used, again)
        )
        shares = pieces.shares()
        unit = "user" if self.users else "topic"
        judge = GroundingJudge(
            self.name, unit, self.draws, self.level, self.seed, self.minimum_group_size
        )
        labels = {name: [user.profile.get(name) for user in self.users] for name in self.attributes}
        findings = [
            *judge.overall(shares, repeated.shares()),
            *judge.by_rank(pieces, self.k),
            *judge.by_user_group(shares, labels),
        ]
        if self._groups is not None:
            findings += judge.by_item_group(pieces, str(self.column), self._groups)
        return AuditResult(
            audit=self.name,
            name=self.name,
            findings=tuple(findings),
            observations=_observations(used, rankings, owners, shares),
            validity=validity_funnel(used, rankings),
            exchanges={},
            tables={"by_group": _by_group(findings, [*self.attributes, self.column, "rank"])},
            provenance={"audit": self._settings(probes)},
            warnings=(
                *about_answers(probes, used, again, rankings, len(owners), unit),
                *about_groups(pieces, self._groups),
                *about_sizes(findings, self.minimum_group_size, unit),
                *worst_off(findings, self.minimum_group_size),
            ),
        )

    def _settings(self, probes: Sequence[Probe]) -> dict[str, object]:
        return {
            "name": self.name,
            "users": len(self.users),
            "topics": len(self.topics),
            "catalog": self.catalog.content_hash,
            "template": {"system": self.template.system, "user": self.template.user},
            "k": self.k,
            "repeats": self.repeats,
            "column": self.column,
            "most_item_groups": MOST_GROUPS,
            "attributes": list(self.attributes),
            "minimum_group_size": self.minimum_group_size,
            "compared_by_rank": list(BY_RANK),
            "compared_by_item_group": list(BY_ITEM),
            "draws": self.draws,
            "level": self.level,
            "seed": self.seed,
            "probes": len(probes),
            "probes_hash": content_hash([probe.id for probe in probes]),
        }


def _observations(
    used: Sequence[Probe],
    rankings: Mapping[str, Ranking],
    owners: Sequence[str],
    shares: Table,
) -> tuple[Observation, ...]:
    """Return one row per user or topic with its shares, under its first probe."""
    of_owner: dict[str, list[Probe]] = {}
    for probe in used:
        of_owner.setdefault(probe.cluster, []).append(probe)
    number = {name: place for place, name in enumerate(owners)}
    return tuple(
        Observation(
            cluster=name,
            arm=some[0].arm,
            attribute=None,
            value=None,
            outcome=next(
                (Outcome.ANSWERED for p in some if rankings[p.id].outcome is Outcome.ANSWERED),
                rankings[some[0].id].outcome,
            ),
            measures={
                kind: None if np.isnan(value) else value
                for kind, value in zip(KINDS, shares[number[name]].tolist(), strict=True)
            },
            probe_id=some[0].id,
        )
        for name, some in of_owner.items()
    )


def _by_group(
    findings: Sequence[Finding], about: Sequence[str | None]
) -> dict[str, tuple[float | str | None, ...]]:
    """Return the shares of groups as columns, kind by kind."""
    rows = [
        (str(f.value), f"{f.metric} by {f.attribute}", f.estimate)
        for name in about
        for f in findings
        if f.attribute == name and f.statistic == "share" and f.value is not None
    ]
    rows.sort(key=lambda row: row[1].split(" by ")[0] != "hallucinated")
    return {
        "group": tuple(group for group, *_ in rows),
        "subject": tuple(subject for _, subject, _ in rows),
        "share": tuple(estimate.value for *_, estimate in rows),
        "low": tuple(estimate.low for *_, estimate in rows),
        "high": tuple(estimate.high for *_, estimate in rows),
    }
