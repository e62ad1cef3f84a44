"""Reads catalogues from CSV and Parquet files and from pandas data frames."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fairrec.catalogs.catalog import Catalog
from fairrec.errors import BadData, ModelUnavailable, WrongUse

if TYPE_CHECKING:
    import pandas

_READERS = (".csv", ".parquet")


def read_catalog(
    source: str | Path | pandas.DataFrame, columns: Mapping[str, str] | None = None
) -> Catalog:
    """Read a catalogue; rows are counted from 1, the header not counted, in every message.

    Cells that are blank (CSV) or missing (Parquet, data frame) are missing values. A column
    whose other cells are all numbers becomes floats, any other strings. Ids are strings,
    digits as they stand.

    Args:
        source: A CSV file (UTF-8, comma-separated, with a header), a Parquet file or a data
            frame.
        columns: fairrec's name to the source's name, such as ``{"id": "movie_id", "title":
            "name"}``. Columns not mentioned keep their names, except where a mentioned one
            takes the name.

    Raises:
        WrongUse: The file is missing, cannot be read or has an unknown ending; the source is
            of another type.
        BadData: The content is not what it should be: empty, not UTF-8, a column missing,
            an id repeated, blank or reserved, a title blank.
        ModelUnavailable: A Parquet file is given and pyarrow is not installed.
    """
    if isinstance(source, str | Path):
        path = Path(source)
        table = _read_parquet(path) if _ending(path) == ".parquet" else _read_csv(path)
        name = str(path)
    elif hasattr(source, "columns") and hasattr(source, "itertuples"):
        table, name = _from_frame(source), "the data frame"
    else:
        raise WrongUse(
            f"a catalogue was given as {type(source).__name__}.",
            expected="the path of a CSV or Parquet file, or a pandas DataFrame.",
            do="turn it into one of these.",
        )
    return catalog_from_cells(table, columns or {}, name)


def catalog_from_cells(
    table: Mapping[str, Sequence[str | float | None]], columns: Mapping[str, str], name: str
) -> Catalog:
    """Make a catalogue of a table's cells by column; `name` says in messages where they are from.

    Raises:
        BadData: See `read_catalog`.
    """
    wanted = {"id": "id", "title": "title", **columns}
    for ours, theirs in wanted.items():
        if theirs not in table:
            raise _missing_column(ours, theirs, list(table), name)
    used = set(wanted.values())
    renamed = {ours: table[theirs] for ours, theirs in wanted.items()}
    renamed |= {
        column: cells
        for column, cells in table.items()
        if column not in used and column not in renamed
    }
    ids = [_as_text(cell).strip() for cell in renamed.pop("id")]
    titles = [" ".join(_as_text(cell).split()) for cell in renamed.pop("title")]
    try:
        return Catalog(
            tuple(ids),
            tuple(titles),
            {column: _as_array(cells) for column, cells in renamed.items()},
        )
    except BadData as error:
        raise BadData(f"{name}: {error.seen}", expected=error.expected, do=error.do) from None


def cells_of_csv(text: str, name: str) -> dict[str, list[str | None]]:
    """Split CSV text with a header into cells by column; a blank cell is None.

    Raises:
        BadData: No header, a column named twice, a row of another length, or no CSV.
    """
    try:
        header, *rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row] or [[]]
    except csv.Error as error:
        raise BadData(
            f"{name} is not CSV: {error}.",
            expected="comma-separated values with a header.",
            do="save the table as CSV again.",
        ) from error
    header = [column.strip() for column in header]
    if not any(header):
        raise BadData(
            f"{name} is empty.",
            expected="a header with the columns' names and one row per item.",
            do="check that the right file was given.",
        )
    repeated = sorted({column for column in header if header.count(column) > 1})
    if repeated:
        raise BadData(
            f"{name} names {', '.join(map(repr, repeated))} more than once in its header.",
            expected="a different name for every column.",
            do="rename or remove the repeated columns.",
        )
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise BadData(
                f"{name}: row {number} has {len(row)} cells and the header {len(header)}.",
                expected="as many cells in every row as in the header.",
                do="correct the row; a cell that holds a comma stands in double quotes.",
            )
    return {
        column: [row[position] if row[position].strip() else None for row in rows]
        for position, column in enumerate(header)
    }


def _ending(path: Path) -> str:
    ending = path.suffix.lower()
    if ending not in _READERS:
        raise WrongUse(
            f"{path} ends in {ending!r}." if ending else f"{path} has no ending.",
            expected="a file that ends in .csv or .parquet.",
            do="convert the file, or read it into a pandas DataFrame and give that.",
        )
    if not path.is_file():
        raise WrongUse(
            f"{path} {'is a folder' if path.is_dir() else 'does not exist'}.",
            expected="the path of a CSV or Parquet file.",
            do="check the path; a relative path starts at the current folder.",
        )
    return ending


def _read_csv(path: Path) -> dict[str, list[str | None]]:
    try:
        return cells_of_csv(path.read_text("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        raise BadData(
            f"{path} is not UTF-8: byte 0x{error.object[error.start]:02x} at position "
            f"{error.start}.",
            expected="text in UTF-8.",
            do="save the file as UTF-8 (in a spreadsheet: 'CSV UTF-8').",
        ) from error
    except OSError as error:
        raise WrongUse(
            f"{path} cannot be read: {error.strerror or error}.",
            expected="a file with read permission.",
            do="check the file's permissions.",
        ) from error


def _read_parquet(path: Path) -> dict[str, list[Any]]:
    import pandas

    try:
        frame = pandas.read_parquet(path)
    except ImportError as error:
        raise ModelUnavailable(
            f"{path} is a Parquet file and pyarrow is not installed.",
            expected="pyarrow beside pandas.",
            do="pip install 'fairrec[parquet]', or give the table as CSV.",
        ) from error
    except (OSError, ValueError) as error:
        raise BadData(
            f"{path} cannot be read as Parquet: {' '.join(str(error).split())}",
            expected="a whole Parquet file.",
            do="write the file again, or give the table as CSV.",
        ) from error
    return _from_frame(frame)


def _from_frame(frame: Any) -> dict[str, list[Any]]:
    import pandas

    repeated = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
    if repeated:
        raise BadData(
            f"the table has {', '.join(map(repr, repeated))} as the name of several columns.",
            expected="a different name for every column.",
            do="rename or remove the repeated columns.",
        )

    def plain(cell: Any) -> Any:
        if pandas.api.types.is_scalar(cell) and pandas.isna(cell):
            return None
        cell = cell.item() if isinstance(cell, np.generic) else cell
        return cell if isinstance(cell, str | float | int) else str(cell)

    return {str(name): [plain(cell) for cell in frame[name]] for name in frame.columns}


def _as_text(cell: str | float | None) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # pandas turns whole numbers beside a gap into floats
    return str(cell)


def _as_array(cells: Sequence[str | float | None]) -> NDArray[Any]:
    """Floats when every cell that is not missing is a number, else strings."""
    known = [cell for cell in cells if cell is not None]
    try:
        if not known or any(isinstance(cell, str) and "_" in cell for cell in known):
            raise ValueError
        return np.array([np.nan if cell is None else float(cell) for cell in cells], np.float64)
    except ValueError:
        texts = [None if cell is None else _as_text(cell) for cell in cells]
        return np.array([*texts, None], dtype=object)[:-1]


def _missing_column(ours: str, theirs: str, names: list[str], source: str) -> BadData:
    close = difflib.get_close_matches(theirs.casefold(), [n.casefold() for n in names], 3, 0.5)
    nearest = [name for name in names if name.casefold() in close]
    nearest += [
        name for name in names if theirs.casefold() in name.casefold() and name not in nearest
    ]
    hint = f"the nearest are {', '.join(map(repr, nearest[:3]))}; " if nearest else ""
    example = nearest[0] if nearest else "its_name_there"
    return BadData(
        f"{source} has no column {theirs!r}; it has {', '.join(map(repr, names[:20]))}.",
        expected=f"a column that holds each item's {ours}.",
        do=f'{hint}say which one it is: columns={{"{ours}": "{example}"}}.',
    )
