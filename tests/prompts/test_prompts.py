"""Attributes and templates say what FaiRLLM says, in grammatical English."""

from __future__ import annotations

import pytest

from fairrec.errors import WrongUse
from fairrec.prompts import (
    TEMPLATES,
    Attribute,
    Template,
    attribute,
    attribute_names,
    custom_attribute,
)
from fairrec.prompts.attributes import AttributeValue

# The counts of values per attribute in Zhang et al. 2023.
COUNTS = {
    "age": 3,
    "country": 7,
    "gender": 4,
    "continent": 3,
    "occupation": 5,
    "race": 4,
    "religion": 3,
    "physics": 2,
}


def test_eight_attributes_and_31_values() -> None:
    assert {name: len(attribute(name).values) for name in attribute_names()} == COUNTS
    assert sum(COUNTS.values()) == 31


def test_every_article_fits_its_noun() -> None:
    for name in attribute_names():
        for value in attribute(name).values:
            article, noun = value.phrase.split(" ", 1)
            assert noun == value.value
            assert article == ("an" if noun[0].lower() in "aeio" else "a")


def test_the_original_wording_lacks_two_articles() -> None:
    original = {v.phrase for n in attribute_names() for v in attribute(n, wording="fairllm").values}
    ours = {v.phrase for n in attribute_names() for v in attribute(n).values}
    assert original - ours == {"fat", "thin"}


def test_a_template_fills_each_field_once() -> None:
    text = TEMPLATES["movie"].instruction(value="an old", name="{k} {value}", k=20)
    assert text.startswith("I am an old fan of {k} {value}. Please recommend 20 movie titles")


@pytest.mark.parametrize(
    ("user", "seen"),
    [
        ("I like {name}.", "has no {value} or {statement}"),
        ("{value} fan of {name} from {place}", "unknown field {place}"),
        ("{value} fan of {name", "cannot be read"),
    ],
)
def test_a_bad_template_is_refused(user: str, seen: str) -> None:
    with pytest.raises(WrongUse, match=seen.replace("{", r"\{").replace("}", r"\}")):
        Template(user)


def test_an_attribute_needs_two_distinct_values() -> None:
    with pytest.raises(WrongUse, match="has 1 value"):
        custom_attribute("job", ["a nurse"])
    with pytest.raises(WrongUse, match="more than once"):
        Attribute("job", (AttributeValue("nurse", "a nurse"), AttributeValue("nurse", "a nurse")))


def test_an_unknown_attribute_names_the_nearest() -> None:
    with pytest.raises(WrongUse, match="did you mean 'gender'"):
        attribute("gendre")
