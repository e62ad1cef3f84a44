"""Popularity: is what is popular favoured, beyond what users' own histories explain?

Nobody's attribute is stated. What lists hold is looked at by how often items were consumed: on
average and place by place, head against tail, against each user's own history and against what they
went on to like; and a regression says which groups get more than their popularity explains.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.answered_lists import AnsweredLists, answered_lists, check_asked, list_probes
from fairrec.audits.asking import check_audited, check_least, check_share, rankings_by_probe
from fairrec.audits.exposure_warnings import about_lists
from fairrec.audits.funnel import validity_funnel
from fairrec.audits.popularity_effects import effect_findings, opportunities
from fairrec.audits.popularity_findings import PopularityJudge
from fairrec.audits.popularity_lists import ListPopularity
from fairrec.audits.popularity_regression import popularity_regression
from fairrec.audits.popularity_sums import PopularitySums
from fairrec.audits.popularity_users import UserJudge
from fairrec.audits.popularity_warnings import about_groups, about_histories
from fairrec.catalogs import Catalog
from fairrec.errors import BadData, WrongUse
from fairrec.metrics.item_groups import ItemGroups, group_items
from fairrec.metrics.item_lists import END, ItemLists, item_lists, relevant_items
from fairrec.metrics.popularity_parts import (
    PopularityParts,
    split_by_interactions,
    split_by_items,
)
from fairrec.prompts import Template
from fairrec.results import AuditResult, Finding, Observation
from fairrec.types import Answer, Arm, Probe, content_hash
from fairrec.users import User

Values = NDArray[np.float64]


@dataclass(frozen=True)
class PopularityAudit:
    """How popular is what is recommended, and for whom?

    Attributes:
        catalog: All items that could be recommended.
        template: The words; nothing is stated.
        popularity: How often each item was consumed, by id; items left out never were.
        users, topics: Who or what is asked for: one of the two, at least 2. Comparisons with
            histories need users.
        candidates: Item ids to choose from by topic; users have their own.
        split: Shares at which the head (and the middle) of the catalogue ends.
        by: Of what these are shares: "interactions" or "items".
        column: Column of the catalogue whose groups are compared, or None.
        quality: A number by item id, such as its mean rating, that popularity is told apart from.
        attributes: Attributes of users whose groups are compared.
        most_groups: Groups of items with findings of their own, the largest; the rest are one.
        k: Items asked for, and ranks that count; at least 1.
        repeats: How often the same prompt is asked again.
        draws: Bootstrap draws.
        level: Confidence level of intervals, in (0, 1).
        seed: Run seed.

    Raises:
        BadData: A user is there twice, nobody has one of the attributes, a popularity is no number
            of at least 0, nothing was ever consumed, or the column makes no groups.
        WrongUse: The column is unknown or called "items", topics have attributes, or a number is
            out of its range.
    """

    catalog: Catalog
    template: Template
    popularity: Mapping[str, float]
    users: Sequence[User] = ()
    topics: Sequence[str] = ()
    candidates: Mapping[str, tuple[str, ...]] | None = None
    split: Sequence[float] = (0.2, 0.8)
    by: Literal["interactions", "items"] = "interactions"
    column: str | None = None
    quality: Mapping[str, float] | None = None
    attributes: Sequence[str] = ()
    most_groups: int = 20
    k: int = 20
    repeats: int = 1
    draws: int = 2_000
    level: float = 0.95
    seed: int = 0

    name = "popularity"

    def __post_init__(self) -> None:
        check_asked(self.users, self.topics)
        if self.users and self.attributes:
            check_audited(self.users, self.attributes)
        elif self.attributes:
            raise WrongUse(
                f"attributes of topics were asked for: {', '.join(self.attributes)}.",
                expected="users with attributes, or no attributes.",
                do="name users, or leave the attributes out.",
            )
        check_least(
            k=(self.k, 1),
            repeats=(self.repeats, 0),
            draws=(self.draws, 1),
            most_groups=(self.most_groups, 1),
        )
        check_share("level", self.level)
        if self.by not in ("interactions", "items"):
            raise WrongUse(
                f"the catalogue is split by {self.by!r}.", expected="'interactions' or 'items'."
            )
        wrong = [i for i, n in self.popularity.items() if not (math.isfinite(n) and n >= 0)]
        if wrong:
            raise BadData(
                f"{len(wrong)} item(s) have a popularity that is no finite number of at least 0: "
                f"{', '.join(map(repr, wrong[:5]))}.",
                expected="how often each item was consumed.",
                do="leave out items that were never consumed.",
            )
        if not self._popularity.sum() > 0:
            raise BadData(
                "no item of the catalogue was ever consumed.",
                expected="how often items were consumed, by id, for some of them.",
                do="check that the ids are those of the catalogue.",
            )
        if self.column == "items":
            raise WrongUse(
                "the column is called 'items', as what concerns all items is.",
                expected="a column of another name.",
            )
        _ = self.parts, self.groups

    @cached_property
    def _position(self) -> dict[str, int]:
        return {item: place for place, item in enumerate(self.catalog.ids)}

    @cached_property
    def _popularity(self) -> Values:
        return np.array([float(self.popularity.get(item, 0.0)) for item in self.catalog.ids])

    @cached_property
    def parts(self) -> PopularityParts:
        """Head, middle and tail of the catalogue."""
        split = split_by_interactions if self.by == "interactions" else split_by_items
        return split(self._popularity, self.split)

    @cached_property
    def groups(self) -> ItemGroups | None:
        """Groups of the column, the small ones together."""
        if self.column is None:
            return None
        return group_items(self.catalog.column(self.column).tolist()).largest(self.most_groups)

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
        """Judge the neutral lists; those of repeats say what asking again alone changes."""
        rankings = rankings_by_probe(probes, list(answers))
        answered = answered_lists(probes, rankings, self._position, self.k)
        again = answered_lists(probes, rankings, self._position, self.k, arm=Arm.REPEAT)
        known = {user.id: user for user in self.users}
        liked = [known[p.cluster].held_out if p.cluster in known else () for p in answered.probes]
        relevant = relevant_items(liked, self._position) if any(liked) else None
        had = [known[p.cluster].history if p.cluster in known else () for p in answered.probes]
        sums = PopularitySums(self._popularity, self.parts)
        sums.update(
            answered.lists, answered.owner, relevant, self._lists_of(had) if any(had) else None
        )
        how: dict[str, Any] = {
            "unit": answered.unit,
            "draws": self.draws,
            "level": self.level,
            "seed": self.seed,
        }
        judge = PopularityJudge(
            sums, n=len(answered.owners) - answered.n_missing, n_missing=answered.n_missing, **how
        )
        of_users = self._of_users(answered, known, how)
        lists = ListPopularity(answered, again, relevant, self._popularity, **how)
        regression, curve = self._regression(answered, sums.counts)
        tables = judge.tables()
        if curve:
            tables["popularity_fit"] = curve
        rows = of_users.calibration_rows()
        if rows and "calibration" in tables:
            more = zip(*rows, strict=True)
            tables["calibration"] = {
                name: (*column, *added)
                for (name, column), added in zip(tables["calibration"].items(), more, strict=True)
            }
        return AuditResult(
            audit=self.name,
            name=self.name,
            findings=(*judge.findings(), *lists.findings(), *of_users.findings(), *regression),
            observations=tuple(
                Observation(
                    cluster=probe.cluster,
                    arm=probe.arm,
                    attribute=None,
                    value=None,
                    outcome=rankings[probe.id].outcome,
                    measures=of_users.measures(int(answered.owner[row])),
                    probe_id=probe.id,
                )
                for row, probe in enumerate(answered.probes)
            ),
            validity=validity_funnel(answered.probes, rankings),
            exchanges={},
            provenance={"audit": self._settings(probes)},
            warnings=(
                *about_lists(answered, None, None, 0),
                *about_histories(of_users.histories, self._popularity, bool(self.users)),
                *about_groups(self.attributes, of_users.profiles, of_users.both),
            ),
            tables=tables,
        )

    def _of_users(
        self, answered: AnsweredLists, known: Mapping[str, User], how: dict[str, Any]
    ) -> UserJudge:
        """Return the judge of lists against histories; the first list of each user counts."""
        users = [known.get(owner, User(owner)) for owner in answered.owners]
        first = np.full((len(users), answered.lists.k), END, dtype=np.int32)
        for row in np.flatnonzero(answered.answered)[::-1]:
            first[answered.owner[row]] = answered.lists.items[row]
        return UserJudge(
            ItemLists(first, len(self.catalog)),
            self._lists_of([user.history for user in users]),
            self._lists_of([user.held_out for user in users]),
            self._popularity,
            self.parts,
            self.groups,
            self.column or "",
            [user.profile for user in users],
            self.attributes,
            **how,
        )

    def _lists_of(self, items: Sequence[Sequence[str]]) -> ItemLists:
        """Return what users had or liked, every item of the catalogue once."""
        held = [tuple(dict.fromkeys(i for i in some if i in self._position)) for some in items]
        return item_lists(held, self._position, max([1, *map(len, held)]))

    def _regression(
        self, answered: AnsweredLists, counts: Values
    ) -> tuple[list[Finding], dict[str, tuple[float, ...]]]:
        """Return rate ratios of popularity, quality and groups, and the fitted curve."""
        quality = None
        if self.quality is not None:
            quality = np.array([self.quality.get(item, np.nan) for item in self.catalog.ids])
        pools = [
            probe.request.candidates
            for probe, there in zip(answered.probes, answered.answered, strict=True)
            if there
        ]
        found = popularity_regression(
            counts,
            self._popularity,
            self.groups,
            quality,
            opportunities(pools, self._position),
            level=self.level,
        )
        return effect_findings(found, self.column or ""), dict(found.curve)

    def _settings(self, probes: Sequence[Probe]) -> dict[str, object]:
        return {
            "name": self.name,
            "users": len(self.users),
            "topics": len(self.topics),
            "catalog": {"items": len(self.catalog), "hash": self.catalog.content_hash},
            "interactions": float(self._popularity.sum()),
            "parts": self.parts.definition,
            "column": self.column,
            "quality": self.quality is not None,
            "attributes": list(self.attributes),
            "most_groups": self.most_groups,
            "template": {"system": self.template.system, "user": self.template.user},
            "k": self.k,
            "repeats": self.repeats,
            "draws": self.draws,
            "level": self.level,
            "seed": self.seed,
            "probes": len(probes),
            "probes_hash": content_hash([probe.id for probe in probes]),
        }
