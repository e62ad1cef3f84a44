"""Providers: whose items are shown, and does anybody get all or nothing?

A provider is what a column of the catalogue names: a distributor, an artist's country, a label.
Nothing is stated about users. Exposure is added up by provider and held against what providers
offer and against what a random grouping of the same items would show.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.answered_lists import AnsweredLists, answered_lists, check_asked, list_probes
from fairrec.audits.asking import check_least, check_share, rankings_by_probe
from fairrec.audits.funnel import validity_funnel
from fairrec.audits.provider_buckets import providers_named
from fairrec.audits.provider_exposure import ProviderExposure
from fairrec.audits.provider_market import Market
from fairrec.audits.provider_source import SourceBias, source_codes
from fairrec.audits.provider_warnings import (
    about_lists,
    about_minimum,
    about_providers,
    about_sources,
)
from fairrec.catalogs import Catalog
from fairrec.errors import BadData, WrongUse
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.concentration import lorenz_curve
from fairrec.metrics.item_groups import ItemGroups, group_items
from fairrec.metrics.merit import interaction_shares
from fairrec.prompts import Template
from fairrec.results import AuditResult, Finding, Observation
from fairrec.types import Answer, Arm, Probe, Ranking, content_hash
from fairrec.users import User

POINTS = 200
"""Points of a Lorenz curve."""

Table = Mapping[str, tuple[float | str | None, ...]]


@dataclass(frozen=True)
class ProviderAudit:
    """How is exposure shared out among providers?

    Attributes:
        catalog: All items that could be recommended.
        template: The words; nothing is stated.
        users, topics: Who or what is asked for: one of the two, at least 2.
        candidates: Item ids to choose from by topic; users have their own.
        column: Column of the catalogue that names providers. Numbers are names too; several are
            joined by ``|`` and share an item equally.
        minimum_alpha: Part of an equal share of all places that every provider, and every item,
            is promised, in [0, 1].
        browsing: How people read; it must not depend on relevance.
        interactions: How often each item was consumed before, by id: a second target beside the
            catalogue; None leaves it out.
        source_column: Column that says whether "human" or "llm" wrote an item's description; None
            leaves source bias out.
        most: Providers with findings of their own, those with most items; at least 1.
        k: Items asked for, and ranks that count; at least 1.
        repeats: How often the same prompt is asked again.
        draws: Bootstrap draws and random groupings.
        level: Confidence level of intervals, in (0, 1).
        seed: Run seed.

    Raises:
        BadData: A user is there twice, fewer than 2 providers are known, an interaction count is
            negative or missing, or no item has one of the two sources.
        WrongUse: A column is unknown, there are both users and topics or fewer than 2 of them,
            browsing depends on relevance, or a number is out of its range.
    """

    catalog: Catalog
    template: Template
    column: str
    users: Sequence[User] = ()
    topics: Sequence[str] = ()
    candidates: Mapping[str, tuple[str, ...]] | None = None
    minimum_alpha: float = 0.5
    browsing: Browsing = field(default_factory=Browsing)
    interactions: Mapping[str, float] | None = None
    source_column: str | None = None
    most: int = 20
    k: int = 20
    repeats: int = 1
    draws: int = 2_000
    level: float = 0.95
    seed: int = 0

    name = "provider"

    def __post_init__(self) -> None:
        check_asked(self.users, self.topics)
        check_least(
            k=(self.k, 1), draws=(self.draws, 1), repeats=(self.repeats, 0), most=(self.most, 1)
        )
        check_share("level", self.level)
        if not 0 <= self.minimum_alpha <= 1:
            raise WrongUse(
                f"the alpha of minimum exposure is {self.minimum_alpha}.", expected="in [0, 1]."
            )
        self.browsing.weights(1)  # says so if it needs relevance
        if int(self.groups.known.sum()) < 2:
            raise BadData(
                f"the column {self.column!r} names one provider alone.",
                expected="at least 2 providers to compare.",
                do="name another column.",
            )
        _ = self._interaction_shares, self._sources

    @cached_property
    def groups(self) -> ItemGroups:
        """All providers, "unknown" last where there is one."""
        return group_items([_name(value) for value in self.catalog.column(self.column).tolist()])

    @cached_property
    def shown(self) -> ItemGroups:
        """The providers with findings of their own, and the others together."""
        return self.groups.largest(self.most)

    @cached_property
    def _interaction_shares(self) -> NDArray[np.float64] | None:
        if self.interactions is None:
            return None
        counts = [self.interactions.get(item, 0.0) for item in self.catalog.ids]
        return interaction_shares(counts, self.shown)

    @cached_property
    def _sources(self) -> NDArray[np.int64] | None:
        if self.source_column is None:
            return None
        values = self.catalog.column(self.source_column).tolist()
        return source_codes(values, self.source_column)

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
        """Judge the neutral lists; those of repeats are what asking again alone changes."""
        rankings = rankings_by_probe(probes, list(answers))
        position = {item: place for place, item in enumerate(self.catalog.ids)}
        answered = answered_lists(probes, rankings, position, self.k)
        again = answered_lists(probes, rankings, position, self.k, arm=Arm.REPEAT)
        exposure = ProviderExposure(
            self.name,
            self.column,
            answered,
            again,
            self.groups,
            self.shown,
            self.browsing,
            self._interaction_shares,
            self.draws,
            self.level,
            self.seed,
        )
        market = Market(
            self.name,
            self.column,
            answered,
            self.groups,
            self.minimum_alpha,
            self.k,
            self.draws,
            self.level,
            self.seed,
        )
        shares, group_exposure = exposure.shares()
        findings = [
            *exposure.concentration(),
            *shares,
            *market.minima(),
            *market.users(rankings),
            *self._source_findings(answered, rankings),
        ]
        amounts = exposure.item_amounts()
        sides = (int(self.groups.known.sum()), len(self.catalog))
        return AuditResult(
            audit=self.name,
            name=self.name,
            findings=tuple(findings),
            observations=self._observations(answered, rankings),
            validity=validity_funnel(answered.probes, rankings),
            exchanges={},
            tables={
                "lorenz": _lorenz(self.groups.totals(amounts)[self.groups.known]),
                "group_exposure": group_exposure,
            },
            provenance={"audit": self._settings(probes)},
            warnings=(
                *about_lists(answered, again),
                *about_providers(self.groups, self.shown, amounts, self.column),
                *about_minimum(
                    [f"{sides[0]} values of {self.column}", f"{sides[1]} items"],
                    [market.promised(n) for n in sides],
                    self.minimum_alpha,
                ),
                *(() if self._sources is None else about_sources(self._sources, self._source)),
            ),
        )

    @property
    def _source(self) -> str:
        return self.source_column or ""

    def _source_findings(
        self, answered: AnsweredLists, rankings: Mapping[str, Ranking]
    ) -> list[Finding]:
        if self._sources is None:
            return []
        return SourceBias(
            self.name,
            self._source,
            answered,
            self._sources,
            {user.id: user.held_out for user in self.users},
            self.catalog.ids,
            self.browsing,
            self.k,
            self.draws,
            self.level,
            self.seed,
        ).findings(rankings)

    def _observations(
        self, answered: AnsweredLists, rankings: Mapping[str, Ranking]
    ) -> tuple[Observation, ...]:
        """Return how many providers each list names, and how many places are off the catalogue."""
        held = answered.lists
        off = (held.lengths - held.known.sum(axis=1)).tolist()
        named = providers_named(held, self.groups).tolist()
        return tuple(
            Observation(
                cluster=probe.cluster,
                arm=probe.arm,
                attribute=None,
                value=None,
                outcome=rankings[probe.id].outcome,
                measures={
                    "providers": float(providers) if here else None,
                    "off_catalogue": float(places) if here else None,
                },
                probe_id=probe.id,
            )
            for probe, here, places, providers in zip(
                answered.probes, answered.answered.tolist(), off, named, strict=True
            )
        )

    def _settings(self, probes: Sequence[Probe]) -> dict[str, object]:
        return {
            "name": self.name,
            "users": len(self.users),
            "topics": list(self.topics),
            "catalog": self.catalog.content_hash,
            "catalog_size": len(self.catalog),
            "column": self.column,
            "providers": int(self.groups.known.sum()),
            "most": self.most,
            "minimum_alpha": self.minimum_alpha,
            "browsing": str(self.browsing),
            "merit": ["catalogue"] + ["interactions"] * (self.interactions is not None),
            "source_column": self.source_column,
            "template": {"system": self.template.system, "user": self.template.user},
            "k": self.k,
            "repeats": self.repeats,
            "draws": self.draws,
            "level": self.level,
            "seed": self.seed,
            "probes": len(probes),
            "probes_hash": content_hash([probe.id for probe in probes]),
        }


def _name(value: object) -> object:
    """Return a number as a name: providers are no quantities to be cut into bands."""
    if isinstance(value, Real) and np.isfinite(float(value)):
        return f"{float(value):.15g}"
    return value


def _lorenz(amounts: NDArray[np.float64]) -> Table:
    """Return the points of the curve of providers; none where nothing was recommended."""
    if amounts.sum() > 0:
        items, exposure = (part.tolist() for part in lorenz_curve(amounts, POINTS))
    else:
        items, exposure = [], []
    return {
        "curve": ("providers",) * len(items),
        "share_of_items": tuple(items),
        "share_of_exposure": tuple(exposure),
    }
