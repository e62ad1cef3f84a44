"""The normal form of a title, in which two spellings of it are equal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

MAX_TITLE = 300
"""Characters of a piece of text that are looked at; no title is longer."""

_STATED_YEAR = re.compile(r"(.*\S)\s*[(\[]((?:18|19|20)\d\d)\b[^()\[\]]{0,60}[)\]]", re.DOTALL)
_ARTICLE_AT_END = re.compile(
    r"(.+), (the|a|an|le|la|les|l['’]|el|los|las|il|lo|gli|der|die|das)", re.DOTALL
)
_LEADING_ARTICLE = re.compile(r"^(?:the|a|an) (?=.)")
_SILENT = re.compile(r"['’‘`´.*]|(?<=\d),(?=\d)")
_GLUED_NUMBER = re.compile(r"(?<=[^\W\d_]{3})(?=\d+\b)")
_LONE_NUMERAL = re.compile(r"(?<=\w\s)([vx])(?=\s?:)")
_NO_WORD = re.compile(r"[\W_]+")
_SHORT_FORMS = {
    "vol": "volume",
    "pt": "part",
    "ep": "episode",
    "vs": "versus",
    "dr": "doctor",
    "mr": "mister",
    "st": "saint",
}
_SERIES = frozenset({"part", "volume", "episode", "chapter", "book"})
_ROMAN = ("ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii")
_SPELLED = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven")
_ROMAN_NUMBERS = {numeral: str(number) for number, numeral in enumerate(_ROMAN, start=2)}
_SPELLED_NUMBERS = {word: str(number) for number, word in enumerate(_SPELLED, start=2)} | {
    "twelve": "12",
    "thirteen": "13",
}


def normalise_title(text: str) -> str:
    """Return the form in which two spellings of one title are equal.

    Case, diacritics, punctuation, "&" for "and", a leading or moved article ("Matrix, The"), a
    year in brackets at the end, "Dr." for "Doctor" and the way a number is written ("Part Two",
    "Rocky II", "12 Monkeys") make no difference. Only the first `MAX_TITLE` characters count.

    >>> normalise_title("Amélie & the Matrix, The (1999)")
    'amelie and the matrix'
    >>> normalise_title("The Godfather: Part II") == normalise_title("Godfather, Part 2")
    True
    """
    return _LEADING_ARTICLE.sub("", title_with_article(split_year(text[:MAX_TITLE])[0]))


def split_year(text: str) -> tuple[str, int | None]:
    """Return the text without a year in brackets at its end, and the year or None.

    >>> split_year("Lolita (1962 film)")
    ('Lolita', 1962)
    """
    stated = _STATED_YEAR.fullmatch(text.strip())
    return (stated[1], int(stated[2])) if stated else (text.strip(), None)


def title_with_article(text: str) -> str:
    """Return the normal form of a title without a year, its leading article kept."""
    text = text.replace("½", " 1/2")
    folded = unicodedata.normalize("NFKD", text.casefold())
    folded = "".join(letter for letter in folded if not unicodedata.combining(letter)).strip()
    moved = _ARTICLE_AT_END.fullmatch(folded)
    if moved:
        folded = f"{moved[2]} {moved[1]}"
    folded = _LONE_NUMERAL.sub(lambda match: _ROMAN_NUMBERS[match[1]], folded)
    folded = _SILENT.sub("", folded.replace("&", " and ").replace("+", " and "))
    words = _NO_WORD.sub(" ", _GLUED_NUMBER.sub(" ", folded)).split()
    words = [_SHORT_FORMS.get(word, word) for word in words]
    return " ".join(_number(words, place) for place in range(len(words))) or " ".join(
        folded.split()
    )


def _number(words: Sequence[str], place: int) -> str:
    """Write a number in figures; a lone V or X is one only at the end or after "Part"."""
    word = words[place]
    after_series = place > 0 and words[place - 1] in _SERIES
    if word in _SPELLED_NUMBERS:
        return _SPELLED_NUMBERS[word]
    if after_series and word in ("one", "i"):
        return "1"
    is_numeral = len(word) > 1 or after_series or place == len(words) - 1
    if word in _ROMAN_NUMBERS and place > 0 and is_numeral:
        return _ROMAN_NUMBERS[word]
    return word


def numbers_in(normal_title: str) -> list[str]:
    """Return the words of a normal form that hold a digit, sorted.

    >>> numbers_in(normalise_title("Naked Gun 33 1/3"))
    ['1', '3', '33']
    """
    return sorted(word for word in normal_title.split() if any(map(str.isdigit, word)))
