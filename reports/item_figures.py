"""The figures of item-side audits, from the tables of a result."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fairrec.reports import item_bars, item_curves
from fairrec.reports.drawing import label
from fairrec.reports.glossary import metric_name
from fairrec.reports.svg import SETTINGS
from fairrec.results import AuditResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Table = Mapping[str, Sequence[float | str | None]]
Drawn = Iterator[tuple[str, str, "Figure"]]

MOST_ROWS = 30
"""Groups of a figure with a row per group."""

MOST_LAYERS = 8
"""Groups that stand upon one another, before the others are put together."""

MOST_CURVES = 8
MOST_POINTS = 800
MOST_RANKS = 100
MOST_PLACES = 100_000
MOST_FIGURES = 6
"""Figures of one table, such as one per definition of merit."""

REST = "other"


def item_figures(result: AuditResult) -> Iterator[tuple[str, str, Figure]]:
    """Draw every table of the result that a figure is known for.

    A table without a number, or that lacks a column, is left out: a figure never shows what was
    not measured. Groups beyond what a reader can tell apart are left out, and the note says so.

    Yields:
        Title, a note on how to read it, and the figure. Titles and notes may hold names from
        data: escape them.
    """
    import matplotlib

    for name, (columns, draw) in _FIGURES.items():
        table = result.tables.get(name, {})
        if not all(column in table for column in columns):
            continue
        with matplotlib.rc_context(SETTINGS):
            yield from draw(table, result.tables)


def _lorenz(table: Table, _: Mapping[str, Table]) -> Drawn:
    items, exposure = _numbers(table, "share_of_items"), _numbers(table, "share_of_exposure")
    rows = _by(table, "curve", exposure)
    names = list(rows)[:MOST_CURVES]
    if names:
        figure = item_curves.lorenz_figure(
            [label(name, 40) for name in names],
            [items[rows[name]] for name in names],
            [exposure[rows[name]] for name in names],
        )
        note = (
            "The least exposed stand first: at 0.5 the height is what the lesser half gets. The "
            "further a curve sags below the diagonal, the more unequal; twice the area between "
            "them is the Gini coefficient."
        )
        yield "Inequality of exposure (Lorenz curve)", note, figure


def _group_exposure(table: Table, _: Mapping[str, Table]) -> Drawn:
    target, exposure, low, high = _many(table, "target", "exposure", "low", "high")
    groups = _texts(table, "group")
    known = np.where(np.isfinite(exposure), exposure, target)
    for merit, rows in list(_by(table, "merit", known).items())[:MOST_FIGURES]:
        gap = np.nan_to_num(np.abs(exposure[rows] - target[rows]), nan=-1.0)
        kept = rows[np.sort(np.argsort(-gap, kind="stable")[:MOST_ROWS])]
        kept = kept[np.argsort(-np.nan_to_num(target[kept], nan=-1.0), kind="stable")]
        figure = item_bars.exposure_figure(
            [label(groups[row]) for row in kept],
            target[kept], exposure[kept], low[kept], high[kept],
        )  # fmt: skip
        note = (
            "A dot right of its diamond: the group gets more exposure than its merit asks for, "
            "left of it: less. Where the interval reaches the diamond, the two are not told apart."
        )
        left_out = _left_out(len(kept), len(rows), "groups", "those furthest from their target")
        yield f"Exposure against merit: {label(merit, 60)}", note + left_out, figure


def _group_by_position(table: Table, _: Mapping[str, Table]) -> Drawn:
    rank, share = _many(table, "rank", "share")
    groups = _texts(table, "group")
    usable = (rank >= 1) & (rank <= MOST_RANKS) & (rank == np.round(rank))
    if not (usable & np.isfinite(share)).any():
        return
    ranks = np.arange(rank[usable].min(), rank[usable].max() + 1)
    names = list(dict.fromkeys(groups[row] for row in np.flatnonzero(usable)))
    shares = np.zeros((len(ranks), len(names)))
    shares[~np.isin(ranks, rank[usable])] = math.nan
    column = {name: number for number, name in enumerate(names)}
    for row in np.flatnonzero(usable):
        shares[int(rank[row] - ranks[0]), column[groups[row]]] = share[row]
    largest = np.argsort(-np.nansum(shares, axis=0), kind="stable")
    kept, rest = largest[:MOST_LAYERS], largest[MOST_LAYERS:]
    layers, shown = shares[:, kept], [label(names[group]) for group in kept]
    if len(rest):
        layers = np.column_stack([layers, shares[:, rest].sum(axis=1)])
    figure = item_bars.place_figure(ranks, shown, layers, rest=REST if len(rest) else "")
    note = (
        "A layer of the same height from left to right: the group stands as often at the top as "
        "further down. A layer that grows to the right is kept to the lower places."
    )
    left_out = _left_out(len(kept), len(names), "groups", "the largest", f"“{REST}” is the rest")
    yield "Groups by place in the list", note + left_out, figure


def _popularity_exposure(table: Table, tables: Mapping[str, Table]) -> Drawn:
    popularity, exposure = _many(table, "popularity", "exposure")
    fit = _many(tables.get("popularity_fit", {}), "popularity", "exposure", "low", "high")
    order = np.argsort(fit[0], kind="stable")
    known = np.isfinite(popularity) & (popularity >= 0) & (exposure >= 0)
    # The sample is in no order of popularity that a stride could follow.
    kept = np.flatnonzero(known)[:: max(1, math.ceil(known.sum() / MOST_POINTS))]
    if not len(kept):
        return
    groups = _texts(table, "group")
    largest = _largest([groups[row] for row in kept])
    named = largest if len(largest) <= 5 else largest[:4]
    names = {name: label(name) for name in named} | dict.fromkeys(largest[len(named) :], REST)
    shown = list(dict.fromkeys(names.values()))
    points = []
    for name in shown:
        rows = np.array([row for row in kept if names[groups[row]] == name])
        points.append((popularity[rows], exposure[rows]))
    figure = item_curves.popularity_figure(shown, points, tuple(column[order] for column in fit))
    note = (
        "One mark per item of a sample. The curve is what items of a popularity can expect: "
        "steeper than the diagonal of the grid, the recommender adds to popularity; items off "
        "the curve get more or less than their popularity explains."
    )
    yield "Exposure by popularity", note, figure


def _popularity_by_rank(table: Table, _: Mapping[str, Table]) -> Drawn:
    rank, popularity, low, high = _sorted(table, "rank", "popularity", "low", "high")
    if np.isfinite(popularity).any():
        note = (
            "Mean popularity of what stands at each rank, with its interval. A curve that falls "
            "puts popular items first."
        )
        yield "Popularity by rank", note, item_curves.rank_figure(rank, popularity, low, high)


def _position_curve(table: Table, _: Mapping[str, Table]) -> Drawn:
    place, accuracy, low, high = _sorted(table, "position", "accuracy", "low", "high")
    if np.isfinite(accuracy).any():
        note = (
            "The same candidates, with the right item moved to each place. A flat line is as it "
            "should be: the order in which candidates are shown says nothing about them."
        )
        figure = item_curves.position_figure(place, accuracy, low, high)
        yield "Accuracy by place in the prompt", note, figure


def _calibration(table: Table, _: Mapping[str, Table]) -> Drawn:
    share, low, high = _many(table, "share", "low", "high")
    part, source = _texts(table, "part"), _texts(table, "source")
    if not np.isfinite(share).any():
        return
    parts = list(dict.fromkeys(part))[:MOST_LAYERS]
    sources = list(dict.fromkeys(source))[:MOST_LAYERS]
    cells = np.full((3, len(parts), len(sources)), math.nan)
    for row in range(len(share)):
        if part[row] in parts and source[row] in sources:
            place = parts.index(part[row]), sources.index(source[row])
            cells[:, *place] = share[row], low[row], high[row]
    figure = item_bars.parts_figure(
        [label(name) for name in parts], [label(name) for name in sources], *cells
    )
    note = (
        "How much of each list is very popular (head), middling and rare (tail). Where "
        "“recommended” is as high as “history”, users get what they had."
    )
    yield "Popularity of what users have and of what they get", note, figure


def _by_group(table: Table, _: Mapping[str, Table]) -> Drawn:
    share, low, high = _many(table, "share", "low", "high")
    groups = _texts(table, "group")
    subjects = _by(table, "subject", np.where(share > 0, share, math.nan))  # else nothing to see
    for subject, rows in list(subjects.items())[:MOST_FIGURES]:
        largest = rows[np.argsort(-np.nan_to_num(share[rows], nan=-1.0), kind="stable")]
        kept = np.sort(largest[:MOST_ROWS])  # bands have an order of their own
        metric, by, about = subject.partition(" by ")
        what = label(metric_name(metric) + by + about, 60)
        figure = item_bars.group_figure(
            [label(groups[row]) for row in kept], share[kept], low[kept], high[kept], "share"
        )
        note = "Groups whose intervals overlap widely may be alike."
        note += _left_out(len(kept), len(rows), "groups", "those with the largest shares")
        yield f"Share {what}", note, figure


_FIGURES: dict[str, tuple[tuple[str, ...], Callable[[Table, Mapping[str, Table]], Drawn]]] = {
    "lorenz": (("curve", "share_of_items", "share_of_exposure"), _lorenz),
    "group_exposure": (("group", "merit", "target", "exposure"), _group_exposure),
    "group_by_position": (("rank", "group", "share"), _group_by_position),
    "popularity_exposure": (("popularity", "exposure", "group"), _popularity_exposure),
    "popularity_by_rank": (("rank", "popularity"), _popularity_by_rank),
    "calibration": (("part", "source", "share"), _calibration),
    "position_curve": (("position", "accuracy"), _position_curve),
    "by_group": (("group", "subject", "share"), _by_group),
}


def _numbers(table: Table, column: str) -> np.ndarray:
    """Return a column as floats: NaN where it holds no finite number, or is not there."""
    length = max(map(len, table.values()), default=0)
    numbers = [
        float(x) if isinstance(x, (int, float)) else math.nan
        for x in table.get(column, [None] * length)
    ]
    found = np.array(numbers, dtype=float)
    return np.where(np.isfinite(found), found, math.nan)


def _many(table: Table, *columns: str) -> tuple[Any, ...]:
    return tuple(_numbers(table, column) for column in columns)


def _sorted(table: Table, by: str, *columns: str) -> tuple[Any, ...]:
    """Return columns in the order of the first, a place in a list; rows without it left out."""
    found = _many(table, by, *columns)
    order = np.argsort(found[0], kind="stable")
    order = order[(found[0][order] >= 0) & (found[0][order] <= MOST_PLACES)]
    return tuple(column[order] for column in found)


def _texts(table: Table, column: str) -> list[str]:
    return ["" if x is None else str(x) for x in table[column]]


def _by(table: Table, column: str, needed: np.ndarray) -> dict[str, np.ndarray]:
    """Return the rows of each value of a column, if a needed number is there in any of them."""
    texts = np.array(_texts(table, column), dtype=object)
    rows = {value: np.flatnonzero(texts == value) for value in dict.fromkeys(texts)}
    return {value: found for value, found in rows.items() if np.isfinite(needed[found]).any()}


def _largest(names: Sequence[str]) -> list[str]:
    from collections import Counter

    return [name for name, _ in Counter(names).most_common()]


def _left_out(shown: int, all_: int, what: str, which: str, more: str = "") -> str:
    if shown == all_:
        return ""
    return f" Of {all_:,} {what}, {shown} are shown: {which}{'; ' + more if more else ''}."
