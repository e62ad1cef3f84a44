"""Redaction leaves exactly the neutral request, and never touches a title."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from turned_lists import Alphabet

from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.mitigations.prompting.redaction import AttributeRedaction
from fairrec.prompts import (
    LANGUAGES,
    Template,
    attribute,
    attribute_names,
    cues,
    template,
    template_names,
)
from fairrec.types import Outcome, Ranking, Request

FORMS = {"noun": "_noun", "clause": "_clause"}
NAMES = ("Ang Lee", "Jack Black", "a black", "an old", "Young MC", "Old Boys and Girls")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", attribute_names())
def test_every_stated_value_of_every_template_goes(language: str, name: str) -> None:
    for said in template_names(language):
        one = template(said, language=language)
        form = next((f for f, end in FORMS.items() if said.endswith(end)), "adjective")
        values = attribute(name, form=form, language=language).values  # type: ignore[arg-type]
        for topic in NAMES:
            more = {"k": 7, "name": topic, "history": topic, "candidates": "Up; She; Black Swan"}
            neutral = one.instruction(**more)
            redaction = AttributeRedaction(attributes=(name,), language=language)
            assert redaction.redact(neutral).text == neutral
            for value in values:
                if "value" in one.fields:
                    stated = one.instruction(value=value.phrase, **more)
                else:
                    stated = one.instruction(statement=value.statement, **more)
                found = redaction.redact(stated)
                assert found.text == neutral
                assert len(found.removed) == 1


def test_cues_and_several_statements_go_and_others_stay() -> None:
    one = template("movie_user")
    said = f"{cues('first_names').statements('female')[0]} I am an old person."
    both = one.instruction(k=3, statement=said, history="Old Yeller; White Chicks")
    gender = AttributeRedaction(attributes=("gender",)).redact(both)
    assert gender.text == one.instruction(
        k=3, statement="I am an old person.", history="Old Yeller; White Chicks"
    )
    everything = AttributeRedaction().redact(both)
    assert everything.text == one.instruction(k=3, history="Old Yeller; White Chicks")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("I'm a 34-year-old black woman who likes old films.", "I'm a person who likes old films."),
        (
            "As a Muslim mother I want films for my sons.",
            "As a parent I want films for my children.",
        ),
        ("An elderly African American viewer asks.", "A viewer asks."),
        (
            "My husband loves black comedies. He cries.",
            "My spouse loves black comedies. They cries.",
        ),
        ("I am young, and I like Asian films.", "I like Asian films."),
        ("Films for an Italian fan from Brazil", "Films for a fan"),
        ("Nothing is said here.", "Nothing is said here."),
    ],
)
def test_free_text_is_searched_and_mended(text: str, left: str) -> None:
    found = AttributeRedaction().redact(text)
    assert found.text == left
    assert bool(found.removed) == (text != left)


def test_titles_and_topics_are_left_alone() -> None:
    catalog = Catalog(("1", "2"), ("White Men Can't Jump", "My Girl"), {"n": np.zeros(2)})
    request = Request(
        k=2,
        instruction="My sister liked White Men Can't Jump, My Girl and the Black Keys. "
        "She is a girl.",
        slots={"name": "the Black Keys"},
        history=("1", "2"),
    )
    (found,) = AttributeRedaction(catalog=catalog).expand(request)
    assert found.instruction == (
        "My sibling liked White Men Can't Jump, My Girl and the Black Keys. They is a person."
    )


def test_structure_goes_with_the_words_and_what_went_is_said() -> None:
    request = Request(
        k=2,
        instruction=template("movie").instruction(k=2, value="a girl", name="Ang Lee"),
        profile={"gender": "girl", "mood": "gay"},
        slots={"name": "Ang Lee", "gender": "girl"},
    )
    redaction = AttributeRedaction(attributes=("gender",))
    (asked,) = redaction.expand(request)
    assert asked == replace(
        request,
        instruction=template("movie").instruction(k=2, name="Ang Lee"),
        profile={"mood": "gay"},
        slots={"name": "Ang Lee"},
    )
    (answer,) = redaction.combine([request], [[Ranking(("a", "b"))]])
    assert answer.items == ("a", "b")
    assert answer.detail == "redacted: gender (profile); gender (slot); 'a girl'"
    refused = Ranking(outcome=Outcome.REFUSED, detail="no")
    assert redaction.combine([asked], [[refused]]) == [refused]


def test_a_wrapped_recommender_answers_all_alike() -> None:
    wrapped = AttributeRedaction(attributes=("gender",)).wrap(Alphabet())
    texts = {
        wrapped.request_text(  # type: ignore[attr-defined]
            Request(
                k=2, instruction=template("movie").instruction(k=2, value=value.phrase, name="X")
            )
        )
        for value in attribute("gender").values
    }
    assert len(texts) == 1


def test_templates_of_your_own_are_read() -> None:
    own = Template("Hello! {statement} Films like {name}, {k} of them.")
    redaction = AttributeRedaction(attributes=("gender",), templates=(own,))
    said = own.instruction(k=3, statement=attribute("gender").values[0].statement, name="Boys")
    assert redaction.redact(said).text == own.instruction(k=3, name="Boys")


@pytest.mark.parametrize("settings", [{"attributes": ()}, {"language": "fr"}])
def test_what_is_wrong_is_said(settings: dict) -> None:
    with pytest.raises(WrongUse):
        AttributeRedaction(**settings)
