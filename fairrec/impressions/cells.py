"""Numbers in the columns of a log; what is none is an error that names its row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import BadData
from fairrec.impressions.tables import arrow

RowName = Callable[[int], str]
"""Returns the number that a row has in the log, from its place in the piece that is read."""


def whole_ranks(column: Any, row: RowName) -> NDArray[np.integer]:
    """Return ranks, all of them whole and at least 1.

    Raises:
        BadData: One is not.
    """
    pa = arrow()
    column = column.combine_chunks()
    if pa.types.is_integer(column.type) and not column.null_count:
        ranks = column.to_numpy()
        bad = ranks < 1
    else:
        numbers = _numbers(column, "rank", row)
        bad = ~((numbers >= 1) & (numbers == np.floor(numbers)) & (numbers < 2**53))
        ranks = np.where(bad, 1, numbers).astype(np.int64)
    if bad.any():
        place = int(np.argmax(bad))
        seen = column[place].as_py()
        zero = seen is not None and float(seen) == 0
        raise BadData(
            f"the rank in row {row(place)} is {'missing' if seen is None else seen}.",
            expected="whole numbers from 1, the first place of the list.",
            do="add 1 to every rank, if they count from 0." if zero else "correct the log.",
        )
    return ranks


def finite_scores(column: Any, row: RowName) -> NDArray[np.float64]:
    """Return scores, of any sign.

    Raises:
        BadData: One is missing or not finite.
    """
    scores = _numbers(column.combine_chunks(), "score", row)
    _must(np.isfinite(scores), scores, "score", "a finite number in every row", row)
    return scores


def relevances(column: Any, row: RowName) -> NDArray[np.float64]:
    """Return relevances, all of them finite and at least 0.

    Raises:
        BadData: One is not.
    """
    values = _numbers(column.combine_chunks(), "relevance", row)
    fine = np.isfinite(values) & (values >= 0)
    _must(fine, values, "relevance", "a number of at least 0 in every row, 0 for irrelevant", row)
    return values


def _must(
    fine: NDArray[np.bool_], values: NDArray[np.float64], what: str, expected: str, row: RowName
) -> None:
    if not fine.all():
        place = int(np.argmin(fine))
        seen = "missing" if np.isnan(values[place]) else f"{values[place]:g}"
        raise BadData(
            f"the {what} in row {row(place)} is {seen}.",
            expected=f"{expected}.",
            do="correct the log.",
        )


def _numbers(column: Any, what: str, row: RowName) -> NDArray[np.float64]:
    """Return a column of numbers, or of text that says numbers; NaN where missing."""
    pa = arrow()
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    try:
        numbers = pc.cast(column, pa.float64(), safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        place = next((i for i, cell in enumerate(column.to_pylist()) if not _is_number(cell)), None)
        where = "" if place is None else f" in row {row(place)}: {str(column[place])[:40]!r}"
        raise BadData(
            f"the {what} is no number{where}.", expected="numbers.", do="correct the log."
        ) from error
    return numbers.to_numpy(zero_copy_only=False)


def _is_number(cell: Any) -> bool:
    try:
        float(cell or 0)
    except (TypeError, ValueError):
        return False
    return True
