"""Figures of items drawn as curves and points: how unequal, how popular, how placed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fairrec.reports.drawing import (
    add_legend,
    canvas,
    draw_band,
    draw_interval,
    name_axes,
    plain,
    series,
    top_of,
)
from fairrec.reports.svg import BAND, GRID, INK, PAPER, SOFT

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PLOT = 2.5  # inches, the height of a plot
_DIAGONAL = (0.0, (1, 2))


def lorenz_figure(
    names: Sequence[str], items: Sequence[np.ndarray], exposure: Sequence[np.ndarray]
) -> Figure:
    """Draw what share of the exposure the least exposed share of the items has, per curve."""
    from matplotlib.lines import Line2D

    shown = [*names, "all alike"]
    figure, axes = canvas(_PLOT, legend=shown)
    handles = [
        _line(axes, number, x, y, markevery=max(1, len(x) // 10))
        for number, (x, y) in enumerate(zip(items, exposure, strict=True))
    ]
    axes.plot([0, 1], [0, 1], color=SOFT, lw=1, ls=_DIAGONAL)
    handles.append(Line2D([], [], color=SOFT, lw=1, ls=_DIAGONAL))
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    _grid(axes)
    name_axes(axes, "share of all, least exposed first", "share of exposure")
    add_legend(figure, handles, shown)
    return figure


def rank_figure(
    rank: np.ndarray, popularity: np.ndarray, low: np.ndarray, high: np.ndarray
) -> Figure:
    """Draw how popular the items at each rank of the lists are, with a band of its interval."""
    figure, axes = canvas(_PLOT)
    draw_band(axes, rank, low, high, BAND)
    _line(axes, 0, rank, popularity)
    axes.set_ylim(0, top_of(popularity, high))
    _whole_steps(axes, rank)
    _grid(axes)
    name_axes(axes, "rank in the list (1 = top)", "mean popularity (times consumed)")
    return figure


def position_figure(
    position: np.ndarray, accuracy: np.ndarray, low: np.ndarray, high: np.ndarray
) -> Figure:
    """Draw how often the right item is found, by where it stood among the candidates."""
    figure, axes = canvas(_PLOT)
    _line(axes, 0, position, accuracy)
    for place, start, end in zip(position, low, high, strict=True):
        draw_interval(axes, place, start, end)
    axes.set_ylim(0, min(top_of(accuracy, high), 1.04))
    _whole_steps(axes, position, every=True)
    _grid(axes)
    name_axes(axes, "place of the right item in the prompt (0 = first)", "accuracy (share found)")
    return figure


def popularity_figure(
    names: Sequence[str],
    points: Sequence[tuple[np.ndarray, np.ndarray]],
    fit: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> Figure:
    """Draw each item's exposure against its popularity, and the curve fitted to them.

    Both axes are logarithmic; 0 has a place of its own at the end of them.

    Args:
        names: Groups of items.
        points: Popularity and exposure of each group's items.
        fit: Popularity, fitted exposure, lower and upper end of its interval.
    """
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    curve, fitted, low, high = fit
    shown = list(names) if len(names) > 1 else []
    has_curve = bool(np.isfinite(fitted).any())
    if has_curve:
        shown.append("fitted, with interval")
    figure, axes = canvas(2.8, left=0.7, legend=shown)
    zero_x = _zero(*(x for x, _ in points), curve)
    zero_y = _zero(*(y for _, y in points), fitted, high)
    handles = []
    for number, (x, y) in enumerate(points):
        look = series(number)
        style = {"marker": look.marker, "ls": "", "mfc": "none", "mec": look.colour, "mew": 0.9}
        axes.plot(np.where(x > 0, x, zero_x), np.where(y > 0, y, zero_y), ms=3.6, **style)
        handles.append(Line2D([], [], ms=5, **style))
    if has_curve:
        draw_band(axes, curve, np.where(low > 0, low, zero_y), high, BAND)
        axes.plot(curve, fitted, color=PAPER, lw=3.4, zorder=3)
        for edge in (low, high):
            axes.plot(
                curve, np.where(edge > 0, edge, math.nan), color=INK, lw=0.8, ls="--", zorder=3
            )
        axes.plot(curve, fitted, color=INK, lw=1.8, zorder=4)
        line = Line2D([], [], color=INK, lw=1.8)
        handles.append((Patch(color=BAND), line))
    _logarithmic(axes, "x", [*(x for x, _ in points), curve], zero_x)
    _logarithmic(axes, "y", [*(y for _, y in points), fitted, high], zero_y)
    axes.grid(color=GRID, lw=0.7)
    name_axes(axes, "times consumed before (log scale)", "times recommended (log scale)")
    if shown:
        add_legend(figure, handles[-len(shown) :], shown)
    return figure


def _line(
    axes: Axes, number: int, x: np.ndarray, y: np.ndarray, markevery: int | None = None
) -> Artist:
    """Draw a series; where a value is missing the line has a gap, and lone points stay seen."""
    look = series(number)
    crowded = markevery is None and len(x) > 40
    (line,) = axes.plot(
        x,
        y,
        look.marker,
        ls=look.line,
        color=look.colour,
        lw=1.8,
        ms=3 if crowded else 5,
        mec=PAPER,
        mew=0.4 if crowded else 0.7,
        markevery=markevery,
        zorder=3,
    )
    return line


def _grid(axes: Axes) -> None:
    axes.grid(axis="y", color=GRID, lw=0.7)


def _whole_steps(axes: Axes, place: np.ndarray, *, every: bool = False) -> None:
    """Let ticks stand at whole ranks, from the first to the last, or at `every` one there is."""
    there = np.unique(place[np.isfinite(place)])
    if not len(there):
        there = np.array([1.0])
    room = 0.5 + 0.02 * (there[-1] - there[0])
    axes.set_xlim(there[0] - room, there[-1] + room)
    most = 12
    if not every or len(there) > most:
        axes.locator_params(axis="x", nbins=most, integer=True)
    else:
        axes.set_xticks(there, [plain(number) for number in there])


def _zero(*columns: np.ndarray) -> float:
    """Return where a logarithmic axis shows 0: somewhat below the smallest positive number."""
    above = _positive(columns)
    return float(above.min()) / 3 if len(above) else 0.1


def _positive(columns: Sequence[np.ndarray]) -> np.ndarray:
    numbers = np.concatenate([np.asarray(column, dtype=float) for column in columns])
    return numbers[np.isfinite(numbers) & (numbers > 0)]


def _logarithmic(axes: Axes, side: str, columns: Sequence[np.ndarray], zero: float) -> None:
    """Make an axis logarithmic, its ticks at round numbers, and at 0 if there is a 0."""
    from matplotlib.ticker import NullLocator

    above = _positive(columns)
    low, high = (above.min(), above.max()) if len(above) else (1.0, 10.0)
    low, high = float(low), float(high)
    decades = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    factors = (1, 2, 5) if len(decades) < 4 else (1,)
    decades = decades[:: int(np.ceil(len(decades) / 7))]
    ticks = [
        f * 10.0**d for d in decades for f in factors if low <= 1.01 * f * 10.0**d <= 1.03 * high
    ] or [low]
    has_zero = any((column == 0).any() for column in columns)
    names = [plain(tick) for tick in ticks]
    axis = axes.xaxis if side == "x" else axes.yaxis
    axes.set(**{f"{side}scale": "log"})
    axis.set_minor_locator(NullLocator())
    axis.set_ticks(
        [zero, *ticks] if has_zero else ticks, labels=["0", *names] if has_zero else names
    )
    room = 1.05 * 10 ** (0.04 * (np.log10(high) - np.log10(low)))
    axes.set(**{f"{side}lim": ((zero if has_zero else low) / room, high * room)})
