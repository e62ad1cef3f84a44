"""Rows of a recording's file, whichever of its forms it has."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fairrec.errors import BadData, WrongUse
from fairrec.recordings.line import LISTS, MAPPINGS

_JSON_LIST = re.compile(r"\s*\[\s*(?:[\"\]]|-?\d)")
"""What a list in JSON begins with; a title in square brackets is none."""

FORMS = (".jsonl", ".csv", ".parquet")


def numbered_rows(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Yield the row number, from 1, and the row, or in words what is wrong with it.

    Rows of JSONL are counted with blank lines, as an editor does; of CSV without the heading.

    Raises:
        WrongUse: The file is missing or has another ending.
        BadData: The file as a whole cannot be read.
    """
    if path.suffix not in FORMS:
        raise WrongUse(
            f"{path} ends in {path.suffix!r}.",
            expected=f"a recording that ends in {', '.join(FORMS)}.",
            do="name the file by its form.",
        )
    if not path.is_file():
        raise WrongUse(f"there is no file {path}.", expected="a recording.", do="check the path.")
    try:
        yield from _json_lines(path) if path.suffix == ".jsonl" else _table(path)
    except (OSError, UnicodeDecodeError) as error:
        raise BadData(
            f"{path} cannot be read: {error}.", expected="a UTF-8 file.", do="write it again."
        ) from error


def _json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield number, f"no JSON: {error}"
                continue
            yield number, row if isinstance(row, dict) else f"a {type(row).__name__}, not an object"


def _table(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    import pandas

    try:
        if path.suffix == ".csv":
            table = pandas.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        else:
            table = pandas.read_parquet(path)
    except ImportError as error:
        raise WrongUse(
            f"{path} needs a Parquet reader: {error}.",
            expected="pyarrow.",
            do="pip install 'fairrec[parquet]'.",
        ) from error
    except (ValueError, pandas.errors.ParserError) as error:
        raise BadData(
            f"{path} cannot be read: {error}.",
            expected="a table with a heading.",
            do="write it again.",
        ) from error
    for number, row in enumerate(table.to_dict("records"), start=1):
        try:
            yield number, _row({str(name): cell for name, cell in row.items()})
        except ValueError as error:
            yield number, str(error)


def _row(cells: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its lists and mappings unpacked; an empty cell is not given."""
    row: dict[str, Any] = {}
    for name, cell in cells.items():
        if hasattr(cell, "tolist"):  # an array, or a number of numpy's
            cell = cell.tolist()
        if cell is None or cell == "" or (isinstance(cell, float) and math.isnan(cell)):
            continue
        whole, _, key = name.partition(".")
        if key and whole in MAPPINGS:
            row.setdefault(whole, {})[key] = cell
        elif isinstance(cell, str) and (name in LISTS or name in MAPPINGS or name == "matches"):
            row[name] = _unpacked(name, cell)
        elif name in MAPPINGS and isinstance(cell, dict):
            row[name] = {key: value for key, value in cell.items() if value is not None}
        else:
            row[name] = cell
    return row


def _unpacked(name: str, cell: str) -> Any:
    """Return a cell's JSON; a list that is none has one entry a line."""
    if name in LISTS and not _JSON_LIST.match(cell):
        return [line.strip() for line in cell.splitlines() if line.strip()]
    try:
        return json.loads(cell)
    except ValueError as error:
        raise ValueError(f"{name}: no JSON: {error}") from error
