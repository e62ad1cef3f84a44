"""The scoring audit on logs and answers that lack something."""

from dataclasses import replace

import pytest
from scored_users import AGE, GENDER, audit, scorer

from fairrec import as_recommender, parse_gate, run_audit
from fairrec.results import Verdict
from fairrec.running import ResponseStore, ask
from fairrec.types import Arm


def test_a_dry_run_has_the_same_findings_without_values():
    """A gate on any of them is then undecided, and not one that names no finding."""
    one = audit(k=2, attributes=[GENDER, AGE], combinations=[("gender", "age")], draws=100)
    expected = run_audit(one, scorer(effect=0.1, noise=0.05))
    silent = as_recommender(lambda r: None, name="silent")
    gate = parse_gate("scoring.gender.score_change.stated_excess <= 0.9")
    result = run_audit(one, silent, gates=[gate])
    assert [finding.id for finding in result.findings] == [f.id for f in expected.findings]
    assert result.verdict is Verdict.UNDECIDED
    scored = [f.estimate for f in result.findings if f.metric != "answered"]
    assert all(estimate.value is None and estimate.reason for estimate in scored)


def test_repeats_that_all_fail_leave_the_excess_undefined():
    def answer(request):
        return None if request.replicate else scorer(effect=0.2).function(request)

    result = run_audit(audit(), as_recommender(answer, name="answers once"))
    for id in ("scoring.gender", "scoring.gender.female"):
        excess = result.finding(f"{id}.score_change.stated_excess")
        assert excess.estimate.value is None and excess.p_value is None and excess.estimate.reason
    assert result.finding("scoring.gender.female.score.score_difference").estimate.value > 0.1


def test_a_probe_that_is_given_twice_counts_once_and_is_named():
    one = audit()
    probes = one.plan()
    answers = ask(probes, scorer(effect=0.1, noise=0.05), ResponseStore(None))
    once = one.judge(probes, answers)
    twice = one.judge([*probes, *probes[2:4]], [*answers, *answers[2:4]])
    assert twice.findings == once.findings and twice.validity == once.validity
    assert "2 probe(s) are the same as an earlier one and count once." in twice.warnings


def test_a_log_that_lacks_conditions_is_judged_and_its_gaps_are_named():
    one = audit()
    probes = one.plan()
    answers = ask(probes, scorer(effect=0.2), ResponseStore(None))
    kept = [
        place
        for place, probe in enumerate(probes)
        if probe.arm is not Arm.REPEAT
        and probe.cluster != "u0"
        and not (probe.cluster == "u1" and probe.arm is Arm.NEUTRAL)
        and not (probe.cluster in ("u2", "u3") and probe.value == "male")
    ]
    result = one.judge([probes[i] for i in kept], [answers[i] for i in kept])
    assert result.finding("scoring.gender.male.selection_rate.rate").estimate.n == 37
    change = result.finding("scoring.gender.female.score.score_difference").estimate
    assert (change.n, change.n_missing) == (38, 2)
    assert change.value == pytest.approx(0.2)
    assert "1 user(s) were not asked for: u0." in result.warnings
    assert "The neutral prompt was not asked again: how much is noise is not known." in (
        result.warnings
    )


def test_strange_probes_are_counted_and_left_out():
    one = audit()
    probes = one.plan()
    strange = [
        replace(probes[0], cluster="stranger"),
        replace(probes[0], arm=Arm.PLACEBO, attribute="colour", value="blue"),
        replace(probes[2], value="unheard of"),
    ]
    asked = [*probes, *strange]
    result = one.judge(asked, ask(asked, scorer(), ResponseStore(None)))
    warnings = " ".join(result.warnings)
    assert "1 user(s) of the probes are not among the audit's users" in warnings
    assert "1 probe(s) of other arms are left out" in warnings
    assert "the audit does not name were stated and are judged as well: unheard of" in warnings
    rate = result.finding("scoring.gender.unheard_of.selection_rate.rate").estimate
    assert (rate.n, rate.n_missing) == (1, 39)


def test_lists_without_scores_are_missing():
    result = run_audit(audit(), as_recommender(lambda r: list(r.candidates), name="lists"))
    assert any("160 answer(s) have no scores and are missing" in w for w in result.warnings)
    assert "No candidate was scored: nothing can be compared." in result.warnings
    gap = result.finding("scoring.gender.selection_rate.statistical_parity_gap").estimate
    assert gap.value is None and gap.reason
