"""Small files of users and items, line by line."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from fairrec.catalogs import Catalog
from fairrec.datasets.profiles import plain_text
from fairrec.errors import BadData, WrongUse

Item = tuple[str, str, str | None, float | None, str | None]
"""Id, title, other titles, year and genres of an item; None where unknown."""


def read_text(path: Path, encodings: Sequence[str] = ("utf-8-sig",)) -> str:
    """Return a file's text in the first encoding that fits.

    Raises:
        WrongUse: The file cannot be read.
        BadData: No encoding fits.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WrongUse(
            f"{path} cannot be read: {error.strerror or error}.",
            expected="a file with read permission.",
            do="check the path and the file's permissions.",
        ) from error
    line = 1
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
    raise BadData(
        f"{path}: line {line} is not {' or '.join(encodings)}.",
        expected="text in this encoding.",
        do="convert the file, or obtain a fresh copy.",
    )


def read_rows(
    path: Path, separator: str, width: int, *, old: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """Yield the number from 1 and the cells of every line that is not blank.

    Args:
        path: The file.
        separator: Between cells; "," reads CSV with quotes.
        width: How many cells a line has.
        old: Whether Latin-1 is tried where UTF-8 does not fit, as for files of the 1990s.

    Raises:
        WrongUse: The file cannot be read.
        BadData: A line has another number of cells.
    """
    text = read_text(path, ("utf-8-sig", "latin-1") if old else ("utf-8-sig",))
    lines = text.replace("\r\n", "\n").split("\n")
    if separator == ",":
        reader = csv.reader(lines)
        rows = ((reader.line_num, cells) for cells in reader)
    else:
        rows = ((n, line.split(separator)) for n, line in enumerate(lines, 1) if line.strip())
    for number, cells in rows:
        if len(cells) == width + 1 and not cells[-1].strip():
            cells.pop()
        if len(cells) != width and cells:
            raise BadData(
                f"{path}: line {number} has {len(cells)} cell(s).",
                expected=f"{width} cells, separated by {separator!r}.",
                do="mend the line, or obtain a fresh copy of the file.",
            )
        if cells:
            yield number, [cell.strip() for cell in cells]


def by_id(path: Path, rows: Iterator[tuple[int, list[str]]], of: Callable) -> dict[str, dict]:
    """Return what `of` makes of each row, by the row's first cell.

    Raises:
        BadData: An id is blank or stands in two lines.
    """
    found, lines = {}, {}
    for number, cells in rows:
        if not cells[0] or cells[0] in lines:
            what = f"the id {cells[0]!r} of line {lines[cells[0]]} again" if cells[0] else "no id"
            raise BadData(
                f"{path}: line {number} has {what}.",
                expected="a different id in every line.",
                do="remove one of the lines, or obtain a fresh copy of the file.",
            )
        lines[cells[0]] = number
        found[cells[0]] = of(cells)
    return found


def catalog_of(items: Sequence[Item], source: Path) -> Catalog:
    """Make a catalogue; a column that is missing throughout is left out.

    Raises:
        BadData: See `Catalog`; the file is named.
    """
    years = [np.nan if item[3] is None else item[3] for item in items]
    columns = {
        "year": np.array(years, np.float64),
        "genre": np.array([*(item[4] for item in items), None], object)[:-1],
        "other_title": np.array([*(item[2] for item in items), None], object)[:-1],
    }
    known = {name: c for name, c in columns.items() if any(v == v and v is not None for v in c)}
    try:
        titles = tuple(plain_text(item[1]) or item[1] for item in items)
        return Catalog(tuple(item[0] for item in items), titles, known)
    except BadData as error:
        raise BadData(f"{source}: {error.seen}", expected=error.expected, do=error.do) from None
