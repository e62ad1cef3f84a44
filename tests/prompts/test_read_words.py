"""Words come from YAML, and what is wrong with it is named with its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fairrec.errors import BadData, WrongUse
from fairrec.prompts import read_words

DOCUMENT = Path(__file__).parents[2] / "docs" / "words.md"

GOOD = """
attributes:
  job:
    - {value: nurse, phrase: a nurse, statement: I am a nurse.}
    - {value: engineer, statement: I am an engineer.}
templates:
  books: {user: "I am {value} fan of {name}.", system: You are a librarian.}
cues:
  shift:
    attribute: job
    source: here
    values: {nurse: [I take blood.], engineer: ["I test {loads}."]}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "words.yaml"
    path.write_text(text, "utf-8")
    return path


def test_words_are_read(tmp_path: Path) -> None:
    words = read_words(written(tmp_path, GOOD))
    assert [v.phrase for v in words.attributes["job"].values] == ["a nurse", ""]
    assert words.templates["books"].instruction(k=1, name="X") == "I am a fan of X."
    assert words.templates["books"].system == "You are a librarian."
    assert words.cues["shift"].statements("engineer") == ("I test {loads}.",)
    assert words.placebos == {}
    assert words.language == "en"


def test_the_language_is_that_of_the_templates(tmp_path: Path) -> None:
    text = 'language: fr\ntemplates: {livres: {user: "Je suis {value} de {name}.", neutral: fan}}'
    made = read_words(written(tmp_path, text)).templates["livres"]
    assert (made.language, made.instruction(k=1, name="X")) == ("fr", "Je suis fan de X.")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert read_words(written(tmp_path, "\ufeff" + GOOD)).attributes.keys() == {"job"}


@pytest.mark.parametrize(
    ("was", "now", "place", "seen"),
    [
        ("attributes:", "atributes:", "", "unknown key 'atributes'.*did you mean 'attributes'"),
        ("phrase:", "phrse:", "attributes.job[1]", "unknown key 'phrse'.*did you mean 'phrase'"),
        ("value: nurse, ", "", "attributes.job[1]", "no 'value'"),
        ("value: nurse", "value: 1990", "attributes.job[1].value", "is 1990.*in quotes"),
        ("value: nurse", "value: no", "attributes.job[1].value", "is False"),
        ("value: nurse", "value: ~", "attributes.job[1].value", "is empty"),
        ("value: engineer", "value: nurse", "attributes.job", "'nurse' more than once"),
        (", statement: I am an engineer.", "", "attributes.job[2]", "has no words"),
        ("  job:", "  1:", "attributes: the key 1", "is 1"),
        ("{value} fan", "fan", "templates.books", "no {value} or {statement}"),
        ("{name}", "{nme}", "templates.books", "unknown field {nme}"),
        ("{user", "{text", "templates.books", "unknown key 'text'"),
        ("templates:", "language: de\ntemplates:", "templates.books", "no neutral phrase"),
        ("    source: here\n", "", "cues.shift", "no 'source'"),
        ("source: here", "source: here\n    statement: none", "cues.shift.statement", "no {cue}"),
        ("[I take blood.]", "I take blood.", "cues.shift.values.nurse", "a list"),
        ("[I take blood.]", "[]", "cues.shift", "no cue for 'nurse'"),
        ("[I take blood.]", "[7]", "cues.shift.values.nurse[1]", "is 7"),
        ("cues:", "attributes:", "", "not YAML: .*the key 'attributes' stands there twice"),
        ("user: ", "user: {", "", "is not YAML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, was: str, now: str, place: str, seen: str) -> None:
    assert was in GOOD
    path = written(tmp_path, GOOD.replace(was, now, 1))
    with pytest.raises(BadData) as caught:
        read_words(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: {place}" if place else str(path))
    pattern = ".*".join(re.escape(part) for part in seen.split(".*"))
    assert re.search(pattern, message, re.DOTALL), message
    assert "Expected: " in message
    assert "What to do: " in message


def test_one_value_is_too_few(tmp_path: Path) -> None:
    path = written(tmp_path, "placebos: {day: [{value: Monday, phrase: a Monday-loving}]}")
    with pytest.raises(BadData, match=r"placebos\.day: attribute 'day' has 1 value"):
        read_words(path)


@pytest.mark.parametrize("text", ["", "- a\n- b", "just text", "attributes: [a]", "cues:"])
def test_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadData, match="Expected: keys"):
        read_words(written(tmp_path, text))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match=r"nowhere\.yaml cannot be read: No such file"):
        read_words(tmp_path / "nowhere.yaml")
    path = tmp_path / "words.yaml"
    path.write_bytes(b"language: \xff\n")
    with pytest.raises(BadData, match="not UTF-8: byte 0xff at position 10"):
        read_words(path)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT.read_text("utf-8"), re.M | re.S)


def test_the_document_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (text,) = blocks("yaml")
    written(tmp_path, text)
    names: dict[str, object] = {}
    for code in blocks("python"):
        exec(compile(code, str(DOCUMENT), "exec"), names)
    words = read_words("words.yaml")
    assert words.attributes["job"].in_form("noun").values[1].phrase == "an engineer"
    assert words.cues["shift"].statements("nurse")[1] == (
        "I took blood samples today, as on every working day."
    )
    with pytest.raises(BadData, match=r"(?s)attributes.job\[1\] has the unknown key 'statment'"):
        read_words(written(tmp_path, text.replace("statement:", "statment:", 1)))
