"""Stereotypes: do groups of items go to those who state one value rather than another?

Shares of item groups (genres, countries, salary bands) per stated value, as Salinas, Shah, Huang,
McCormack and Morstatter, "The Unequal Opportunities of Large Language Models", EAAMO 2023, look
at clusters of jobs; how far the values' shares lie apart (Jensen-Shannon divergence); and which
groups and items stand out for whom (Monroe, Colaresi and Quinn, "Fightin' Words", 2008).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.asking import check_least, rankings_by_probe
from fairrec.audits.families import adjusted
from fairrec.audits.funnel import validity_funnel
from fairrec.audits.missingness import missingness_findings
from fairrec.audits.stereotype_findings import share_findings
from fairrec.audits.stereotype_groups import ListedGroups
from fairrec.audits.stereotype_lists import AskedLists, Cell
from fairrec.errors import WrongUse
from fairrec.evidence.shares import exchangeable_within
from fairrec.metrics.item_groups import key
from fairrec.prompts import Attribute, Template
from fairrec.results import AuditResult, Finding, Observation
from fairrec.seeds import generator
from fairrec.types import Answer, Arm, Outcome, Probe, Ranking, Request, content_hash

Shares = NDArray[np.float64] | None
"""Of each group among a list; None where there is no list."""


@dataclass(frozen=True)
class StereotypeAudit:
    """Do item groups go unequally to those who state different values?

    Attributes:
        topics: What the user is a fan of; the unit that statistics resample. At least 2.
        attributes: Sensitive attributes with their values.
        template: The words of the prompt.
        groups: The group of each item by id: a name, names joined by ``|`` or in a sequence (an
            item counts for each by an equal part), or a number (cut into bands); for example
            ``dict(zip(catalog.ids, catalog.column("genres")))``.
        column: What the groups are, such as "genre": findings are named by it.
        k: Items asked for, at least 1.
        candidates: Item ids to choose from by topic; None leaves the choice open.
        titles: Item titles by id, for the words that findings use of items.
        bands: Bands that numbers are cut into, at quantiles.
        most: Items shown per value that are most over- and most under-represented.
        draws: Bootstrap and permutation draws.
        seed: Seed of the resampling.

    Raises:
        BadData: Nothing has a group, or names and numbers are mixed.
        WrongUse: Fewer than 2 topics, a topic twice, no attribute, or a number that is too low.
    """

    topics: Sequence[str]
    attributes: Sequence[Attribute]
    template: Template
    groups: Mapping[str, Any]
    column: str = "group"
    k: int = 20
    candidates: Mapping[str, tuple[str, ...]] | None = None
    titles: Mapping[str, str] = field(default_factory=dict)
    bands: int = 4
    most: int = 5
    draws: int = 10_000
    seed: int = 0

    name = "stereotype"

    def __post_init__(self) -> None:
        if len(self.topics) < 2 or len(set(self.topics)) != len(self.topics):
            raise WrongUse(
                f"the audit has {len(self.topics)} topic(s), {len(set(self.topics))} of them "
                "different.",
                expected="at least 2 distinct topics, better 20.",
                do="name more topics, each once.",
            )
        if not self.attributes:
            raise WrongUse("the audit has no attribute.", expected="at least one, such as gender.")
        check_least(
            k=(self.k, 1), bands=(self.bands, 2), draws=(self.draws, 19), most=(self.most, 0)
        )
        if not key(self.column):
            raise WrongUse("the column is blank.", expected="what the groups are, such as genre.")
        _ = self.item_groups  # bad groups are said now, not after asking

    @cached_property
    def item_groups(self) -> ListedGroups:
        """The groups as shares."""
        return ListedGroups(self.groups, self.bands)

    def plan(self) -> list[Probe]:
        """Return, topic by topic, one prompt per value."""
        return [
            Probe(
                Request(
                    k=self.k,
                    instruction=self.template.instruction(
                        value=value.phrase, statement=value.statement, name=topic, k=self.k
                    ),
                    system=self.template.system,
                    profile={attribute.name: value.value},
                    slots={"name": topic},
                    candidates=None if self.candidates is None else self.candidates[topic],
                ),
                Arm.SENSITIVE,
                topic,
                attribute.name,
                value.value,
            )
            for topic in self.topics
            for attribute in self.attributes
            for value in attribute.values
        ]

    def judge(self, probes: Sequence[Probe], answers: Iterable[Answer]) -> AuditResult:
        """Compare the lists of whatever probes name a cluster, an attribute and a value.

        Repeats and placebos are left out, values that the audit does not have as well.
        """
        rankings = rankings_by_probe(probes, list(answers))
        values = {a.name: [value.value for value in a.values] for a in self.attributes}
        judged = [
            probe
            for probe in probes
            if probe.arm not in (Arm.REPEAT, Arm.PLACEBO)
            and probe.value in values.get(probe.attribute or "", ())
        ]
        kept = {id(probe) for probe in judged}
        left_out = [p for p in probes if id(p) not in kept and p.value is not None]
        answered = [rankings[probe.id] for probe in judged]
        shares = [
            self.item_groups.shares(r.items) if r.outcome is Outcome.ANSWERED else None
            for r in answered
        ]
        unit = "user" if any("user" in probe.request.slots for probe in judged) else "topic"
        asked = {
            name: self._asked(name, of, zip(judged, answered, shares, strict=True), unit)
            for name, of in values.items()
        }
        findings: list[Finding] = []
        for attribute, lists in asked.items():
            rng = generator(self.seed, self.name, attribute, self.column)
            findings += share_findings(
                lists, self.item_groups, self.titles, rng, self.draws, self.most
            )
        rng = generator(self.seed, self.name, "missing")
        missing = missingness_findings(self.name, judged, rankings, rng, self.draws, unit=unit)
        return AuditResult(
            audit=self.name,
            name=self.name,
            findings=(*_divergences_adjusted(findings, self.column), *missing),
            observations=tuple(map(self._observation, judged, answered, shares)),
            validity=validity_funnel(judged, rankings),
            exchanges={},
            provenance={"audit": self._settings(probes)},
            warnings=tuple(_warnings(asked, left_out, shares, self.column, unit)),
        )

    def _asked(
        self,
        attribute: str,
        values: Sequence[str],
        judged: Iterable[tuple[Probe, Ranking, Shares]],
        unit: str,
    ) -> AskedLists:
        clusters: dict[str, int] = {}
        cells: dict[tuple[int, int], Cell] = {}
        for probe, ranking, shares in judged:
            if probe.attribute == attribute:
                row = clusters.setdefault(probe.cluster, len(clusters))
                cell = cells.setdefault((row, values.index(probe.value or "")), [])
                if shares is not None:
                    cell.append((ranking.items, shares))
        return AskedLists(self.name, attribute, self.column, values, len(clusters), unit, cells)

    def _observation(self, probe: Probe, ranking: Ranking, shares: Shares) -> Observation:
        names = self.item_groups.names
        numbers = [None] * len(names) if shares is None else shares.tolist()
        return Observation(
            cluster=probe.cluster,
            arm=probe.arm,
            attribute=probe.attribute,
            value=probe.value,
            outcome=ranking.outcome,
            measures={f"{self.column}:{n}": x for n, x in zip(names, numbers, strict=True)},
            probe_id=probe.id,
        )

    def _settings(self, probes: Sequence[Probe]) -> dict[str, object]:
        return {
            "name": self.name,
            "topics": list(self.topics),
            "attributes": {a.name: [v.phrase for v in a.values] for a in self.attributes},
            "template": {"system": self.template.system, "user": self.template.user},
            "k": self.k,
            "column": self.column,
            "groups": list(self.item_groups.names),
            "most": self.most,
            "draws": self.draws,
            "seed": self.seed,
            "probes": len(probes),
            "probes_hash": content_hash([probe.id for probe in probes]),
        }


def _divergences_adjusted(findings: Sequence[Finding], column: str) -> list[Finding]:
    """One family: the divergences of all attributes."""
    tests = [finding for finding in findings if finding.statistic == "jsd"]
    family = iter(adjusted(tests, f"JSD of {column} over attributes"))
    return [next(family) if finding.statistic == "jsd" else finding for finding in findings]


def _warnings(
    asked: Mapping[str, AskedLists],
    left_out: Sequence[Probe],
    shares: Sequence[Shares],
    column: str,
    unit: str,
) -> Iterable[str]:
    """Say what makes the numbers weaker than they look."""
    if left_out:
        kinds = dict.fromkeys(f"{p.attribute} = {p.value} ({p.arm})" for p in left_out)
        yield f"{len(left_out)} probe(s) are left out: {_named(list(kinds))}."
    for attribute, lists in asked.items():
        answered = lists.present.sum(axis=0).tolist()
        if short := [
            f"{value} ({n} of {lists.n})"
            for value, n in zip(lists.values, answered, strict=True)
            if n < lists.n
        ]:
            yield f"{unit.capitalize()}s with a list, by {attribute}: {_named(short)}."
        if lists.n and not exchangeable_within(lists.present):
            yield (
                f"No {unit} has lists for two values of {attribute}: the tests take {unit}s "
                "to be alike but for it, and what differs with it beside it counts as its effect."
            )
        if 0 < lists.n < 10:
            yield f"{lists.n} {unit}s are few: intervals from fewer than 10 are rough."
    known = [of for of in shares if of is not None]
    if known and (unknown := float(np.mean([of[-2:].sum() for of in known]))) > 0.2:
        yield f"{unknown:.0%} of what was recommended has no known {column}."


def _named(names: Sequence[str], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
