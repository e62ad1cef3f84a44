"""Instructions are added where they belong, and change nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from turned_lists import Alphabet

from fairrec.errors import WrongUse
from fairrec.mitigations.prompting.instruction import FairInstruction, PopularityPrompt, variants
from fairrec.protocols import ReadsText, ScoresItems
from fairrec.types import Request

ASKED = Request(k=3, instruction="I am a fan of Ang Lee.", system="You recommend films.")
BOTH = (FairInstruction, PopularityPrompt)


@pytest.mark.parametrize("kind", BOTH)
def test_every_variant_has_a_source_and_all_languages(kind: type[FairInstruction]) -> None:
    assert kind().variant in variants(kind.kind)
    for variant, words in variants(kind.kind).items():
        assert words["source"].strip()
        said = {words[language] for language in ("en", "de", "es", "zh")}
        assert len(said) == 4
        for language in ("en", "de", "es", "zh"):
            (asked,) = kind(variant=variant, language=language).expand(ASKED)
            assert words[language] in f"{asked.instruction} {asked.system}"


def test_the_words_stand_after_the_users_or_in_the_system_turn() -> None:
    (asked,) = FairInstruction(words="Be fair.").expand(ASKED)
    assert asked == replace(ASKED, instruction="I am a fan of Ang Lee.\nBe fair.")
    (asked,) = FairInstruction(words="Be fair.", place="system").expand(ASKED)
    assert asked == replace(ASKED, system="You recommend films. Be fair.")
    (asked,) = FairInstruction(variant="persona").expand(replace(ASKED, system=None))
    assert asked.instruction == ASKED.instruction
    assert asked.system == variants("fairness")["persona"]["en"]
    without = Request(k=3, history=("a",))
    assert FairInstruction().expand(without) == [without]


def test_what_the_original_can_do_it_still_can() -> None:
    wrapped = FairInstruction(words="Be fair.").wrap(Alphabet())
    assert isinstance(wrapped, ReadsText)
    assert isinstance(wrapped, ScoresItems)
    assert wrapped.request_text(ASKED) == "I am a fan of Ang Lee.\nBe fair."
    assert wrapped.description["mitigation"]["words"] == "Be fair."


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"variant": "kindly"}, "the instruction 'kindly' is unknown"),
        ({"words": "  "}, "the words are blank"),
        ({"place": "below"}, "the place 'below' is unknown"),
        ({"language": "fr"}, "not there in the language 'fr'"),
    ],
)
def test_what_is_wrong_is_said(settings: dict[str, str], said: str) -> None:
    with pytest.raises(WrongUse, match=said):
        FairInstruction(**settings)  # type: ignore[arg-type]
