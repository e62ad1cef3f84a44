"""Reads large logs fast, and says which line is broken when one is.

pandas' C engine reads a million rows at a time. Only when it stumbles is the file gone through
line by line, to name the lines at fault.
"""

from __future__ import annotations

import csv
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

import numpy as np

from fairrec.errors import BadData, WrongUse

if TYPE_CHECKING:
    import pandas

Kind = Literal["id", "text", "number", "time"]
CHUNK = 1_000_000


@dataclass(frozen=True, slots=True)
class Layout:
    """How a log's lines are cut.

    Attributes:
        columns: Every column in the file's order and what it holds: an "id" (never blank),
            "text" (may be blank), a finite "number" or a "time" in ISO 8601.
        separator: One character, or "::".
        header: Whether the first line names the columns.
        quoted: Whether cells may stand in double quotes, as in CSV.
        encoding: Of the text.
        tolerated: Broken lines that are left out, named and counted, before it is an error.
    """

    columns: Mapping[str, Kind]
    separator: str
    header: bool = False
    quoted: bool = False
    encoding: str = "utf-8"
    tolerated: int = 0


class Collector(Protocol):
    """Takes the chunks of a log, a data frame each, with the layout's columns."""

    warnings: list[str]

    def add(self, chunk: pandas.DataFrame) -> None: ...


C = TypeVar("C", bound=Collector)


class _Broken(Exception):
    """Something is wrong in the file; where, is still to be found."""


@dataclass
class Log:
    """Interactions with users and items numbered in order of appearance.

    The columns grow as lists of arrays, one per chunk, and are joined on demand.
    """

    user_numbers: dict[str, int] = field(default_factory=dict)
    item_numbers: dict[str, int] = field(default_factory=dict)
    parts: dict[str, list[np.ndarray[Any, Any]]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def add(self, chunk: pandas.DataFrame) -> None:
        """Take the columns user and item, and rating and timestamp where there are."""
        self._keep("user", numbered(chunk["user"], self.user_numbers))
        self._keep("item", numbered(chunk["item"], self.item_numbers))
        for name in ("rating", "timestamp"):
            if name in chunk:
                self._keep(name, chunk[name].to_numpy(np.float64))

    def _keep(self, name: str, values: np.ndarray[Any, Any]) -> None:
        self.parts.setdefault(name, []).append(values)

    def column(self, name: str) -> np.ndarray[Any, Any] | None:
        """Return a whole column and let go of its parts; None if there is none."""
        parts = self.parts.pop(name, None)
        return None if parts is None else np.concatenate(parts)


def numbered(ids: Any, numbers: dict[str, int]) -> np.ndarray[Any, Any]:
    """Return the number of each id, giving new ones the next numbers."""
    import pandas

    codes, found = pandas.factorize(ids)
    names = [str(name).strip() for name in found]
    _must(all(names))
    known = [numbers.setdefault(name, len(numbers)) for name in names]
    return np.array(known, dtype=np.int32)[codes] if known else np.empty(0, np.int32)


def read_log(path: Path, layout: Layout, collector: type[C] = Log) -> C:  # type: ignore[assignment]
    """Read a log chunk by chunk into a new collector.

    Raises:
        WrongUse: The file cannot be read.
        BadData: Lines are broken, more than are tolerated; the first ones are named.
    """
    collected = collector()
    try:
        for chunk in _chunks(path, layout, ()):
            collected.add(chunk)
    except _Broken as stumble:
        broken = _broken_lines(path, layout)
        named = "; ".join(f"line {line}: {why}" for line, why in broken[:5])
        if not broken or len(broken) > layout.tolerated:
            raise BadData(
                f"{path}: {len(broken)} broken line(s): {named}."
                if broken
                else f"{path} cannot be read: {stumble}",
                expected=f"lines of {_expected(layout)}.",
                do="mend or remove these lines; a fresh copy of the file may do.",
            ) from stumble
        collected = collector()
        for chunk in _chunks(path, layout, [line for line, _ in broken]):
            collected.add(chunk)
        collected.warnings.append(
            f"{path.name}: {len(broken)} broken line(s) are left out: {named}."
        )
    return collected


def _chunks(path: Path, layout: Layout, broken: Sequence[int]) -> Iterator[pandas.DataFrame]:
    import pandas

    names, separator = list(layout.columns), layout.separator
    if separator == "::":  # the C engine cuts at single characters: every second cell is blank
        separator, names = ":", [c for name in names for c in (name, f"_{name}")][:-1]
    names.append("_more")  # catches cells beyond the last
    skipped = {line - 1 for line in broken} | ({0} if layout.header else set())
    numbers = [name for name, kind in layout.columns.items() if kind == "number"]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pandas.errors.ParserWarning)
            reader = pandas.read_csv(
                path,
                sep=separator,
                names=names,
                header=None,
                index_col=False,
                dtype={name: np.float64 if name in numbers else str for name in names},
                keep_default_na=False,
                na_values=[""],
                quoting=csv.QUOTE_MINIMAL if layout.quoted else csv.QUOTE_NONE,
                skiprows=sorted(skipped),
                encoding=layout.encoding,
                chunksize=CHUNK,
            )
            with reader:
                for chunk in reader:
                    for name in names:
                        if name.startswith("_") and name not in layout.columns:
                            _must(not chunk.pop(name).notna().any())
                    yield _checked(chunk, layout)
    except pandas.errors.EmptyDataError:
        return
    except OSError as error:
        raise WrongUse(
            f"{path} cannot be read: {error.strerror or error}.",
            expected="a file with read permission.",
            do="check the path and the file's permissions.",
        ) from error
    except (ValueError, pandas.errors.ParserWarning) as error:
        raise _Broken(" ".join(str(error).split())) from error


def _checked(chunk: Any, layout: Layout) -> pandas.DataFrame:
    import pandas

    for name, kind in layout.columns.items():
        if kind == "id":
            _must(not chunk[name].isna().any())
        elif kind == "number":
            _must(np.isfinite(chunk[name].to_numpy()).all())
        elif kind == "time":
            times = pandas.to_datetime(chunk[name], format="ISO8601", utc=True, errors="coerce")
            _must(not times.isna().any())
            start = pandas.Timestamp(0, tz="UTC")
            chunk[name] = (times - start) / pandas.Timedelta(seconds=1)
    return chunk


def _must(holds: Any) -> None:
    if not holds:
        raise _Broken("a cell is blank or beyond the last column.")


def _broken_lines(path: Path, layout: Layout) -> list[tuple[int, str]]:
    """Go through the file line by line and say what is wrong with which line, from 1."""
    found = []
    newline = "" if layout.quoted else None
    with path.open(encoding=layout.encoding, errors="surrogateescape", newline=newline) as file:
        for number, cells in _lines(file, layout):
            if number == 1 and layout.header:
                continue
            if cells and (why := _fault(cells, layout)):
                found.append((number, why))
    return found


def _lines(file: Any, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    if not layout.quoted:
        for number, line in enumerate(file, start=1):
            text = line.rstrip("\n")
            yield number, text.split(layout.separator) if text else []
        return
    reader = csv.reader(file, delimiter=layout.separator)
    while True:
        try:
            yield reader.line_num + 1, next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield reader.line_num, [""]


def _fault(cells: list[str], layout: Layout) -> str | None:
    width = len(layout.columns)
    if len(cells) != width and not (len(cells) == width + 1 and not cells[-1]):
        return f"{len(cells)} cell(s)"
    for (name, kind), cell in zip(layout.columns.items(), cells, strict=False):
        if any("\ud800" <= letter <= "\udfff" for letter in cell):
            return f"the {name} is not {layout.encoding.upper()}"
        if kind == "text":
            continue
        if not cell.strip():
            return f"no {name}"
        if kind != "id" and not _is(kind, cell):
            return f"the {name} is {cell[:40]!r}"
    return None


def _is(kind: Kind, cell: str) -> bool:
    try:
        return (
            math.isfinite(float(cell)) if kind == "number" else bool(datetime.fromisoformat(cell))
        )
    except ValueError:
        return False


def _expected(layout: Layout) -> str:
    separator = "tab" if layout.separator == "\t" else repr(layout.separator)
    return f"{', '.join(layout.columns)}, separated by {separator}"
