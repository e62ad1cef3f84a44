"""Reads the rating in a model's words: "3.85", "4/5", "8 out of 10", "four stars", "★★★★☆"."""

from __future__ import annotations

import re

_WORDS = {
    word: number
    for number, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    )
}
_NUMBER = rf"(?:\d{{1,3}}(?:[.,]\d+)?|\b(?:{'|'.join(_WORDS)})\b)"
_SHARE = re.compile(rf"(?<![\d.,/-])({_NUMBER})\s*(?:/|\bout of\b|\bof\b)\s*({_NUMBER})", re.I)
_PERCENT = re.compile(r"(?<![\d.,-])(\d{1,3}(?:[.,]\d+)?)\s*%")
_STARS = re.compile(r"([★⭐]+)(½?)[☆]*")
_NAMED = re.compile(rf"(?<![\d.,-])({_NUMBER})(\s*(?:½|and a half))?[\s-]*stars?\b", re.I)
_SCALE = re.compile(rf"(?<![\d.,]){_NUMBER}\s*(?:to|-|–|and)\s*{_NUMBER}(?![\d%]|[.,]\d)", re.I)
_ALONE = re.compile(rf"(?<![\d.,/-])({_NUMBER})(?![\d%]|[.,]\d)", re.I)


def parse_rating(text: str, lowest: float = 1, highest: float = 5) -> float | None:
    """Return the rating that a text gives, or None.

    A share of another maximum is taken to the scale's ("8/10" is 4 of 5), and so is a
    percentage. A bare number counts when it is on the scale.

    Args:
        text: What a model wrote.
        lowest: Least rating of the scale.
        highest: Greatest rating of the scale.

    >>> [parse_rating(t) for t in ("3.85", "4/5", "I'd say four stars.", "8 out of 10", "no idea")]
    [3.85, 4.0, 4.0, 4.0, None]
    """
    text = _SCALE.sub(" ", text[:2000])  # "on a scale of 1 to 5" is no rating
    if (match := _SHARE.search(text)) and (whole := _value(match[2])):
        return _on_scale(_value(match[1]) * highest / whole, lowest, highest)
    if match := _PERCENT.search(text):
        return _on_scale(_value(match[1]) * highest / 100, lowest, highest)
    if match := _STARS.search(text):
        return _on_scale(len(match[1]) + 0.5 * bool(match[2]), lowest, highest)
    if match := _NAMED.search(text):
        return _on_scale(_value(match[1]) + 0.5 * bool(match[2]), lowest, highest)
    for match in _ALONE.finditer(text):
        if (found := _on_scale(_value(match[1]), lowest, highest)) is not None:
            return found
    return None


def _value(text: str) -> float:
    word = _WORDS.get(text.lower())
    return float(text.replace(",", ".")) if word is None else float(word)


def _on_scale(value: float, lowest: float, highest: float) -> float | None:
    return value if lowest <= value <= highest else None
