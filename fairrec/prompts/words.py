"""Reads words for probes from YAML: attributes, placebos, templates and cues."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from fairrec.errors import BadData, WrongUse
from fairrec.prompts.attributes import NEUTRAL_PHRASE, Attribute, AttributeValue
from fairrec.prompts.cue_sets import CueSet
from fairrec.prompts.templates import Template

SECTIONS = ("language", "attributes", "placebos", "templates", "cues")
VALUE_KEYS = ("value", "phrase", "statement", "noun", "clause", "pronouns")
TEMPLATE_KEYS = ("user", "system", "neutral")
CUE_KEYS = ("attribute", "source", "statement", "values")


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Words:
    """What a file of words holds, by name.

    Attributes:
        attributes: Sensitive attributes.
        placebos: Irrelevant attributes, for the placebo arm.
        templates: Templates.
        cues: Kinds of implicit cues.
        language: Of all these words, as a two-letter code.
    """

    attributes: Mapping[str, Attribute]
    placebos: Mapping[str, Attribute]
    templates: Mapping[str, Template]
    cues: Mapping[str, CueSet]
    language: str = "en"


def read_words(path: str | Path) -> Words:
    """Read attributes, placebos, templates and cues from a YAML file (see docs/words.md).

    Raises:
        WrongUse: The file is missing or cannot be read.
        BadData: It is not UTF-8 or YAML, or a key or value is not what it should be; the
            message names the place.
    """
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise WrongUse(
            f"{path} cannot be read: {error.strerror or error}.",
            expected="a YAML file of words.",
            do="check the path; a relative path starts at the current folder.",
        ) from error
    try:
        return parse_words(text.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        raise BadData(
            f"{path} is not UTF-8: byte 0x{error.object[error.start]:02x} at position "
            f"{error.start}.",
            expected="text in UTF-8.",
            do="save the file as UTF-8.",
        ) from error


def parse_words(text: str, name: str) -> Words:
    """Return the words of a YAML text; `name` says in messages where it is from.

    Raises:
        BadData: See `read_words`.
    """
    try:
        content = yaml.load(text, _UniqueKeys)
    except (yaml.YAMLError, RecursionError) as error:
        raise BadData(
            f"{name} is not YAML: {' '.join(str(error).split())}.",
            expected="keys and values; text that holds {, }, : or # stands in quotes.",
            do="mend the line that is named.",
        ) from error
    sections = _mapping(content, name, SECTIONS)
    language = _text(sections.get("language", "en"), f"{name}: language")
    return Words(
        attributes=_attributes(sections, "attributes", name),
        placebos=_attributes(sections, "placebos", name),
        templates={
            key: _template(row, f"{name}: templates.{key}", language)
            for key, row in _section(sections, "templates", name).items()
        },
        cues={
            key: _cues(key, row, f"{name}: cues.{key}")
            for key, row in _section(sections, "cues", name).items()
        },
        language=language,
    )


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a key that stands twice, where YAML would silently keep the last."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key.value, str) and key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands there twice", key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def _attributes(sections: Mapping[str, Any], section: str, name: str) -> dict[str, Attribute]:
    return {
        key: _attribute(key, rows, f"{name}: {section}.{key}")
        for key, rows in _section(sections, section, name).items()
    }


def _attribute(name: str, rows: Any, where: str) -> Attribute:
    values = [
        _value(row, f"{where}[{number}]")
        for number, row in enumerate(_list(rows, where, "a value, such as {value: nurse, ...}"), 1)
    ]
    return _made(where, Attribute, name, tuple(values))


def _value(row: Any, where: str) -> AttributeValue:
    words = _texts(row, where, VALUE_KEYS, needed=["value"])
    if not ("phrase" in words or "statement" in words):
        raise BadData(
            f"{where} has no words.",
            expected='"phrase" for templates with {value}, "statement" for those with {statement}.',
            do="add one of the two, or both.",
        )
    return AttributeValue(**{"phrase": "", **words})


def _template(row: Any, where: str, language: str) -> Template:
    words = _texts(row, where, TEMPLATE_KEYS, needed=["user"])
    template = _made(
        where,
        Template,
        words["user"],
        words.get("system"),
        words.get("neutral", NEUTRAL_PHRASE),
        language,
    )
    if "value" in template.fields and "neutral" not in words and language != "en":
        raise BadData(
            f"{where} has {{value}} and no neutral phrase.",
            expected=f"the words in language {language!r} that stand there when nothing is stated.",
            do='add "neutral"; English templates have "a" without saying so.',
        )
    return template


def _cues(kind: str, row: Any, where: str) -> CueSet:
    row = _mapping(row, where, CUE_KEYS, needed=["attribute", "source", "values"])
    pattern = _text(row.get("statement", "{cue}"), f"{where}.statement")
    if "{cue}" not in pattern:
        raise BadData(
            f"{where}.statement has no {{cue}}: {pattern!r}.",
            expected="a sentence around the cue, such as 'My name is {cue}.'.",
            do="add {cue}, or leave the statement out where the cues are sentences themselves.",
        )
    values = {
        value: tuple(
            pattern.replace("{cue}", _text(cue, f"{where}.values.{value}[{number}]"))
            for number, cue in enumerate(_list(cues, f"{where}.values.{value}", "a cue"), 1)
        )
        for value, cues in _mapping(row["values"], f"{where}.values").items()
    }
    attribute = _text(row["attribute"], f"{where}.attribute")
    source = _text(row["source"], f"{where}.source")
    return _made(where, CueSet, kind, attribute, source, values)


def _made(where: str, kind: Callable[..., T], *parts: Any) -> T:
    try:
        return kind(*parts)
    except WrongUse as error:
        raise BadData(f"{where}: {error.seen}", expected=error.expected, do=error.do) from error


def _section(sections: Mapping[str, Any], section: str, name: str) -> Mapping[str, Any]:
    return _mapping(sections.get(section, {}), f"{name}: {section}")


def _texts(row: Any, where: str, known: Collection[str], needed: Collection[str]) -> dict[str, str]:
    row = _mapping(row, where, known, needed)
    return {key: _text(text, f"{where}.{key}") for key, text in row.items()}


def _mapping(
    content: Any, where: str, known: Collection[str] = (), needed: Collection[str] = ()
) -> dict[str, Any]:
    """Check that content is a mapping of text to something; without `known` any key will do."""
    if not isinstance(content, dict):
        raise _not(content, where, "keys" + (f" such as {', '.join(known)}" if known else ""))
    for key in content:
        _text(key, f"{where}: the key {key!r}")
        if known and key not in known:
            close = difflib.get_close_matches(key, known, 1)
            raise BadData(
                f"{where} has the unknown key {key!r}.",
                expected=f"{', '.join(known)}.",
                do=f"did you mean {close[0]!r}?" if close else "rename or remove the key.",
            )
    for key in needed:
        if key not in content:
            raise BadData(
                f"{where} has no {key!r}.",
                expected=f"{', '.join(needed)} at least.",
                do=f"add {key!r}.",
            )
    return content


def _list(content: Any, where: str, of: str) -> list[Any]:
    if not isinstance(content, list):
        raise _not(content, where, f'a list: lines that start with "- ", each {of}')
    return content


def _text(content: Any, where: str) -> str:
    if not isinstance(content, str) or not content.strip():
        do = "put it in quotes, or complete it." if content is not None else "complete it."
        raise _not(content, where, "text", do)
    return content.strip()


def _not(content: Any, where: str, expected: str, do: str = "mend it.") -> BadData:
    seen = "empty" if content is None or content == "" else f"{content!r:.60}"
    return BadData(f"{where} is {seen}.", expected=f"{expected}.", do=do)
