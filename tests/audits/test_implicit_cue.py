"""The implicit-cue audit on recommenders that do, or do not, act on hints."""

import numpy as np
import pytest

from fairrec import as_recommender, run_audit
from fairrec.audits import ImplicitCueAudit
from fairrec.errors import WrongUse
from fairrec.prompts import Attribute, AttributeValue, CueSet, Template
from fairrec.seeds import generator
from fairrec.types import Arm
from fairrec.users import User

ITEMS = [f"item {n}" for n in range(40)]
GENDER = Attribute(
    "gender",
    (
        AttributeValue("female", "a female", "I am a woman."),
        AttributeValue("male", "a male", "I am a man."),
    ),
)
NAMES = CueSet(
    "first_names",
    "gender",
    "made up for this test",
    {
        "female": ("My name is Emily.", "My name is Anne."),
        "male": ("My name is Jake.", "My name is Todd."),
    },
)
WORDS = Template("{statement} Recommend {k} items.")
GUESSED = {"Emily": 0, "Anne": 0, "Jake": 1, "Todd": 1, "woman": 0, "man": 1}


def audit(**more):
    settings = {"attributes": [GENDER], "cues": [NAMES], "template": WORDS, "draws": 500, **more}
    return ImplicitCueAudit([User(f"u{i}") for i in range(40)], **settings)


def guesses(weight, noise=0.3):
    """A recommender that acts on a statement, and on a name by `weight` of that."""

    def answer(request):
        words = request.instruction.split(".")[0].split()
        group = GUESSED.get(words[-1])
        scores = generator(1, request.slots["user"]).normal(size=len(ITEMS))
        fresh = generator(2, request.instruction, str(request.replicate), request.slots["user"])
        scores += noise * fresh.normal(size=len(ITEMS))
        if group is not None:
            strength = 1.5 * (weight if words[1] == "name" else 1.0)
            scores += strength * generator(3, str(group)).normal(size=len(ITEMS))
        return [ITEMS[i] for i in np.argsort(-scores)[: request.k]]

    return as_recommender(answer, name="guesses", version=f"{weight} {noise}")


def test_every_hint_is_planned_for_every_user():
    probes = [p for p in audit(cues_per_value=2).plan() if p.cluster == "u3"]
    assert [p.arm for p in probes].count(Arm.CUE) == 4
    assert len({p.id for p in probes}) == len(probes)
    cue = next(p for p in probes if p.arm is Arm.CUE)
    assert cue.request.profile == {}
    assert cue.request.instruction.startswith("My name is ")


def test_a_recommender_that_guesses_reproduces_the_effect():
    result = run_audit(audit(), guesses(1.0))
    found = result.finding("implicit_cue.gender.first_names.jaccard.as_if")
    assert found.estimate.low > 0.1 and found.p_adjusted < 0.01
    share = result.finding("implicit_cue.gender.first_names.jaccard.effect_share").estimate
    assert share.low < 1 < share.high + 0.1 and share.value > 0.7
    stated = result.finding("implicit_cue.gender.jaccard.stated_as_if")
    assert stated.estimate.low > 0.1


def test_one_that_only_heeds_statements_does_not():
    result = run_audit(audit(), guesses(0.0))
    found = result.finding("implicit_cue.gender.first_names.jaccard.as_if")
    assert found.p_adjusted > 0.05
    share = result.finding("implicit_cue.gender.first_names.jaccard.effect_share").estimate
    assert share.low < 0 < share.high < 0.3


def test_half_the_weight_is_a_part_of_the_effect():
    share = run_audit(audit(), guesses(0.4)).finding(
        "implicit_cue.gender.first_names.jaccard.effect_share"
    )
    assert 0.1 < share.estimate.low < share.estimate.high < 0.95


def test_without_an_explicit_effect_there_is_no_share():
    deaf = as_recommender(lambda request: ITEMS[: request.k], name="deaf")
    result = run_audit(audit(), deaf)
    share = result.finding("implicit_cue.gender.first_names.jaccard.effect_share").estimate
    assert share.value is None and "no effect" in share.reason
    assert "Every list holds the same items whatever is said." in result.warnings


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"template": Template("I am {value} fan. {k}")}, "has no {statement}"),
        ({"cues": [CueSet("x", "age", "", {"old": ("a",), "young": ("b",)})]}, "are about 'age'"),
        ({"cues": [CueSet("x", "gender", "", {"f": ("a",), "m": ("b",)})]}, "share 0 value"),
    ],
)
def test_bad_settings_are_refused(more, words):
    with pytest.raises(WrongUse) as error:
        audit(**more)
    assert words in str(error.value)
