"""A JSON value with fields that a request fills in, and a path into a JSON reply."""

from __future__ import annotations

import difflib
import json
import re
from typing import Any

from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.types import Request

FIELDS = (
    "instruction",
    "system",
    "k",
    "profile",
    "slots",
    "history",
    "candidates",
    "titles_of_history",
    "titles_of_candidates",
)
"""Fields of a template; ``profile.NAME`` and ``slots.NAME`` are fields too."""

_FIELD = re.compile(r"\{([a-z_]+(?:\.[^{}]+)?)\}")


def check_template(template: Any) -> None:
    """Check that every field is known.

    Raises:
        WrongUse: One is not; the nearest is named.
    """
    for name in _FIELD.findall(json.dumps(template, ensure_ascii=False)):
        if name not in FIELDS and not name.startswith(("profile.", "slots.")):
            close = difflib.get_close_matches(name, FIELDS, 1)
            raise WrongUse(
                f"the template has the unknown field {{{name}}}.",
                expected=f"{', '.join(FIELDS)}, profile.NAME or slots.NAME.",
                do=f"did you mean {{{close[0]}}}?" if close else "correct the field.",
            )


def fill(template: Any, request: Request, catalog: Catalog | None) -> Any:
    """Return the template with its fields filled in.

    A string that is one field becomes the value itself, such as a list; a field inside a longer
    string is put in as text. Without a catalogue, titles are ids.
    """
    if isinstance(template, dict):
        return {key: fill(value, request, catalog) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [fill(value, request, catalog) for value in template]
    if not isinstance(template, str):
        return template
    if whole := _FIELD.fullmatch(template):
        return _value(whole[1], request, catalog)
    return _FIELD.sub(lambda match: _as_text(_value(match[1], request, catalog)), template)


def find(reply: Any, path: str) -> Any:
    """Return what stands at a dotted path; ``*`` takes every element of a list.

    >>> find({"data": [{"id": "a"}, {"id": "b"}]}, "data.*.id")
    ['a', 'b']

    Raises:
        LookupError: The reply has no such place.
    """
    key, _, rest = path.partition(".")
    if not key:
        return reply
    if key == "*":
        if not isinstance(reply, list):
            raise LookupError(f"{type(reply).__name__} where a list was expected")
        return [find(element, rest) for element in reply]
    if isinstance(reply, list) and key.isdigit() and int(key) < len(reply):
        return find(reply[int(key)], rest)
    if isinstance(reply, dict) and key in reply:
        return find(reply[key], rest)
    raise LookupError(f"no {key!r} in the reply")


def _value(name: str, request: Request, catalog: Catalog | None) -> Any:
    def titles(items: tuple[str, ...] | None) -> list[str] | None:
        if items is None:
            return None
        return [catalog.title(i) if catalog is not None and i in catalog else i for i in items]

    key, _, entry = name.partition(".")
    if entry:
        return dict(getattr(request, key)).get(entry)
    if name.startswith("titles_of_"):
        return titles(getattr(request, name.removeprefix("titles_of_")))
    found = getattr(request, name)
    if name in ("profile", "slots"):
        return dict(found)
    return list(found) if isinstance(found, tuple) else found


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
