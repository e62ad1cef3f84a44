"""Text of models and data sets, made safe to show; escaping it is each sink's own."""

from __future__ import annotations

import re

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.?)")
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
)


def clean(text: object, limit: int | None = None) -> str:
    """Return untrusted text without ANSI escapes, control and direction-override characters.

    A character that is taken out leaves U+FFFD, an escape sequence nothing. Longer than
    `limit` characters, the text ends in an ellipsis.
    """
    string = str(text)
    if limit is not None:
        string = string[: limit * 4 + 200]
    string = _CONTROLS.sub("\ufffd", _ANSI.sub("", string.replace("\r\n", "\n")))
    if limit is not None and len(string) > limit:
        string = string[: limit - 1].rstrip() + "…"
    return string
