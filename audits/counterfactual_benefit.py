"""The benefit that users have of their lists, and how it changes with what is stated.

Deldjoo and Di Noia, "CFaiRLLM", 2024: benefit is a measure of utility against items that the user
went on to like. NSD is the benefit with the user's own value stated less the benefit with
nothing stated; NCSD is that with another value stated less that with the own one. Fair is a
difference of nothing, or at least the same difference for every group.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.contrasts import finite, in_order, mean_present, wording
from fairrec.audits.excess import finding_id
from fairrec.audits.families import adjusted
from fairrec.evidence import equivalence_p, mean_estimate
from fairrec.evidence.differences import paired_test, welch_difference
from fairrec.metrics.utility import (
    hit_rate,
    ndcg_at_k,
    reciprocal_rank,
    relevance_matrix,
)
from fairrec.results import Finding
from fairrec.types import Arm, Probe, Ranking

BENEFITS = ("hit_rate", "ndcg", "reciprocal_rank")
ALIGNMENT = "alignment"
DIFFERENCES = ("nsd", "ncsd")

Benefits = Mapping[str, Mapping[str, float | None]]
Differences = Mapping[str, NDArray[np.float64]]


def benefits(
    probes: Sequence[Probe],
    rankings: Mapping[str, Ranking],
    held_out: Mapping[str, Sequence[str]],
    k: int,
) -> dict[str, dict[str, float | None]]:
    """Return each probe's benefit by measure; None without a list or without ground truth.

    Besides hit rate, NDCG and reciprocal rank at k, `alignment` is the Jaccard similarity of
    the list to the user's held-out items (true preference alignment, CFaiRLLM).
    """
    liked = [frozenset(held_out.get(probe.cluster, ())) for probe in probes]
    lists = [rankings[probe.id] for probe in probes]
    relevant, n_relevant = relevance_matrix(lists, liked, k)
    measured = {
        "hit_rate": hit_rate(relevant, n_relevant),
        "ndcg": ndcg_at_k(relevant, n_relevant),
        "reciprocal_rank": reciprocal_rank(relevant, n_relevant),
    }
    found: dict[str, dict[str, float | None]] = {}
    for i, (probe, ranking, some) in enumerate(zip(probes, lists, liked, strict=True)):
        row = {name: finite(values[i]) for name, values in measured.items()}
        items = set(ranking.items[:k])
        row[ALIGNMENT] = len(items & some) / len(items | some) if items and some else None
        found[probe.id] = row
    return found


def benefit_findings(
    audit: str,
    attributes: Sequence[str],
    probes: Sequence[Probe],
    benefit: Benefits,
    own: Mapping[str, Mapping[str, str]],
    *,
    minimum_group_size: int,
    margin: float,
    rng: np.random.Generator,
    draws: int,
) -> list[Finding]:
    """Return the differences of benefit per group and between groups, and the alignment per arm.

    Args:
        audit: Name of the audit.
        attributes: Sensitive attributes that are stated.
        probes: What was asked.
        benefit: What `benefits` returned.
        own: Users' own profiles by id.
        minimum_group_size: Smallest group that is reported.
        margin: Difference that counts as none.
        rng: Source of the draws.
        draws: Bootstrap draws.
    """
    users = in_order(probe.cluster for probe in probes)
    findings: list[Finding] = []
    for attribute in attributes:
        groups = _groups(attribute, users, own, minimum_group_size)
        for metric in BENEFITS:
            arms = _arms(attribute, metric, probes, benefit, users)
            differences = {
                "nsd": mean_present(arms["factual"] - arms["neutral"], 1),
                "ncsd": mean_present(arms["counterfactual"] - arms["factual"], 1),
            }
            for name in DIFFERENCES:
                values = differences[name]
                within = [
                    Finding(
                        id=finding_id(audit, attribute, group, metric, name),
                        audit=audit,
                        metric=metric,
                        statistic=name,
                        attribute=attribute,
                        value=group,
                        estimate=mean_estimate(
                            values[members], rng, draws, unit="user", direction=""
                        ),
                        p_value=paired_test(values[members]),
                        margin=margin,
                        p_equivalent=equivalence_p(values[members], margin),
                        noise_floor=0.0,
                    )
                    for group, members in groups.items()
                ]
                findings += adjusted(within, f"{name} of {metric} over groups of {attribute}")
                between = [
                    _gap(audit, attribute, metric, name, pair, values, groups)
                    for pair in combinations(groups, 2)
                ]
                findings += adjusted(between, f"{name} of {metric} between groups of {attribute}")
        findings += _alignments(audit, attribute, probes, benefit, users, rng, draws)
    return findings


def _gap(
    audit: str,
    attribute: str,
    metric: str,
    name: str,
    pair: tuple[str, str],
    values: NDArray[np.float64],
    groups: Mapping[str, NDArray[np.intp]],
) -> Finding:
    estimate, p_value = welch_difference(values[groups[pair[0]]], values[groups[pair[1]]])
    both = f"{pair[0]} - {pair[1]}"
    return Finding(
        id=finding_id(audit, attribute, both, metric, f"{name}_gap"),
        audit=audit,
        metric=metric,
        statistic=f"{name}_gap",
        attribute=attribute,
        value=both,
        estimate=estimate,
        p_value=p_value,
        noise_floor=0.0,
    )


def _alignments(
    audit: str,
    attribute: str,
    probes: Sequence[Probe],
    benefit: Benefits,
    users: Sequence[str],
    rng: np.random.Generator,
    draws: int,
) -> Iterable[Finding]:
    arms = _arms(attribute, ALIGNMENT, probes, benefit, users)
    for arm, table in arms.items():
        yield Finding(
            id=finding_id(audit, attribute, None, ALIGNMENT, arm),
            audit=audit,
            metric=ALIGNMENT,
            statistic=arm,
            attribute=attribute,
            estimate=mean_estimate(mean_present(table, 1), rng, draws, unit="user"),
        )


def _groups(
    attribute: str, users: Sequence[str], own: Mapping[str, Mapping[str, str]], minimum: int
) -> dict[str, NDArray[np.intp]]:
    """Return the rows of the users of each group that is large enough, by name of the group."""
    members: dict[str, list[int]] = {}
    for row, user in enumerate(users):
        value = own.get(user, {}).get(attribute)
        if value is not None:
            members.setdefault(value, []).append(row)
    return {
        value: np.array(rows, dtype=np.intp)
        for value, rows in sorted(members.items())
        if len(rows) >= minimum
    }


def small_groups(
    attribute: str, users: Sequence[str], own: Mapping[str, Mapping[str, str]], minimum: int
) -> list[str]:
    """Return the groups that are too small to be reported, with their sizes, in words."""
    every, large = (_groups(attribute, users, own, least) for least in (1, minimum))
    return [f"{value} ({len(rows)})" for value, rows in every.items() if value not in large]


def _arms(
    attribute: str,
    metric: str,
    probes: Sequence[Probe],
    benefit: Benefits,
    users: Sequence[str],
) -> dict[str, NDArray[np.float64]]:
    """Return the benefit by arm, users x wordings; over the counterfactual values its mean."""
    rows = {user: row for row, user in enumerate(users)}
    layers = {name: layer for layer, name in enumerate(in_order(map(wording, probes)))}
    shape = (len(rows), len(layers))
    names = {
        Arm.NEUTRAL: "neutral",
        Arm.SENSITIVE: "factual",
        Arm.COUNTERFACTUAL: "counterfactual",
    }
    total = {name: np.zeros(shape) for name in names.values()}
    count = {name: np.zeros(shape) for name in names.values()}
    for probe in probes:
        name = names.get(probe.arm)
        if name is None or probe.attribute not in (None, attribute):
            continue
        value = benefit[probe.id][metric]
        if value is not None:
            where = rows[probe.cluster], layers[wording(probe)]
            total[name][where] += value
            count[name][where] += 1
    return {
        name: np.where(count[name] > 0, total[name] / np.maximum(count[name], 1), np.nan)
        for name in names.values()
    }
