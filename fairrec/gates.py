"""Gates: what must hold, decided by a finding's interval and never by its point alone."""

from __future__ import annotations

import difflib
import fnmatch
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from fairrec.errors import WrongUse
from fairrec.results import AuditResult, Estimate, Finding, Validity, Verdict

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_BOUND = re.compile(rf"^(?P<id>\S+)\s*(?P<sign><=|>=)\s*(?P<bound>{_NUMBER})$")
_RANGE = re.compile(rf"^(?P<id>\S+)\s+in\s+\[\s*(?P<low>{_NUMBER})\s*,\s*(?P<high>{_NUMBER})\s*\]$")


@dataclass(frozen=True, slots=True)
class Gate:
    """A region that a finding's whole interval must lie in.

    `pattern` is a finding's id, with ``*`` for any part of it; the region is [low, high].
    """

    text: str
    pattern: str
    low: float = -math.inf
    high: float = math.inf

    def decide(self, estimate: Estimate) -> Verdict:
        """Return PASS (interval inside), FAIL (interval outside) or UNDECIDED (neither)."""
        if estimate.low is None or estimate.high is None:
            return Verdict.UNDECIDED
        if self.low <= estimate.low and estimate.high <= self.high:
            return Verdict.PASS
        if estimate.high < self.low or self.high < estimate.low:
            return Verdict.FAIL
        return Verdict.UNDECIDED


def parse_gate(text: str) -> Gate:
    """Read a gate such as ``sensitivity.gender.jaccard.snsr <= 0.05``.

    Also ``... >= 0.8`` and ``... in [0.8, 1.25]``.

    Raises:
        WrongUse: The text is none of these.

    >>> parse_gate("sensitivity.*.jaccard.snsr <= 0.1").high
    0.1
    """
    stripped = " ".join(text.split())
    if match := _BOUND.match(stripped):
        bound = float(match["bound"])
        if match["sign"] == "<=":
            return Gate(stripped, match["id"], high=bound)
        return Gate(stripped, match["id"], low=bound)
    if match := _RANGE.match(stripped):
        low, high = float(match["low"]), float(match["high"])
        if low <= high:
            return Gate(stripped, match["id"], low, high)
    raise WrongUse(
        f"the gate {text!r} cannot be read.",
        expected="'<finding> <= NUMBER', '<finding> >= NUMBER' or '<finding> in [LOW, HIGH]'.",
        do="write, for instance, sensitivity.gender.jaccard.snsr <= 0.05",
    )


def apply_gates(
    result: AuditResult, gates: Iterable[Gate], *, minimum_answered: float = 0.5
) -> AuditResult:
    """Return the result with every gate's verdict on its findings and one verdict overall.

    Overall: FAIL when any gate fails, else UNDECIDED when any is, else PASS; None without
    gates. A finding about a group of whose probes less than `minimum_answered` (in [0, 1])
    were answered is UNDECIDED: what was not answered may differ from what was.

    Raises:
        WrongUse: A gate names no finding of this result.
    """
    gates = list(gates)
    decided = list(result.findings)
    verdicts: list[Verdict] = []
    thin = _thin_groups(result.validity, minimum_answered)
    for gate in gates:
        hits = [i for i, f in enumerate(decided) if fnmatch.fnmatchcase(f.id, gate.pattern)]
        if not hits:
            raise _unknown_finding(gate, result.findings)
        for i in hits:
            verdict = gate.decide(decided[i].estimate)
            if _rests_on(decided[i], thin):
                verdict = Verdict.UNDECIDED
            decided[i] = _with_worst(decided[i], verdict, gate.text)
            verdicts.append(verdict)
    warnings = result.warnings
    if gates and thin:
        groups = ", ".join(
            f"{_group_name(v)} ({v.outcomes.get('answered', 0)} of {v.asked})" for v in thin
        )
        warnings += (
            f"Too few probes were answered, gates that rest on them are undecided: {groups}.",
        )
    return replace(result, findings=tuple(decided), verdict=_worst(verdicts), warnings=warnings)


def _worst(verdicts: Sequence[Verdict]) -> Verdict | None:
    for verdict in (Verdict.FAIL, Verdict.UNDECIDED, Verdict.PASS):
        if verdict in verdicts:
            return verdict
    return None


def _with_worst(finding: Finding, verdict: Verdict, text: str) -> Finding:
    """Keep the stricter decision where two gates name one finding."""
    if finding.verdict is None or _worst([finding.verdict, verdict]) is not finding.verdict:
        return replace(finding, verdict=verdict, gate=text)
    return finding


def _thin_groups(validity: Sequence[Validity], minimum_answered: float) -> list[Validity]:
    return [v for v in validity if v.outcomes.get("answered", 0) < minimum_answered * v.asked]


def _rests_on(finding: Finding, thin: Sequence[Validity]) -> bool:
    """Every finding rests on the neutral arm; the rest on their own attribute and value."""
    return any(
        v.attribute is None
        or (v.attribute == finding.attribute and finding.value in (None, v.value))
        for v in thin
    )


def _group_name(validity: Validity) -> str:
    if validity.attribute is None:
        return "the neutral prompt"
    return f"{validity.attribute} = {validity.value}"


def _unknown_finding(gate: Gate, findings: Sequence[Finding]) -> WrongUse:
    ids = [finding.id for finding in findings]
    close = difflib.get_close_matches(gate.pattern, ids, 3, cutoff=0.3) or ids[:3]
    return WrongUse(
        f"the gate {gate.text!r} names no finding of this audit.",
        expected=f"the id of a finding, such as {', '.join(close) or '(the audit found none)'}.",
        do="mend the gate; '*' stands for any part of an id.",
    )
