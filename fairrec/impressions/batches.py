"""From a log of impressions to lists of positions, some thousand at a time.

A list is what one user was shown. Places keep the rank they have in the log, for that is what
attention depends on: a gap is not closed, and what is not in the catalogue, is missing from the
log or is shown a second time leaves its place to nobody (`OFF`). All of it is counted
(`LogCounts`). What cannot be meant (no user, a rank below 1, two items at one rank, a negative
relevance) is an error that names the row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from fairrec.errors import BadData, WrongUse
from fairrec.impressions.arranging import arranged, changes
from fairrec.impressions.cells import finite_scores, relevances, whole_ranks
from fairrec.impressions.codes import ItemCodes, plain
from fairrec.impressions.counts import LogCounts
from fairrec.impressions.reading import ImpressionLog
from fairrec.metrics.item_lists import END, OFF, ItemLists

if TYPE_CHECKING:
    import pyarrow

Items = NDArray[np.int32]

ROWS = 1 << 18
"""Impressions that are read at a time."""


class ImpressionBatch(NamedTuple):
    """Lists of some users.

    Attributes:
        lists: n lists.
        users: Number of the user of each list, counting up over the log from 0; shape (n,).
        relevant: Relevance of what was shown to each, shape (n, N), or None where the log does
            not say.
    """

    lists: ItemLists
    users: NDArray[np.int64]
    relevant: csr_matrix | None


def impression_batches(
    log: ImpressionLog, codes: ItemCodes, k: int, counts: LogCounts, *, rows: int = ROWS
) -> Iterator[ImpressionBatch]:
    """Yield all lists of a log, whole lists together, in the order of the log.

    Args:
        log: The log.
        codes: Positions by id.
        k: Ranks that count.
        counts: What is met is added here.
        rows: About how many impressions a batch is made of; numbers do not depend on it.

    Raises:
        WrongUse: k or rows is below 1.
        BadData: The log is empty or broken, a user is missing, a rank is missing or below 1, a
            score or relevance is no number or a relevance negative, two items of a user have one
            rank, or users are scattered over a log that is too large to sort.
    """
    if k < 1 or rows < 1:
        raise WrongUse(f"k is {k} and rows {rows}.", expected="at least 1.")
    by = next((name for name in ("rank", "score") if name in log.columns), "row")
    names = ["user", "item", *([by] if by != "row" else [])]
    names += [name for name in ("relevance",) if name in log.columns]
    counts.ranked_by = by
    tables, counts.sorted_rows = arranged(log, tuple(names), rows)
    for piece in _whole_lists(tables, counts):
        yield _batch(piece, codes, k, counts)
    if counts.rows == 0:
        raise BadData(
            f"{log.name} is empty.",
            expected="one row per impression: user, item, rank.",
            do="check that the right log was given.",
        )


@dataclass(frozen=True, eq=False)
class _Piece:
    """Rows of whole lists and where each begins; `first` rows, `user` lists came before."""

    table: pyarrow.Table
    starts: NDArray[np.int64]
    first: int
    user: int

    def row(self, place: int) -> str:
        """Return the number that a row has in the log, from 1."""
        if "row" in self.table.column_names:
            return f"{self.table['row'][place].as_py() + 1:,}"
        return f"{self.first + place + 1:,}"


def _whole_lists(tables: Iterator[pyarrow.Table], counts: LogCounts) -> Iterator[_Piece]:
    import pyarrow as pa

    rest: list[pyarrow.Table] = []
    for table in tables:
        if table.num_rows == 0:
            continue
        joined = pa.concat_tables([*rest, table], promote_options="permissive").combine_chunks()
        starts = _starts(joined)
        cut = int(starts[-1])
        rest = [joined.slice(cut)]
        if cut:
            yield _counted(joined.slice(0, cut), starts[:-1], counts)
    if rest:
        yield _counted(rest[0], np.zeros(1, dtype=np.int64), counts)


def _starts(table: pyarrow.Table) -> NDArray[np.int64]:
    return np.concatenate([[0], changes(plain(table["user"], "the users of the log"))])


def _counted(table: pyarrow.Table, starts: NDArray[np.int64], counts: LogCounts) -> _Piece:
    piece = _Piece(table, starts, counts.rows, counts.lists)
    counts.rows += table.num_rows
    counts.lists += len(starts)
    return piece


def _batch(piece: _Piece, codes: ItemCodes, k: int, counts: LogCounts) -> ImpressionBatch:
    table, n = piece.table, len(piece.starts)
    items = codes.positions(table["item"])
    lengths = np.diff(np.append(piece.starts, len(items)))
    ranks = _ranks(piece, lengths, counts.ranked_by)
    if ranks is None:
        matrix = _placed_by_row(items, lengths, k)
        counts.beyond += int(np.maximum(lengths - k, 0).sum())
    else:
        matrix = _placed_by_rank(piece, items, ranks, lengths, k, counts)
    if table["item"].null_count:
        counts.without_id += _missing_within(table["item"], piece.starts, lengths, ranks, k)
    counts.off_catalogue += int((matrix == OFF).sum())
    if ranks is not None:
        _keep_gaps(matrix, piece.starts, ranks, counts)
    _keep_first(matrix, counts)
    counts.short += int((matrix[:, -1] == END).sum())
    relevant = None
    if "relevance" in table.column_names:
        relevant = _relevant(piece, items, lengths, len(codes))
    users = np.arange(piece.user, piece.user + n)
    return ImpressionBatch(ItemLists(matrix, len(codes)), users, relevant)


def _ranks(piece: _Piece, lengths: NDArray[np.int64], by: str) -> NDArray[np.integer] | None:
    """Return the rank of every row, or None where it is the row's number within its list."""
    if by == "row":
        return None
    rows = int(lengths.sum())
    if by == "rank":
        ranks = whole_ranks(piece.table["rank"], piece.row)
    else:
        scores = finite_scores(piece.table["score"], piece.row)
        order = np.lexsort((-scores, np.repeat(np.arange(len(lengths)), lengths)))
        ranks = np.empty(rows, dtype=np.int64)
        ranks[order] = _row_ranks(piece.starts, lengths)
    if (lengths == lengths[0]).all():
        in_order = (ranks.reshape(len(lengths), -1) == np.arange(1, lengths[0] + 1)).all()
    else:
        in_order = (ranks == _row_ranks(piece.starts, lengths)).all()
    return None if in_order else ranks


def _row_ranks(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number, from 1, of every row within its list."""
    return np.arange(1, int(lengths.sum()) + 1) - np.repeat(starts, lengths)


def _placed_by_row(items: Items, lengths: NDArray[np.int64], k: int) -> Items:
    n = len(lengths)
    if (lengths == lengths[0]).all() and lengths[0] >= k:
        return np.ascontiguousarray(items.reshape(n, -1)[:, :k])
    matrix = np.full((n, k), END, dtype=np.int32)
    if (lengths == lengths[0]).all():
        matrix[:, : lengths[0]] = items.reshape(n, -1)
        return matrix
    within = _row_ranks(np.cumsum(lengths) - lengths, lengths) <= k
    matrix[np.arange(k) < lengths[:, None]] = items[within]
    return matrix


def _placed_by_rank(
    piece: _Piece,
    items: Items,
    ranks: NDArray[np.integer],
    lengths: NDArray[np.int64],
    k: int,
    counts: LogCounts,
) -> Items:
    n = len(lengths)
    lists = np.repeat(np.arange(n), lengths)
    if counts.ranked_by == "rank":
        falls = (ranks[1:] < ranks[:-1]) & (lists[1:] == lists[:-1])
        counts.unsorted += len(np.unique(lists[1:][falls]))
    rows = np.flatnonzero(ranks <= k)
    counts.beyond += len(items) - len(rows)
    cells = lists[rows] * k + ranks[rows] - 1
    matrix = np.full(n * k, END, dtype=np.int32)
    # Of two rows in one place the first is kept: later ones are written first.
    matrix[cells[::-1]] = items[rows[::-1]]
    taken = np.bincount(cells, minlength=n * k)
    if (taken > 1).any():
        clash = matrix[cells] != items[rows]
        if clash.any():
            raise _two_at_one_rank(piece, int(rows[np.argmax(clash)]), ranks)
        counts.repeats += int(np.maximum(taken - 1, 0).sum())
    return matrix.reshape(n, k)


def _two_at_one_rank(piece: _Piece, row: int, ranks: NDArray[np.integer]) -> BadData:
    user = str(piece.table["user"][row].as_py())[:40]
    return BadData(
        f"user {user!r} has two items at rank {ranks[row]}; one is in row {piece.row(row)}.",
        expected="one list per user, one item at every rank.",
        do="if users were shown several lists, name the column that tells lists apart as the "
        "user, or keep one list of each.",
    )


def _missing_within(
    column: pyarrow.ChunkedArray,
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    ranks: NDArray[np.integer] | None,
    k: int,
) -> int:
    """Return how many of the first k ranks have no id."""
    missing = column.is_null().to_numpy()
    return int((missing & ((_row_ranks(starts, lengths) if ranks is None else ranks) <= k)).sum())


def _keep_gaps(
    matrix: Items, starts: NDArray[np.int64], ranks: NDArray[np.integer], counts: LogCounts
) -> None:
    """Let nobody stand where a list goes on after a place that the log says nothing of."""
    last = np.maximum.reduceat(ranks, starts)
    gaps = (matrix == END) & (np.arange(1, matrix.shape[1] + 1) < last[:, None])
    matrix[gaps] = OFF
    counts.gaps += int(gaps.sum())
    counts.with_gaps += int(gaps.any(axis=1).sum())


def _keep_first(matrix: Items, counts: LogCounts) -> None:
    """Let nobody stand where an item stands for the second time."""
    ordered = np.sort(matrix, axis=1)
    again = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    if not again.any():
        return
    rows = np.flatnonzero(again.any(axis=1))
    some = matrix[rows]
    order = np.argsort(some, axis=1, kind="stable")
    ordered = np.take_along_axis(some, order, axis=1)
    later = np.zeros(some.shape, dtype=bool)
    later[:, 1:] = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    repeated = np.zeros(some.shape, dtype=bool)
    np.put_along_axis(repeated, order, later, axis=1)
    matrix[rows] = np.where(repeated, OFF, some)
    counts.repeats += int(repeated.sum())


def _relevant(piece: _Piece, items: Items, lengths: NDArray[np.int64], n_items: int) -> csr_matrix:
    """Return the relevance of what was shown, beyond rank k too; the largest of an item's."""
    values = relevances(piece.table["relevance"], piece.row)
    rows = np.flatnonzero((values > 0) & (items >= 0))
    rows = rows[np.argsort(-values[rows], kind="stable")]
    lists = np.searchsorted(piece.starts, rows, side="right") - 1
    _, first = np.unique(lists * n_items + items[rows], return_index=True)
    rows, lists = rows[first], lists[first]
    return csr_matrix((values[rows], (lists, items[rows])), shape=(len(lengths), n_items))
