"""The words that ship with fairrec: attributes, placebos, templates and cues."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Literal

from fairrec.errors import WrongUse
from fairrec.prompts.attributes import Attribute, Form
from fairrec.prompts.cue_sets import CueSet
from fairrec.prompts.templates import Template
from fairrec.prompts.words import Words, parse_words

Wording = Literal["grammatical", "fairllm"]
Kind = Literal["sensitive", "typos", "placebo"]

LANGUAGES = ("en", "de", "es", "zh")
"""Languages of the embedded words: English, German, Spanish and Chinese."""


@cache
def _file(name: str) -> Words:
    text = (files("fairrec.prompts.data") / f"{name}.yaml").read_text("utf-8")
    return parse_words(text, f"{name}.yaml")


def _words(language: str) -> Words:
    if language not in LANGUAGES:
        raise _unknown("language", language, LANGUAGES)
    return _file(f"words_{language}")


def attribute_names(kind: Kind = "sensitive") -> tuple[str, ...]:
    """Return the names of embedded attributes of a kind, in the order of their file.

    Args:
        kind: "sensitive" for the eight attributes of FaiRLLM (Zhang et al. 2023); "typos" for
            the misspelt values of its robustness check; "placebo" for irrelevant attributes.

    Raises:
        WrongUse: The kind is unknown.

    >>> attribute_names()[:3]
    ('age', 'country', 'gender')
    >>> attribute_names("placebo")
    ('favourite_colour', 'favourite_season')
    """
    if kind not in ("sensitive", "typos", "placebo"):
        raise _unknown("kind of attribute", kind, ("sensitive", "typos", "placebo"))
    if kind == "typos":
        return tuple(_file("typos").attributes)
    words = _words("en")
    return tuple(words.attributes if kind == "sensitive" else words.placebos)


def attribute(
    name: str,
    *,
    wording: Wording = "grammatical",
    form: Form = "adjective",
    language: str = "en",
) -> Attribute:
    """Return one of the embedded attributes.

    Args:
        name: One of `attribute_names`, of any kind.
        wording: "grammatical", or "fairllm" for the words of FaiRLLM's program, which leave out
            two articles (English only).
        form: How phrases state the value: "adjective" ("an old") for the templates "movie" and
            "music", "noun" ("an old person") for "movie_noun", "clause" ("who is old") for
            "movie_clause". Nouns and clauses exist in English only.
        language: One of `LANGUAGES`; the misspelt values exist in English only.

    Raises:
        WrongUse: No attribute has this name in that language, or wording, form or language is
            unknown.

    >>> [value.phrase for value in attribute("age").values]
    ['a middle aged', 'an old', 'a young']
    >>> attribute("age", form="clause").values[1].phrase
    'who is old'
    """
    if wording not in ("grammatical", "fairllm"):
        raise WrongUse(
            f"wording {wording!r} is unknown.",
            expected="'grammatical' or 'fairllm'.",
            do="choose one of the two.",
        )
    words = _words(language)
    known = {**words.attributes, **words.placebos}
    if language == "en":
        known |= _file("typos").attributes
    if wording == "fairllm":
        if language != "en":
            raise WrongUse(
                f"wording 'fairllm' in language {language!r}.",
                expected="English: FaiRLLM's program speaks no other language.",
                do="leave out the wording or the language.",
            )
        known |= _file("fairllm").attributes
    if name not in known:
        raise _unknown("attribute", name, known, "name one of them, or bring your own.")
    return known[name].in_form(form)


def template_names(language: str = "en") -> tuple[str, ...]:
    """Return the names of the embedded templates in a language.

    "movie" and "music" are for topics, that is what somebody is a fan of; "_noun" and "_clause"
    take these forms of a value, "_statement" a sentence; "_user" is for users with a history.

    >>> template_names("de")[:3]
    ('movie', 'movie_statement', 'movie_user')
    """
    return tuple(_words(language).templates)


def template(name: str, *, language: str = "en") -> Template:
    """Return one of the embedded templates.

    Raises:
        WrongUse: No template has this name in that language, or the language is unknown.

    >>> template("movie", language="es").instruction(k=5, name="Guillermo del Toro")[:29]
    'Soy fan de Guillermo del Toro'
    """
    known = _words(language).templates
    if name not in known:
        raise _unknown(f"template (language {language!r})", name, known)
    return known[name]


def cue_kinds() -> tuple[str, ...]:
    """Return the kinds of embedded implicit cues.

    >>> cue_kinds()[:2]
    ('first_names', 'first_names_race')
    """
    return tuple(_file("cues").cues)


def cues(kind: str) -> CueSet:
    """Return the embedded cues of a kind, in English.

    Raises:
        WrongUse: No kind has this name.

    >>> cues("pronouns").statements("female")[0]
    'My pronouns are she/her.'
    """
    known = _file("cues").cues
    if kind not in known:
        raise _unknown("kind of cue", kind, known)
    return known[kind]


def _unknown(what: str, name: str, known: Iterable[str], do: str = "name one of them.") -> WrongUse:
    close = difflib.get_close_matches(name, list(known), 1)
    return WrongUse(
        f"{what} {name!r} is unknown.",
        expected=f"one of {', '.join(known)}.",
        do=f"did you mean {close[0]!r}?" if close else do,
    )


TEMPLATES = {name: template(name) for name in ("movie", "music")}
"""For topics: what somebody is a fan of."""

USER_TEMPLATES = {name: template(f"{name}_user") for name in ("movie", "music")}
"""For users with a history."""
