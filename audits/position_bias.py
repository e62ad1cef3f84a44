"""Position bias: does the order in which candidates are shown decide how they are ranked?

A recommender that reads a list of candidates and ranks them should rank them alike in whatever
order it reads them. Two things are asked of the same candidates. With the true item, the one that
the user went on to like, moved to chosen places and all others as they were, accuracy by place says
which places are favoured. With all candidates in random orders, the answers say how much of a rank
comes from the order, beyond what asking the same again changes.

Hou, Zhang, Lin, Lu, Xie, McAuley and Zhao, "Large Language Models are Zero-Shot Rankers for
Recommender Systems", ECIR 2024 (LLMRank), section 4: 20 candidates, the true item at place 0, 5,
10, 15 or 19.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

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
from fairrec.audits.missingness import answered_finding
from fairrec.audits.pairs import exchanges_behind, worst_pairs
from fairrec.audits.position_bias_answers import (
    ACCURACIES,
    DESIGN,
    ORDER,
    PLACED,
    POSITION,
    SHUFFLED,
    Asked,
    Table,
    accuracies,
    asked_orders,
    listed_orders,
    strayed,
)
from fairrec.audits.position_bias_findings import PositionJudge
from fairrec.audits.position_bias_orders import (
    check_candidates,
    different_orders,
    placed_orders,
)
from fairrec.audits.position_bias_warnings import about_answers, about_design, about_positions
from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.prompts import Template
from fairrec.results import AuditResult, Example, Finding, Observation
from fairrec.seeds import generator
from fairrec.types import Answer, Arm, Probe, Ranking, content_hash
from fairrec.users import User


@dataclass(frozen=True)
class PositionBiasAudit:
    """How far does the order of the candidates decide the answer?

    Attributes:
        users: With candidates, the first held-out item among which is the true one; at least 2.
        catalog: The items, for their titles.
        template: The words, with a place for the candidates.
        k: Items asked for, of fewer candidates all; NDCG and the reciprocal rank count this far.
        positions: Places of the true item among the candidates, from 0; at least 2 different ones.
        shuffles: Random orders of the candidates, all different; at least 2.
        repeats: How often the first of these orders is asked again, for the noise floor; at least
            1.
        top: First ranks whose items are compared by Jaccard's index.
        draws: Bootstrap and permutation draws.
        level: Confidence level of intervals, in (0, 1).
        seed: Run seed.

    Raises:
        BadData: A user is there twice, or has no candidates, one twice, or none held out.
        WrongUse: Fewer than 2 users, too few candidates for the positions or shuffles, a template
            without a place for candidates, or numbers below the least ones named here.
    """

    users: Sequence[User]
    catalog: Catalog
    template: Template
    k: int = 20
    positions: Sequence[int] = (0, 5, 10, 15, 19)
    shuffles: int = 5
    repeats: int = 1
    top: int = 5
    draws: int = 2_000
    level: float = 0.95
    seed: int = 0

    name = "position_bias"

    def __post_init__(self) -> None:
        check_audited(self.users, None)
        check_least(
            k=(self.k, 1),
            shuffles=(self.shuffles, 2),
            repeats=(self.repeats, 1),
            top=(self.top, 1),
            draws=(self.draws, 1),
        )
        check_share("level", self.level)
        if len(set(self.positions)) < max(2, len(self.positions)) or min(self.positions) < 0:
            raise WrongUse(
                f"the positions are {list(self.positions)}.",
                expected="at least 2 different whole numbers from 0.",
            )
        if "candidates" not in self.template.fields:
            raise WrongUse(
                f"the template {self.template.user!r} does not show the candidates.",
                expected="a place for {candidates}: their order is what is looked at.",
                do="add it to the template's user turn.",
            )
        check_candidates(self.users, self.positions, self.shuffles)

    def plan(self) -> list[Probe]:
        """Return each user's prompts: true item at each place, random orders, and repeats."""
        titles = dict(zip(self.catalog.ids, self.catalog.titles, strict=True))
        probes = []

        def ask(
            user: User, shown: tuple[str, ...], slots: Mapping[str, str], replicate: int = 0
        ) -> None:
            request = user_request(
                replace(user, candidates=shown),
                self.template,
                min(self.k, len(shown)),
                titles=titles,
                slots=slots,
                replicate=replicate,
            )
            probes.append(Probe(request, Arm.REPEAT if replicate else Arm.NEUTRAL, user.id))

        for user in self.users:
            rng = generator(self.seed, self.name, PLACED, user.id)
            orders = placed_orders(user, self.positions, rng)
            for position, order in zip(self.positions, orders, strict=True):
                ask(user, order, {DESIGN: PLACED, POSITION: str(position)})
            rng = generator(self.seed, self.name, SHUFFLED, user.id)
            shuffled = different_orders(user.candidates or (), self.shuffles, rng)
            for number, order in enumerate(shuffled):
                for replicate in range(self.repeats + 1 if number == 0 else 1):
                    ask(user, order, {DESIGN: SHUFFLED, ORDER: str(number)}, replicate)
        return probes

    def judge(self, probes: Sequence[Probe], answers: Iterable[Answer]) -> AuditResult:
        """Judge the answers; where a place or an order was not asked, by the others."""
        rankings = rankings_by_probe(probes, list(answers))
        asked = asked_orders(self.users, probes, self.positions)
        judge = PositionJudge(self.name, self.draws, self.level, self.seed, self.top)
        tables, answered = accuracies(self.users, asked, rankings, self.k)
        strays = self._strays(asked, rankings)
        listed = listed_orders(self.users, asked, rankings)
        findings = [
            *judge.accuracy(tables, asked.positions, listed.sizes.astype(float)),
            *adjusted(
                [
                    answered_finding(
                        self.name,
                        "position",
                        answered,
                        generator(self.seed, self.name, "answered"),
                        self.draws,
                    )
                ],
                "share of answers over positions",
            ),
        ]
        sensitivity, effects = judge.sensitivity(listed)
        findings += [*judge.copied(listed), *sensitivity, *judge.strays(strays)]
        examples = self._examples(asked, effects["rbo"])
        findings = [
            replace(found, examples=examples)
            if (found.metric, found.statistic) == ("rbo", "order_excess")
            else found
            for found in findings
        ]
        titles = dict(zip(self.catalog.ids, self.catalog.titles, strict=True))
        return AuditResult(
            audit=self.name,
            name=self.name,
            findings=tuple(findings),
            observations=self._observations(asked, rankings, tables),
            validity=validity_funnel(asked.probes, rankings),
            exchanges=exchanges_behind(findings, probes, rankings, titles),
            tables={"position_curve": _curve(findings)},
            provenance={"audit": self._settings(probes)},
            warnings=(
                *about_design(self.users, asked),
                *about_answers(asked, rankings),
                *about_positions(findings),
            ),
        )

    def _strays(self, asked: Asked, rankings: Mapping[str, Ranking]) -> dict[str, Table]:
        """Return each user's mean share of items that are no candidates, and of those left out."""
        row = {user.id: place for place, user in enumerate(self.users)}
        owner = np.array([row[probe.cluster] for probe in asked.probes], dtype=np.intp)
        shares = np.array(
            [strayed(probe, rankings[probe.id]) for probe in asked.probes], dtype=float
        ).reshape(-1, 2)
        there = ~np.isnan(shares[:, 0])
        count = np.bincount(owner[there], minlength=len(row))
        found = {}
        for name, values in zip(("out_of_candidates", "left_out"), shares.T, strict=True):
            total = np.bincount(owner[there], values[there], minlength=len(row))
            found[name] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        return found

    def _examples(self, asked: Asked, rbo: Table) -> tuple[Example, ...]:
        """Return the users whose answers to two orders are least alike."""
        first, *others = asked.orders or ("",)
        return worst_pairs(
            (
                asked.shuffled[user, order, 0],
                asked.shuffled[user, first, 0],
                float(rbo[user, column]),
            )
            for user in range(len(self.users))
            for column, order in enumerate(others)
            if {(user, order, 0), (user, first, 0)} <= asked.shuffled.keys()
        )

    def _observations(
        self, asked: Asked, rankings: Mapping[str, Ranking], tables: Mapping[str, Table]
    ) -> tuple[Observation, ...]:
        cell = {
            probe.id: (user, asked.positions.index(position))
            for (user, position), probe in asked.placed.items()
        }
        rows = []
        for probe in asked.probes:
            ranking = rankings[probe.id]
            outside, left = strayed(probe, ranking)
            measures = {"out_of_candidates": outside, "left_out": left}
            for name in ACCURACIES:
                measures[name] = tables[name][cell[probe.id]] if probe.id in cell else np.nan
            rows.append(
                Observation(
                    cluster=probe.cluster,
                    arm=probe.arm,
                    attribute=POSITION if probe.id in cell else ORDER,
                    value=probe.request.slots.get(POSITION if probe.id in cell else ORDER),
                    outcome=ranking.outcome,
                    measures={
                        name: None if np.isnan(value) else float(value)
                        for name, value in measures.items()
                    },
                    probe_id=probe.id,
                )
            )
        return tuple(rows)

    def _settings(self, probes: Sequence[Probe]) -> dict[str, object]:
        return {
            "name": self.name,
            "users": len(self.users),
            "catalog": self.catalog.content_hash,
            "template": {"system": self.template.system, "user": self.template.user},
            "k": self.k,
            "positions": list(self.positions),
            "shuffles": self.shuffles,
            "repeats": self.repeats,
            "top": self.top,
            "truth": "first held-out item among the candidates",
            "left_out_candidates": "tie at the end of the list",
            "draws": self.draws,
            "level": self.level,
            "seed": self.seed,
            "probes": len(probes),
            "probes_hash": content_hash([probe.id for probe in probes]),
        }


def _curve(findings: Sequence[Finding]) -> dict[str, tuple[float | str | None, ...]]:
    """Return how often the true item came first, by where it stood."""
    means = [f for f in findings if (f.metric, f.statistic) == (ACCURACIES[0], "mean")]
    estimates = [finding.estimate for finding in means]
    return {
        "position": tuple(float(finding.value or 0) for finding in means),
        "accuracy": tuple(estimate.value for estimate in estimates),
        "low": tuple(estimate.low for estimate in estimates),
        "high": tuple(estimate.high for estimate in estimates),
    }
