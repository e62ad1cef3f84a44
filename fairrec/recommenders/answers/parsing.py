"""Reads the titles out of what a language model answered; see `parse_titles`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fairrec.recommenders.answers.cleaning import clean_answer, without_thoughts
from fairrec.recommenders.answers.json_lists import titles_in_json
from fairrec.recommenders.answers.title_text import split_titles, title_of
from fairrec.types import Outcome

MAX_WORDS = 12
"""Words that a line without a marker may have and still be a title."""

_NUMBERED = re.compile(
    r"\s*(?:#{1,6}\s+)?(?P<mark>\*\*|__|)"
    r"(?:#\s?(?P<hash>\d{1,3})(?:[.):]|\b)"
    r"|\(?(?P<number>\d{1,3})(?:\\?[.)\]](?!\d)|:(?=[\s*])|\s+[-–—](?=\s)))"
)
_SECOND_NUMBER = re.compile(r"^\d{1,2}[.)]\s+(?=[^\W\d])")
_BULLET = re.compile(r"\s*(?:[-*+–—](?:\s+\[[ xX]?\])?\s+|[•·‣◦▪●►➤✓]\s*)")
_REFUSAL = re.compile(
    r"\b(?:i(?:['’]m| am) (?:(?:very |so |really |truly )?sorry|unable|not able)"
    r"|i (?:can(?:no|['’])t|can not|must decline|apologi[sz]e|won['’]t|will not)"
    r"|i (?:do not|don['’]t) have (?:access|the ability|enough|any|information|personal)"
    r"|my apologies|sorry,? (?:but|i|for|that)\b|as an? (?:ai|language model|text-based)\b"
    r"|unable to (?:provide|recommend|assist|help|answer|fulfil))",
    re.IGNORECASE,
)
_CHATTER = re.compile(
    r"\s*(?:here|sure|certainly|of course|ok(?:ay)?|great|absolutely|i|i['’](?:d|m|ve)|enjoy"
    r"|let me|these|please|note|based on|as an?|if you|hope|happy|thanks?|feel free|you|the above"
    r"|this list|in (?:order|no particular))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """The titles in an answer, best first, as they stand there.

    `outcome` is ANSWERED with at least one title, else REFUSED, UNPARSABLE or EMPTY, and
    `detail` says why.
    """

    titles: tuple[str, ...]
    outcome: Outcome
    detail: str = ""


def parse_titles(text: str, k: int) -> ParsedAnswer:
    """Read a list of titles out of an answer.

    Understood are JSON arrays (of strings or of objects with a title), numbered and bulleted
    lines, titles between commas, semicolons or quotation marks in one line, and plain lines;
    with preambles, closing remarks, Markdown, HTML, code fences and ``<think>`` passages
    around them. Numbered lines go before bullets, which are then details. A title in bold or
    quotation marks, or followed by a year in brackets, ends there; else the whole line is
    kept, since only a catalogue can tell a subtitle from a description. A comma inside a title
    cannot be told from one between titles unless the titles are quoted.

    Time is linear in the length of the text, of which at most 100,000 characters are read.

    Args:
        text: The answer; any text at all.
        k: How many titles were asked for, at least 1. At most 10 times as many are returned
            (repeats included); a bare line of text is a title only when one was asked for.
    """
    cleaned = clean_answer(text)
    if not cleaned.strip():
        thought = text.strip() and not without_thoughts(text).strip()
        return ParsedAnswer((), Outcome.EMPTY, "nothing but reasoning" if thought else "blank")
    lines = [line for line in cleaned.split("\n") if line.strip()]
    listed = titles_in_json(cleaned)
    titles = _numbered(listed or lines)
    if listed and len(titles) != len(listed):
        titles = listed
    titles = titles or _bulleted(lines)
    if not titles:
        refusal = _refusal(lines)
        if refusal:
            return ParsedAnswer((), Outcome.REFUSED, refusal)
        titles = _unmarked(lines, k)
    titles = [title for title in map(title_of, titles[: 10 * k]) if title]
    if not titles:
        return ParsedAnswer((), Outcome.UNPARSABLE, "no list of titles found")
    return ParsedAnswer(tuple(titles), Outcome.ANSWERED)


def _numbered(lines: list[str]) -> list[str]:
    """What follows the number of numbered lines, and of numbers inside a single such line."""
    found = [(match, line) for line in lines if (match := _NUMBERED.match(line))]
    numbers = [int(match["hash"] or match["number"]) for match, _ in found]
    kept: list[str] = []
    for place, (match, line) in enumerate(found):
        # "300: Rise of an Empire" is no 300th line: a number has neighbours, or begins the list
        neighbours = numbers[max(0, place - 1) : place] + numbers[place + 1 : place + 2]
        number = numbers[place]
        if number <= 3 or any(abs(number - other) <= 3 for other in neighbours):
            rest = _after_mark(line[match.end() :].lstrip(), match["mark"])
            kept.append(_SECOND_NUMBER.sub("", rest))
    kept = [line for line in kept if line.strip()]
    return _numbered_inline(kept[0]) if len(kept) == 1 else kept


def _after_mark(rest: str, mark: str) -> str:
    """Close the emphasis that a number stands in: "**1.** A" and "**1. A**" are both A."""
    return rest[len(mark) :] if mark and rest.startswith(mark) else mark + rest


def _numbered_inline(line: str) -> list[str]:
    """Split "A 2. B 3. C", the line after its "1.", at the numbers that count up."""
    titles: list[str] = []
    start, number = 0, 2
    while match := re.compile(rf"[\s,;]\(?{number}[.):]\s").search(line, start):
        titles.append(line[start : match.start()])
        start, number = match.end(), number + 1
    return [*titles, line[start:]]


def _bulleted(lines: list[str]) -> list[str]:
    """What follows the bullet of the outermost bulleted lines."""
    found = [(match, line) for line in lines if (match := _BULLET.match(line))]
    indents = [len(line) - len(line.lstrip()) for _, line in found]
    outermost = min(indents, default=0)
    return [
        line[match.end() :]
        for (match, line), indent in zip(found, indents, strict=True)
        if indent <= outermost + 1
    ]


def _refusal(lines: list[str]) -> str:
    """The line that refuses, or ""; a title such as "I Can't Sleep" among others does not."""
    for line in lines[:5]:
        if _REFUSAL.search(line[:1000]) and (len(lines) == 1 or len(line.split()) >= 6):
            return " ".join(line.split())[:200]
    return ""


def _unmarked(lines: list[str], k: int) -> list[str]:
    lines = [line for line in lines if not _NUMBERED.fullmatch(line.strip())]
    content = [line for line in lines if not _is_chatter(line)]
    if len(content) <= 3 or all(line.rstrip().endswith(",") for line in content[:-1]):
        pieces = max(
            (split_titles(line) for line in [*lines[:4], " ".join(content)]), key=len, default=[]
        )
        if len(pieces) >= 2 and len(pieces) > len(content):
            return pieces
    titles = [line for line in content if _could_be_title(line)]
    if len(titles) < 2 and not (k == 1 and len(lines) == 1):
        return []
    return titles if 2 * len(titles) >= len(content) else []


def _is_chatter(line: str) -> bool:
    """Whether a line introduces or closes a list rather than being part of it."""
    line = line.strip()
    ends = line[-1:] in ".!?:" or len(line[:500].split()) > 7
    return line.endswith(":") or bool(_CHATTER.match(line) and ends and _in_lower_case(line))


def _could_be_title(line: str) -> bool:
    length = len(line[:500].split())
    is_sentence = line.rstrip().endswith((".", "?")) and length > 5 and _in_lower_case(line)
    return length <= MAX_WORDS and not is_sentence


def _in_lower_case(line: str) -> bool:
    """Whether most words after the first begin in lower case, as they do not in a title."""
    words = line[:500].split()[1:]
    return 2 * sum(word[0].islower() for word in words) >= len(words)
