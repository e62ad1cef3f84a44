"""The value types of judging: frozen, plain, without behaviour.

An audit judges answers into `Observation` rows and `Finding`s that carry `Estimate`s; an
`AuditResult` holds them all, with the `Validity` of the answers they rest on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from fairrec.types import Arm, Outcome

if TYPE_CHECKING:
    import pandas

SCHEMA_VERSION = 1
"""Version of the JSON form of `AuditResult`; raised when a reader of the old form would fail."""


class Verdict(StrEnum):
    """What a gate decides. A finding that no gate names has no verdict."""

    PASS = "pass"
    FAIL = "fail"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Observation:
    """One row of the tidy table that findings are computed from.

    Attributes:
        cluster: The unit that statistics resample (topic or user).
        arm: Which arm the row describes.
        attribute: Sensitive attribute, or None.
        value: Its value, or None.
        outcome: What became of the request.
        measures: Measured quantities by name; None where the quantity is missing.
        probe_id: Where the row comes from.
    """

    cluster: str
    arm: Arm
    attribute: str | None
    value: str | None
    outcome: Outcome
    measures: Mapping[str, float | None]
    probe_id: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its uncertainty; never a bare float in a result.

    Attributes:
        value: Point estimate; None when undefined, and then `reason` says why.
        low: Lower end of the interval, or None when there is no interval.
        high: Upper end of the interval, or None.
        level: Confidence level of the interval, in (0, 1).
        method: How the interval was made.
        n: Units the estimate rests on.
        n_missing: Units that had to be left out.
        unit: What one unit of `n` is, such as "topic".
        direction: "lower" or "higher" is fairer, or "" when neither is.
        reason: Why `value` or the interval is missing.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    method: str = ""
    n: int = 0
    n_missing: int = 0
    unit: str = ""
    direction: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        for name in ("value", "low", "high"):
            number = getattr(self, name)
            if number is not None and not math.isfinite(number):
                raise ValueError(f"Estimate.{name} is {number}; use None and say why in `reason`")
        if self.value is None and not self.reason:
            raise ValueError("an Estimate without a value says why in `reason`")


@dataclass(frozen=True, slots=True)
class Example:
    """One pair of lists behind a finding, worst first in `Finding.examples`."""

    cluster: str
    value: str
    measure: float
    probe_id: str
    reference_probe_id: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One question the audit answers.

    Attributes:
        id: Dotted name a gate can address, such as ``sensitivity.gender.jaccard.snsr``.
        audit: Audit that found it.
        metric: Metric, such as ``jaccard``.
        statistic: What is said of the metric, such as ``snsr`` or ``mean``.
        attribute: Sensitive attribute, or None.
        value: Attribute value, or None when the finding is about all of them.
        estimate: The number and its interval.
        p_value: Of the test against "no effect", or None when none is made.
        p_adjusted: Holm-adjusted within `family`: guards against any false alarm.
        q_value: Benjamini-Hochberg-adjusted within `family`: guards the share of false alarms.
        family: Declared family of tests that the adjustments cover.
        margin: Half-width of the band around "no effect" that counts as equivalent, or None.
        p_equivalent: Of two one-sided tests that the effect lies within the margin, or None.
        noise_floor: What the statistic is on average when nothing differs, or None.
        verdict: What the gate decided; None when no gate names the finding.
        gate: The gate's own words.
        examples: The pairs that drive the number.
    """

    id: str
    audit: str
    metric: str
    statistic: str
    estimate: Estimate
    attribute: str | None = None
    value: str | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    q_value: float | None = None
    family: str | None = None
    margin: float | None = None
    p_equivalent: float | None = None
    noise_floor: float | None = None
    verdict: Verdict | None = None
    gate: str | None = None
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Validity:
    """The funnel of one group: how many probes were asked and what became of them.

    Attributes:
        attribute: Sensitive attribute, or None for the neutral arm.
        value: Its value, or None.
        asked: Number of probes.
        outcomes: Count per `Outcome` value.
        recommended: Pieces of text or items in the answered lists, repeats included.
        off_catalogue: Those that match no catalogue item.
        ambiguous: Those that match several catalogue items equally well.
        repeated: Those that name an item a second time in one list.
    """

    attribute: str | None
    value: str | None
    asked: int
    outcomes: Mapping[str, int]
    recommended: int = 0
    off_catalogue: int = 0
    ambiguous: int = 0
    repeated: int = 0


@dataclass(frozen=True, slots=True)
class Exchange:
    """An asked request and its answer, kept in a result so that a reader can check it."""

    cluster: str
    arm: Arm
    attribute: str | None
    value: str | None
    system: str | None
    instruction: str
    titles: tuple[str, ...]
    items: tuple[str, ...]
    outcome: Outcome
    text: str = ""


@dataclass(frozen=True, slots=True)
class AuditResult:
    """Everything an audit found, and what it rests on.

    Attributes:
        audit: Name of the audit.
        name: Name of the run.
        findings: Ordered as the audit declares them.
        observations: The tidy table behind the findings.
        validity: One funnel per group.
        exchanges: By probe id, the pairs that findings' examples point at.
        tables: By name, the columns that figures are drawn from, such as the points of a curve:
            for each column its values, all of one length.
        provenance: Versions, seeds, recommender, prompts' hash, settings: what it takes to
            run this again. The key ``"time"`` alone holds clock readings.
        warnings: What a reader must know before believing the numbers.
        verdict: Of all gates together; None when no gate was set.
        schema_version: See `SCHEMA_VERSION`.
    """

    audit: str
    name: str
    findings: tuple[Finding, ...]
    observations: tuple[Observation, ...]
    validity: tuple[Validity, ...]
    exchanges: Mapping[str, Exchange]
    provenance: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    verdict: Verdict | None = None
    tables: Mapping[str, Mapping[str, tuple[float | str | None, ...]]] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    def finding(self, id: str) -> Finding:
        """Return the finding with this id.

        Raises:
            KeyError: No finding has it.
        """
        for finding in self.findings:
            if finding.id == id:
                return finding
        raise KeyError(id)

    def to_pandas(self) -> pandas.DataFrame:
        """Return the observations as a table: one row each, one column per measure."""
        import pandas

        return pandas.DataFrame(
            [
                {
                    "cluster": row.cluster,
                    "arm": str(row.arm),
                    "attribute": row.attribute,
                    "value": row.value,
                    "outcome": str(row.outcome),
                    **row.measures,
                }
                for row in self.observations
            ]
        )

    def _repr_html_(self) -> str:
        """Show the findings as a small table in a notebook."""
        from html import escape

        def row(finding: Finding) -> str:
            e = finding.estimate
            number = escape(e.reason) if e.value is None else f"{e.value:.3f}"
            interval = "" if e.low is None or e.high is None else f"[{e.low:.3f}, {e.high:.3f}]"
            cells = (escape(finding.id), number, interval, escape(str(finding.verdict or "")))
            return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"

        head = "<tr><th>finding</th><th>estimate</th><th>interval</th><th>verdict</th></tr>"
        return f"<table>{head}{''.join(map(row, self.findings))}</table>"
