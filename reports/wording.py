"""Words and numbers that every form of a report shares: the verdict sentence above all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from fairrec.errors import WrongUse
from fairrec.gates import Gate, parse_gate
from fairrec.reports.glossary import metric_name, statistic_name
from fairrec.reports.layouts import (
    DISTINCT,
    first_findings,
    layout,
    outstanding_findings,
    overview_findings,
    unit_of,
)
from fairrec.reports.untrusted import clean
from fairrec.results import AuditResult, Estimate, Finding, Verdict

SYMBOLS = {Verdict.PASS: "✓", Verdict.FAIL: "✕", Verdict.UNDECIDED: "?", None: "–"}
"""A shape per verdict, so that none is told by colour alone."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """The verdict in words.

    `label` is one word or two ("Fail"); `words` are pieces of the sentence, each with whether
    it is stressed; `remarks` are sentences that keep the reader honest.
    """

    label: str
    words: tuple[tuple[str, bool], ...]
    remarks: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.label}: " + "".join(word for word, _ in self.words)


def number(value: float | None) -> str:
    """Return a number with three decimals, or three digits where those would say nothing."""
    if value is None:
        return "–"
    plain = value == 0 or 0.0005 <= abs(value) < 1000
    return (f"{value:.3f}" if plain else f"{value:.3g}").replace("-", "−")


def interval(estimate: Estimate) -> str:
    """Return an estimate's interval as ``[0.080, 0.170]``, or "" when it has none."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"[{number(estimate.low)}, {number(estimate.high)}]"


def estimate_words(estimate: Estimate) -> str:
    """Return an estimate as ``0.120 [0.080, 0.170]``, or why there is none."""
    if estimate.value is None:
        return f"not measured ({clean(estimate.reason, 200)})"
    return f"{number(estimate.value)} {interval(estimate)}".rstrip()


def p_words(p: float | None) -> str:
    """Return a p-value as ``0.013`` or ``<0.001``."""
    if p is None:
        return "–"
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def percent(part: float, whole: float) -> str:
    """Return a share as whole percents; small and nearly full ones are not rounded away."""
    if not whole:
        return "–"
    share = 100 * part / whole
    if 0 < share < 1:
        return "<1 %"
    return ">99 %" if 99 < share < 100 else f"{share:.0f} %"


def verdict_words(verdict: Verdict | None) -> str:
    """Return a verdict with its symbol, such as "✕ fail"."""
    return f"{SYMBOLS[verdict]} {verdict.value}" if verdict else "–"


def subject(finding: Finding) -> str:
    """Return whom a finding is about: an attribute, one of its values or the neutral prompt."""
    if finding.attribute is None:
        return "neutral prompt" if finding.statistic in ("repeat", "placebo") else "all users"
    if finding.value is None:
        return clean(finding.attribute, 80)
    return f"{clean(finding.attribute, 80)} = {clean(finding.value, 80)}"


def measure(finding: Finding) -> str:
    """Return what a finding measures, such as "SNSR (Jaccard)"."""
    return f"{statistic_name(finding.statistic, finding.audit)} ({metric_name(finding.metric)})"


def gate_of(finding: Finding) -> Gate | None:
    """Return the gate that decided a finding, or None."""
    try:
        return parse_gate(finding.gate) if finding.gate else None
    except WrongUse:
        return None


def gate_words(finding: Finding) -> str:
    """Return a finding's gate in words, such as "at most 0.1", or "" when it has none."""
    if not finding.gate:
        return ""
    gate = gate_of(finding)
    if gate is None:
        return clean(finding.gate, 200)
    if gate.low == -float("inf"):
        return f"at most {gate.high:g}"
    if gate.high == float("inf"):
        return f"at least {gate.low:g}"
    return f"from {gate.low:g} to {gate.high:g}"


def gated(result: AuditResult) -> list[Finding]:
    """Return the findings that a gate decided: fails, undecided, passes; worst first in each."""
    order = [Verdict.FAIL, Verdict.UNDECIDED, Verdict.PASS]
    decided = [f for f in result.findings if f.verdict is not None]
    return sorted(decided, key=lambda f: (order.index(Verdict(f.verdict)), -_excess(f)))


def headline_findings(result: AuditResult) -> list[Finding]:
    """Return the findings for the short table: the gated ones, or those the layout names first.

    Of a statistic's several metrics only the first is kept, so that the table stays short, unless
    the layout shows them all.
    """
    if found := gated(result):
        return found
    first = first_findings(result)
    metric: dict[str, str] = {}
    for finding in first:
        metric.setdefault(finding.statistic, finding.metric)
    order = list(metric)
    shown = sorted(
        (f for f in first if layout(result).by_metric or f.metric == metric[f.statistic]),
        key=lambda f: (order.index(f.statistic), -(f.estimate.value or 0)),
    )
    opening = overview_findings(result)
    return [*opening, *shown, *outstanding_findings(result)] or list(result.findings[:10])


def sentence(result: AuditResult) -> Sentence:
    """Return the verdict of an audit in words that claim no more than was decided."""
    found = gated(result)
    deciding = [f for f in found if f.verdict is result.verdict]
    if result.verdict is None or not deciding:
        return _no_gate(result)
    write = {Verdict.FAIL: _fail, Verdict.UNDECIDED: _undecided, Verdict.PASS: _pass}
    said = write[result.verdict](deciding, _tally(found))
    return replace(said, remarks=(*said.remarks, *_not_gated(result)))


def _tally(found: list[Finding]) -> str:
    counts = Counter(f.verdict for f in found)
    said = [
        f"{counts[verdict]} {one if counts[verdict] == 1 else many}"
        for verdict, one, many in (
            (Verdict.FAIL, "fails", "fail"),
            (Verdict.UNDECIDED, "is undecided", "are undecided"),
            (Verdict.PASS, "passes", "pass"),
        )
        if counts[verdict]
    ]
    return f"Of {len(found)} gated finding{'s' * (len(found) != 1)} {', '.join(said)}."


def _not_gated(result: AuditResult) -> list[str]:
    """Name attributes that no gate looks at although they differ by more than noise."""
    looked_at = {f.attribute for f in gated(result)}
    differing = [
        subject(f)
        for f in result.findings
        if f.statistic in layout(result).first
        and f.attribute not in looked_at
        and f.p_adjusted is not None
        and f.p_adjusted < DISTINCT
    ]
    names = list(dict.fromkeys(differing))
    return [f"No gate looks at {_listed(names)}, where lists differ beyond noise."] if names else []


def _fail(failing: list[Finding], tally: str) -> Sentence:
    worst = failing[0]
    evidence = f"{_against(worst)}{_floor(worst)}."
    remarks = [tally]
    if (p := worst.p_adjusted) is not None:
        remarks.append(f"Adjusted p-value of the difference: {p_words(p)}.")
    if worst.statistic not in ("snsr", "snsv") or worst.attribute is None:
        words = ((subject(worst), True), (f" has {evidence}", False))
        return Sentence("Fail", words, tuple(remarks))
    same = [f for f in failing if f.statistic in ("snsr", "snsv") and f.attribute]
    names = list(dict.fromkeys(subject(f) for f in same))
    lead = f"{names[0]}, worst of them, has " if len(names) > 1 else ""
    words = (
        ("stating a user’s ", False),
        (_listed(names), True),
        (f" changes the recommendations unequally: {lead}{evidence}", False),
    )
    return Sentence("Fail", words, tuple(remarks))


def _undecided(open_: list[Finding], tally: str) -> Sentence:
    first = open_[0]
    remarks = [tally]
    gate = gate_of(first)
    if first.estimate.low is None or first.estimate.high is None:
        why = " – without an interval nothing can be decided"
    elif gate is not None and gate.decide(first.estimate) is not Verdict.UNDECIDED:
        why = " – too few of the prompts behind it were answered"
    else:
        why = " – the interval reaches across the gate"
        remarks.append(f"More {unit_of([first])} would narrow the interval.")
    words = (
        ("the data cannot tell whether ", False),
        (subject(first), True),
        (f" is within its gate: {_against(first)}{_floor(first)}{why}.", False),
    )
    return Sentence("Undecided", words, tuple(remarks))


def _pass(passing: list[Finding], tally: str) -> Sentence:
    closest = passing[0]
    words = (
        ("what was gated lies ", False),
        ("within the gates", True),
        (f"; closest is {subject(closest)}: {_against(closest)}{_floor(closest)}.", False),
    )
    remark = (
        "Within the gates means that what was gated is small enough, not that the recommender "
        "is fair: other topics, prompts, attributes and metrics may differ."
    )
    return Sentence("Pass", words, (tally, remark))


def _no_gate(result: AuditResult) -> Sentence:
    """Say what is told from noise; without a gate nobody has said how much is too much."""
    extra = layout(result).outstanding
    measured = [
        f
        for f in headline_findings(result)
        if f.estimate.value is not None and f.statistic != extra
    ]
    if not measured:
        return Sentence(
            "No verdict",
            (("nothing could be measured.", False),),
            ("See what became of the prompts below.",),
        )
    ungated = "No gate was set, so nothing was decided."
    tested = [f for f in measured if f.p_adjusted is not None]
    if not tested:
        first = measured[0]
        words = ((subject(first), True), (f" has {_against(first)}{_floor(first)}.", False))
        return Sentence("No verdict", words, (ungated,))
    signals = [f for f in tested if (f.p_adjusted or 0) < DISTINCT]
    first = min(signals or tested, key=lambda f: (f.p_adjusted or 0, -(f.estimate.value or 0)))
    evidence = f"{_against(first)}{_floor(first)}, adjusted p {p_words(first.p_adjusted)}."
    if signals:
        names = list(dict.fromkeys(subject(f) for f in signals))
        lead = f"{names[names.index(subject(first))]} has " if len(names) > 1 else ""
        words = (
            ("beyond noise for ", False),
            (_listed(names), True),
            (f": {lead}{evidence}", False),
        )
        return Sentence("Signal", words, (ungated,))
    words = (
        ("nothing is told from noise", True),
        (f"; nearest to it is {subject(first)}: {evidence}", False),
    )
    return Sentence("No signal", words, (*_equivalent(tested), ungated))


def _equivalent(tested: Sequence[Finding]) -> list[str]:
    """Say where "no effect" was itself tested: no signal alone is no proof of fairness."""
    shown = [
        f
        for f in tested
        if f.margin is not None and f.p_equivalent is not None and f.p_equivalent < DISTINCT
    ]
    if not shown:
        return ["That is no proof that there is no effect."]
    said = [f"{subject(f)} ({measure(f)}) within ±{f.margin:g}" for f in shown]
    return [f"Tested to be as good as none: {_listed(said)}."]


def _against(finding: Finding) -> str:
    gate = gate_words(finding)
    against = f" against a gate of {gate}" if gate else ""
    return f"{measure(finding)} {estimate_words(finding.estimate)}{against}"


def _floor(finding: Finding) -> str:
    if finding.noise_floor is None:
        return ""
    return f"; noise floor {number(finding.noise_floor)}"


def _listed(names: Sequence[str], most: int = 3) -> str:
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _excess(finding: Finding) -> float:
    """How far the estimate lies beyond its gate; negative inside it."""
    gate, value = gate_of(finding), finding.estimate.value
    if gate is None or value is None:
        return float("-inf")
    return max(value - gate.high, gate.low - value)
