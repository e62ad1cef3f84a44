"""Exposure: which items, and which groups of items, get the attention of those who are asked for?

Nobody's attribute is stated. What lists hold between them is added up by item and by group and held
against what groups deserve, which is for the user to say (`fairrec.metrics.merit`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from fairrec.audits.answered_lists import AnsweredLists, answered_lists, check_asked, list_probes
from fairrec.audits.asking import check_least, check_share, rankings_by_probe
from fairrec.audits.exposure_findings import ExposureJudge, check_different
from fairrec.audits.exposure_lists import ListJudge
from fairrec.audits.exposure_sums import ExposureSums
from fairrec.audits.exposure_warnings import about_lists, about_relevance
from fairrec.audits.funnel import validity_funnel
from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.item_groups import ItemGroups, group_items
from fairrec.metrics.item_lists import relevant_items
from fairrec.metrics.merit import (
    catalogue_shares,
    equal_shares,
    given_shares,
    interaction_shares,
    relevance_shares,
)
from fairrec.prompts import Template
from fairrec.results import AuditResult, Observation
from fairrec.types import Answer, Arm, Probe, content_hash
from fairrec.users import User

MERITS = ("catalogue", "equal", "interactions", "relevance")


@dataclass(frozen=True)
class ExposureAudit:
    """How is attention shared out among items and groups of items?

    Attributes:
        catalog: All items that could be recommended.
        template: The words; nothing is stated.
        users, topics: Who or what is asked for: one of the two, at least 2.
        candidates: Item ids to choose from by topic; users have their own.
        column: Column of the catalogue that groups items, several groups joined by ``|``, numbers
            cut into bands; None looks at items alone.
        browsing: How people read; items are judged by the first. Models that depend on relevance
            need users with held-out items.
        merit: What groups deserve, the main one first: some of "catalogue" (their share of items),
            "equal", "interactions", "relevance"; or the share of every group by its name.
        interactions: How often each item was consumed before, by id, for that merit.
        most_groups: Groups with findings of their own, the largest; the rest are one.
        k: Items asked for, and ranks that count; at least 1.
        repeats: How often the same prompt is asked again.
        draws: Bootstrap draws and random groupings.
        level: Confidence level of intervals, in (0, 1).
        seed: Run seed.

    Raises:
        BadData: A user is there twice, the column makes no groups, or shares do not fit them.
        WrongUse: A column or merit is unknown, what it needs is lacking, or a number is too low.
    """

    catalog: Catalog
    template: Template
    users: Sequence[User] = ()
    topics: Sequence[str] = ()
    candidates: Mapping[str, tuple[str, ...]] | None = None
    column: str | None = None
    browsing: Sequence[Browsing] = (Browsing("log2"),)
    merit: Sequence[str] | Mapping[str, float] = ("catalogue",)
    interactions: Mapping[str, float] | None = None
    most_groups: int = 20
    k: int = 20
    repeats: int = 1
    draws: int = 2_000
    level: float = 0.95
    seed: int = 0

    name = "exposure"

    def __post_init__(self) -> None:
        check_asked(self.users, self.topics)
        check_least(
            k=(self.k, 1),
            repeats=(self.repeats, 0),
            draws=(self.draws, 1),
            most_groups=(self.most_groups, 1),
        )
        check_share("level", self.level)
        unknown = [] if isinstance(self.merit, Mapping) else sorted({*self.merit} - {*MERITS})
        if unknown or not self.merit or not self.browsing:
            raise WrongUse(
                f"the merit is {list(self.merit)}, with {len(self.browsing)} browsing models.",
                expected=f"merit among {', '.join(MERITS)} or shares by group, and a model.",
            )
        check_different(self.browsing)
        wanted = () if isinstance(self.merit, Mapping) else self.merit
        if "interactions" in wanted and self.interactions is None:
            raise WrongUse(
                "merit by interactions was asked for, but they are not known.",
                expected="how often each item was consumed, by id.",
                do="give `interactions`, or choose another merit.",
            )
        needing = [str(model) for model in self.browsing if model.needs_relevance]
        needing += ["merit by relevance"] if "relevance" in wanted else []
        if needing and not any(user.held_out for user in self.users):
            raise WrongUse(
                f"{' and '.join(needing)}: nothing is known to be relevant.",
                expected="users with held-out items.",
                do="split the users' histories, or choose another model or merit.",
            )
        _ = self.groups, self.targets

    @cached_property
    def groups(self) -> ItemGroups | None:
        """The groups with findings of their own, and the others together."""
        if self.column is None:
            return None
        return group_items(self.catalog.column(self.column).tolist()).largest(self.most_groups)

    @cached_property
    def targets(self) -> dict[str, NDArray[np.float64]]:
        """Shares that the groups deserve, by name of the merit."""
        if self.groups is None:
            return {}
        if isinstance(self.merit, Mapping):
            return {"given": given_shares(self.merit, self.groups)}
        counts = [(self.interactions or {}).get(item, 0.0) for item in self.catalog.ids]
        made = {
            "catalogue": lambda groups: catalogue_shares(groups),
            "equal": lambda groups: equal_shares(groups),
            "interactions": lambda groups: interaction_shares(counts, groups),
            "relevance": lambda groups: relevance_shares(
                relevant_items([u.held_out for u in self.users], self._position), groups
            ),
        }
        return {name: made[name](self.groups) for name in dict.fromkeys(self.merit)}

    @cached_property
    def _position(self) -> dict[str, int]:
        return {item: place for place, item in enumerate(self.catalog.ids)}

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
        sums = ExposureSums(len(self.catalog), self.k, self.groups, self.browsing)
        relevant = self._relevant(answered)
        sums.update(answered.lists, answered.owner, relevant)
        how = {
            "unit": answered.unit,
            "draws": self.draws,
            "level": self.level,
            "seed": self.seed,
            "n": len(answered.owners) - answered.n_missing,
            "n_missing": answered.n_missing,
        }
        from_catalogue = all(probe.request.candidates is None for probe in answered.probes)
        lists = ListJudge(
            answered,
            again,
            self.groups,
            self.column or "items",
            self.browsing[0],
            relevant,
            self._relevant(again),
            {user.id: user.profile for user in self.users},
            from_catalogue=from_catalogue,
            **{key: value for key, value in how.items() if not key.startswith("n")},
        )
        judge = ExposureJudge(
            sums,
            self.column or "items",
            self.targets,
            moved=lists.moved(),
            from_catalogue=from_catalogue,
            **how,
        )
        findings = [*judge.items(), *judge.groups(), *lists.findings()]
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
                    measures=lists.measures(row),
                    probe_id=probe.id,
                )
                for row, probe in enumerate(answered.probes)
            ),
            validity=validity_funnel(answered.probes, rankings),
            exchanges={},
            provenance={"audit": self._settings(probes, judge)},
            warnings=(
                *about_lists(answered, self.groups, self.column, self._merged),
                *about_relevance(relevant, self.browsing, judge.targets, bool(again.probes)),
            ),
            tables=judge.tables(),
        )

    @property
    def _merged(self) -> int:
        """How many groups are shown as one."""
        if self.column is None or self.groups is None:
            return 0
        every = group_items(self.catalog.column(self.column).tolist())
        return max(0, int(every.known.sum()) - self.most_groups)

    def _relevant(self, answered: AnsweredLists) -> csr_matrix | None:
        """Return what is relevant to the user of each row, or None where nothing is known."""
        held = {user.id: user.held_out for user in self.users if user.held_out}
        if not held:
            return None
        return relevant_items(
            [held.get(probe.cluster, ()) for probe in answered.probes], self._position
        )

    def _settings(self, probes: Sequence[Probe], judge: ExposureJudge) -> dict[str, object]:
        return {
            "name": self.name,
            "users": len(self.users),
            "topics": len(self.topics),
            "catalog": {"items": len(self.catalog), "hash": self.catalog.content_hash},
            "column": self.column,
            "browsing": [str(model) for model in self.browsing],
            "merit": dict(self.merit) if isinstance(self.merit, Mapping) else list(self.merit),
            "targets": {
                name: dict(zip(judge.item_groups.names, _plain(judge.target(name)), strict=True))
                for name in judge.targets
            },
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


def _plain(shares: NDArray[np.float64]) -> list[float | None]:
    return [None if np.isnan(share) else share for share in shares.tolist()]
