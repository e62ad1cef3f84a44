"""Files of tables, whole or in pieces: Parquet, CSV and Arrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairrec.errors import BadData, WrongUse
from fairrec.impressions.tables import arrow

if TYPE_CHECKING:
    import pyarrow

FORMS = (".parquet", ".csv", ".feather", ".arrow", ".ipc")


def files_at(path: Path) -> tuple[Path, ...]:
    """Return the file, or the files of the folder in the order of their names.

    Raises:
        WrongUse: There is none, or it has another form.
        BadData: The folder holds files of several forms.
    """
    if path.is_dir():
        files = sorted(
            file
            for file in path.rglob("*")
            if file.suffix.lower() in FORMS and not file.name.startswith((".", "_"))
        )
        forms = sorted({file.suffix.lower() for file in files})
        if len(forms) > 1:
            raise BadData(
                f"{path} holds files that end in {' and '.join(forms)}.",
                expected="files of one form.",
                do="name one file, or keep the table in a folder of its own.",
            )
        if files:
            return tuple(files)
    if not path.is_file() or path.suffix.lower() not in FORMS:
        seen = "holds no such file" if path.is_dir() else "does not exist"
        if path.is_file():
            seen = f"ends in {path.suffix!r}" if path.suffix else "has no ending"
        raise WrongUse(
            f"{path} {seen}.",
            expected=f"a file that ends in {', '.join(FORMS)}, or a folder of such files.",
            do="check the path, or convert the file.",
        )
    return (path,)


def read_columns(path: Path, texts: tuple[str, ...] = ()) -> pyarrow.Table:
    """Read a file, or the files of a folder, whole; in CSV these columns are read as text."""
    pa = arrow()
    tables = []
    for part in files_at(path):
        if part.suffix.lower() == ".csv":
            with _Reading(part), _csv(part, texts) as reader:
                tables.append(reader.read_all())
        else:
            tables += pieces(part, column_names(part), 1 << 20)
    return pa.concat_tables(tables, promote_options="permissive")


def column_names(part: Path | pyarrow.Table) -> list[str]:
    """Return the names of a file's or a table's columns.

    Raises:
        BadData: The file is broken.
    """
    if not isinstance(part, Path):
        return list(part.column_names)
    with _Reading(part):
        match part.suffix.lower():
            case ".parquet":
                import pyarrow.parquet

                return list(pyarrow.parquet.read_schema(part).names)
            case ".csv":
                with _csv(part, ()) as reader:
                    return list(reader.schema.names)
            case _:
                return list(_ipc(part).schema.names)


def pieces(part: Path | pyarrow.Table, names: list[str], rows: int) -> Iterator[pyarrow.Table]:
    """Yield a file or a table in pieces of about so many rows; the columns of CSV are text.

    Raises:
        BadData: The file is broken.
    """
    pa = arrow()
    if not isinstance(part, Path):
        for start in range(0, part.num_rows, rows):
            yield part.slice(start, rows)
        return
    with _Reading(part):
        match part.suffix.lower():
            case ".parquet":
                import pyarrow.parquet

                # Pages are read as they are needed: a row group may be as large as the log.
                with pyarrow.parquet.ParquetFile(part) as file:
                    for batch in file.iter_batches(rows, columns=names):
                        yield pa.Table.from_batches([batch])
            case ".csv":
                # Ids are text, so that a later "A7" or "007" is read like the first id; so are
                # ranks, for whoever reads them can name the row that is no number.
                with _csv(part, names, names) as reader:
                    for batch in reader:
                        yield pa.Table.from_batches([batch])
            case _:
                file = _ipc(part)
                for place in range(file.num_record_batches):
                    table = pa.Table.from_batches([file.get_batch(place)])
                    for start in range(0, table.num_rows, rows):
                        yield table.slice(start, rows)


class _Reading:
    """Turns the errors of pyarrow into those of fairrec."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, arrow().ArrowException | OSError | UnicodeDecodeError):
            form = self.path.suffix.lower().lstrip(".")
            raise BadData(
                f"{self.path} cannot be read as {form}: {' '.join(str(error).split())[:300]}",
                expected=f"a whole {form} file; this one may be cut short.",
                do="write or copy the file again.",
            ) from error


def _csv(path: Path, texts: Sequence[str], only: Sequence[str] = ()) -> Any:
    """Open a CSV file; `texts` are not taken for numbers, `only` these columns are read."""
    import pyarrow as pa
    from pyarrow import csv

    return csv.open_csv(
        path,
        read_options=csv.ReadOptions(block_size=1 << 24),
        convert_options=csv.ConvertOptions(
            include_columns=list(only),
            column_types={name: pa.string() for name in texts},
            strings_can_be_null=True,
            null_values=[""],
        ),
    )


def _ipc(path: Path) -> Any:
    import pyarrow as pa

    return pa.ipc.open_file(pa.memory_map(str(path)))
