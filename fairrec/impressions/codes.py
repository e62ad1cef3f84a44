"""From the ids of a log to positions in a catalogue, without a Python object per row.

Whole numbers go through a table (or, where ids are far apart, a sorted search), text through a
hash table of pyarrow. A number and its text are one id: 12 is "12", whether the catalogue or the
log writes it so; "012" is another.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import BadData
from fairrec.impressions.tables import arrow, compute
from fairrec.metrics.item_lists import OFF

SPREAD = 8
"""A table is used where the largest id is at most so many times the number of ids."""


class ItemCodes:
    """Positions, 0 to N - 1, of the ids of a catalogue.

    Args:
        ids: A pyarrow array of whole numbers or text: one id per item, in their order.
        name: What messages call the catalogue.

    Raises:
        BadData: There is no item, or an id is missing or there twice.
    """

    def __init__(self, ids: Any, name: str) -> None:
        pa, pc = arrow(), compute()
        if len(ids) == 0:
            raise BadData(f"{name} holds no item.", expected="at least one item.")
        ids = plain(ids, f"the ids of {name}")
        if pa.types.is_dictionary(ids.type):
            ids = ids.dictionary_decode()
        missing = pc.indices_nonzero(pc.is_null(ids))
        if len(missing):
            raise BadData(
                f"{name}: the item in row {missing[0].as_py() + 1} has no id.",
                expected="an id for every item.",
                do="leave out items without one.",
            )
        self.name = name
        self.ids = ids
        self._texts: Any = None
        if pa.types.is_integer(ids.type):
            numbers, places = ids.to_numpy().astype(np.int64), np.arange(len(ids))
        else:
            whole = pc.match_substring_regex(ids, r"^(0|-?[1-9][0-9]{0,17})$")
            places = np.flatnonzero(whole.to_numpy(zero_copy_only=False))
            numbers = pc.cast(ids.filter(whole), pa.int64()).to_numpy()
        self._same = len(numbers) == len(ids) and bool((numbers == np.arange(len(ids))).all())
        order = np.argsort(numbers, kind="stable")
        self._numbers, self._places = numbers[order], places[order].astype(np.int32)
        if len(numbers) < len(ids) or (self._numbers[1:] == self._numbers[:-1]).any():
            self._check_once()
        self._table = self._lookup_table()

    def __len__(self) -> int:
        return len(self.ids)

    def positions(self, column: Any) -> NDArray[np.int32]:
        """Return the position of each id of a column of a log; `OFF` for those it lacks.

        Args:
            column: A pyarrow array of whole numbers or text; missing ids are `OFF` too.

        Raises:
            BadData: It holds neither.
        """
        pa = arrow()
        column = plain(column, "the items of the log")
        if pa.types.is_dictionary(column.type):
            found = np.append(self._of_texts(column.dictionary), np.int32(OFF))
            codes = column.indices.fill_null(len(column.dictionary)).to_numpy()
            return found[codes]
        if not pa.types.is_integer(column.type):
            return self._of_texts(column)
        found = self._of_numbers(column.fill_null(0).to_numpy())
        if column.null_count:
            found[column.is_null().to_numpy(zero_copy_only=False)] = OFF
        return found

    def _of_texts(self, texts: Any) -> NDArray[np.int32]:
        pc = compute()
        if self._texts is None:
            pa = arrow()
            self._texts = pc.cast(self.ids, pa.string())
        texts = pc.cast(texts, self._texts.type)
        # A missing id is no id of the catalogue, which has none that is missing.
        return pc.index_in(texts, self._texts).fill_null(OFF).to_numpy()

    def _of_numbers(self, ids: NDArray[np.integer]) -> NDArray[np.int32]:
        """Return the positions of whole numbers, in a new array."""
        if not len(self._numbers):
            return np.full(len(ids), OFF, dtype=np.int32)
        low, high = int(self._numbers[0]), int(self._numbers[-1])
        inside = len(ids) == 0 or (int(ids.min()) >= low and int(ids.max()) <= high)
        if self._same:
            found = ids.astype(np.int32)
            return found if inside else np.where((ids >= low) & (ids <= high), found, OFF)
        if not inside:
            beyond = (ids < low) | (ids > high)
            ids = np.where(beyond, low, ids)
            return np.where(beyond, np.int32(OFF), self._of_inside(ids))
        return self._of_inside(ids)

    def _of_inside(self, ids: NDArray[np.integer]) -> NDArray[np.int32]:
        if self._table is not None:
            return self._table[ids.astype(np.int64) - self._numbers[0]]
        place = np.searchsorted(self._numbers, ids)
        return np.where(self._numbers[place] == ids, self._places[place], np.int32(OFF))

    def _lookup_table(self) -> NDArray[np.int32] | None:
        if not len(self._numbers):
            return None
        reach = int(self._numbers[-1]) - int(self._numbers[0]) + 1
        if reach > SPREAD * len(self._numbers) + 1_000_000:
            return None
        table = np.full(reach, OFF, dtype=np.int32)
        table[self._numbers - self._numbers[0]] = self._places
        return table

    def _check_once(self) -> None:
        pc = compute()
        counts = pc.value_counts(self.ids)
        twice = counts.filter(pc.greater(counts.field("counts"), 1))
        if len(twice):
            raise BadData(
                f"{self.name} has {len(twice):,} id(s) more than once, such as "
                f"{twice[0].as_py()['values']!r}.",
                expected="every item once.",
                do="remove the repeated rows.",
            )


def plain(column: Any, what: str) -> Any:
    """Return a column as one array of whole numbers, text, or a dictionary of text.

    Numbers with a fraction that is 0 everywhere become whole, as pandas makes floats of whole
    numbers beside a gap; NaN is missing.

    Raises:
        BadData: It holds something else.
    """
    pa, pc = arrow(), compute()
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = plain_dictionary(column, what)
        kind = column.type
    if pa.types.is_dictionary(kind) or _is_text(kind):
        return column
    if pa.types.is_null(kind):
        return column.cast(pa.string())
    if pa.types.is_integer(kind) and kind != pa.uint64():
        return column
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind) or kind == pa.uint64():
        if pa.types.is_floating(kind):
            column = pc.if_else(pc.is_nan(column), None, column)
        try:
            return pc.cast(column, pa.int64())
        except pa.ArrowInvalid as error:
            raise BadData(
                f"{what} are numbers that are not whole: {' '.join(str(error).split())[:120]}",
                expected="whole numbers or text.",
            ) from error
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pc.cast(column, pa.string())
    raise BadData(
        f"{what} have the type {kind}.", expected="whole numbers or text.", do="convert the column."
    )


def plain_dictionary(column: Any, what: str) -> Any:
    """Return a dictionary array of text as it is, and one of anything else decoded."""
    pa = arrow()
    if _is_text(column.type.value_type):
        return column
    return plain(column.dictionary_decode(), what) if len(column) else column.cast(pa.string())


def _is_text(kind: Any) -> bool:
    pa = arrow()
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )
