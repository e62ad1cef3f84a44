"""Answers that are missing as findings: do some values get no list more often than others?

Measures of lists are over the lists there are. If a recommender refuses some groups more, that is
unequal treatment which no similarity shows, and it bends every other number; hence the worst case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.families import adjusted
from fairrec.evidence import answered_estimate, answered_test, worst_case_estimate
from fairrec.results import Estimate, Finding
from fairrec.types import Arm, Outcome, Probe, Ranking

STATING = (Arm.SENSITIVE, Arm.COUNTERFACTUAL, Arm.CUE)
"""Arms whose answers are counted: repeats and placebos are not asked for every value alike."""


def missingness_findings(
    audit: str,
    probes: Sequence[Probe],
    rankings: Mapping[str, Ranking],
    rng: np.random.Generator,
    draws: int = 10_000,
    *,
    unit: str = "user",
) -> list[Finding]:
    """Return per attribute how unequal the values' shares of answered requests are.

    The finding ``<audit>.<attribute>.answered.range`` holds the range of the shares over the
    values, tested against "whether an answer comes does not depend on the value"; the noise floor
    is the range that chance makes. Together they are one family.

    Args:
        audit: Name of the audit.
        probes: What was planned; those that state an attribute count, see `STATING`.
        rankings: Answers by probe id.
        rng: Source of the draws.
        draws: Bootstrap and permutation draws.
        unit: What a cluster is.
    """
    tables = answered_tables(probes, rankings)
    findings = [
        answered_finding(audit, attribute, table, rng, draws, unit=unit)
        for attribute, table in tables.items()
    ]
    return adjusted(findings, "share of answers over attributes")


def answered_tables(
    probes: Sequence[Probe], rankings: Mapping[str, Ranking]
) -> dict[str, NDArray[np.float64]]:
    """Return per attribute the share of answered requests, clusters x values.

    An entry is NaN where a cluster was not asked with a value. Rows and columns are in the order
    of their first probe.
    """
    told: dict[str, dict[tuple[str, str], list[bool]]] = {}
    for probe in probes:
        if probe.arm in STATING and probe.attribute is not None and probe.value is not None:
            cells = told.setdefault(probe.attribute, {})
            answered = rankings[probe.id].outcome is Outcome.ANSWERED
            cells.setdefault((probe.cluster, probe.value), []).append(answered)
    return {attribute: _table(cells) for attribute, cells in told.items()}


def answered_finding(
    audit: str,
    attribute: str,
    answered: NDArray[np.float64],
    rng: np.random.Generator,
    draws: int = 10_000,
    *,
    unit: str = "user",
) -> Finding:
    """Return the finding of one attribute, for audits that know whom each row is about.

    Args:
        audit, attribute: What the finding is of.
        answered: Clusters x values, share of answered requests; NaN where none was asked. Groups
            of different users have one entry a row.
        rng: Source of the draws.
        draws: Bootstrap and permutation draws.
        unit: What a cluster is.
    """
    test = answered_test(answered, rng, draws)
    return Finding(
        id=".".join((audit, attribute.replace(" ", "_"), "answered", "range")),
        audit=audit,
        metric="answered",
        statistic="range",
        attribute=attribute,
        estimate=answered_estimate(answered, rng, draws, unit=unit),
        p_value=test.p_value,
        noise_floor=test.null_mean,
    )


def worst_case_finding(
    audit: str,
    attribute: str,
    metric: str,
    values: NDArray[np.float64],
    rng: np.random.Generator,
    draws: int = 10_000,
    *,
    low: float = 0.0,
    high: float = 1.0,
    asked: NDArray[np.bool_] | None = None,
    unit: str = "user",
) -> Finding:
    """Return ``<audit>.<attribute>.<metric>.worst_case``: the range of the values' means.

    Its interval holds whatever the missing values can be, see `worst_case_estimate`.

    Args:
        audit, attribute, metric: What the finding is of.
        values: Clusters x values, NaN where missing.
        rng: Source of the draws.
        draws: Bootstrap draws.
        low, high: What a value can be.
        asked: False where nothing was asked; every missing value counts as asked when None.
        unit: What a cluster is.
    """
    columns = values.shape[1] if asked is None else int((asked | ~np.isnan(values)).any(0).sum())
    if columns < 2:
        reason = "fewer than two values were asked for"
        estimate = Estimate(None, reason=reason, unit=unit, direction="lower")
    else:
        estimate = worst_case_estimate(
            values, rng, draws, low=low, high=high, asked=asked, unit=unit
        )
    return Finding(
        id=".".join((audit, attribute.replace(" ", "_"), metric, "worst_case")),
        audit=audit,
        metric=metric,
        statistic="worst_case",
        attribute=attribute,
        estimate=estimate,
    )


def _table(cells: Mapping[tuple[str, str], Sequence[bool]]) -> NDArray[np.float64]:
    clusters = {cluster: row for row, cluster in enumerate(dict.fromkeys(c for c, _ in cells))}
    values = {value: column for column, value in enumerate(dict.fromkeys(v for _, v in cells))}
    table = np.full((len(clusters), len(values)), np.nan)
    for (cluster, value), answered in cells.items():
        table[clusters[cluster], values[value]] = np.mean(answered)
    return table
