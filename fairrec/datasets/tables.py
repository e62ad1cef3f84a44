"""Data sets of your own: a table of interactions and, where there are, of people and items."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairrec.catalogs import Catalog, read_catalog
from fairrec.catalogs.reading import cells_of_csv
from fairrec.datasets.assembling import assemble
from fairrec.datasets.dataset import Dataset
from fairrec.datasets.log_reading import Kind, Layout, Log, read_log
from fairrec.datasets.profiles import make_profile
from fairrec.datasets.rows import read_text
from fairrec.errors import BadData, ModelUnavailable, WrongUse

if TYPE_CHECKING:
    import pandas

_LOG_COLUMNS = ("user", "item", "rating", "timestamp")
_ATTRIBUTES = ("gender", "age", "occupation", "country")
ENDINGS = (".csv", ".parquet")


def read_interactions(
    interactions: str | Path,
    users: str | Path | None = None,
    items: str | Path | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    name: str | None = None,
) -> Dataset:
    """Read a data set from CSV (UTF-8, with a header) or Parquet files.

    Args:
        interactions: One row per interaction: user, item and, where known, rating (a number) and
            timestamp (seconds since 1970, or a time in ISO 8601).
        users: One row per user: user, and gender, age (in years), occupation and country where
            there are. Any other column is an attribute if `columns` names it.
        items: One row per item: item, title, and any further columns of the catalogue.
        columns: fairrec's name to the name in the files, such as ``{"user": "userId"}``.
        name: Of the data set; the log's file name when None.

    Raises:
        WrongUse: A file cannot be read or has an unknown ending.
        BadData: A column is missing, or a line is broken; it is named.
        ModelUnavailable: A Parquet file is given and pyarrow is not installed.
    """
    mapping = dict(columns or {})
    path = Path(interactions)
    log = _csv_log(path, mapping) if _ending(path) == ".csv" else _parquet_log(path, mapping)
    catalog = None if items is None else _items(Path(items), mapping)
    profiles = None if users is None else _users(Path(users), mapping)
    return assemble(name or path.stem, log, catalog, profiles)


def _csv_log(path: Path, mapping: Mapping[str, str]) -> Log:
    first, second = _first_rows(path)
    places = _places(path, first, mapping)
    kinds: dict[str, Kind] = {"user": "id", "item": "id", "rating": "number"}
    if "timestamp" in places and len(second) > places["timestamp"]:
        kinds["timestamp"] = "number" if _is_number(second[places["timestamp"]]) else "time"
    ours = {place: name for name, place in places.items()}
    layout: dict[str, Kind] = {
        ours.get(i, f"column {i + 1}"): kinds.get(ours.get(i, ""), "text")
        for i in range(len(first))
    }
    return read_log(path, Layout(layout, ",", header=True, quoted=True, encoding="utf-8-sig"))


def _first_rows(path: Path) -> tuple[list[str], list[str]]:
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            rows = csv.reader(file)
            return [cell.strip() for cell in next(rows, [])], next(rows, [])
    except OSError as error:
        raise _unreadable(path, error) from error


def _parquet_log(path: Path, mapping: Mapping[str, str]) -> Log:
    import numpy as np
    import pandas

    frame = _parquet(path)
    places = _places(path, [str(column) for column in frame.columns], mapping)
    table = pandas.DataFrame({name: frame.iloc[:, place] for name, place in places.items()})
    for name in ("user", "item"):
        _complain(path, name, table[name].isna(), "a value in every row")
        table[name] = table[name].astype(str)
    if "timestamp" in table and not pandas.api.types.is_numeric_dtype(table["timestamp"]):
        times = pandas.to_datetime(table["timestamp"], utc=True, errors="coerce")
        start = pandas.Timestamp(0, tz="UTC")
        table["timestamp"] = (times - start) / pandas.Timedelta(seconds=1)
    for name in ("rating", "timestamp"):
        if name in table:
            numbers: Any = pandas.to_numeric(table[name], errors="coerce")
            table[name] = numbers.astype(np.float64)
            _complain(path, name, ~np.isfinite(table[name]), "a finite value in every row")
    log = Log()
    log.add(table)
    return log


def _places(path: Path, header: list[str], mapping: Mapping[str, str]) -> dict[str, int]:
    """Return where the columns of a log are; user and item must be, mapped ones too."""
    wanted = {name: mapping.get(name, name) for name in _LOG_COLUMNS}
    missing = [
        theirs
        for name, theirs in wanted.items()
        if theirs not in header and (name in ("user", "item") or name in mapping)
    ]
    if missing:
        raise BadData(
            f"{path} has no column {', '.join(map(repr, missing))}; it has "
            f"{', '.join(map(repr, header[:20])) or 'none'}.",
            expected="columns of users and items.",
            do='say which they are: columns={"user": "its_name", "item": "its_name"}.',
        )
    return {name: header.index(theirs) for name, theirs in wanted.items() if theirs in header}


def _items(path: Path, mapping: Mapping[str, str]) -> Catalog:
    _ending(path)
    chosen = {"id": mapping.get("item", "item"), "title": mapping.get("title", "title")}
    further = {k: v for k, v in mapping.items() if k in ("year", "genre")}
    return read_catalog(path, {**chosen, **further})


def _users(path: Path, mapping: Mapping[str, str]) -> dict[str, dict[str, str]]:
    if _ending(path) == ".csv":
        table: Mapping[str, list[Any]] = cells_of_csv(read_text(path), str(path))
    else:
        frame = _parquet(path)
        table = {
            str(c): frame[c].astype(object).where(frame[c].notna(), None).tolist() for c in frame
        }
    id = mapping.get("user", "user")
    further = [name for name in mapping if name not in (*_LOG_COLUMNS, "title", "year", "genre")]
    wanted = {name: mapping.get(name, name) for name in (*_ATTRIBUTES, *further)}
    missing = [theirs for name, theirs in wanted.items() if name in mapping and theirs not in table]
    if id not in table or missing:
        raise BadData(
            f"{path} has no column {', '.join(map(repr, missing or [id]))}; it has "
            f"{', '.join(map(repr, table))}.",
            expected="a column of users, and those that `columns` names.",
            do='say which they are: columns={"user": "its_name"}.',
        )
    profiles: dict[str, dict[str, str]] = {}
    for row, user in enumerate(table[id], start=1):
        key = "" if user is None else str(user).strip()
        if not key or key in profiles:
            raise BadData(
                f"{path}: row {row} has {f'the user {key!r} again' if key else 'no user'}.",
                expected="a different user in every row.",
                do="remove or merge the rows.",
            )
        said = {name: table[theirs][row - 1] for name, theirs in wanted.items() if theirs in table}
        profiles[key] = make_profile({n: None if v is None else str(v) for n, v in said.items()})
    return profiles


def _parquet(path: Path) -> pandas.DataFrame:
    import pandas

    try:
        return pandas.read_parquet(path)
    except ImportError as error:
        raise ModelUnavailable(
            f"{path} is a Parquet file and pyarrow is not installed.",
            expected="pyarrow beside pandas.",
            do="pip install 'fairrec[parquet]', or give the table as CSV.",
        ) from error
    except OSError as error:
        raise _unreadable(path, error) from error
    except ValueError as error:
        raise BadData(
            f"{path} cannot be read as Parquet: {' '.join(str(error).split())}",
            expected="a whole Parquet file.",
            do="write the file again, or give the table as CSV.",
        ) from error


def _complain(path: Path, name: str, wrong: Any, expected: str) -> None:
    if wrong.any():
        rows = [str(row) for row in wrong.to_numpy().nonzero()[0][:5] + 1]
        raise BadData(
            f"{path}: {int(wrong.sum())} row(s) have no usable {name}: row {', '.join(rows)}.",
            expected=expected + ".",
            do="correct or remove these rows, or leave the column out.",
        )


def _ending(path: Path) -> str:
    if path.suffix.lower() not in ENDINGS:
        raise WrongUse(
            f"{path} ends in {path.suffix!r}.",
            expected="a file that ends in .csv or .parquet.",
            do="convert the file.",
        )
    return path.suffix.lower()


def _unreadable(path: Path, error: OSError) -> WrongUse:
    return WrongUse(
        f"{path} cannot be read: {error.strerror or error}.",
        expected="a file with read permission.",
        do="check the path; a relative path starts at the current folder.",
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
