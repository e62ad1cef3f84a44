"""Reads an order of labelled candidates out of an answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from fairrec.catalogs import Catalog, TitleMatcher
from fairrec.recommenders.answers.cleaning import clean_answer
from fairrec.recommenders.answers.parsing import parse_titles
from fairrec.recommenders.answers.title_text import title_of
from fairrec.types import Outcome

Labels = Literal["numbers", "letters", "titles"]
LABELS: tuple[Labels, ...] = get_args(Labels)

_PIECES = re.compile(r"\s*(?:>|=>|→|≻|;|,|\n|\bthen\b)\s*")
_RANK = re.compile(r"^\W*(?:rank\s*)?#?\d{1,3}\s*[.):-]\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ListwiseAnswer:
    """What an answer ranks.

    Attributes:
        places: Places of candidates as they were shown, best first, each once.
        outcome: ANSWERED when at least one candidate is ranked.
        repeated: Mentions of a candidate that was named before.
        unknown: Labels or titles that are no candidate's.
        detail: Why the outcome is not ANSWERED.
    """

    places: tuple[int, ...]
    outcome: Outcome = Outcome.ANSWERED
    repeated: int = 0
    unknown: int = 0
    detail: str = ""


def label_of(place: int, labels: Labels) -> str:
    """Return the label of a place: "1", "2", ... or "A", ..., "Z", "AA", ...; "" for titles.

    >>> [label_of(place, "letters") for place in (0, 25, 26)]
    ['A', 'Z', 'AA']
    """
    if labels == "titles":
        return ""
    if labels == "numbers":
        return str(place + 1)
    letters = ""
    place += 1
    while place:
        place, digit = divmod(place - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


def read_order(text: str, titles: Sequence[str], labels: Labels) -> ListwiseAnswer:
    """Read which candidates an answer names, in its order.

    Labels in brackets count first ("[3] > [1]", "[B] Heat"); else labels that stand alone
    between separators ("3, 1, 2", a letter a line); else titles, in lists of any form. "1. Heat"
    is rank 1, not candidate 1, when Heat is the title of a candidate.

    Args:
        text: The answer.
        titles: The candidates' titles, as they were shown.
        labels: What stood before each of them.
    """
    text = clean_answer(text)
    places = {label_of(place, labels): place for place in range(len(titles))}
    if labels != "titles":
        named = [match[1] for match in _bracketed(labels).finditer(text)]
        if not named:
            alone = _alone(labels)
            pieces = [piece for piece in _PIECES.split(text.strip()) if piece]
            matched = [alone.fullmatch(piece.strip(" .*`\"'")) for piece in pieces]
            named = [match[1] for match in matched if match]
            named = named if 2 * len(named) >= len(pieces) else []
        found = [places.get(label.upper()) for label in named]
        if any(place is not None for place in found):
            return _answer(found)
    return _by_titles(text, titles)


def _bracketed(labels: Labels) -> re.Pattern[str]:
    return re.compile(r"\[\s*(\d{1,4})\s*\]" if labels == "numbers" else r"\[\s*([A-Z]{1,2})\s*\]")


def _alone(labels: Labels) -> re.Pattern[str]:
    # A rank before the label ("1. B") says nothing more; before a number it would be ambiguous.
    if labels == "numbers":
        return re.compile(r"\(?(\d{1,4})\)?[.:]?")
    return re.compile(r"(?:\d{1,3}[.):]\s*)?\(?([A-Za-z]|[A-Z]{2})\)?[.:]?")


def _by_titles(text: str, titles: Sequence[str]) -> ListwiseAnswer:
    parsed = parse_titles(text, len(titles))
    named = list(parsed.titles)
    if not named and parsed.outcome is Outcome.UNPARSABLE:
        lines = [title_of(_RANK.sub("", line)) for line in text.splitlines()]
        named = [line for line in lines if line]
    if not named:
        return ListwiseAnswer((), parsed.outcome, detail=parsed.detail)
    # Candidates of one title are taken in the order in which they were shown.
    shown: dict[str, list[int]] = {}
    for place, title in enumerate(titles):
        shown.setdefault(title, []).append(place)
    distinct = list(shown)
    ids = tuple(map(str, range(len(distinct))))
    matcher = TitleMatcher(Catalog(ids, tuple(distinct)))
    found: list[int | None] = []
    for title in named:
        item = matcher.match(title).item_id
        same = shown[distinct[int(item)]] if item is not None else []
        free = [place for place in same if place not in found]
        found.append((free or same or [None])[0])
    answer = _answer(found)
    if answer.places:
        return answer
    return ListwiseAnswer(
        (), Outcome.UNPARSABLE, unknown=answer.unknown, detail="no candidate is named"
    )


def _answer(found: Sequence[int | None]) -> ListwiseAnswer:
    known = [place for place in found if place is not None]
    places = tuple(dict.fromkeys(known))
    return ListwiseAnswer(
        places, repeated=len(known) - len(places), unknown=len(found) - len(known)
    )
