"""The counterfactual audit on recommenders whose treatment of users is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fairrec import as_recommender, parse_gate, run_audit
from fairrec.audits import CounterfactualAudit
from fairrec.audits.counterfactual_pairs import CounterfactualPairs
from fairrec.errors import BadData, WrongUse
from fairrec.prompts import Attribute, AttributeValue, Template
from fairrec.recordings import read_recording, write_recording
from fairrec.results import Verdict
from fairrec.seeds import generator
from fairrec.types import Answer, Arm, Outcome, Ranking
from fairrec.users import User

ITEMS = [f"item {n}" for n in range(40)]
GENDER = Attribute(
    "gender",
    (
        AttributeValue("female", "a female", "I am a woman."),
        AttributeValue("male", "a male", "I am a man."),
    ),
)
AGE = Attribute(
    "age",
    (
        AttributeValue("old", "an old", "I am old."),
        AttributeValue("young", "a young", "I am young."),
    ),
)
COLOUR = Attribute(
    "favourite colour",
    (
        AttributeValue("blue", "", "My favourite colour is blue."),
        AttributeValue("red", "", "My favourite colour is red."),
    ),
)
WORDS = Template("{statement} I liked {history}. Recommend {k} items.")


def users(n=40, **more):
    return [
        User(
            f"u{i}",
            {"gender": ("female", "male")[i % 2], "age": ("old", "young")[i // 2 % 2]},
            history=(ITEMS[i % 40],),
            **more,
        )
        for i in range(n)
    ]


def audit(some=None, **more):
    settings = {"attributes": [GENDER], "templates": [WORDS], "k": 8, "draws": 500, **more}
    return CounterfactualAudit(some or users(), **settings)


def noisy(effect=0.0, noise=0.15):
    """A recommender whose lists change with every asking, and by `effect` more for women."""

    def answer(request):
        said = request.profile.get("gender")
        own = generator(1, "taste", request.slots["user"]).normal(size=len(ITEMS))
        fresh = generator(2, request.instruction, str(request.replicate), *request.slots.values())
        scores = own + noise * fresh.normal(size=len(ITEMS))
        if said == "female":
            scores += effect * generator(3, "women").normal(size=len(ITEMS))
        return [ITEMS[i] for i in np.argsort(-scores)[: request.k]]

    return as_recommender(answer, name="noisy", version=f"{effect} {noise}")


def test_every_arm_is_planned_once():
    probes = audit(
        attributes=[GENDER, AGE], intersections=[["gender", "age"]], placebos=[COLOUR]
    ).plan()
    mine = [probe for probe in probes if probe.cluster == "u0"]
    assert len({probe.id for probe in mine}) == len(mine)
    said = [(p.arm, p.attribute, p.value, p.request.replicate) for p in mine]
    assert said == [
        (Arm.NEUTRAL, None, None, 0),
        (Arm.REPEAT, None, None, 1),
        (Arm.SENSITIVE, "gender", "female", 0),
        (Arm.REPEAT, "gender", "female", 1),
        (Arm.COUNTERFACTUAL, "gender", "male", 0),
        (Arm.SENSITIVE, "age", "old", 0),
        (Arm.REPEAT, "age", "old", 1),
        (Arm.COUNTERFACTUAL, "age", "young", 0),
        (Arm.SENSITIVE, "gender_x_age", "female x old", 0),
        (Arm.REPEAT, "gender_x_age", "female x old", 1),
        (Arm.COUNTERFACTUAL, "gender_x_age", "female x young", 0),
        (Arm.COUNTERFACTUAL, "gender_x_age", "male x old", 0),
        (Arm.COUNTERFACTUAL, "gender_x_age", "male x young", 0),
        (Arm.PLACEBO, "favourite colour", "blue", 0),
        (Arm.PLACEBO, "favourite colour", "red", 0),
    ]
    both = mine[8].request
    assert both.profile == {"gender": "female", "age": "old"}
    assert both.instruction.startswith("I am a woman. I am old. I liked item 0.")
    assert mine[0].request.instruction.startswith("I liked item 0.")


def test_an_effect_beyond_noise_is_a_signal_and_no_effect_is_not():
    loud = run_audit(audit(placebos=[COLOUR]), noisy(effect=0.8))
    for statistic in ("stated_excess", "flip_excess", "flip_excess_over_placebo"):
        found = loud.finding(f"counterfactual.gender.jaccard.{statistic}")
        assert found.p_adjusted < 0.01, statistic
        assert found.estimate.low > 0
    still = run_audit(audit(placebos=[COLOUR]), noisy(effect=0.0))
    for statistic in ("stated_excess", "flip_excess", "stated_excess_over_placebo"):
        found = still.finding(f"counterfactual.gender.jaccard.{statistic}")
        assert found.p_adjusted > 0.05
        assert found.estimate.low < 0 < found.estimate.high
    assert still.finding("counterfactual.gender.jaccard.flip_excess").p_equivalent < 0.05


def test_the_value_that_moves_is_named():
    result = run_audit(audit(), noisy(effect=0.8))
    female = result.finding("counterfactual.gender.female.jaccard.stated_excess")
    male = result.finding("counterfactual.gender.male.jaccard.stated_excess")
    assert female.p_adjusted < 0.01 < male.p_adjusted
    moved = result.finding("counterfactual.gender.female.rank_moves.stated_excess")
    assert moved.estimate.value > 0 and moved.p_equivalent is None


def test_one_user_by_hand():
    lists = {
        (): ["a", "b"],
        ("female",): ["a", "c"],
        ("male",): ["d", "e"],
    }

    def answer(request):
        return Ranking(tuple(lists[tuple(request.profile.values())]))

    some = [User(f"u{i}", {"gender": "female"}, held_out=("c",)) for i in range(12)]
    result = run_audit(audit(some, k=2), as_recommender(answer, name="fixed"))
    value = lambda id: result.finding(f"counterfactual.{id}").estimate.value  # noqa: E731
    assert value("neutral.jaccard.repeat") == 1.0
    assert value("gender.female.jaccard.stated_similarity") == pytest.approx(1 / 3)
    assert value("gender.jaccard.stated_similarity") == pytest.approx((1 / 3 + 0) / 2)
    assert value("gender.jaccard.flip_similarity") == 0.0
    assert value("gender.jaccard.flip_excess") == 1.0
    assert value("gender.female.hit_rate.nsd") == 1.0
    assert value("gender.female.hit_rate.ncsd") == -1.0
    assert value("gender.female.reciprocal_rank.nsd") == 0.5
    assert value("gender.alignment.neutral") == 0.0
    assert value("gender.alignment.factual") == 0.5


def test_unequal_benefit_shows_as_a_gap_between_groups():
    def answer(request):
        mine = request.slots["user"]
        rest = [item for item in ITEMS if item != f"liked by {mine}"][:7]
        loses = request.profile.get("gender") == "female" and generator(0, mine).random() < 0.7
        return rest if loses else [*rest, f"liked by {mine}"]

    some = [User(u.id, u.profile, held_out=(f"liked by {u.id}",)) for u in users(60)]
    result = run_audit(audit(some), as_recommender(answer, name="unequal"))
    women = result.finding("counterfactual.gender.female.hit_rate.nsd")
    assert women.estimate.high < -0.3 and women.p_adjusted < 0.001
    men = result.finding("counterfactual.gender.male.hit_rate.nsd")
    assert men.estimate.value == 0.0 and men.p_value == 1.0
    gap = result.finding("counterfactual.gender.female_-_male.hit_rate.nsd_gap")
    assert gap.estimate.high < 0 and gap.p_adjusted < 0.001


def test_small_groups_are_named_and_have_no_benefit_of_their_own():
    some = [User(u.id, u.profile, held_out=("x",)) for u in users(22)]
    some += [User("other", {"gender": "diverse"}), User("unknown", {"age": "old"})]
    result = run_audit(audit(some, minimum_group_size=11), noisy())
    words = " ".join(result.warnings)
    assert "Groups of gender below 11 users have no benefit of their own: diverse (1)" in words
    assert "1 user(s) (other) have a gender that is none of the values female, male" in words
    assert "1 user(s) (unknown) have no gender" in words


def test_missing_answers_are_missing_and_not_different():
    inner = noisy()

    def answer(request):
        refused = request.profile.get("gender") == "male" and request.slots["user"] < "u2"
        return Ranking(outcome=Outcome.REFUSED) if refused else inner.function(request)

    result = run_audit(audit(), as_recommender(answer, name="refuses men"))
    assert result.finding("counterfactual.gender.jaccard.flip_excess").p_adjusted > 0.05
    answered = result.finding("counterfactual.gender.answered.range")
    assert answered.p_adjusted < 0.05 and answered.estimate.value > 0.2
    assert any("Pairs that lack a list are left out" in warning for warning in result.warnings)


def test_nothing_answered_is_no_signal_and_no_pass():
    refuses = as_recommender(lambda request: Ranking(outcome=Outcome.REFUSED), name="refuses")
    gates = [parse_gate("counterfactual.*.jaccard.flip_excess <= 0.1")]
    result = run_audit(audit(), refuses, gates=gates)
    assert result.verdict is Verdict.UNDECIDED
    assert result.finding("counterfactual.gender.jaccard.flip_excess").estimate.value is None
    assert "No pair of lists could be compared" in " ".join(result.warnings)


def test_a_deaf_recommender_is_called_so():
    fixed = as_recommender(lambda request: ITEMS[: request.k], name="deaf")
    result = run_audit(audit(), fixed)
    assert result.finding("counterfactual.gender.jaccard.flip_excess").estimate.value == 0.0
    assert result.finding("counterfactual.gender.jaccard.flip_excess").p_value == 1.0
    assert any("Every list holds the same items" in warning for warning in result.warnings)


def test_several_wordings_get_a_mixed_model_and_weigh_the_same():
    templates = [Template(f"{{statement}} {n}: recommend {{k}} items.") for n in range(3)]
    result = run_audit(audit(templates=templates), noisy(effect=0.8))
    mixed = result.finding("counterfactual.gender.jaccard.flip_excess_mixed")
    plain = result.finding("counterfactual.gender.jaccard.flip_excess")
    assert mixed.estimate.value == pytest.approx(plain.estimate.value, abs=0.02)
    assert mixed.p_value < 0.05


def test_histories_are_sampled_and_the_settings_say_so():
    some = [
        User(f"u{i}", {"gender": "female"}, history=("a", "b", "c"), ratings=(5, 1, 3))
        for i in range(3)
    ]
    asked = audit(some, history=1, sampling="top_rated").plan()
    assert {probe.request.history for probe in asked} == {("a",)}


@pytest.mark.parametrize(
    ("some", "more", "error", "words"),
    [
        (users(1), {}, WrongUse, "has 1 user"),
        (users(2) + users(1), {}, BadData, "1 user\\(s\\) are there more than once: u0"),
        (users(), {"attributes": []}, WrongUse, "no attribute"),
        ([User("a"), User("b")], {}, BadData, "no user has the attribute 'gender'"),
        (users(), {"templates": []}, WrongUse, "no template"),
        (users(), {"k": 0}, WrongUse, "k is 0"),
        (users(), {"repeats": -1}, WrongUse, "repeats is -1"),
        (users(), {"minimum_group_size": 1}, WrongUse, "minimum_group_size is 1"),
        (users(), {"margin": 1.5}, WrongUse, "the margin is 1.5"),
        (users(), {"intersections": [["gender", "age"]]}, WrongUse, "names 'age'"),
    ],
)
def test_bad_settings_are_refused(some, more, error, words):
    with pytest.raises(error, match=words):
        audit(some, **more)


def test_a_recorded_run_is_judged_to_the_same_numbers(tmp_path):
    from fairrec.audits.recorded import recorded_audit

    kept = []
    live = run_audit(audit(), noisy(effect=0.4), on_answers=lambda *both: kept.extend(both))
    write_recording(tmp_path / "run.csv", *kept, users())
    recording = read_recording(tmp_path / "run.csv")
    again, probes, answers = recorded_audit(recording, "counterfactual", None, {"draws": 500})
    assert [f.id for f in again.judge(probes, answers).findings] == [f.id for f in live.findings]
    assert again.judge(probes, answers).findings == live.findings


def test_a_log_with_half_the_conditions_is_judged_and_its_gaps_are_named():
    one = audit()
    probes = one.plan()
    answers = [
        Answer(p.id, r)
        for p, r in zip(probes, noisy(0.8).recommend([p.request for p in probes]), strict=True)
    ]
    # No neutral prompt of ten users, no factual one of ten others.
    kept = [
        i
        for i, p in enumerate(probes)
        if not (p.arm is Arm.NEUTRAL and p.cluster in {f"u{n}" for n in range(10)})
        and not (p.arm is Arm.SENSITIVE and p.cluster in {f"u{n}" for n in range(10, 20)})
    ]
    result = one.judge([probes[i] for i in kept], [answers[i] for i in kept])
    stated = result.finding("counterfactual.gender.jaccard.stated_excess").estimate
    flip = result.finding("counterfactual.gender.jaccard.flip_excess").estimate
    assert (stated.n, stated.n_missing) == (30, 10)
    assert (flip.n, flip.n_missing) == (30, 10)
    assert any("have no list to be compared with" in warning for warning in result.warnings)


def test_another_value_asked_again_is_no_floor_of_the_own_one():
    probes = audit().plan()
    more = [
        replace(p, arm=Arm.REPEAT, request=replace(p.request, replicate=1))
        for p in probes
        if p.arm is Arm.COUNTERFACTUAL
    ]
    pairs = CounterfactualPairs([*probes, *more])
    assert {
        pair.probe.value == pair.reference.value for pair in pairs.contrasts["repeat gender"]
    } == {True}
    assert len(pairs.unpaired) == len(more)


MUSIC = Path(__file__).parents[2].parent / "shared/data/recorded_music/lists_top10.csv"


@pytest.mark.skipif(not MUSIC.is_file(), reason="the recorded music lists are not here")
def test_recorded_lists_of_chatgpt_hold_no_gender_signal(tmp_path):
    """Known of these lists: repeats 0.306, flips 0.315, difference -0.009 [-0.031, 0.014]."""
    import subprocess
    import sys

    converter = Path(__file__).parents[2] / "examples/convert_recorded_lists.py"
    subprocess.run([sys.executable, converter, MUSIC, tmp_path / "music.jsonl"], check=True)
    recording = read_recording(tmp_path / "music.jsonl")
    from fairrec.audits.recorded import recorded_audit

    judge, probes, answers = recorded_audit(recording, "counterfactual", None, {"draws": 2000})
    result = judge.judge(probes, answers)
    value = lambda id: result.finding(f"counterfactual.{id}").estimate.value  # noqa: E731
    assert value("neutral.jaccard.repeat") == pytest.approx(0.306, abs=0.015)
    assert value("gender.jaccard.flip_similarity") == pytest.approx(0.315, abs=0.015)
    flip = result.finding("counterfactual.gender.jaccard.flip_excess")
    assert flip.estimate.value == pytest.approx(-0.009, abs=0.005)
    assert flip.estimate.low == pytest.approx(-0.031, abs=0.006)
    assert flip.estimate.high == pytest.approx(0.014, abs=0.006)
    assert flip.p_adjusted > 0.05 and flip.p_equivalent < 0.05
