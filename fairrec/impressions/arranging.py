"""Whether the rows of every user stand together, and what to do where they do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import BadData
from fairrec.impressions.codes import plain
from fairrec.impressions.reading import ImpressionLog
from fairrec.impressions.tables import arrow, compute

SORTABLE = 20_000_000
"""Rows that are sorted in memory; a longer log has to come sorted."""


def arranged(log: ImpressionLog, names: tuple[str, ...], rows: int) -> tuple[Iterator[Any], int]:
    """Return the log's pieces with the rows of every user together, and how many were sorted.

    The column of users is read once beforehand. Sorted rows keep their order within a user, users
    that of their first row, and a column "row" says where they stood, from 0.

    Raises:
        BadData: A user is missing, or users are scattered over more than `SORTABLE` rows.
    """
    together, total = _users_together(log, rows)
    if together:
        return log.read(names, rows), 0
    if total > SORTABLE:
        by = ", ".join(log.columns[name] for name in ("user", "rank") if name in log.columns)
        raise BadData(
            f"the rows of a user are scattered over the {total:,} rows of {log.name}.",
            expected=f"the rows of every user together, or at most {SORTABLE:,} rows, which are "
            "sorted in memory.",
            do="sort it first, for instance with DuckDB: COPY (SELECT * FROM 'log.parquet' ORDER "
            f"BY {by}) TO 'sorted.parquet';",
        )
    return _sorted(log, names, rows), total


def changes(users: Any) -> NDArray[np.int64]:
    """Return the rows at which another user begins than in the row before; not the first row."""
    pa, pc = arrow(), compute()
    if pa.types.is_dictionary(users.type):
        users = users.indices
    if pa.types.is_integer(users.type):
        numbers = users.to_numpy()
        return np.flatnonzero(numbers[1:] != numbers[:-1]) + 1
    differs = pc.not_equal(users.slice(1), users.slice(0, max(len(users) - 1, 0)))
    return pc.indices_nonzero(differs).to_numpy().astype(np.int64) + 1


def _users_together(log: ImpressionLog, rows: int) -> tuple[bool, int]:
    """Return whether no user comes again after another one, and the number of rows."""
    pa, pc = arrow(), compute()
    firsts: list[Any] = []
    total, last = 0, None
    for table in log.read(("user",), rows):
        if table.num_rows == 0:
            continue
        users = plain(table["user"], "the users of the log")
        if users.null_count:
            missing = pc.indices_nonzero(pc.is_null(users))[0].as_py()
            raise BadData(
                f"{log.name} names no user in row {total + missing + 1:,}.",
                expected="a user for every impression.",
                do="leave the row out, or give those without a user one of their own.",
            )
        first = users[0].as_py()
        places = changes(users)
        if total == 0 or first != last:
            places = np.concatenate([[0], places])
        last = users[-1].as_py()
        total += len(users)
        some = users.take(pa.array(places))
        firsts.append(some.dictionary_decode() if pa.types.is_dictionary(some.type) else some)
    return _all_different(firsts), total


def _all_different(arrays: list[Any]) -> bool:
    pa, pc = arrow(), compute()
    if all(pa.types.is_integer(array.type) for array in arrays):
        numbers = np.concatenate([array.to_numpy() for array in arrays] or [np.empty(0)])
        if (numbers[1:] > numbers[:-1]).all():
            return True
        return len(np.unique(numbers)) == len(numbers)
    texts = pa.chunked_array([pc.cast(array, pa.large_string()) for array in arrays])
    return pc.count_distinct(texts).as_py() == len(texts)


def _sorted(log: ImpressionLog, names: tuple[str, ...], rows: int) -> Iterator[Any]:
    pa = arrow()
    whole = pa.concat_tables(list(log.read(names, rows)), promote_options="permissive")
    users = plain(whole["user"], "the users of the log")
    if not pa.types.is_dictionary(users.type):
        users = users.dictionary_encode()
    order = np.argsort(users.indices.to_numpy(), kind="stable")
    whole = whole.append_column("row", pa.array(np.arange(len(order))))
    for start in range(0, len(order), rows):
        yield whole.take(pa.array(order[start : start + rows]))
