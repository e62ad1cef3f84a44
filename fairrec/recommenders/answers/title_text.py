"""Finds the title in one line of an answer, and the titles in a line that lists several."""

from __future__ import annotations

import re

from fairrec.recommenders.answers.cleaning import clean_answer

MAX_LINE = 500
"""Characters of a line that are looked at for a title."""

_LINK = re.compile(r"\[([^\[\]]{1,200})\]\([^()\s]{0,300}\)")
_LABEL = re.compile(r"(?:title|movie|film|song|name)\s?:\s+(?=\S)", re.IGNORECASE)
_MARKS = ("***", "**", "__", "*", "_", "`")
_QUOTES = {'"': '"', "“": "”", "«": "»", "‘": "’", "'": "'", "„": "“"}
_YEAR = re.compile(r"(.{0,400}?)\s*[(\[]((?:18|19|20)\d\d)\b[^()\[\]]{0,80}[)\]](?=$|[\s:;,.–—*-])")
_ESCAPED = re.compile(r"\\([*_#.\[\]()!`-])")
_AFTER = re.compile(r"\s*(?:$|[(\[,;:.–—-]|by\b|directed\b|from\b)")
_QUOTED = re.compile(r'"([^"\n]{1,300})"(\s?:)?|“([^”\n]{1,300})”|«([^»\n]{1,300})»')
_LEAD_IN = re.compile(
    r"(?:i(?:['’]d| would)? (?:recommend|suggest)|you (?:might|may|could|should) "
    r"(?:like|enjoy|try|watch)|try|watch|consider)(?: watching)? ",
    re.IGNORECASE,
)
_INTRODUCES = re.compile(
    r"\b(?:here (?:are|is|you)|recommend\w*|suggest\w*|following|includes?)\b"
    r"|\b(?:movies|films|songs|titles|list)$",
    re.IGNORECASE,
)
_CONTINUES = frozenset({"the", "a", "an", "le", "la", "les", "das", "der", "die", "inc", "jr"})


def title_of(line: str) -> str:
    """Return the title that a line (its number or bullet removed) begins with.

    What is in bold, italics or quotation marks at the start is the title, and a year in
    brackets ends it; without either the whole line is kept.

    >>> title_of('**"Jaws"** (1975), by Steven Spielberg')
    'Jaws (1975)'
    >>> title_of("Mission: Impossible")
    'Mission: Impossible'
    """
    text = _LINK.sub(r"\1", " ".join(clean_answer(line[:MAX_LINE]).split()))
    text = _LABEL.sub("", text, count=1) if _LABEL.match(text) else text
    after = ""
    for _ in range(3):
        inner, rest = _unwrap(text)
        text, after = inner, rest + after
    text = _ESCAPED.sub(r"\1", text)
    year = _YEAR.match(text)
    if year and year[1]:
        return f"{year[1].rstrip(' ,;:')} ({year[2]})"
    text = text.strip().rstrip(",;:").rstrip(" -–—")
    year = _YEAR.match(after)
    return f"{text} ({year[2]})" if text and year and not year[1].strip(" -–—,") else text


def _unwrap(text: str) -> tuple[str, str]:
    """Split text into what its first emphasis or quotation marks hold and what follows."""
    for mark in _MARKS:
        if text.startswith(mark):
            inner, rest = _until(text, len(mark), mark)
            if inner and (len(mark) > 1 or _AFTER.match(rest)):
                return inner, rest
            return (text.removeprefix(mark), "") if mark == "**" else (text, "")
    closing = _QUOTES.get(text[:1])
    if closing:
        inner, rest = _until(text, 1, closing)
        if inner and _AFTER.match(rest):
            return inner.rstrip(","), rest
    return text.removesuffix("**"), ""


def _until(text: str, start: int, mark: str) -> tuple[str, str]:
    end = re.compile(re.escape(mark) + r"(?=$|[\s:;,.()\[\]\"”*–—-])").search(text, start + 1)
    return (text[start : end.start()].strip(), text[end.end() :]) if end else ("", "")


def split_titles(line: str) -> list[str]:
    """Return the titles that one line lists, or [] if it reads as prose.

    Quoted titles, else pieces between semicolons, bars or commas. Pieces that begin in lower
    case or are longer than ten words speak for prose.

    >>> split_titles("Sure, here are three films: Jaws, Matrix, The, and Alien")
    ['Jaws', 'Matrix, The', 'Alien']
    """
    line = line[:20_000].strip()
    quoted = [match[1] or match[3] or match[4] for match in _QUOTED.finditer(line) if not match[2]]
    if len(quoted) >= 2:
        return [title.rstrip(",") for title in quoted]
    head, _, tail = line.partition(": ")
    if tail and len(head.split()) > 2 and _INTRODUCES.search(head[:300]):
        line = tail
    lead_in = _LEAD_IN.match(line)
    line = line[lead_in.end() :].rstrip(".") if lead_in else line
    if line[:1] == line[-1:] == "'" and "', '" in line:
        return line[1:-1].split("', '")
    separator = ";" if ";" in line else " | " if " | " in line else ","
    pieces: list[str] = []
    for piece in map(str.strip, line.split(separator)):
        if pieces and piece.casefold().rstrip(".") in _CONTINUES:
            pieces[-1] += f", {piece}"
        elif piece:
            pieces.append(piece)
    if pieces:
        pieces[-1] = re.sub(r"^(?:and|or|&) ", "", pieces[-1])
    return [] if _is_prose(pieces) else pieces


def _is_prose(pieces: list[str]) -> bool:
    capital = sum(not piece[0].islower() for piece in pieces)
    longest = max((len(piece.split()) for piece in pieces), default=0)
    return longest > 10 or 5 * capital < 4 * len(pieces) or (len(pieces) == 2 and longest > 6)
