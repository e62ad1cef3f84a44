"""The scoring audit on recommenders whose treatment of candidates is known."""

from dataclasses import replace

import numpy as np
import pytest
from scored_users import AGE, GENDER, ITEMS, attribute, audit, scorer, users

from fairrec import as_recommender, parse_gate, run_audit
from fairrec.errors import BadData, WrongUse
from fairrec.prompts import custom_attribute
from fairrec.results import AuditResult, Verdict
from fairrec.running import ResponseStore, ask
from fairrec.serialization import from_json, to_json
from fairrec.types import Arm, Outcome, Ranking
from fairrec.users import User


def test_the_plan_asks_for_every_candidate_with_nothing_and_with_each_value_stated():
    probes = audit(combinations=[("gender", "age")], attributes=[GENDER, AGE]).plan()
    first = probes[:10]
    assert len(probes) == 40 * 10 and len({probe.id for probe in probes}) == len(probes)
    assert [probe.arm for probe in first[:2]] == [Arm.NEUTRAL, Arm.REPEAT]
    assert {probe.request.k for probe in first} == {len(ITEMS)}
    assert first[0].request.instruction == f"Score {'; '.join(ITEMS)}."
    assert first[2].arm is Arm.SENSITIVE and first[3].arm is Arm.COUNTERFACTUAL
    both = first[-1]
    assert (both.attribute, both.value) == ("gender_x_age", "male x young")
    assert both.request.profile == {"gender": "male", "age": "young"}
    assert both.request.instruction.startswith("I am male. I am young.")


def test_a_planted_difference_of_scores_is_found_at_its_size():
    result = run_audit(audit(), scorer(effect=0.2, noise=0.05))
    change = result.finding("scoring.gender.female.score.score_difference")
    assert change.estimate.low < 0.2 < change.estimate.high and change.p_adjusted < 1e-6
    other = result.finding("scoring.gender.male.score.score_difference")
    assert other.estimate.low < 0 < other.estimate.high and other.p_adjusted > 0.01
    spread = result.finding("scoring.gender.score.range")
    assert spread.estimate.low < 0.2 < spread.estimate.high and spread.p_adjusted < 0.01
    parity = result.finding("scoring.gender.selection_rate.statistical_parity_gap")
    assert 0.1 < parity.estimate.value < 0.3 and parity.p_adjusted < 0.01
    assert parity.p_equivalent > 0.9
    ratio = result.finding("scoring.gender.selection_rate.ratio").estimate
    assert ratio.value < 0.85 and ratio.high < 1
    by_value = {
        v: result.finding(f"scoring.gender.{v}.selection_rate.rate").estimate.value
        for v in ("female", "male")
    }
    assert by_value["female"] - by_value["male"] == pytest.approx(parity.estimate.value)
    excess = result.finding("scoring.gender.female.score_change.stated_excess")
    assert excess.estimate.low > 0 and excess.p_value < 0.01
    assert result.finding("scoring.gender.male.score_change.stated_excess").p_value > 0.01
    odds = result.finding("scoring.gender.equalized_odds.difference")
    assert odds.p_adjusted < 0.01 and odds.estimate.low <= odds.estimate.value


def test_noise_alone_is_no_signal():
    p_values = [
        run_audit(audit(seed=n, draws=200), scorer(noise=0.1 + n / 1000))
        .finding("scoring.gender.selection_rate.statistical_parity_gap")
        .p_value
        for n in range(12)
    ]
    assert sum(p <= 0.05 for p in p_values) <= 3 and max(p_values) > 0.3


def test_selection_at_k_asks_for_the_threshold_and_a_place():
    """Everybody has k first places: the places alone could never differ."""
    result = run_audit(audit(k=2, threshold=0.9), scorer(effect=0.3))
    rate = result.finding("scoring.gender.female.selection_rate_at_2.rate").estimate.value
    assert (
        rate
        <= 2 / len(ITEMS)
        < result.finding("scoring.gender.female.selection_rate.rate").estimate.value
    )
    gap = result.finding("scoring.gender.selection_rate_at_2.statistical_parity_gap").estimate
    assert gap.low > 0


def test_a_recommender_that_ignores_the_statement_is_not_called_fair_in_silence():
    result = run_audit(audit(), scorer())
    gap = result.finding("scoring.gender.selection_rate.statistical_parity_gap")
    assert gap.estimate.value == 0 and gap.estimate.high > 0 and gap.p_value == 1
    assert any("does not read the prompt" in warning for warning in result.warnings)


def test_scores_that_are_not_numbers_are_errors_that_are_counted_and_named():
    good = scorer(effect=0.2)

    def answer(request):
        if request.profile.get("gender") == "female" and request.slots["user"] < "u2":
            return Ranking(ITEMS, scores=(float("nan"),) * len(ITEMS))
        return good.function(request)

    result = run_audit(audit(), as_recommender(answer, name="sometimes NaN"))
    lost = sum(user.id < "u2" for user in users())
    rate = result.finding("scoring.gender.female.selection_rate.rate").estimate
    assert (rate.n, rate.n_missing) == (40 - lost, lost)
    message = f"{lost} request(s) have no answer: error: ValueError: a ranking's scores are finite"
    assert any(message in warning for warning in result.warnings)
    answered = result.finding("scoring.gender.answered.range")
    assert answered.estimate.value == pytest.approx(lost / 40) and answered.p_adjusted < 0.01
    worst = result.finding("scoring.gender.selection_rate.worst_case").estimate
    known = result.finding("scoring.gender.selection_rate.statistical_parity_gap").estimate
    assert worst.high > known.value


def test_candidates_without_a_score_are_missing_and_not_rejected():
    def answer(request):
        ranking = scorer().function(request)
        if request.profile.get("gender") == "male":
            return replace(ranking, items=ranking.items[:3], scores=ranking.scores[:3])
        return ranking

    result = run_audit(audit(), as_recommender(answer, name="cuts lists"))
    assert any(
        "40 answer(s) leave 120 candidate(s) without a score" in warning
        for warning in result.warnings
    )
    worst = result.finding("scoring.gender.selection_rate.worst_case").estimate
    assert worst.value is None and worst.reason  # of men nothing is known for certain


def test_scores_that_are_all_the_same_are_said_to_be():
    def answer(request):
        return Ranking(ITEMS, scores=(0.7,) * len(ITEMS))

    result = run_audit(audit(k=2), as_recommender(answer, name="ties"))
    warnings = " ".join(result.warnings)
    assert "In 160 of 160 scored answers all candidates have the same score" in warnings
    assert "Every score reaches the threshold of 0.5" in warnings
    gap = result.finding("scoring.gender.selection_rate.statistical_parity_gap").estimate
    assert (gap.value, gap.low) == (0, 0) and gap.high > 0.05


def test_nothing_selected_has_no_predictive_value():
    result = run_audit(audit(threshold=9.0), scorer(effect=0.2))
    parity = result.finding("scoring.gender.positive_predictive_value.predictive_parity_gap")
    assert parity.estimate.value is None
    assert "nothing" in parity.estimate.reason or "anything" in parity.estimate.reason
    assert result.finding("scoring.gender.selection_rate.ratio").estimate.value is None
    assert any("No score reaches the threshold of 9" in warning for warning in result.warnings)


def test_a_value_that_is_never_selected_is_named_where_a_gap_leaves_it_out():
    three = attribute("group", "a", "b", "c")
    result = run_audit(audit(attributes=[three]), scorer(effect=-5.0, of="c"))
    parity = result.finding("scoring.group.positive_predictive_value.predictive_parity_gap")
    assert parity.estimate.value is not None
    assert (
        "The gap of positive predictive value by 'group' leaves out values without one: c."
        in result.warnings
    )


@pytest.mark.parametrize(
    ("liked", "reason"),
    [
        (0, "no scored user has held-out items"),
        (len(ITEMS), "every scored candidate is relevant"),
    ],
)
def test_labels_of_one_class_leave_rates_undefined(liked, reason):
    result = run_audit(audit(users(liked=liked)), scorer(effect=0.2))
    for id in (
        "true_positive_rate.equal_opportunity_gap",
        "positive_predictive_value.predictive_parity_gap",
        "equalized_odds.difference",
    ):
        estimate = result.finding(f"scoring.gender.{id}").estimate
        assert estimate.value is None and reason in estimate.reason
    parity = result.finding("scoring.gender.selection_rate.statistical_parity_gap")
    assert parity.estimate.value > 0


def test_held_out_items_that_are_no_candidates_make_no_candidate_relevant():
    some = [replace(user, held_out=("elsewhere",)) for user in users()]
    result = run_audit(audit(some), scorer(effect=0.2))
    estimate = result.finding("scoring.gender.true_positive_rate.equal_opportunity_gap").estimate
    assert estimate.reason == "no scored candidate is relevant"


def test_equalized_odds_without_an_interval_says_why():
    """One user alone has an irrelevant candidate: nothing is known of that rate's spread."""
    one, all_ = ITEMS[:1], ITEMS[:3]
    some = [User(f"u{n}", candidates=all_, held_out=all_) for n in range(3)]
    some.append(User("odd", candidates=ITEMS, held_out=one))
    result = run_audit(audit(some), scorer(effect=0.2))
    odds = result.finding("scoring.gender.equalized_odds.difference").estimate
    assert odds.value is not None and odds.low is None and odds.high is None
    assert odds.reason and not odds.method


def test_single_candidates_and_users_without_labels_count_for_what_they_can():
    some = [
        *users(20),
        User("single", candidates=ITEMS[:1], held_out=ITEMS[:1]),
        User("unlabelled", candidates=ITEMS),
    ]
    result = run_audit(audit(some, k=1), scorer(effect=0.2))
    assert result.finding("scoring.gender.female.selection_rate.rate").estimate.n == 22
    labelled = result.finding("scoring.gender.female.true_positive_rate.rate").estimate
    assert (labelled.n, labelled.n_missing) == (21, 1)
    assert "1 user(s) have a single candidate: single." in result.warnings
    assert any("1 user(s) have no held-out items" in w for w in result.warnings)


def test_yes_or_no_is_a_score_of_one_or_zero():
    def answer(request):
        ranking = scorer(effect=0.3).function(request)
        yes = tuple(float(score > 0.5) for score in ranking.scores)
        return replace(ranking, scores=yes)

    result = run_audit(audit(threshold=1.0), as_recommender(answer, name="yes or no"))
    expected = run_audit(audit(), scorer(effect=0.3))
    id = "scoring.gender.selection_rate.statistical_parity_gap"
    assert result.finding(id).estimate == expected.finding(id).estimate


def test_nothing_answered_is_never_a_pass():
    gate = parse_gate("scoring.*.statistical_parity_gap <= 0.9")
    result = run_audit(audit(), as_recommender(lambda r: None, name="silent"), gates=[gate])
    assert result.verdict is Verdict.UNDECIDED
    assert from_json(AuditResult, to_json(result)) == result


def test_rates_are_those_of_fairlearn_on_the_answers_themselves():
    from fairlearn.metrics import (
        demographic_parity_difference,
        demographic_parity_ratio,
        equalized_odds_difference,
    )

    one = audit()
    probes = one.plan()
    answers = ask(probes, scorer(effect=0.1, noise=0.05), ResponseStore(None))
    result = one.judge(probes, answers)
    liked = {user.id: user.held_out for user in one.users}
    rows = [
        (item in liked[probe.cluster], score >= one.threshold, probe.value)
        for probe, answer in zip(probes, answers, strict=True)
        if probe.attribute
        for item, score in zip(answer.ranking.items, answer.ranking.scores, strict=True)
    ]
    relevant, selected, stated = map(np.array, zip(*rows, strict=True))
    for id, metric in {
        "selection_rate.statistical_parity_gap": demographic_parity_difference,
        "selection_rate.ratio": demographic_parity_ratio,
        "equalized_odds.difference": equalized_odds_difference,
    }.items():
        found = result.finding(f"scoring.gender.{id}").estimate.value
        assert found == pytest.approx(metric(relevant, selected, sensitive_features=stated))


def test_judging_again_gives_the_same_result_and_it_survives_json():
    one = audit(k=3, attributes=[GENDER, AGE], combinations=[("gender", "age")])
    probes = one.plan()
    answers = ask(probes, scorer(effect=0.1, noise=0.1), ResponseStore(None))
    result = one.judge(probes, answers)
    assert result == one.judge(probes, answers[::-1])
    assert from_json(AuditResult, to_json(result)) == result
    assert len({finding.id for finding in result.findings}) == len(result.findings)
    tested = [finding for finding in result.findings if finding.p_value is not None]
    assert all(finding.p_adjusted is not None and finding.family for finding in tested)
    assert {finding.estimate.unit for finding in result.findings} == {"user"}


@pytest.mark.parametrize(
    ("changes", "error", "seen"),
    [
        ({"attributes": []}, WrongUse, "no attribute"),
        ({"threshold": float("nan")}, WrongUse, "threshold is nan"),
        ({"k": 0}, WrongUse, "k is 0"),
        ({"margin": 1.0}, WrongUse, "margin is 1.0"),
        ({"combinations": [("gender", "age")]}, WrongUse, "a combination names 'age'"),
        ({"users": users(1)}, WrongUse, "has 1 user"),
        ({"users": [*users(2), *users(2)]}, BadData, "more than once"),
        (
            {"attributes": [custom_attribute("job", ["a nurse", "an engineer"])]},
            WrongUse,
            "cannot state job = 'nurse'",
        ),
    ],
)
def test_wrong_use_is_refused(changes, error, seen):
    with pytest.raises(error) as raised:
        replace(audit(), **changes)
    assert seen in str(raised.value)


def test_users_without_candidates_cannot_be_planned_for():
    some = [*users(3), User("bare")]
    with pytest.raises(WrongUse, match=r"1 user\(s\) have no candidates to score: bare"):
        audit(some).plan()


def test_outcomes_other_than_an_answer_are_in_the_funnel():
    def answer(request):
        if request.profile.get("gender") == "male":
            return Ranking(outcome=Outcome.REFUSED, detail="I cannot score people.")
        return scorer().function(request)

    result = run_audit(audit(), as_recommender(answer, name="refuses"))
    funnel = {(row.attribute, row.value): row.outcomes for row in result.validity}
    assert funnel["gender", "male"] == {"refused": 40}
    gap = result.finding("scoring.gender.selection_rate.statistical_parity_gap").estimate
    assert gap.value is None and gap.reason
    assert result.finding("scoring.gender.answered.range").p_adjusted < 0.01
