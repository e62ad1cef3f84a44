"""Reads titles out of answers in JSON, also out of broken JSON."""

from __future__ import annotations

import json
import re
from typing import Any

_START = re.compile(r"^[ \t]*([\[{])(?=\s{0,100}[\"'\[{\d])", re.MULTILINE)
_STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"(\s{0,20}:)?|\'((?:[^\'\\\n]|\\.)*)\'(\s{0,20}:)?')
_TITLE_KEYS = (
    *("title", "name", "movie", "film", "song", "track", "book", "album", "item"),
    *("movie_title", "film_title", "song_title", "recommendation"),
)


def titles_in_json(text: str) -> list[str]:
    """Return the titles of the first JSON array or object that begins a line, or [].

    An array holds strings or objects with a title; an object holds such an array or has the
    titles as its values. JSON that is cut off, or written with single quotes, gives its whole
    strings.
    """
    position = 0
    while start := _START.search(text, position):
        try:
            value, position = json.JSONDecoder().raw_decode(text, start.start(1))
        except (ValueError, RecursionError):
            return _strings(text[start.start(1) :])
        if titles := _titles(value):
            return titles
    return []


def _titles(value: Any, depth: int = 0) -> list[str]:
    if isinstance(value, dict):
        title = _title(value)
        if title:
            return [title]
        if depth < 3:
            for inner in value.values():
                if isinstance(inner, list | dict) and (found := _titles(inner, depth + 1)):
                    return found
        return [inner for inner in value.values() if isinstance(inner, str)]
    if not isinstance(value, list):
        return []
    titles = []
    for item in value:
        if isinstance(item, str):
            titles.append(item)
        elif isinstance(item, int) and not isinstance(item, bool):
            titles.append(str(item))
        elif isinstance(item, dict):
            strings = (inner for inner in item.values() if inner and isinstance(inner, str))
            titles.append(_title(item) or next(strings, ""))
    return titles


def _title(item: dict[str, Any]) -> str:
    fields = {key.casefold(): value for key, value in item.items()}
    for key in _TITLE_KEYS:
        title = fields.get(key)
        if title and isinstance(title, str):
            year = str(fields.get("year", ""))
            stated = re.fullmatch(r"(?:18|19|20)\d\d", year) and year not in title
            return f"{title} ({year})" if stated else title
    return ""


def _strings(text: str) -> list[str]:
    """The quoted strings of broken JSON: values of title keys if there are any, else all values."""
    values: list[str] = []
    titled: list[str] = []
    key = ""
    for match in _STRING.finditer(text):
        string = _unescape(match[1] if match[1] is not None else match[3])
        if match[2] or match[4]:
            key = string.casefold()
            continue
        values.append(string)
        if key in _TITLE_KEYS:
            titled.append(string)
        key = ""
    return titled or values


def _unescape(string: str) -> str:
    try:
        return str(json.loads(f'"{string}"'))
    except ValueError:
        return string.replace("\\", "")
