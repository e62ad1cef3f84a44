"""The value types everything else is written in: frozen, plain, without behaviour.

A `Probe` wraps a `Request` with the reason it is asked; a recommender answers a request
with a `Ranking`; the runner keeps it as an `Answer`; an audit judges answers into
`Observation` rows and `Finding`s that carry `Estimate`s; an `AuditResult` holds them all.
`fairrec.serialization` turns any of them into JSON and back.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas

SCHEMA_VERSION = 1
"""Version of the JSON form of `AuditResult`; raised when a reader of the old form would fail."""

OFF_CATALOGUE = "?"
"""First character of the id that stands for recommended text that is no catalogue item."""


class Outcome(StrEnum):
    """What became of one request. Only `ANSWERED` carries items to judge."""

    ANSWERED = "answered"
    REFUSED = "refused"
    UNPARSABLE = "unparsable"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    FILTERED = "filtered"
    ERROR = "error"


class MatchKind(StrEnum):
    """How a piece of text was matched to the catalogue."""

    EXACT = "exact"
    NORMALISED = "normalised"
    FUZZY = "fuzzy"
    AMBIGUOUS = "ambiguous"
    ABSENT = "absent"


class Arm(StrEnum):
    """Why a probe is asked."""

    NEUTRAL = "neutral"
    SENSITIVE = "sensitive"
    COUNTERFACTUAL = "counterfactual"
    PLACEBO = "placebo"
    REPEAT = "repeat"


class Verdict(StrEnum):
    """What a gate decides. A finding that no gate names has no verdict."""

    PASS = "pass"
    FAIL = "fail"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Request:
    """One thing to ask a recommender.

    `instruction` is the user turn in words, complete in itself; `profile`, `history` and
    `candidates` say the same in structured form, for recommenders that do not read text.

    Attributes:
        k: Number of items wanted, at least 1.
        instruction: The user turn as text.
        system: The system turn as text, or None.
        profile: Stated attributes, such as ``{"gender": "female"}``; empty when none is stated.
        slots: What filled the template, such as ``{"name": "Spike Lee"}``.
        history: Item ids the user has consumed, oldest first.
        candidates: Item ids to choose from; None leaves the choice to the recommender.
        replicate: 0 for the first asking; a repeat of the same prompt counts up.
    """

    k: int
    instruction: str = ""
    system: str | None = None
    profile: Mapping[str, str] = field(default_factory=dict)
    slots: Mapping[str, str] = field(default_factory=dict)
    history: tuple[str, ...] = ()
    candidates: tuple[str, ...] | None = None
    replicate: int = 0

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError(f"k is {self.k}; a request asks for at least 1 item")
        if self.replicate < 0:
            raise ValueError(f"replicate is {self.replicate}; it counts up from 0")


@dataclass(frozen=True, slots=True)
class Match:
    """One piece of an answer's text and the catalogue item it was matched to.

    `item_id` is None when `kind` is AMBIGUOUS or ABSENT; `similarity` is in [0, 1].
    """

    text: str
    kind: MatchKind
    item_id: str | None = None
    similarity: float = 1.0


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that an answer cost, where the back-end counts them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Ranking:
    """What a recommender answered to one request, best first.

    Attributes:
        items: Item ids without repeats. Recommended text that matches no catalogue item
            stays in its place under the id ``"?" + normalised text`` (see `off_catalogue_id`).
        outcome: What became of the request. A missing answer is an outcome, not an empty score.
        scores: One finite score per item, or None.
        matches: How each recommended piece of text was matched; repeats included.
        text: The raw answer; empty for recommenders that produce none.
        detail: Why the outcome is not ANSWERED, in a few words.
        usage: Tokens spent, or None when unknown.
    """

    items: tuple[str, ...] = ()
    outcome: Outcome = Outcome.ANSWERED
    scores: tuple[float, ...] | None = None
    matches: tuple[Match, ...] = ()
    text: str = ""
    detail: str = ""
    usage: Usage | None = None

    def __post_init__(self) -> None:
        if len(set(self.items)) != len(self.items):
            raise ValueError("a ranking names the same item twice; keep its first place only")
        if self.outcome is Outcome.ANSWERED and not self.items:
            raise ValueError("an answered ranking holds at least one item; use Outcome.EMPTY")
        if self.scores is not None:
            if len(self.scores) != len(self.items):
                raise ValueError(f"{len(self.scores)} scores for {len(self.items)} items")
            if not all(math.isfinite(score) for score in self.scores):
                raise ValueError("a ranking's scores are finite numbers")


@dataclass(frozen=True, slots=True)
class Probe:
    """A request and the reason it is asked.

    Attributes:
        request: What is asked.
        arm: Which side of a comparison this is.
        cluster: The topic or user that statistics resample as a whole.
        attribute: The sensitive attribute that is stated, or None.
        value: Its value, or None.
    """

    request: Request
    arm: Arm
    cluster: str
    attribute: str | None = None
    value: str | None = None

    @property
    def id(self) -> str:
        """Content address: equal probes have equal ids, in any process."""
        return content_hash(
            [request_content(self.request), self.arm, self.cluster, self.attribute, self.value]
        )


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at asking: how long it took and, if it failed, why."""

    seconds: float
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A probe's ranking as it was recorded."""

    probe_id: str
    ranking: Ranking
    seconds: float = 0.0
    attempts: tuple[Attempt, ...] = ()


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
        p_adjusted: Holm-adjusted within `family`.
        family: Declared family of tests that the adjustment covers.
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
    family: str | None = None
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

        head = "<tr><th>finding</th><th>estimate</th><th>95 % interval</th><th>verdict</th></tr>"
        return f"<table>{head}{''.join(map(row, self.findings))}</table>"


def off_catalogue_id(normalised_text: str) -> str:
    """Return the item id that stands for recommended text outside the catalogue."""
    return OFF_CATALOGUE + normalised_text


def is_off_catalogue(item_id: str) -> bool:
    """Tell whether an item id stands for text outside the catalogue."""
    return item_id.startswith(OFF_CATALOGUE)


def with_verdict(finding: Finding, verdict: Verdict, gate: str) -> Finding:
    """Return the finding with a gate's decision on it."""
    return replace(finding, verdict=verdict, gate=gate)


def request_content(request: Request) -> dict[str, Any]:
    """Return a request as plain JSON types; equal requests give equal content."""
    return {
        "k": request.k,
        "instruction": request.instruction,
        "system": request.system,
        "profile": dict(request.profile),
        "slots": dict(request.slots),
        "history": list(request.history),
        "candidates": None if request.candidates is None else list(request.candidates),
        "replicate": request.replicate,
    }


def content_hash(content: Mapping[str, Any] | Sequence[Any]) -> str:
    """Return the SHA-256 (hex) of plain JSON types, independent of key order."""
    canonical = json.dumps(
        content, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
