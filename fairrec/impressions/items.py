"""The catalogue beside a log of impressions, held by column: a million items and more.

The catalogue is explicit, so that items that were never shown count. Where there is none, the
items of the log stand in for it, and what is said of coverage and inequality then leaves out all
that was never recommended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from fairrec.catalogs import Catalog
from fairrec.errors import BadData, WrongUse
from fairrec.impressions.codes import ItemCodes, plain
from fairrec.impressions.files import read_columns
from fairrec.impressions.reading import ImpressionLog
from fairrec.impressions.tables import arrow, compute, table_in_memory
from fairrec.metrics.item_groups import ItemGroups, group_items

BANDS = 4
"""Bands of equal size that a column of numbers is cut into when it makes groups."""


@dataclass(frozen=True, eq=False)
class ItemTable:
    """Items by column.

    Attributes:
        name: What messages call it.
        codes: Positions by id.
        columns: Further columns by name: pyarrow arrays, one value per item.
        from_log: Whether the items are only those that the log shows.
    """

    name: str
    codes: ItemCodes
    columns: Mapping[str, Any]
    from_log: bool = False

    def __len__(self) -> int:
        return len(self.codes)

    def groups(self, column: str) -> ItemGroups:
        """Return the groups that a column makes, as `group_items` does.

        Raises:
            WrongUse: There is no such column.
            BadData: It makes no groups.
        """
        values = self._column(column)
        pa = arrow()
        if pa.types.is_nested(values.type):
            return self._said(column, values.to_pylist())
        if _is_number(values):
            return self._said(column, _floats(values).tolist())
        if not pa.types.is_dictionary(values.type):
            values = values.cast(pa.string()).dictionary_encode()
        # Every different value is looked at once, however many items have it.
        different = values.dictionary.cast(pa.string()).to_pylist()
        codes = values.indices.fill_null(len(different)).to_numpy()
        some = self._said(column, different + [None] * (values.null_count > 0))
        return ItemGroups(some.names, csr_matrix(some.membership[codes]))

    def makes_bands(self, column: str) -> bool:
        """Return whether a column holds numbers, which are cut into bands to make groups."""
        return _is_number(self._column(column))

    def amounts(self, column: str) -> NDArray[np.float64]:
        """Return a column of numbers of at least 0, shape (N,).

        Raises:
            WrongUse: There is no such column.
            BadData: A number is missing, negative or not finite, or the column holds text.
        """
        values = self._column(column)
        if not _is_number(values):
            raise BadData(
                f"column {column!r} of {self.name} holds {values.type}.",
                expected="numbers of at least 0.",
                do="choose a column of numbers, or convert it.",
            )
        numbers = _floats(values)
        fine = np.isfinite(numbers) & (numbers >= 0)
        if not fine.all():
            row = int(np.argmin(fine))
            seen = "missing" if np.isnan(numbers[row]) else f"{numbers[row]:g}"
            raise BadData(
                f"{self.name}: {column!r} is {seen} in row {row + 1:,}, and unfit in "
                f"{int((~fine).sum()):,} row(s).",
                expected="a number of at least 0 for every item.",
                do="write 0 where there were none.",
            )
        return numbers

    def _column(self, name: str) -> Any:
        if name not in self.columns:
            raise WrongUse(
                f"{self.name} has no column {name!r}.",
                expected=f"one of {', '.join(map(repr, [*self.columns][:20])) or '(it has none)'}.",
                do="give a catalogue that has it." if self.from_log else "check the name.",
            )
        return self.columns[name]

    def _said(self, column: str, values: list[Any]) -> ItemGroups:
        try:
            return group_items(values, BANDS)
        except BadData as error:
            raise BadData(
                f"column {column!r} of {self.name}: {error.seen}",
                expected=error.expected,
                do=error.do,
            ) from None


def open_items(source: Any, id: str = "id") -> ItemTable:
    """Read a catalogue of any size.

    Args:
        source: A `Catalog`; a Parquet, CSV or Arrow file or a folder of them; a pandas or polars
            data frame; or a pyarrow table. It needs no titles.
        id: Name of the column of ids, all different.

    Raises:
        WrongUse: There is no such file, or its form is unknown.
        BadData: It is broken, there is no such column, or an id is missing or there twice.
    """
    pa = arrow()
    if isinstance(source, Catalog):
        columns = {
            name: pa.array(values, from_pandas=True) for name, values in source.columns.items()
        }
        return ItemTable("the catalogue", ItemCodes(pa.array(source.ids), "the catalogue"), columns)
    if isinstance(source, str | Path):
        name, table = str(source), read_columns(Path(source), texts=(id,))
    else:
        name, table = "the catalogue", table_in_memory(source)
    if id not in table.column_names:
        raise BadData(
            f"{name} has no column {id!r}; it has {', '.join(map(repr, table.column_names[:20]))}.",
            expected="a column that holds the id of every item.",
            do="say which one it is.",
        )
    columns = {
        column: table[column].combine_chunks() for column in table.column_names if column != id
    }
    return ItemTable(name, ItemCodes(table[id], name), columns)


def items_of(log: ImpressionLog, rows: int = 1 << 20) -> ItemTable:
    """Return the items that a log shows, in the order of their ids, without any column."""
    pa, pc = arrow(), compute()
    some: list[Any] = []
    for table in log.read(("item",), rows):
        items = plain(table["item"], "the items of the log")
        if pa.types.is_dictionary(items.type):
            items = items.dictionary_decode()
        some.append(pc.unique(items))
    if len({array.type for array in some}) > 1:
        some = [array.cast(pa.string()) for array in some]
    whole = pc.unique(pa.chunked_array(some, some[0].type if some else pa.string())).drop_null()
    if len(whole) == 0:
        raise BadData(
            f"{log.name} shows no item.",
            expected="one row per impression: user, item, rank.",
            do="check that the right log was given.",
        )
    ordered = whole.take(pc.sort_indices(whole))
    return ItemTable("the items of the log", ItemCodes(ordered, log.name), {}, from_log=True)


def _is_number(values: Any) -> bool:
    types = arrow().types
    kind = values.type
    return types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)


def _floats(values: Any) -> NDArray[np.float64]:
    return values.cast(arrow().float64(), safe=False).to_numpy(zero_copy_only=False)
