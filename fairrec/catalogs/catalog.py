"""The items a recommender may recommend, with what is known of each."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import BadData, WrongUse
from fairrec.types import OFF_CATALOGUE, content_hash


@dataclass(frozen=True, eq=False, repr=False)
class Catalog:
    """Items with their titles and further columns, in a fixed order.

    Two catalogues are equal when ids, titles and columns are, in the same order.

    Attributes:
        ids: One id per item, all different, none starting with ``"?"`` (see
            `fairrec.types.off_catalogue_id`).
        titles: One title per item, not blank; two items may share one.
        columns: Further columns by name, one value per item: float arrays (missing is NaN)
            or object arrays of strings (missing is None), read-only.

    Raises:
        BadData: No items, a repeated, blank or reserved id, a blank title, or columns of
            another length.
    """

    ids: tuple[str, ...]
    titles: tuple[str, ...]
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_items(self.ids, self.titles)
        for name, values in self.columns.items():
            if len(values) != len(self.ids):
                raise BadData(
                    f"column {name!r} has {len(values)} values for {len(self.ids)} items.",
                    expected="one value per item.",
                    do="fill in the missing values with None or NaN.",
                )
            values.setflags(write=False)

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {item: position for position, item in enumerate(self.ids)}

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._positions

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Catalog) and self.content_hash == other.content_hash

    def __hash__(self) -> int:
        return hash(self.content_hash)

    def __repr__(self) -> str:
        return f"Catalog({len(self)} items, columns: {', '.join(self.columns) or 'none'})"

    def index(self, item_id: str) -> int:
        """Return the position of an item.

        Raises:
            WrongUse: No item has this id.
        """
        try:
            return self._positions[item_id]
        except KeyError:
            raise _unknown(f"no item has the id {item_id!r}.", item_id, self.ids) from None

    def title(self, item_id: str) -> str:
        """Return the title of an item.

        Raises:
            WrongUse: No item has this id.
        """
        return self.titles[self.index(item_id)]

    def column(self, name: str) -> NDArray[Any]:
        """Return a column: floats (missing is NaN) or strings (missing is None).

        Raises:
            WrongUse: No column has this name.
        """
        try:
            return self.columns[name]
        except KeyError:
            raise _unknown(
                f"the catalogue has no column {name!r}.", name, list(self.columns)
            ) from None

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column of numbers; missing is NaN.

        Raises:
            WrongUse: No column has this name, or it holds text.
        """
        values = self.column(name)
        if values.dtype != np.float64:
            raise WrongUse(
                f"column {name!r} holds text.",
                expected="a column of numbers.",
                do="choose a numeric column, or correct the values that are no numbers.",
            )
        return values

    def subset(self, ids: Iterable[str]) -> Catalog:
        """Return the catalogue of these items alone, in this order.

        Raises:
            WrongUse: An id is unknown.
            BadData: No ids, or one given twice.
        """
        rows = [self.index(item) for item in ids]
        return Catalog(
            tuple(self.ids[row] for row in rows),
            tuple(self.titles[row] for row in rows),
            {name: values[rows] for name, values in self.columns.items()},
        )

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) of ids, titles and columns; equal catalogues have equal hashes."""
        return content_hash(
            {
                "ids": list(self.ids),
                "titles": list(self.titles),
                "columns": {
                    name: [_plain(value) for value in values.tolist()]
                    for name, values in self.columns.items()
                },
            }
        )


def _plain(value: Any) -> Any:
    """Missing as None; an infinity as text, since JSON has none."""
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def _unknown(seen: str, name: str, known: Sequence[str]) -> WrongUse:
    close = difflib.get_close_matches(name, known[:10_000], 3)
    nearest = f"the nearest are {', '.join(map(repr, close))}; " if close else ""
    some = ", ".join(map(repr, known[:8])) + (", ..." if len(known) > 8 else "")
    return WrongUse(
        seen,
        expected=f"one of {some or '(there are none)'}.",
        do=f"{nearest}correct the name or choose another catalogue.",
    )


def _check_items(ids: Sequence[str], titles: Sequence[str]) -> None:
    if not ids:
        raise BadData(
            "the catalogue has no items.",
            expected="at least one row with an id and a title.",
            do="check that the right file or table was given.",
        )
    if len(titles) != len(ids):
        raise BadData(
            f"{len(titles)} titles for {len(ids)} ids.",
            expected="one title per item.",
            do="give both columns in full.",
        )
    _complain("a blank id", _rows(not item.strip() for item in ids), "an id in every row.")
    _complain("a blank title", _rows(not title.strip() for title in titles), "a title per item.")
    _complain(
        f"an id that starts with {OFF_CATALOGUE!r}",
        _rows(item.startswith(OFF_CATALOGUE) for item in ids),
        f"ids that start otherwise: {OFF_CATALOGUE!r} marks what is outside the catalogue.",
    )
    first: dict[str, int] = {}
    repeated: dict[str, list[int]] = {}
    for row, item in enumerate(ids, start=1):
        if first.setdefault(item, row) != row:
            repeated.setdefault(item, [first[item]]).append(row)
    if repeated:
        shown = [
            f"{item!r} in rows {', '.join(map(str, rows[:4]))}{', ...' if len(rows) > 4 else ''}"
            for item, rows in list(repeated.items())[:3]
        ]
        raise BadData(
            f"{len(repeated)} id(s) stand in more than one row: {'; '.join(shown)}"
            f"{'; ...' if len(repeated) > 3 else ''}.",
            expected="a different id in every row.",
            do="remove the repeated rows, or map id to the column that names items uniquely.",
        )


def _rows(wrong: Iterable[bool]) -> list[int]:
    return [row for row, is_wrong in enumerate(wrong, start=1) if is_wrong]


def _complain(what: str, rows: list[int], expected: str) -> None:
    if rows:
        shown = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
        raise BadData(
            f"{len(rows)} row(s) have {what}: row {shown}.",
            expected=expected,
            do="correct or remove these rows.",
        )
