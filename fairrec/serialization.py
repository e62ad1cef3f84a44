"""The types of `fairrec.types` as JSON text and back.

Equal values give equal text: keys are sorted and nothing depends on a clock. NaN and infinity
are no JSON and are refused in both directions.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from fairrec.errors import BadData
from fairrec.results import SCHEMA_VERSION, AuditResult

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")

_SURROGATE = re.compile("[\ud800-\udfff]")


def to_json(obj: Any) -> str:
    """Return one of the dataclasses of `fairrec.types` as one line of JSON.

    Lone surrogates, which no UTF-8 file can hold, become U+FFFD.

    Raises:
        BadData: A number is NaN or infinite, or a value (in `AuditResult.provenance`, say)
            is no plain JSON type.
    """
    return _dump(_adapter(type(obj)).dump_python(obj, warnings=False))


def from_json(cls: type[T], text: str | bytes) -> T:
    """Return the `cls` that `to_json` wrote. Unknown keys are ignored.

    Raises:
        BadData: The text is no JSON, a field is missing or of the wrong type, a number is NaN
            or infinite, or the text was written by a newer version of fairrec.
    """
    from pydantic import ValidationError

    try:
        plain = json.loads(text, parse_constant=_refuse_constant)
    except BadData:
        raise
    except RecursionError as error:
        raise _not_json(cls, "it is nested too deeply") from error
    except ValueError as error:
        raise _not_json(cls, str(error)) from error
    if cls is AuditResult:
        _check_version(plain)
    try:
        return _adapter(cls).validate_json(_dump(plain), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(map(str, first["loc"])) or "the top level"
        more = error.error_count() - 1
        raise BadData(
            f"{cls.__name__} cannot be read: at {path}: {first['msg']}"
            + (f" (and {more} more)." if more else "."),
            expected=f"the JSON of one {cls.__name__}, as fairrec wrote it.",
            do="use the file as it was written, or run the audit again.",
        ) from error


@cache
def _adapter(cls: type[T]) -> TypeAdapter[T]:
    from pydantic import TypeAdapter

    return TypeAdapter(cls)


def _dump(plain: Any) -> str:
    try:
        text = json.dumps(
            plain, sort_keys=True, allow_nan=False, ensure_ascii=False, separators=(",", ":")
        )
    except (ValueError, TypeError, RecursionError) as error:
        path = _path_to_number(plain)
        seen = f"the number at {path} is NaN or infinite" if path else str(error)
        raise BadData(
            f"A value cannot be kept as JSON: {seen}.",
            expected="strings, finite numbers, booleans, None, and lists and mappings of them.",
            do="leave a missing number None and say why beside it.",
        ) from error
    return _SURROGATE.sub("\ufffd", text)


def _path_to_number(plain: Any, path: str = "") -> str:
    """Return the dotted path of the first number that is not finite, or ""."""
    if isinstance(plain, float):
        return "" if math.isfinite(plain) else path or "the top level"
    if isinstance(plain, Mapping):
        parts = plain.items()
    elif isinstance(plain, list | tuple):
        parts = enumerate(plain)
    else:
        return ""
    found = (_path_to_number(part, f"{path}.{key}" if path else str(key)) for key, part in parts)
    return next(filter(None, found), "")


def _refuse_constant(name: str) -> NoReturn:
    raise BadData(
        f"The JSON holds the number {name}.",
        expected="finite numbers; a missing one is null.",
        do="write null instead, or run the audit again.",
    )


def _not_json(cls: type, why: str) -> BadData:
    return BadData(
        f"{cls.__name__} cannot be read: this is no JSON ({why}).",
        expected=f"the JSON of one {cls.__name__}, as fairrec wrote it.",
        do="check that the file is whole, or run the audit again.",
    )


def _check_version(plain: Any) -> None:
    version = plain.get("schema_version") if isinstance(plain, dict) else None
    if type(version) is not int:
        raise BadData(
            "AuditResult cannot be read: at schema_version: there is no version number.",
            expected=f"an object with schema_version of at most {SCHEMA_VERSION}.",
            do="use a result.json that fairrec wrote.",
        )
    if version > SCHEMA_VERSION:
        raise BadData(
            f"This result has schema version {version}; this fairrec reads up to {SCHEMA_VERSION}.",
            expected=f"schema version {SCHEMA_VERSION} or older.",
            do="upgrade fairrec (pip install --upgrade fairrec) and try again.",
        )
