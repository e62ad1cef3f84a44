"""The measures of `fairrec.metrics.similarity` for many pairs of lists at once.

Lists are rows of an integer array: one code per item, best first, padded at the end with -1;
a row of -1 alone is an empty or missing list. `encode_lists` makes such arrays. Row i of `x` is
compared with row i of `y`, and every function returns one float64 per row, equal to the
single-list function in every dialect.

All of it is comparisons of whole columns, kept small enough for the processor's cache: memory
beyond the arguments and the result does not grow with the number of pairs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import WrongUse
from fairrec.metrics.similarity import (
    Dialect,
    check_dialect,
    check_persistence,
    missing_value,
)

PADDING = -1
CHUNK = 500_000
"""Places compared at a time: few enough for the processor's cache, enough to keep it busy."""

Codes = NDArray[np.integer]
Places = NDArray[np.integer]
"""Codes of one chunk turned on its side: places x pairs, so that a place is contiguous."""
Flags = NDArray[np.bool_]


def encode_lists(lists: Iterable[Sequence[Hashable] | None]) -> Codes:
    """Return lists as rows of integer codes, padded with -1.

    Items that are equal get the same code, so lists to be compared are encoded together:
    ``coded = encode_lists([*xs, *ys])``, then ``coded[:len(xs)]`` and ``coded[len(xs):]``.

    Returns:
        Array of n lists x the longest length, int16 where the codes fit and int32 otherwise,
        in column-major order, which the functions below read fastest. None becomes an empty row.
    """
    rows = [() if items is None else items for items in lists]
    lengths = np.fromiter(map(len, rows), dtype=np.intp, count=len(rows))
    codes = {item: i for i, item in enumerate(dict.fromkeys(chain.from_iterable(rows)))}
    dtype = np.int16 if len(codes) <= np.iinfo(np.int16).max else np.int32
    longest = int(lengths.max(initial=0))
    coded = np.full((len(rows), longest), PADDING, dtype=dtype, order="F")
    coded[np.arange(longest) < lengths[:, None]] = np.fromiter(
        map(codes.__getitem__, chain.from_iterable(rows)), dtype=dtype, count=lengths.sum()
    )
    return coded


def batched_jaccard(x: Codes, y: Codes, dialect: Dialect = "unit") -> NDArray[np.float64]:
    """Return `jaccard` of each pair of rows, float64 of shape (n,)."""
    check_dialect(dialect, None)

    def kernel(x: Places, y: Places) -> NDArray[np.float64]:
        first = _first_places(x)
        common = _total(first & (_times_in(x, y) > 0))
        union = _total(first) + _total(_first_places(y)) - common
        return _ratio(common, union)

    return _over_chunks(kernel, x, y, None, dialect)


def batched_serp(
    x: Codes, y: Codes, k: int | None = None, dialect: Dialect = "unit"
) -> NDArray[np.float64]:
    """Return `serp` of each pair of rows, float64 of shape (n,)."""
    check_dialect(dialect, k)

    def kernel(x: Places, y: Places) -> NDArray[np.float64]:
        x_length, y_length = _total(x >= 0), _total(y >= 0)
        size = x_length if k is None else np.full_like(x_length, k)
        times = _times_in(x, y)
        if dialect == "fairllm":
            total = _weighted(times, x_length + 2)
            return _ratio(total, 2 * y_length * (y_length + 1))
        found = (times > 0).view(np.uint8)
        if dialect == "langfair":
            return _ratio(_weighted(found, size + 2), 2 * size * (size + 1))
        total = _weighted(found, size + 1)
        if dialect == "paper":
            return _ratio(total, size * (size + 1) // 2)
        longest = x_length if k is None else np.maximum(x_length, y_length)
        return _ratio(total, longest * (2 * size - longest + 1) // 2)

    return _over_chunks(kernel, x, y, k, dialect)


def batched_prag(
    x: Codes, y: Codes, k: int | None = None, dialect: Dialect = "unit"
) -> NDArray[np.float64]:
    """Return `prag` of each pair of rows, float64 of shape (n,)."""
    check_dialect(dialect, k)

    def kernel(x: Places, y: Places) -> NDArray[np.float64]:
        counted, y_counted = x >= 0, y >= 0
        if dialect == "unit":
            counted, y_counted = _first_places(x), _first_places(y)
        x_length, y_length = _total(counted), _total(y_counted)
        ordered = _ordered_pairs(x, y, counted, last=dialect == "fairllm")
        size = x_length if k is None else np.full_like(x_length, k)
        if dialect == "paper":
            return _ratio(ordered, size * (size + 1))
        longest = x_length
        if dialect == "unit" and k is not None:
            longest = np.maximum(x_length, y_length)
        pairs = size * (size + 1) if dialect == "langfair" else longest * (longest - 1) // 2
        same = (x_length == 1) & (y_length == 1) & (x[:1] == y[:1]).any(axis=0)
        return np.where(longest == 1, same, _ratio(ordered, pairs))

    return _over_chunks(kernel, x, y, k, dialect)


def batched_rbo(x: Codes, y: Codes, p: float = 0.9) -> NDArray[np.float64]:
    """Return `rbo` of each pair of rows, float64 of shape (n,)."""
    check_persistence(p)

    def kernel(x: Places, y: Places) -> NDArray[np.float64]:
        x_first, y_first = _first_places(x), _first_places(y)
        x_length, y_length = _total(x_first), _total(y_first)
        s, depth = np.minimum(x_length, y_length), np.maximum(x_length, y_length)
        place = np.cumsum(x_first, axis=0)
        # An item is shared from the depth at which both lists have named it.
        shared_from = np.where(x_first, np.maximum(place, _place_in(x, y, y_first)), len(x) * 2)
        overlap = np.zeros(x.shape[1], dtype=np.int64)
        at_end_of_shorter = _total(shared_from <= s)
        agreed = np.zeros(x.shape[1])
        for d in range(1, int(depth.max(initial=0)) + 1):
            overlap = np.where(d <= depth, overlap + _total(shared_from == d), overlap)
            beyond = _ratio(at_end_of_shorter * np.maximum(d - s, 0), s)
            agreed += np.where(d <= depth, p ** (d - 1) * (overlap + beyond) / d, 0.0)
        rest = _ratio(overlap - at_end_of_shorter, depth) + _ratio(at_end_of_shorter, s)
        return np.minimum(1.0, (1 - p) * agreed + rest * p**depth)

    return _over_chunks(kernel, x, y, None, "unit")


SIMILARITIES: dict[str, Callable[..., NDArray[np.float64]]] = {
    "jaccard": batched_jaccard,
    "serp": batched_serp,
    "prag": batched_prag,
    "rbo": batched_rbo,
}
"""The measures by name."""


def _over_chunks(
    kernel: Callable[[Places, Places], NDArray[np.float64]],
    x: Codes,
    y: Codes,
    k: int | None,
    dialect: Dialect,
) -> NDArray[np.float64]:
    """Apply a kernel to chunks of pairs; where a list is empty the value is the dialect's."""
    x, y = np.asarray(x), np.asarray(y)
    for name, codes in (("x", x), ("y", y)):
        if codes.ndim != 2 or not np.issubdtype(codes.dtype, np.integer):
            raise WrongUse(
                f"{name} is an array of {codes.dtype} with {codes.ndim} axes.",
                expected="integer codes of n lists x places, padded with -1.",
                do="make it with encode_lists.",
            )
    if len(x) != len(y):
        raise WrongUse(f"x has {len(x)} lists and y has {len(y)}.", expected="one y per x.")
    x, y = x[:, :k], y[:, :k]
    largest = max(x.max(initial=0), y.max(initial=0))
    dtype = next(t for t in (np.int16, np.int32, np.int64) if largest <= np.iinfo(t).max)
    values = np.empty(len(x))
    pairs = max(1, CHUNK // max(1, x.shape[1], y.shape[1]))

    def compare(start: int) -> None:
        rows = slice(start, start + pairs)
        left, right = (np.ascontiguousarray(codes[rows].T, dtype=dtype) for codes in (x, y))
        present = _is_present(left) & _is_present(right)
        values[rows] = np.where(present, kernel(left, right), missing_value(dialect))

    # Threads pay: NumPy lets go of the interpreter while it compares columns.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compare, range(0, len(x), pairs)))
    return values


def _is_present(codes: Places) -> Flags:
    """Tell which lists hold anything, and that padding stands at their ends only."""
    filled = codes >= 0
    if (filled[1:] > filled[:-1]).any():
        raise WrongUse(
            "a list has padding (-1) before an item.", expected="padding at the end only."
        )
    return np.asarray(filled.any(axis=0))


def _first_places(codes: Places) -> Flags:
    """Flag the places whose item did not stand before in the same list."""
    first = codes >= 0
    differ = np.empty(codes.shape, dtype=bool)
    for distance in range(1, len(codes)):
        np.not_equal(codes[distance:], codes[:-distance], out=differ[distance:])
        first[distance:] &= differ[distance:]
    return first


def _times_in(x: Places, y: Places) -> NDArray[np.unsignedinteger]:
    """Return how often the item at each place of `x` stands in `y`; 0 at padding."""
    times = np.zeros(x.shape, dtype=_counter(len(y)))
    equal = np.empty(x.shape, dtype=bool)
    for row in y:
        np.equal(x, row, out=equal)
        times += equal.view(np.uint8)
    times *= (x >= 0).view(np.uint8)
    return times


def _place_in(x: Places, y: Places, counted: Flags) -> NDArray[np.integer]:
    """Return the 1-based place in `y` of each item of `x`, counting only flagged places of `y`.

    An item that is not in `y` gets a place beyond every depth.
    """
    unseen = np.ones(x.shape, dtype=bool)
    place = np.zeros(x.shape, dtype=np.int64)
    for row, counts in zip(y, counted, strict=True):
        place += unseen & counts
        unseen &= x != row
    return np.where(unseen, 2 * (len(x) + len(y)), place)


def _ordered_pairs(x: Places, y: Places, counted: Flags, *, last: bool) -> NDArray[np.int64]:
    """Count pairs of flagged places of `x` that `y` has in the same order, per list.

    An item that is not in `y` comes after all that are. Of an item that `y` repeats, the first
    place counts, or the last.
    """
    # Steps through y, from one end, since an item was met: a place that needs no selection.
    met = np.zeros(x.shape, dtype=np.uint8)
    steps = np.zeros(x.shape, dtype=_counter(len(y) + 1))
    equal = np.empty(x.shape, dtype=bool)
    for row in y[::-1] if last else y:
        np.equal(x, row, out=equal)
        met |= equal.view(np.uint8)
        steps += met
    place = steps - 1 if last else len(y) - steps  # absent items get the largest
    # A place that does not count is neither before another nor behind one.
    before = np.where(counted, place, np.iinfo(place.dtype).max)
    behind = np.where(counted, place, 0)
    pairs = np.zeros(x.shape, dtype=_counter(len(x)))
    for distance in range(1, len(x)):
        np.less(before[:-distance], behind[distance:], out=equal[distance:])
        pairs[distance:] += equal[distance:].view(np.uint8)
    return pairs.sum(axis=0, dtype=np.int64)


def _total(flags: Flags) -> NDArray[np.int64]:
    """Return the number of flags per list."""
    return np.add.reduce(flags.view(np.uint8), axis=0, dtype=_counter(len(flags))).astype(np.int64)


def _weighted(times: NDArray[np.unsignedinteger], top: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return Σ_r (top - r) times_r per list, r being the 1-based place."""
    dtype = np.uint16 if len(times) <= 40 else np.int64  # 40 places met 40 times: 40^3 < 2^16
    so_far, by_place = np.zeros((2, times.shape[1]), dtype=dtype)
    for row in times[::-1]:
        so_far += row
        by_place += so_far
    return top * so_far - by_place


def _ratio(numerator: NDArray[np.integer], denominator: NDArray[np.integer]) -> NDArray[np.float64]:
    """Divide; 0 where the denominator is 0, for lists whose value is set elsewhere."""
    return numerator / np.maximum(denominator, 1)


def _counter(largest: int) -> type[np.unsignedinteger]:
    """Return the smallest type that counts so far; the smaller, the faster."""
    return np.uint8 if largest < 256 else np.uint32
