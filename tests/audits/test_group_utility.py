"""The group utility audit finds who is served badly, and says whom it could not judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame, mean_prediction

from fairrec.audits.group_utility import GroupUtilityAudit
from fairrec.audits.group_utility_coverage import coverage_values
from fairrec.errors import BadData, WrongUse
from fairrec.gates import parse_gate
from fairrec.metrics.utility import UTILITIES, coverage, ndcg_at_k, relevance_matrix
from fairrec.prompts import USER_TEMPLATES
from fairrec.recommenders import as_recommender
from fairrec.results import AuditResult, Verdict
from fairrec.running import run_audit
from fairrec.seeds import generator
from fairrec.serialization import from_json, to_json
from fairrec.types import Answer, Arm, Outcome, Probe, Ranking, Request
from fairrec.users import User

CATALOGUE = [f"m{i}" for i in range(200)]


def people(n: int = 160, seed: int = 0) -> list[User]:
    rng = np.random.default_rng(seed)
    return [
        User(
            f"u{i}",
            {"gender": str(rng.choice(["female", "male"])), "age": str(rng.choice(["old", "new"]))},
            history=("h1",),
            held_out=tuple(str(item) for item in rng.choice(CATALOGUE, 4, replace=False)),
        )
        for i in range(n)
    ]


def serving(users: Sequence[User], share: Callable[[User], float], missing: float = 0.0):
    """Lists hold each of the user's held-out items with a probability of the user's own."""
    by_id = {user.id: user for user in users}

    def recommend(request: Request) -> Ranking | list[str]:
        user = by_id[request.slots["user"]]
        rng = generator(0, "serving", user.id)
        if rng.random() < missing:
            return Ranking(outcome=Outcome.REFUSED)
        liked = [item for item in user.held_out if rng.random() < share(user)]
        others = [item for item in rng.permutation(CATALOGUE) if item not in user.held_out]
        items = [*liked, *map(str, others)][: request.k]
        return [items[i] for i in rng.permutation(len(items))]

    return as_recommender(recommend, name="serving")


def audit(users: Sequence[User], **changes: object) -> GroupUtilityAudit:
    one = GroupUtilityAudit(
        users,
        ["gender"],
        USER_TEMPLATES["movie"],
        k=10,
        catalog_size=len(CATALOGUE),
        draws=500,
    )
    return replace(one, **changes)


def biased(user: User) -> float:
    return 0.2 if user.profile.get("gender") == "female" else 0.6


@pytest.fixture(scope="module")
def found() -> tuple[list[User], AuditResult]:
    users = people()
    one = audit(users, intersections=[("gender", "age")], control_features=["age"])
    return users, run_audit(one, serving(users, biased, missing=0.05))


def test_every_user_is_asked_once_and_nothing_is_stated() -> None:
    users = people(20)
    probes = audit(users).plan()
    assert [probe.cluster for probe in probes] == [user.id for user in users]
    assert all(p.arm is Arm.NEUTRAL and not p.request.profile for p in probes)


def test_the_worse_served_group_is_found_and_named(found) -> None:
    _, result = found
    for metric in UTILITIES:
        difference = result.finding(f"group_utility.gender.{metric}.difference")
        assert difference.p_adjusted is not None and difference.p_adjusted < 0.05
        assert difference.estimate.low is not None and difference.estimate.low > 0
        assert difference.noise_floor is not None
        assert 0 < difference.noise_floor < (difference.estimate.value or 0)
        assert result.finding(f"group_utility.gender.{metric}.min").value == "female"
        assert result.finding(f"group_utility.gender.{metric}.max").value == "male"
        ratio = result.finding(f"group_utility.gender.{metric}.ratio").estimate
        assert ratio.high is not None and ratio.high < 1
    assert any("Worst off in ndcg by gender: female" in words for words in result.warnings)
    worst = result.finding("group_utility.gender_x_age.ndcg.min").value
    assert worst is not None and worst.startswith("female x ")


def test_numbers_are_fairlearn_s(found) -> None:
    users, result = found
    profiles = {user.id: user.profile for user in users}
    rows = [row for row in result.observations if row.measures["ndcg"] is not None]
    for metric in UTILITIES:
        values = [row.measures[metric] for row in rows]
        features = {
            name: [profiles[row.cluster][name] for row in rows] for name in ("gender", "age")
        }
        frame = MetricFrame(
            metrics=mean_prediction,
            y_true=values,
            y_pred=values,
            sensitive_features=features["gender"],
        )
        stem = f"group_utility.gender.{metric}"
        for statistic, number in (
            ("difference", frame.difference()),
            ("ratio", frame.ratio()),
            ("min", frame.group_min()),
            ("max", frame.group_max()),
        ):
            assert result.finding(f"{stem}.{statistic}").estimate.value == pytest.approx(number)
        for group, mean in frame.by_group.items():
            one = result.finding(f"group_utility.gender.{group}.{metric}.mean")
            assert one.estimate.value == pytest.approx(mean)
        within = MetricFrame(
            metrics=mean_prediction,
            y_true=values,
            y_pred=values,
            sensitive_features=features["gender"],
            control_features=features["age"],
        )
        for level, number in within.difference().items():
            one = result.finding(f"group_utility.gender.age={level}.{metric}.difference")
            assert one.estimate.value == pytest.approx(number)
        both = [f"{g} x {a}" for g, a in zip(features["gender"], features["age"], strict=True)]
        crossed = MetricFrame(
            metrics=mean_prediction, y_true=values, y_pred=values, sensitive_features=both
        )
        one = result.finding(f"group_utility.gender_x_age.{metric}.difference")
        assert one.estimate.value == pytest.approx(crossed.difference())


def test_observations_hold_every_user_s_utility(found) -> None:
    users, result = found
    assert [row.cluster for row in result.observations] == [user.id for user in users]
    assert {row.attribute for row in result.observations} == {None}
    for row in result.observations:
        assert set(row.measures) == set(UTILITIES)
        missing = row.outcome is not Outcome.ANSWERED
        assert all((value is None) == missing for value in row.measures.values())


def test_an_even_recommender_is_not_accused() -> None:
    users = people()
    result = run_audit(audit(users), serving(users, lambda user: 0.4))
    for metric in (*UTILITIES, "coverage"):
        difference = result.finding(f"group_utility.gender.{metric}.difference")
        assert difference.p_adjusted is not None and difference.p_adjusted > 0.05
        assert difference.estimate.low == 0
    assert not any("Worst off" in words for words in result.warnings)


def test_alarms_on_even_recommenders_keep_their_rate() -> None:
    rates = dict.fromkeys((*UTILITIES, "coverage"), 0)
    for seed in range(60):
        users = people(80, seed)
        result = run_audit(audit(users, draws=99), serving(users, lambda user: 0.4))
        for metric in rates:
            p = result.finding(f"group_utility.gender.{metric}.difference").p_value
            rates[metric] += p is not None and p <= 0.05
    assert max(rates.values()) <= 9, rates  # 3 expected; more than 9 once in 1,000


def test_inequality_over_users_is_a_finding(found) -> None:
    _, result = found
    gini = result.finding("group_utility.users.ndcg.gini")
    assert gini.attribute is None
    values = np.array([r.measures["ndcg"] for r in result.observations if r.measures["ndcg"]])
    n = sum(row.measures["ndcg"] is not None for row in result.observations)
    values = np.append(values, np.zeros(n - len(values)))
    by_hand = np.abs(np.subtract.outer(values, values)).mean() / (2 * values.mean())
    assert gini.estimate.value == pytest.approx(by_hand)
    assert gini.estimate.low is not None
    assert gini.estimate.low < by_hand < (gini.estimate.high or 0)


def test_nothing_answered_gives_the_same_ids_and_no_numbers(found) -> None:
    users, result = found
    one = audit(users, intersections=[("gender", "age")], control_features=["age"])
    probes = one.plan()
    empty = one.judge(probes, [Answer(p.id, Ranking(outcome=Outcome.EMPTY)) for p in probes])
    assert [f.id for f in empty.findings] == [f.id for f in result.findings]
    assert len({f.id for f in empty.findings}) == len(empty.findings)
    for finding in empty.findings:
        if finding.metric == "answered":
            assert finding.estimate.value == 0
        else:
            assert finding.estimate.value is None and finding.estimate.reason
            assert finding.p_value is None
    assert "160 of 160 user(s) got no list" in " ".join(empty.warnings)


def test_missing_answers_are_missing_and_not_useless() -> None:
    users = people()
    full = run_audit(audit(users), serving(users, lambda user: 1.0))
    some = run_audit(audit(users), serving(users, lambda user: 1.0, missing=0.4))
    for result in (full, some):
        mean = result.finding("group_utility.gender.female.recall.mean").estimate
        assert mean.value == 1.0
    estimate = some.finding("group_utility.gender.ndcg.difference").estimate
    assert estimate.n_missing == sum(r.outcome is Outcome.REFUSED for r in some.observations) > 30


def test_refusing_one_group_is_a_finding() -> None:
    users = people()
    serve = serving(users, lambda user: 0.5)

    def recommend(request: Request) -> Ranking:
        rng = generator(1, request.slots["user"])
        user = next(user for user in users if user.id == request.slots["user"])
        if user.profile["gender"] == "female" and rng.random() < 0.4:
            return Ranking(outcome=Outcome.REFUSED)
        return serve.recommend([request])[0]

    result = run_audit(audit(users), as_recommender(recommend, name="refusing"))
    answered = result.finding("group_utility.gender.answered.range")
    assert answered.p_adjusted is not None and answered.p_adjusted < 0.05
    assert answered.estimate.value == pytest.approx(0.4, abs=0.12)
    worst = result.finding("group_utility.gender.ndcg.worst_case").estimate
    plain = result.finding("group_utility.gender.ndcg.difference").estimate
    assert worst.high is not None and plain.high is not None and worst.high > plain.high + 0.1


def test_who_cannot_be_judged_is_counted_and_named() -> None:
    users = people(60)
    users[0] = replace(users[0], profile={"age": "old"})
    users[1] = replace(users[1], held_out=())
    users += [
        User("x1", {"gender": "x", "age": "old"}, held_out=("m1",)),
        User("x2", {"gender": "x"}, held_out=("m2",)),
    ]
    one = audit(users, control_features=["age"], intersections=[("gender", "age")])
    probes = [*one.plan()[:-1], Probe(one.plan()[0].request, Arm.NEUTRAL, "stranger")]
    recommender = serving(users, lambda user: 0.5)
    answers = [Answer(p.id, recommender.recommend([p.request])[0]) for p in probes]
    result = one.judge(probes, answers)
    words = " ".join(result.warnings)
    assert "1 user(s) lack 'gender': u0." in words
    assert "1 user(s) have no held-out items to measure by: u1." in words
    assert "1 user(s) were not asked for: x2." in words
    assert "not among the audit's users and are left out: stranger." in words
    assert "Groups of 'gender' with fewer than 10 measured users are not compared: x (1)." in words
    assert "1 user(s) lack the control feature 'age': x2." in words
    one_user = result.finding("group_utility.gender.x.ndcg.mean").estimate
    assert (one_user.n, one_user.n_missing, one_user.low) == (1, 1, None)
    difference = result.finding("group_utility.gender.ndcg.difference").estimate
    assert difference.n == 58 and difference.n_missing == 3
    assert result.finding("group_utility.gender.ndcg.min").value != "x"


def test_several_wordings_are_averaged_and_other_arms_left_out() -> None:
    users = people(30)
    one = audit(users)
    plan = one.plan()
    again = [
        replace(p, request=replace(p.request, slots={**p.request.slots, "wording": "2"}))
        for p in plan
    ]
    repeats = [replace(p, arm=Arm.REPEAT) for p in plan]
    answers = [Answer(p.id, Ranking((users[i].held_out[0],))) for i, p in enumerate(plan)]
    answers += [Answer(p.id, Ranking(("none",))) for p in again]
    answers += [Answer(p.id, Ranking(outcome=Outcome.ERROR)) for p in repeats]
    result = one.judge([*plan, *again, *repeats], answers)
    assert [row.measures["hit_rate"] for row in result.observations] == [0.5] * 30
    assert "30 probe(s) of other arms are left out." in result.warnings


def test_a_log_without_neutral_prompts_is_judged_by_the_sensitive_ones() -> None:
    users = people(30)
    one = audit(users)
    stated = [
        replace(p, arm=Arm.SENSITIVE, attribute="gender", value=u.profile["gender"])
        for p, u in zip(one.plan(), users, strict=True)
    ]
    result = one.judge(stated, [Answer(p.id, Ranking(("m0", "m1"))) for p in stated])
    assert len(result.observations) == 30
    assert any("No neutral prompt was asked" in words for words in result.warnings)
    assert any("Every user got the same items" in words for words in result.warnings)


def test_coverage_counts_what_a_group_s_lists_name_at_equal_sizes() -> None:
    listed = [frozenset(items) for items in ("ab", "ac", "d", "ab", "", "ae", "bf")]
    rows = {"g": np.array([0, 1, 2, 3, 4]), "h": np.array([5, 6])}
    values = coverage_values(rows, listed, 10, 2)
    # Over the pairs of the four lists: ab+ac, ab+d, ab+ab, ac+d, ac+ab, d+ab.
    assert np.nanmean(values[:5]) == pytest.approx((3 + 3 + 2 + 3 + 3 + 3) / 6 / 10)
    assert np.isnan(values[4:]).all()
    times = np.array([3, 2, 1, 1])  # a, b, c, d
    assert np.nanmean(values[:5]) == pytest.approx(float(coverage(times, 4, 10, 2)))


def test_a_group_that_gets_the_same_items_has_less_coverage() -> None:
    users = people()

    def recommend(request: Request) -> list[str]:
        user = next(user for user in users if user.id == request.slots["user"])
        pool = CATALOGUE[:40] if user.profile["gender"] == "female" else CATALOGUE
        return [str(item) for item in generator(2, user.id).permutation(pool)[:10]]

    result = run_audit(audit(users), as_recommender(recommend, name="narrow"))
    difference = result.finding("group_utility.gender.coverage.difference")
    assert difference.p_adjusted is not None and difference.p_adjusted < 0.05
    assert difference.estimate.low is not None and difference.estimate.low > 0.2
    narrow = result.finding("group_utility.gender.female.coverage.mean").estimate
    assert narrow.value == pytest.approx(0.2, abs=0.01)
    assert not any(
        f.metric == "coverage" for f in audit(users, catalog_size=None).judge([], []).findings
    )
    small = run_audit(audit(users, catalog_size=100), as_recommender(recommend, name="narrow"))
    assert any("of a catalogue of 100: coverage is too high" in words for words in small.warnings)


def test_ndcg_of_a_user_is_that_of_the_list() -> None:
    users = people(12)
    one = audit(users)
    lists = [Ranking(("other", user.held_out[1], user.held_out[0])) for user in users]
    probes = one.plan()
    result = one.judge(probes, [Answer(p.id, r) for p, r in zip(probes, lists, strict=True)])
    expected = ndcg_at_k(*relevance_matrix(lists, [user.held_out for user in users], 10))
    np.testing.assert_allclose([row.measures["ndcg"] for row in result.observations], expected)


def test_gates_and_json(found) -> None:
    users, result = found
    assert from_json(AuditResult, to_json(result)) == result
    gates = [parse_gate("group_utility.*.ndcg.difference <= 0.1")]
    gated = run_audit(audit(users), serving(users, biased), gates=gates)
    assert gated.verdict is Verdict.FAIL


def test_the_same_answers_give_the_same_result() -> None:
    users = people(60)
    first, second = (run_audit(audit(users), serving(users, biased)) for _ in range(2))
    assert first.findings == second.findings


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"k": 0}, "k is 0"),
        ({"draws": 0}, "draws is 0"),
        ({"minimum_group_size": 1}, "minimum_group_size is 1"),
        ({"catalog_size": 0}, "catalog_size is 0"),
        ({"level": 95}, "level is 95"),
        ({"attributes": []}, "no attribute"),
        ({"intersections": [("gender",)]}, "intersection is"),
        ({"intersections": ["gender"]}, "intersection is"),
    ],
)
def test_wrong_use_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(WrongUse, match=words):
        audit(people(10), **changes)


@pytest.mark.parametrize("name", ["attributes", "control_features"])
def test_unknown_attributes_are_refused(name: str) -> None:
    with pytest.raises(BadData, match="no user has the attribute 'shoe'"):
        audit(people(10), **{name: ["shoe"]})


def test_users_without_ground_truth_or_twice_are_refused() -> None:
    users = people(10)
    with pytest.raises(BadData, match="no user has held-out items"):
        audit([replace(user, held_out=()) for user in users])
    with pytest.raises(BadData, match="more than once: u0"):
        audit([*users, users[0]])
