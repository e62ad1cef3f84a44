"""Figures of items drawn as bars and rows: who gets how much, and against what is due."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fairrec.reports.drawing import (
    add_legend,
    canvas,
    draw_interval,
    name_axes,
    name_rows,
    room_for,
    series,
    top_of,
)
from fairrec.reports.svg import BAND, GRID, INK, PAPER, SOFT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW, _PLOT = 0.27, 2.5  # inches
_REST: dict[str, Any] = {"facecolor": BAND, "edgecolor": SOFT, "linewidth": 0.6}


def exposure_figure(
    groups: Sequence[str],
    target: np.ndarray,
    exposure: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> Figure:
    """Draw a row per group: the exposure it gets with its interval, and what its merit asks."""
    from matplotlib.lines import Line2D

    shown = ["exposure, with interval", "target"]
    figure, axes = canvas(_ROW * len(groups), left=room_for(groups), legend=shown)
    name_rows(axes, groups)
    look = series(0)
    dot = {"marker": "o", "ls": "", "color": look.colour, "ms": 6, "mec": PAPER, "mew": 0.8}
    diamond = {"marker": "D", "ls": "", "mfc": PAPER, "mec": INK, "ms": 5, "mew": 1.2}
    for row in range(len(groups)):
        axes.plot([target[row], exposure[row]], [row, row], color=GRID, lw=3.2, zorder=1)
        draw_interval(axes, row, low[row], high[row], upright=False)
        _unmeasured(axes, row, exposure[row], after=target[row])
    axes.plot(target, range(len(groups)), zorder=3, **diamond)
    axes.plot(exposure, range(len(groups)), zorder=4, **dot)
    axes.set_xlim(0, top_of(target, exposure, high))
    name_axes(axes, "share of exposure")
    add_legend(figure, [Line2D([], [], **dot), Line2D([], [], **diamond)], shown)
    return figure


def place_figure(
    ranks: np.ndarray, groups: Sequence[str], shares: np.ndarray, rest: str = ""
) -> Figure:
    """Draw what share of each rank the groups have, one upon the other.

    Args:
        ranks: Of shape (R,), ascending.
        groups: G names, the lowest layer first.
        shares: Of shape (R, G), or with a last column for the `rest`; a rank with a missing
            share is a gap.
        rest: What the last column is called, if there is one.
    """
    groups = [*groups, rest] if rest else groups
    figure, axes = canvas(_PLOT, legend=groups)
    tops = np.cumsum(shares, axis=1)
    bottoms = tops - shares
    known = np.isfinite(tops[:, -1])
    # Two points a rank, so that each layer is a staircase: one shape, however many ranks.
    edges = np.stack([ranks - 0.5, ranks + 0.5], axis=1).ravel()
    handles = [
        axes.fill_between(
            edges,
            np.repeat(bottoms[:, layer], 2),
            np.repeat(tops[:, layer], 2),
            where=np.repeat(known, 2).tolist(),
            **(_REST if rest and layer == len(groups) - 1 else _fill(layer)),
        )
        for layer in range(len(groups))
    ]
    axes.set_ylim(0, 1 if not known.any() else max(1.0, float(tops[known, -1].max())))
    axes.set_xlim(edges[0], edges[-1])
    axes.locator_params(axis="x", nbins=12, integer=True)
    name_axes(axes, "rank in the list (1 = top)", "share of lists")
    add_legend(figure, handles, groups)
    return figure


def parts_figure(
    parts: Sequence[str],
    sources: Sequence[str],
    share: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> Figure:
    """Draw a cluster of bars per part (head, middle, tail), a bar per source.

    Args:
        parts: P names.
        sources: S names.
        share: Of shape (P, S), as are `low` and `high`; missing bars leave their place empty.
    """
    figure, axes = canvas(_PLOT, legend=sources)
    wide = 0.8 / len(sources)
    handles = []
    for number in range(len(sources)):
        places = np.arange(len(parts)) + wide * (number - (len(sources) - 1) / 2)
        bars = axes.bar(places, share[:, number], 0.92 * wide, **_fill(number))
        handles.append(bars[0])
        for part, place in enumerate(places):
            draw_interval(axes, place, low[part, number], high[part, number], halo=True)
    axes.set_xticks(range(len(parts)), parts, parse_math=False)
    axes.tick_params(axis="x", length=0, labelcolor=INK, labelsize=9)
    axes.set_xlim(-0.5, len(parts) - 0.5)
    axes.set_ylim(0, top_of(share, high))
    axes.grid(axis="y", color=GRID, lw=0.7)
    name_axes(axes, "", "share of items")
    add_legend(figure, handles, sources)
    return figure


def group_figure(
    groups: Sequence[str], share: np.ndarray, low: np.ndarray, high: np.ndarray, what: str
) -> Figure:
    """Draw a bar per group, with its interval; `what` says what share it is."""
    figure, axes = canvas(_ROW * len(groups), left=room_for(groups))
    name_rows(axes, groups)
    rows = range(len(groups))
    axes.barh(rows, share, 0.62, **_fill(0))
    for row in rows:
        draw_interval(axes, row, low[row], high[row], upright=False, halo=True)
        _unmeasured(axes, row, share[row])
    axes.set_xlim(0, top_of(share, high))
    name_axes(axes, what)
    return figure


def _fill(number: int) -> dict[str, Any]:
    look = series(number)
    return {"facecolor": look.colour, "hatch": look.hatch, "edgecolor": PAPER, "linewidth": 0.8}


def _unmeasured(axes: Axes, row: int, number: float, after: float = 0.0) -> None:
    if not np.isfinite(number):
        place = (after if np.isfinite(after) else 0.0, row)
        axes.annotate(
            "not measured", place, (7, 0), textcoords="offset points", va="center", color=SOFT,
            fontsize=8,
        )  # fmt: skip
