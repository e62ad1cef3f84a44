"""Turns what a language model sent into plain text that is safe to read and to show."""

from __future__ import annotations

import html
import re

MAX_ANSWER = 100_000
"""Characters of an answer that are read and kept."""

_THOUGHT = re.compile(r"<(/?)think(?:ing)?>", re.IGNORECASE)
_ANSI = re.compile(r"\x1b(?:\[[0-9;:?]{0,40}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,1000}(?:\x07|\x1b\\)?)")
_BREAK = re.compile(r"<(?:br|p|/p|/li|ul|/ul|ol|/ol)\s?/?>", re.IGNORECASE)
_ITEM = re.compile(r"<li>\s{0,20}", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:a|b|i|em|strong|u|span|div|h[1-6]|code)(?:\s[^<>]{0,300})?>", re.IGNORECASE
)
_FENCE = re.compile(r"^[ \t]{0,8}(?:```|~~~)[^\n]{0,40}$", re.MULTILINE)
_INVISIBLE = dict.fromkeys(
    [
        *(code for code in range(0x20) if chr(code) not in "\n\t"),
        *range(0x7F, 0xA0),
        0xAD,
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        0xFEFF,
    ]
)


def valid_text(text: str, limit: int = MAX_ANSWER) -> str:
    """Return the first `limit` characters as text that can be written as UTF-8.

    >>> valid_text("a" + chr(0xD800)) == "a" + chr(0xFFFD)
    True
    """
    return text[:limit].encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def without_thoughts(text: str) -> str:
    """Return the answer without ``<think>`` passages, also one that is never closed.

    >>> without_thoughts("<think>Hm.</think>Jaws"), without_thoughts("Jaws <think>Or")
    ('Jaws', 'Jaws ')
    """
    kept: list[str] = []
    start, thinking = 0, False
    for tag in _THOUGHT.finditer(text):
        if tag[1]:  # a closing tag without an opening one ends a thought that the prompt began
            kept = kept if thinking else []
        elif not thinking:
            kept.append(text[start : tag.start()])
        start, thinking = tag.end(), not tag[1]
    if not thinking:
        kept.append(text[start:])
    return "".join(kept)


def clean_answer(text: str) -> str:
    """Return the answer as plain lines.

    Thoughts, code fences, simple HTML tags and entities, terminal escapes, control and
    invisible characters (text direction included) go; list items and breaks of HTML become
    lines. At most `MAX_ANSWER` characters after the thoughts are read.
    """
    text = valid_text(without_thoughts(text))
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n")
    text = _ANSI.sub("", text)
    text = _ITEM.sub("\n- ", _BREAK.sub("\n", text))
    text = html.unescape(_TAG.sub("", text))
    return _FENCE.sub("", valid_text(text.translate(_INVISIBLE)))
