"""A gate decides by the whole interval."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairrec.errors import WrongUse
from fairrec.gates import Gate, apply_gates, parse_gate
from fairrec.results import AuditResult, Estimate, Finding, Validity, Verdict


def result_with(*estimates: Estimate, answered: int = 10) -> AuditResult:
    return AuditResult(
        audit="sensitivity",
        name="run",
        findings=tuple(
            Finding(f"sensitivity.a{i}.jaccard.snsr", "sensitivity", "jaccard", "snsr", e, f"a{i}")
            for i, e in enumerate(estimates)
        ),
        observations=(),
        validity=tuple(
            Validity(f"a{i}", "v", 10, {"answered": answered if i == 0 else 10})
            for i in range(len(estimates))
        ),
        exchanges={},
        provenance={},
    )


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.01, 0.09, "pass"), (0.0, 0.1, "pass"), (0.05, 0.2, "undecided"), (0.11, 0.2, "fail")],
)
def test_the_interval_decides(low: float, high: float, verdict: str) -> None:
    gate = parse_gate("sensitivity.*.jaccard.snsr <= 0.1")
    assert gate.decide(Estimate(0.1, low, high)) == verdict


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_at_least_and_at_most_agree(bound: float, a: float, b: float) -> None:
    low, high = sorted((a, b))
    inside = Gate("", "", low=bound).decide(Estimate(low, low, high))
    outside = Gate("", "", high=bound).decide(Estimate(low, low, high))
    assert (inside is Verdict.FAIL) <= (outside is Verdict.PASS)
    assert (inside is Verdict.PASS) == (bound <= low)


def test_the_forms_of_a_gate() -> None:
    assert parse_gate("x in [0.8, 1.25]") == Gate("x in [0.8, 1.25]", "x", 0.8, 1.25)
    assert parse_gate(" x   >= -.5e-1 ") == Gate("x >= -.5e-1", "x", low=-0.05)


@pytest.mark.parametrize(
    "text", ["", "x", "x < 1", "x <= y", "x in [2, 1]", "x y <= 1", "x <= 1 2"]
)
def test_a_gate_that_cannot_be_read(text: str) -> None:
    with pytest.raises(WrongUse, match="cannot be read"):
        parse_gate(text)


def test_overall_the_worst_counts() -> None:
    gate = parse_gate("sensitivity.*.jaccard.snsr <= 0.1")
    inside, astride, outside = (Estimate(0.1, a, b) for a, b in ((0, 0.1), (0, 0.2), (0.2, 0.3)))
    assert apply_gates(result_with(inside), [gate]).verdict is Verdict.PASS
    assert apply_gates(result_with(inside, astride), [gate]).verdict is Verdict.UNDECIDED
    assert apply_gates(result_with(inside, astride, outside), [gate]).verdict is Verdict.FAIL
    assert apply_gates(result_with(inside), []).verdict is None


def test_a_verdict_is_put_on_a_copy() -> None:
    before = result_with(Estimate(0.3, 0.2, 0.4))
    after = apply_gates(before, [parse_gate("sensitivity.* <= 0.1")])
    assert after.findings[0].verdict is Verdict.FAIL
    assert before.findings[0].verdict is None


def test_two_gates_on_one_finding_keep_the_stricter() -> None:
    gates = [parse_gate("sensitivity.a0.* <= 0.1"), parse_gate("sensitivity.* <= 1")]
    for order in (gates, gates[::-1]):
        found = apply_gates(result_with(Estimate(0.3, 0.2, 0.4)), order).findings[0]
        assert (found.verdict, found.gate) == (Verdict.FAIL, "sensitivity.a0.* <= 0.1")


def test_no_interval_is_never_a_pass() -> None:
    gate = parse_gate("sensitivity.* <= 0.1")
    for estimate in (Estimate(0.0), Estimate(None, reason="no topic answered")):
        assert apply_gates(result_with(estimate), [gate]).verdict is Verdict.UNDECIDED


def test_a_group_that_hardly_answered_is_undecided() -> None:
    gate = parse_gate("sensitivity.*.jaccard.snsr <= 0.1")
    good = Estimate(0.0, 0.0, 0.05)
    result = apply_gates(result_with(good, good, answered=4), [gate])
    assert [f.verdict for f in result.findings] == [Verdict.UNDECIDED, Verdict.PASS]
    assert "Too few probes were answered" in result.warnings[0]
    assert "a0 = v (4 of 10)." in result.warnings[0]


def test_a_gate_on_nothing_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(WrongUse, match=r"sensitivity\.a0\.jaccard\.snsr"):
        apply_gates(result_with(Estimate(0.1)), [parse_gate("sensitivity.a0.jacard.snsr <= 1")])
