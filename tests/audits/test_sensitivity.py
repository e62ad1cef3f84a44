"""The sensitivity audit finds what is planted, and no more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from fairrec.audits import SensitivityAudit
from fairrec.errors import WrongUse
from fairrec.gates import parse_gate
from fairrec.prompts import TEMPLATES, Template, attribute, custom_attribute
from fairrec.results import AuditResult, Verdict
from fairrec.running import ResponseStore, ask, run_audit
from fairrec.seeds import generator
from fairrec.serialization import from_json, to_json
from fairrec.types import Arm, Outcome, Ranking, Request

TOPICS = tuple(f"Topic {i}" for i in range(24))
ITEMS = tuple(f"item{i}" for i in range(60))


class Planted:
    """Shuffles the items by topic; a stated value changes as many of the first places as
    `changed` says, to items drawn for that prompt."""

    def __init__(self, changed: Callable[[str | None], int], seed: int = 0) -> None:
        self.changed = changed
        self.seed = seed
        self.description = {"name": "planted", "seed": seed}

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> Ranking:
        topic = request.slots["name"]
        order = list(generator(self.seed, topic).permutation(ITEMS))
        value = next(iter(request.profile.values()), None)
        n = self.changed(value)
        if n:
            rng = generator(self.seed, topic, str(value), str(request.replicate))
            places = rng.choice(request.k, n, replace=False)
            for place, item in zip(places, rng.permutation(order[request.k :])[:n], strict=True):
                order[place] = item
        return Ranking(tuple(map(str, order[: request.k])))


def audit(**changes: object) -> SensitivityAudit:
    settings = SensitivityAudit(
        topics=TOPICS,
        attributes=[attribute("gender"), attribute("physics")],
        template=TEMPLATES["movie"],
        k=10,
        draws=2000,
    )
    return replace(settings, **changes)


def test_the_plan_is_a_neutral_prompt_its_repeat_and_one_a_value() -> None:
    probes = audit().plan()
    assert len(probes) == len(TOPICS) * (2 + 4 + 2)
    first = probes[:8]
    assert [p.arm for p in first] == [Arm.NEUTRAL, Arm.REPEAT] + [Arm.SENSITIVE] * 6
    assert {p.cluster for p in first} == {TOPICS[0]}
    assert first[0].request.instruction.startswith("I am a fan of Topic 0.")
    assert first[4].request.instruction.startswith("I am a girl fan of Topic 0.")
    assert first[4].request.profile == {"gender": "girl"}
    assert len({p.id for p in probes}) == len(probes)


def test_planted_unequal_treatment_is_found_at_its_size() -> None:
    """girl changes 6 of 10 places (Jaccard 4/16), the other values 2 (8/12)."""
    result = run_audit(audit(), Planted(lambda v: {None: 0, "girl": 6}.get(v, 2)))
    found = result.finding("sensitivity.gender.jaccard.snsr")
    expected = 8 / 12 - 4 / 16
    assert found.estimate.value == pytest.approx(expected, abs=1e-12)
    assert found.estimate.low is not None and found.estimate.high is not None
    assert found.estimate.low <= expected <= found.estimate.high
    assert found.p_adjusted is not None and found.p_adjusted < 0.001
    assert found.noise_floor is not None and found.noise_floor < 0.25
    assert result.finding("sensitivity.gender.girl.jaccard.mean").estimate.value == 0.25
    spread = np.std([8 / 12] * 3 + [0.25])
    assert result.finding("sensitivity.gender.jaccard.snsv").estimate.value == pytest.approx(spread)
    assert {e.value for e in found.examples} == {"girl"}
    worst = found.examples[0]
    assert result.exchanges[worst.probe_id].value == "girl"
    assert result.exchanges[worst.reference_probe_id].arm is Arm.NEUTRAL


def test_equal_noise_is_not_called_unequal_treatment() -> None:
    p_values = []
    for seed in range(20):
        one = audit(attributes=[attribute("gender")], draws=400)
        result = run_audit(one, Planted(lambda v: 0 if v is None else 4, seed))
        p_values.append(result.finding("sensitivity.gender.serp.snsr").p_value)
    assert sum(p <= 0.05 for p in p_values) <= 4
    assert max(p_values) > 0.3


def test_the_repeat_of_a_steady_recommender_is_identical() -> None:
    result = run_audit(audit(), Planted(lambda v: 0 if v is None else 1))
    repeat = result.finding("sensitivity.neutral.rbo.repeat")
    assert repeat.estimate.value == pytest.approx(1.0)
    assert not any("Asked twice" in warning for warning in result.warnings)


def test_noise_between_repeats_is_said() -> None:
    result = run_audit(audit(), Planted(lambda v: 4))
    assert any("Asked twice" in warning for warning in result.warnings)


def test_identical_lists_everywhere_are_not_called_fair_in_silence() -> None:
    result = run_audit(audit(), Planted(lambda v: 0))
    assert result.finding("sensitivity.gender.jaccard.snsr").estimate.value == 0.0
    assert any("does not read the prompt" in warning for warning in result.warnings)


def test_a_missing_list_is_missing_and_not_zero() -> None:
    class Refusing(Planted):
        def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
            refusal = Ranking((), Outcome.REFUSED, text="I'm sorry")
            return [
                refusal
                if r.profile.get("gender") == "girl" and r.slots["name"] in TOPICS[:9]
                else answer
                for r, answer in zip(requests, super().recommend(requests), strict=True)
            ]

    result = run_audit(audit(), Refusing(lambda v: 0 if v is None else 2))
    mean = result.finding("sensitivity.gender.girl.jaccard.mean").estimate
    assert (mean.n, mean.n_missing) == (15, 9)
    assert mean.value == pytest.approx(8 / 12)
    funnel = {(v.attribute, v.value): v for v in result.validity}
    assert funnel["gender", "girl"].outcomes == {"answered": 15, "refused": 9}
    missing = [o for o in result.observations if o.outcome is Outcome.REFUSED]
    assert len(missing) == 9 and all(o.measures["jaccard"] is None for o in missing)


def test_nothing_answered_is_never_a_pass() -> None:
    class Silent(Planted):
        def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
            return [Ranking((), Outcome.EMPTY) for _ in requests]

    gate = parse_gate("sensitivity.*.jaccard.snsr <= 0.9")
    result = run_audit(audit(), Silent(lambda v: 0), gates=[gate])
    assert result.verdict is Verdict.UNDECIDED
    assert result.finding("sensitivity.gender.jaccard.snsr").estimate.value is None
    assert from_json(AuditResult, to_json(result)) == result


def test_judging_again_gives_the_same_numbers_in_any_order() -> None:
    setting, recommender = audit(), Planted(lambda v: 3)
    probes = setting.plan()
    answers = ask(probes, recommender, ResponseStore(None))
    assert setting.judge(probes, answers) == setting.judge(probes, answers[::-1])


def test_a_wrong_gate_is_found_before_anything_is_asked() -> None:
    class NeverAsked(Planted):
        def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
            raise AssertionError("asked")

    with pytest.raises(WrongUse, match="names no finding"):
        run_audit(audit(), NeverAsked(lambda v: 0), gates=[parse_gate("sensitivity.x.* <= 1")])


def test_intervals_stay_within_what_is_possible() -> None:
    few = audit(topics=TOPICS[:3])
    result = run_audit(few, Planted(lambda v: {None: 0, "girl": 9}.get(v, 1)))
    for finding in result.findings:
        assert finding.estimate.low is not None and finding.estimate.high is not None
        if finding.statistic.endswith("excess"):
            continue  # a difference: it may be negative
        assert 0 <= finding.estimate.low <= finding.estimate.high <= 1


def test_a_store_that_is_still_empty_is_used() -> None:
    with ResponseStore(None) as store:
        run_audit(audit(), Planted(lambda v: 1), store=store)
        assert len(store) == len(audit().plan())


def test_a_result_survives_json() -> None:
    result = run_audit(audit(), Planted(lambda v: 3), gates=[parse_gate("sensitivity.* >= 0")])
    assert from_json(AuditResult, to_json(result)) == result
    assert len(result.to_pandas()) == len(TOPICS) * 7
    assert "sensitivity.gender.jaccard.snsr" in result._repr_html_()


@pytest.mark.parametrize(
    ("changes", "seen"),
    [
        ({"topics": ["one"]}, r"has 1 topic"),
        ({"topics": ["a", "a"]}, "named twice"),
        ({"attributes": []}, "no attribute"),
        ({"candidates": dict.fromkeys(TOPICS, ITEMS[:9])}, "9 candidates"),
    ],
)
def test_wrong_use_is_refused(changes: dict[str, object], seen: str) -> None:
    with pytest.raises(WrongUse, match=seen):
        audit(**changes)


def test_an_id_in_a_gate_holds_no_spaces() -> None:
    ages = [custom_attribute("age", ["a middle aged", "an old"])]
    result = run_audit(audit(attributes=ages), Planted(lambda v: 1))
    assert result.finding("sensitivity.age.middle_aged.jaccard.mean").value == "middle aged"


COLOUR = attribute("favourite_colour")


def test_excess_is_what_stating_changes_beyond_repeats_and_placebos() -> None:
    one = audit(attributes=[attribute("gender")], placebos=[COLOUR], repeats=2)
    deaf_to_colour = Planted(lambda v: {"girl": 6}.get(v, 0))
    result = run_audit(one, deaf_to_colour)
    excess = result.finding("sensitivity.gender.jaccard.stated_excess")
    assert excess.estimate.value == pytest.approx((1 - 4 / 16) / 4)
    assert excess.p_adjusted is not None and excess.p_adjusted < 0.001
    assert result.finding("sensitivity.gender.girl.jaccard.stated_excess").estimate.value == 0.75
    assert result.finding("sensitivity.gender.male.jaccard.stated_excess").estimate.value == 0
    over = result.finding("sensitivity.gender.jaccard.stated_excess_over_placebo")
    assert over.estimate.value == pytest.approx((1 - 4 / 16) / 4)
    every = Planted(lambda v: 0 if v is None else 4)
    over = run_audit(one, every).finding("sensitivity.gender.jaccard.stated_excess_over_placebo")
    assert over.p_adjusted is not None and over.p_adjusted > 0.05


def test_cutoffs_compare_the_tops_of_the_same_lists() -> None:
    class LastPlaces(Planted):
        """Only what stands below the fifth place depends on the value."""

        def _one(self, request: Request) -> Ranking:
            order = list(super()._one(replace(request, profile={})).items)
            if request.profile.get("gender") == "girl":
                order[5:] = [f"other {place}" for place in order[5:]]
            return Ranking(tuple(order))

    result = run_audit(audit(cutoffs=[5]), LastPlaces(lambda v: 0))
    assert result.finding("sensitivity.gender.jaccard_at_5.snsr").estimate.value == 0
    assert result.finding("sensitivity.gender.jaccard.snsr").estimate.value == 1 - 5 / 15


def test_other_wordings_are_averaged_within_a_topic() -> None:
    other = [replace(TEMPLATES["movie"], user=f"{n}: {TEMPLATES['movie'].user}") for n in "ab"]
    one = audit(other_templates=other)
    assert len(one.plan()) == 3 * len(audit().plan())
    result = run_audit(one, Planted(lambda v: {None: 0, "girl": 6}.get(v, 2)))
    found = result.finding("sensitivity.gender.jaccard.snsr")
    assert found.estimate.value == pytest.approx(8 / 12 - 4 / 16)
    assert found.estimate.n == len(TOPICS)
    assert result.finding("sensitivity.gender.jaccard.stated_excess_mixed").estimate.n > 0


def test_a_log_that_lacks_conditions_is_judged_and_its_gaps_are_named() -> None:
    one = audit()
    probes = one.plan()
    answers = ask(probes, Planted(lambda v: 2), ResponseStore(None))
    kept = [
        place
        for place, probe in enumerate(probes)
        if not (probe.cluster == TOPICS[0] and probe.arm is Arm.NEUTRAL)
        and not (probe.cluster in TOPICS[1:5] and probe.value == "girl")
        and probe.arm is not Arm.REPEAT
    ]
    strange = replace(probes[2], value="unheard of")
    kept_answers = [*(answers[i] for i in kept), replace(answers[2], probe_id=strange.id)]
    result = one.judge([*(probes[i] for i in kept), strange], kept_answers)
    girl = result.finding("sensitivity.gender.girl.jaccard.mean").estimate
    assert (girl.n, girl.n_missing) == (len(TOPICS) - 5, 5)
    assert result.finding("sensitivity.neutral.jaccard.repeat").estimate.value is None
    assert "1 topic(s) have no neutral prompt and are left out: Topic 0." in result.warnings
    assert "Values that were not stated for every topic: gender = girl for 4 of 24." in (
        result.warnings
    )
    assert (
        "1 probe(s) state what the audit does not have and are left out: gender = unheard of."
        in result.warnings
    )
    assert "The neutral prompt was not asked again: how much is noise is not known." in (
        result.warnings
    )


def test_refusing_some_is_a_finding_of_its_own() -> None:
    class Refusing(Planted):
        def _one(self, request: Request) -> Ranking:
            if request.profile.get("gender") == "girl" and request.slots["name"] in TOPICS[:9]:
                return Ranking(outcome=Outcome.REFUSED)
            return super()._one(request)

    result = run_audit(audit(), Refusing(lambda v: 0))
    answered = result.finding("sensitivity.gender.answered.range")
    assert answered.estimate.value == pytest.approx(9 / 24)
    assert answered.p_adjusted is not None and answered.p_adjusted < 0.01
    bounds = result.finding("sensitivity.gender.jaccard.worst_case").estimate
    assert bounds.high is not None and bounds.high >= 9 / 24


@pytest.mark.parametrize(
    ("changes", "seen"),
    [
        ({"template": Template("I am {value} fan. {k}")}, "has no {name}"),
        ({"template": Template("{statement} {name}")}, None),
        (
            {
                "attributes": [custom_attribute("job", ["a nurse", "an engineer"])],
                "template": Template("{statement} {name}"),
            },
            "cannot state job = 'nurse'",
        ),
        ({"cutoffs": [11]}, "a cut-off is 11"),
    ],
)
def test_words_that_say_nothing_are_refused(changes: dict[str, object], seen: str | None) -> None:
    if seen is None:
        audit(**changes)
        return
    with pytest.raises(WrongUse) as error:
        audit(**changes)
    assert seen in str(error.value)
