"""Opens a log of impressions: one row for every item that was shown to a user.

| column | what it holds |
|---|---|
| user | whose list it is: a whole number or text |
| item | what was shown: the catalogue's id, a whole number or text |
| rank | its place in the list, from 1; optional |
| score | what the recommender gave it; read where there is no rank |
| relevance | how relevant it is to the user, at least 0; optional |

A log is read in pieces and never held whole, except where it is a table in memory already.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairrec.errors import BadData, WrongUse
from fairrec.impressions.files import column_names, files_at, pieces
from fairrec.impressions.tables import arrow, table_in_memory

if TYPE_CHECKING:
    import pyarrow

COLUMNS = ("user", "item", "rank", "score", "relevance")
NEEDED = ("user", "item")


@dataclass(frozen=True, eq=False)
class ImpressionLog:
    """A log that can be read from the start as often as needed.

    Attributes:
        name: What messages call it.
        columns: The source's name of each column that is there, by the name used here.
        parts: Files in the order in which they are read, or one table in memory.
    """

    name: str
    columns: Mapping[str, str]
    parts: tuple[Path | pyarrow.Table, ...]

    def read(self, names: tuple[str, ...], rows: int) -> Iterator[pyarrow.Table]:
        """Yield pieces of about so many rows, in order, with these columns under these names.

        Raises:
            BadData: A file is broken.
        """
        theirs = [self.columns[name] for name in names]
        for part in self.parts:
            for piece in pieces(part, theirs, rows):
                yield piece.select(theirs).rename_columns(list(names))


def open_log(source: Any, columns: Mapping[str, str] | None = None) -> ImpressionLog:
    """Open a log of impressions; its rows are read later.

    Args:
        source: A Parquet, CSV (UTF-8, with a header) or Arrow (Feather, IPC) file; a folder of
            files of one of these forms, read in the order of their names; a pandas or polars
            data frame; or a pyarrow table.
        columns: The names used here to the source's names, such as ``{"user": "uid"}``. Others
            keep their names. Ids in CSV are text, digits as they stand.

    Raises:
        ModelUnavailable: pyarrow is not installed.
        WrongUse: There is no such file, its form is unknown, or a name in `columns` is.
        BadData: A file is broken, a column is missing, or files of a folder differ.
    """
    arrow()
    unknown = sorted(set(columns or {}) - set(COLUMNS))
    if unknown:
        raise WrongUse(
            f"columns names {', '.join(map(repr, unknown))}.",
            expected=f"names among {', '.join(COLUMNS)}, each with its name in the log.",
            do='write, for instance, columns={"user": "user_id", "item": "movie_id"}.',
        )
    if isinstance(source, str | Path):
        name, parts = str(source), files_at(Path(source))
    else:
        name, parts = "the table", (table_in_memory(source),)
    found = {_named(part, columns or {}, name) for part in parts}
    if len(found) > 1:
        raise BadData(
            f"the files of {name} differ in their columns.",
            expected="the same columns in every file.",
            do="keep the files of one log in a folder of their own.",
        )
    return ImpressionLog(name, dict(found.pop()), parts)


def _named(
    part: Path | pyarrow.Table, columns: Mapping[str, str], name: str
) -> tuple[tuple[str, str], ...]:
    """Return the columns that are used, each with its name in the source."""
    there = column_names(part)
    wanted = {ours: columns.get(ours, ours) for ours in COLUMNS}
    for ours, theirs in wanted.items():
        if theirs not in there and (ours in NEEDED or ours in columns):
            close = difflib.get_close_matches(theirs, there, 1, 0.4) or ["its_name_there"]
            raise BadData(
                f"{name} has no column {theirs!r}; it has {', '.join(map(repr, there[:20]))}.",
                expected=f"a column that holds the {ours} of every impression.",
                do=f'say which one it is: columns={{"{ours}": "{close[0]}"}}.',
            )
    return tuple((ours, theirs) for ours, theirs in wanted.items() if theirs in there)
