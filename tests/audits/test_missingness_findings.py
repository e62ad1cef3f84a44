"""Unequal refusals are found, equal ones are not, and what they could hide is bounded."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fairrec.audits.missingness import (
    answered_finding,
    answered_tables,
    missingness_findings,
    worst_case_finding,
)
from fairrec.evidence import permutation_test, worst_case_bounds
from fairrec.types import Arm, Outcome, Probe, Ranking, Request

VALUES = ("female", "male", "non-binary")


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def probes(users: int, arm: Arm = Arm.SENSITIVE, attribute: str = "gender") -> list[Probe]:
    return [
        Probe(Request(10, f"{attribute} {value}, {user}"), arm, f"user {user}", attribute, value)
        for user in range(users)
        for value in VALUES
    ]


def answered(
    asked: list[Probe],
    refuses: Callable[[Probe], bool],
    outcome: Outcome = Outcome.REFUSED,
) -> dict[str, Ranking]:
    return {
        probe.id: Ranking(outcome=outcome) if refuses(probe) else Ranking(("film",))
        for probe in asked
    }


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.UNPARSABLE, Outcome.ERROR])
def test_one_value_is_refused_more(outcome: Outcome) -> None:
    asked = probes(40)
    rankings = answered(
        asked, lambda p: p.value == "non-binary" and int(p.cluster[5:]) % 2 == 0, outcome
    )
    (found,) = missingness_findings("counterfactual", asked, rankings, rng(), 500)
    assert found.id == "counterfactual.gender.answered.range"
    assert (found.metric, found.statistic, found.attribute) == ("answered", "range", "gender")
    assert found.estimate.value == pytest.approx(0.5)
    assert 0.2 < found.estimate.low < 0.5 < found.estimate.high
    assert found.p_value is not None and found.p_value < 0.01
    assert found.p_adjusted == found.p_value and found.family and "(1 tests)" in found.family
    assert found.noise_floor is not None and 0 < found.noise_floor < 0.2
    assert (found.estimate.n, found.estimate.unit) == (40, "user")


def test_users_who_are_always_refused_are_no_inequality() -> None:
    asked = probes(40)
    rankings = answered(asked, lambda p: int(p.cluster[5:]) < 15)
    (found,) = missingness_findings("cue", asked, rankings, rng(), 500)
    assert (found.estimate.value, found.p_value) == (0.0, 1.0)


def test_everybody_answered_is_not_proof_of_equality() -> None:
    asked = probes(20)
    (found,) = missingness_findings("cue", asked, answered(asked, lambda p: False), rng(), 500)
    assert found.estimate.value == 0.0 and found.estimate.high > 0.1 and found.p_value == 1.0


def test_every_attribute_is_in_one_family_and_other_arms_do_not_count() -> None:
    gender, age = probes(30), probes(30, Arm.COUNTERFACTUAL, "age group")
    other = [
        *probes(30, Arm.PLACEBO, "colour"),
        *probes(30, Arm.REPEAT),
        Probe(Request(10, "neutral"), Arm.NEUTRAL, "user 0"),
    ]
    asked = [*gender, *age, *other]
    rankings = answered(asked, lambda p: p.value == "male" or p.arm is Arm.REPEAT)
    found = missingness_findings("a", asked, rankings, rng(), 200)
    assert [finding.id for finding in found] == [
        "a.gender.answered.range",
        "a.age_group.answered.range",
    ]
    assert all(finding.estimate.value == 1.0 for finding in found)
    assert {finding.family for finding in found} == {"share of answers over attributes (2 tests)"}
    assert found[0].p_adjusted == pytest.approx(2 * found[0].p_value)


def test_what_was_not_asked_is_not_missing() -> None:
    # A log without "male" of user 1, and with two wordings of "female" for user 0.
    asked = [p for p in probes(3) if (p.cluster, p.value) != ("user 1", "male")]
    again = Probe(Request(10, "in other words"), Arm.SENSITIVE, "user 0", "gender", "female")
    rankings = answered([*asked, again], lambda p: p is again or p.cluster == "user 2")
    table = answered_tables([*asked, again], rankings)["gender"]
    np.testing.assert_array_equal(table, [[0.5, 1, 1], [1, np.nan, 1], [0, 0, 0]])


def test_nobody_states_anything() -> None:
    neutral = [Probe(Request(10, "neutral"), Arm.NEUTRAL, "user 0")]
    assert missingness_findings("a", neutral, answered(neutral, lambda p: False), rng()) == []


def test_one_value_alone_has_no_range() -> None:
    asked = [p for p in probes(5) if p.value == "male"]
    (found,) = missingness_findings("a", asked, answered(asked, lambda p: False), rng(), 50)
    assert found.estimate.value is None and found.estimate.reason
    assert found.p_value is None and found.p_adjusted is None


def test_groups_of_different_users() -> None:
    table = np.full((60, 2), np.nan)
    table[:30, 0], table[30:, 1] = 1.0, 1.0
    table[30:45, 1] = 0.0
    found = answered_finding("utility", "gender", table, rng(), 500)
    assert found.estimate.value == pytest.approx(0.5)
    assert found.p_value is not None and found.p_value < 0.01
    assert permutation_test(table, "snsr", rng(), 100).p_value is None  # nothing within a user


def test_the_worst_case_of_a_metric() -> None:
    table = rng().random((40, 2))
    table[:10, 0] = np.nan
    found = worst_case_finding("cue", "gender", "jaccard", table, rng(), 300)
    assert found.id == "cue.gender.jaccard.worst_case"
    low, high = worst_case_bounds(table)
    assert found.estimate.low <= low < high < found.estimate.high
    assert found.estimate.value == pytest.approx(np.ptp(np.nanmean(table, axis=0)))
    asked = ~np.isnan(table)
    unasked = worst_case_finding("cue", "gender", "jaccard", table, rng(), 300, asked=asked)
    assert unasked.estimate.high < found.estimate.high
    alone = worst_case_finding("cue", "gender", "jaccard", table[:, :1], rng(), 300)
    assert alone.estimate.value is None and "two values" in alone.estimate.reason
