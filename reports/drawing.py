"""What the figures of items share: axes of a fixed size in inches, series, legends, intervals."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fairrec.reports.svg import GRID, INK, PAPER, SERIES, SOFT
from fairrec.reports.untrusted import clean

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 4.4  # inches: the width of a column of the page, so that text keeps its size
LONGEST = 22  # characters of a label
_CHARACTER, _LINE = 0.075, 0.2  # inches
_RIGHT, _TOP, _BOTTOM, _LEFT = 0.14, 0.08, 0.5, 0.62


class Series(NamedTuple):
    """What tells one of several series from the others: colour, and a shape for each mark."""

    colour: str
    line: tuple[float, tuple[float, ...]] | str
    marker: str
    hatch: str


_LINES = ("-", (0.0, (5, 1.6)), (0.0, (1.2, 1.4)), (0.0, (6, 1.5, 1.2, 1.5)))
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
# No dots: a hatch of circles takes 100 KB of an SVG.
_HATCHES = ("", "////", "xxx", "---", "\\\\\\\\", "|||", "+++", "--//")


def series(number: int) -> Series:
    """Return the looks of series `number`: the first eight differ without their colours."""
    marker = _MARKERS[number % len(_MARKERS)]
    line = _LINES[number % len(_LINES)]
    return Series(SERIES[number % len(SERIES)], line, marker, _HATCHES[number % len(_HATCHES)])


def label(text: object, limit: int = LONGEST) -> str:
    """Return untrusted text as the label of a mark: on one line, as wide as `limit` letters."""
    name = " ".join(clean(text, limit).split()) or "–"
    while width_of(name) > _CHARACTER * limit:
        name = name.rstrip("…")[:-1].rstrip() + "…"
    return name


def width_of(text: str) -> float:
    """Return about how wide a label is, in inches; a Chinese character is as wide as two."""
    return _CHARACTER * sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def canvas(
    height: float, *, left: float = _LEFT, legend: Sequence[str] = (), bottom: float = _BOTTOM
) -> tuple[Figure, Axes]:
    """Return a figure whose axes are `height` inches high, with room for labels and a legend.

    Call it, and all that draws text, within ``rc_context(SETTINGS)``.
    """
    from matplotlib.figure import Figure

    top = _TOP + _LINE * _rows(legend)
    whole = bottom + height + top
    figure = Figure(figsize=(WIDTH, whole))
    axes = figure.add_axes(
        (left / WIDTH, bottom / whole, 1 - (left + _RIGHT) / WIDTH, height / whole)
    )
    axes.set_axisbelow(True)
    axes.tick_params(color=GRID, labelcolor=SOFT, labelsize=8)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(GRID)
    return figure, axes


def name_axes(axes: Axes, x: str, y: str = "") -> None:
    """Say what the axes measure, and in what unit."""
    axes.set_xlabel(x, color=SOFT, parse_math=False)
    if y:
        axes.set_ylabel(y, color=SOFT, parse_math=False)


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Let each name be a row of the axes, the first one at the top."""
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.tick_params(axis="y", length=0, labelcolor=INK, labelsize=9, pad=6)
    axes.grid(axis="x", color=GRID, lw=0.7)
    axes.locator_params(axis="x", nbins=5)


def room_for(names: Sequence[str]) -> float:
    """Return how many inches the labels of rows need on the left."""
    return 0.15 + max(map(width_of, names), default=0.0)


def add_legend(figure: Figure, handles: Sequence[Artist], names: Sequence[str]) -> None:
    """Write a legend above the axes; `canvas` must have been given the same names."""
    from matplotlib.legend_handler import HandlerTuple

    # Names are set afterwards: Matplotlib leaves out those that start with an underscore.
    legend = figure.legend(
        handles,
        ["x"] * len(names),
        loc="upper left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=_columns(names),
        frameon=False,
        fontsize=8,
        labelcolor=INK,
        borderpad=0.2,
        borderaxespad=0.1,
        labelspacing=0.35,
        handlelength=2.2,
        columnspacing=1.2,
        handler_map={tuple: HandlerTuple(ndivide=None)},
    )
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_text(name)


def draw_interval(
    axes: Axes, place: float, low: float, high: float, *, upright: bool = True, halo: bool = False
) -> None:
    """Draw an interval as a bar with ends; what is not finite is left out."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return
    xs, ys = ([place] * 2, [low, high]) if upright else ([low, high], [place] * 2)
    if halo:  # a bar's own hatch would hide the line
        axes.plot(xs, ys, color=PAPER, lw=3.6, solid_capstyle="butt")
    axes.plot(xs, ys, "_" if upright else "|", ls="-", color=INK, lw=1.2, ms=5, mew=1.2)


def draw_band(axes: Axes, x: np.ndarray, low: np.ndarray, high: np.ndarray, colour: str) -> None:
    """Draw a band between two curves, with gaps where either is missing."""
    known = np.isfinite(low) & np.isfinite(high)
    if known.any():
        axes.fill_between(x, low, high, where=known.tolist(), color=colour, lw=0, zorder=1)


def top_of(*columns: np.ndarray) -> float:
    """Return where an axis that starts at 0 ends: somewhat above the largest number."""
    numbers = np.concatenate([column[np.isfinite(column)] for column in columns])
    most = float(numbers.max()) if len(numbers) else 0.0
    return 1.06 * most if most > 0 else 1.0


def plain(number: float, _: object = None) -> str:
    """Return a number for a tick: "0.01", "1,000", "10⁶", never Matplotlib's own mark-up."""
    if number == 0:
        return "0"
    power = math.floor(math.log10(abs(number)) + 1e-9)
    if -3 <= power < 4:
        return f"{number:,.10g}".replace("-", "−")
    factor = f"{number / 10.0**power:.3g}"
    raised = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return (f"10{raised}" if factor == "1" else f"{factor}·10{raised}").replace("-", "−")


def _columns(names: Sequence[str]) -> int:
    """Return how many columns a legend has, filled one after the other as Matplotlib does."""

    def width(columns: int) -> float:
        # The first of unequal columns are the longer ones.
        lengths = [len(part) for part in np.array_split(np.arange(len(names)), columns)]
        ends = np.cumsum(lengths)
        widest = [
            max(map(width_of, names[end - length : end]))
            for length, end in zip(lengths, ends, strict=True)
        ]
        return sum(0.9 * wide + 0.48 for wide in widest)

    fitting = [n for n in range(len(names), 1, -1) if width(n) <= WIDTH]
    return max(fitting, default=1)


def _rows(names: Sequence[str]) -> int:
    return math.ceil(len(names) / _columns(names)) if names else 0
