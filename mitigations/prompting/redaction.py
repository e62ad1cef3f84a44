"""Attribute redaction: what the model is not told, it cannot treat people by.

Fairness through unawareness, done to the words as well as to the structure. It takes away what
is said. What is implied, by a history or a way of writing, stays: measure that with the audits of
implicit cues and of leakage.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib import resources
from typing import Any, ClassVar, NamedTuple

from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.mitigations.mitigation import RewritesRequests
from fairrec.mitigations.prompting.stated import (
    embedded_attributes,
    embedded_templates,
    phrases_of,
    read,
)
from fairrec.prompts import LANGUAGES, Attribute, Template, attribute_names, cue_kinds, cues
from fairrec.types import Ranking, Request


class Redacted(NamedTuple):
    """Words without an attribute.

    Attributes:
        text: What is left.
        removed: What was taken out, as it stood, in order.
    """

    text: str
    removed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class AttributeRedaction(RewritesRequests):
    """Takes attributes out of a request before the model sees it.

    From `profile` and from `slots` of the attribute's name goes the entry. From `instruction` goes
    what fairrec's templates state, so that exactly the neutral request is left. Words of other
    forms are searched for statements, phrases and, in English, for words of a list (with their
    inflections, names and pronouns), and mended: "an old fan" becomes "a fan", "she" "they".
    Topics (`slots`) and titles of the catalogue are never touched. What was removed stands in the
    ranking's `detail`.

    Attributes:
        attributes: Names of attributes; "all" for all of fairrec's.
        language: Of the words: en, de, es or zh.
        catalog: Items whose titles are left alone in the words; None where they hold none.
        templates: Templates of your own, to be read besides fairrec's.
        own: Attributes of your own wording, or with other values than fairrec's.

    Raises:
        WrongUse: No attribute is named, or the language is unknown.
    """

    name: ClassVar[str] = "redaction"

    attributes: tuple[str, ...] | str = "all"
    language: str = "en"
    catalog: Catalog | None = None
    templates: tuple[Template, ...] = ()
    own: tuple[Attribute, ...] = ()

    def __post_init__(self) -> None:
        if not self._names:
            raise WrongUse("no attribute is named.", expected="at least one, or 'all'.")
        if self.language not in LANGUAGES:
            raise WrongUse(
                f"the language {self.language!r} is unknown.",
                expected=f"one of {', '.join(LANGUAGES)}.",
            )

    def expand(self, request: Request) -> list[Request]:
        """Return the request without the attributes."""
        return [self._redacted(request)[0]]

    def combine(
        self,
        requests: Sequence[Request],
        answers: Sequence[Sequence[Ranking]],
        state: Any = None,
    ) -> list[Ranking]:
        """Return the answers; `detail` says what was removed from the request."""
        found = []
        for request, (ranking, *_) in zip(requests, answers, strict=True):
            removed = self._redacted(request)[1]
            if removed:
                said = f"redacted: {'; '.join(removed)}"
                detail = f"{ranking.detail}; {said}" if ranking.detail else said
                ranking = replace(ranking, detail=detail)
            found.append(ranking)
        return found

    def redact(self, text: str, protected: Sequence[str] = ()) -> Redacted:
        """Return words without what they say of the attributes.

        Args:
            text: Any words.
            protected: Parts of it to leave alone, such as the titles of films.
        """
        shapes = (*self.templates, *embedded_templates(self.language))
        stated = read(text, shapes, self._phrases, self._sentences)
        if stated is not None:
            statement, removed = stated.fields.get("statement") or "", []
            for sentence in self._sentences:
                if sentence in statement:
                    statement = " ".join(statement.replace(sentence, " ").split())
                    removed.append(sentence)
            value = stated.fields.get("value")
            if value is not None and value != stated.template.neutral:
                removed.insert(0, value)
            kept = value if value == stated.template.neutral else None
            return Redacted(stated.written(kept, statement), tuple(removed))
        return self._searched(text, protected)

    @property
    def _names(self) -> tuple[str, ...]:
        own = tuple(attribute.name for attribute in self.own)
        named = attribute_names() if self.attributes == "all" else tuple(self.attributes)
        return tuple(dict.fromkeys((*named, *own)))

    @cached_property
    def _known(self) -> tuple[Attribute, ...]:
        return (*self.own, *embedded_attributes(self._names, self.language))

    @cached_property
    def _phrases(self) -> tuple[str, ...]:
        values = [value for attribute in self._known for value in attribute.values]
        return tuple(dict.fromkeys(text for value in values for text in phrases_of(value)))

    @cached_property
    def _sentences(self) -> tuple[str, ...]:
        said = [value.statement for known in self._known for value in known.values]
        if self.language == "en":
            for kind in map(cues, cue_kinds()):
                if kind.attribute in self._names:
                    said += [sentence for some in kind.values.values() for sentence in some]
        return tuple(sorted({text for text in said if text}, key=lambda text: (-len(text), text)))

    def _redacted(self, request: Request) -> tuple[Request, list[str]]:
        removed = [f"{name} (profile)" for name in self._names if name in request.profile]
        removed += [f"{name} (slot)" for name in self._names if name in request.slots]
        titles = self._titles(request)
        texts = []
        for text in (request.instruction, request.system or ""):
            found = self.redact(text, titles) if text else Redacted(text, ())
            texts.append(found.text)
            removed += [repr(part) for part in found.removed]
        return (
            replace(
                request,
                instruction=texts[0],
                system=texts[1] if request.system is not None else None,
                profile={k: v for k, v in request.profile.items() if k not in self._names},
                slots={k: v for k, v in request.slots.items() if k not in self._names},
            ),
            removed,
        )

    def _titles(self, request: Request) -> list[str]:
        catalog = self.catalog
        items = () if catalog is None else (*request.history, *(request.candidates or ()))
        titles = [catalog.title(i) for i in items if catalog is not None and i in catalog]
        return [*titles, *(text for k, text in request.slots.items() if k not in self._names)]

    def _searched(self, text: str, protected: Sequence[str]) -> Redacted:
        """Take sentences, phrases and listed words out of text of any form."""
        kept: list[str] = []

        def hide(match: re.Match[str]) -> str:
            kept.append(match[0])
            return f"\x00{len(kept) - 1}\x00"

        if titles := sorted({title for title in protected if title.strip()}, key=len, reverse=True):
            text = re.sub("|".join(rf"(?<!\w){re.escape(t)}(?!\w)" for t in titles), hide, text)
        removed: list[str] = []
        rules, before = _rules(self._names, self._sentences, self.language), None
        while before != text:  # what one rule takes can bring a word before another's
            before = text
            for pattern, instead in rules:

                def take(match: re.Match[str], instead: str = instead) -> str:
                    removed.append(match[0].strip())
                    return _as_it_began(match[0], instead)

                text = pattern.sub(take, text)
        if removed:
            text = _mended(text)
        return Redacted(re.sub("\x00(\\d+)\x00", lambda m: kept[int(m[1])], text), tuple(removed))


def _as_it_began(before: str, after: str) -> str:
    return after[:1].upper() + after[1:] if before[:1].isupper() and after else after


def _mended(text: str) -> str:
    """Return text with single blanks, and "a" or "an" as the next word wants it."""
    text = re.sub(r"[^\S\n]+", " ", text)
    text = re.sub(r" ([.,;:!?])", r"\1", text)
    text = re.sub(r"\b([Aa])n(?= [bcdfghj-np-tv-zBCDFGHJ-NP-TV-Z])", r"\1", text)
    text = re.sub(r"\b([Aa])(?= [aeioAEIO]\w)", r"\1n", text)
    return "\n".join(line.strip() for line in text.strip().split("\n"))


@cache
def _rules(
    names: tuple[str, ...], sentences: tuple[str, ...], language: str
) -> list[tuple[re.Pattern[str], str]]:
    """Return what to look for, longest first, and what takes its place."""
    rules = [(re.compile(rf"{re.escape(sentence)}\s*"), "") for sentence in sentences]
    words = _lexicon().get(language)
    if words is None:
        return rules
    people = "|".join(words["people"])
    for name in names:
        own = words.get(name)
        if own is None:
            continue
        rules += [(re.compile(pattern), "") for pattern in own.get("patterns", ())]
        for adjective in sorted(own["of_people"], key=len, reverse=True):
            said = re.escape(adjective)
            rules.append((re.compile(rf"\b{said}\s+(?=(?:[\w-]+\s+)?(?:{people})\b)"), ""))
            rules.append(
                (re.compile(rf"{words['copula']} (?:an? )?{said}(?:,? and\s+|\s*[.,;!?]\s*|$)"), "")
            )
        for word in sorted(own["anywhere"], key=len, reverse=True):
            pattern = rf"(?<![\w/]){re.escape(word)}(?![\w/])"
            flags = 0 if word[0].isupper() else re.IGNORECASE
            rules.append((re.compile(pattern, flags), own["anywhere"][word]))
    return rules


@cache
def _lexicon() -> dict[str, Any]:
    import yaml

    text = (resources.files("fairrec.mitigations.data") / "redaction.yaml").read_text("utf-8")
    return yaml.safe_load(text)
