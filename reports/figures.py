"""Figures as SVG text for a page: no pixels, no clock, the page's own colours and fonts.

Colours are CSS variables with a fallback (``var(--ink, #1d2733)``), so a figure follows the
page into dark mode. Every mark differs by shape as well as by colour.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fairrec.reports.glossary import metric_name
from fairrec.reports.wording import clean, gate_of
from fairrec.types import Estimate, Finding, Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _SOFT, _GRID, _BAND = "#1d2733", "#5b6775", "#d9dee4", "#e6ecf3"
_PASS, _FAIL, _OPEN, _PAPER = "#00734f", "#b83a00", "#8a6100", "#fffffe"
_VARIABLES = {
    _INK: "--ink",
    _SOFT: "--soft",
    _GRID: "--grid",
    _BAND: "--band",
    _PASS: "--pass",
    _FAIL: "--fail",
    _OPEN: "--open",
    _PAPER: "--paper",
}
_MARKS = {
    Verdict.PASS: ("o", _PASS),
    Verdict.FAIL: ("s", _FAIL),
    Verdict.UNDECIDED: ("^", _OPEN),
    None: ("o", _INK),
}
_SETTINGS = {
    "font.family": "sans-serif",
    "font.size": 9,
    "svg.fonttype": "none",
    "svg.hashsalt": "fairrec",
    "text.parse_math": False,
    "axes.unicode_minus": True,
}
_ROW, _MARGIN = 0.27, 0.62  # inches
_LABEL = 22  # characters


def attribute_figure(findings: Sequence[Finding]) -> Figure:
    """Draw one row per finding: estimate, interval, gate and noise floor.

    Args:
        findings: Of one metric and statistic, one per attribute.
    """
    labels = [clean(f.attribute or f.id, _LABEL) for f in findings]
    figure, axes = _axes(labels, width=5.2)
    ends = [0.0]
    for row, finding in enumerate(findings):
        gate = gate_of(finding)
        for bound in (gate.low, gate.high) if gate else ():
            if abs(bound) != float("inf"):
                axes.plot([bound] * 2, [row - 0.42, row + 0.42], color=_INK, lw=1.2, ls=(0, (2, 1.2)))
                ends.append(bound)
        if finding.noise_floor is not None:
            axes.plot(finding.noise_floor, row, "D", mfc=_PAPER, mec=_SOFT, ms=5, mew=1.1)
            ends.append(finding.noise_floor)
        ends += _draw(axes, row, finding.estimate, finding.verdict)
    _limits(axes, ends)
    first = findings[0]
    axes.set_xlabel(f"{first.statistic.upper()} of {metric_name(first.metric)}", color=_SOFT)
    return figure


def value_figure(
    findings: Sequence[Finding],
    repeat: Estimate | None = None,
    limits: tuple[float, float] | None = None,
) -> Figure:
    """Draw one attribute's values: mean similarity to the neutral list with its interval.

    Args:
        findings: Of one metric and attribute, one per value.
        repeat: Similarity of the neutral list to itself, drawn as a dotted line.
        limits: Ends of the axis, so that panels can be compared; None fits the figure's own.
    """
    labels = [clean(f.value or f.id, _LABEL) for f in findings]
    figure, axes = _axes(labels, width=3.6)
    means = [f.estimate.value for f in findings if f.estimate.value is not None]
    if len(means) > 1:
        axes.axvspan(min(means), max(means), color=_BAND, lw=0, zorder=0)
    if repeat is not None and repeat.value is not None:
        axes.axvline(repeat.value, color=_SOFT, lw=1.2, ls=(0, (1, 1.5)))
    ends = list(means)
    for row, finding in enumerate(findings):
        gate = gate_of(finding)
        for bound in (gate.low, gate.high) if gate else ():
            if abs(bound) != float("inf"):
                axes.plot([bound] * 2, [row - 0.42, row + 0.42], color=_INK, lw=1.2, ls=(0, (2, 1.2)))
        ends += _draw(axes, row, finding.estimate, finding.verdict)
    if limits is not None:
        axes.set_xlim(*limits)
    else:
        _limits(axes, ends)
    axes.set_xlabel(f"mean {metric_name(findings[0].metric)} to the neutral list", color=_SOFT)
    return figure


def shared_limits(findings: Sequence[Finding], repeat: Estimate | None) -> tuple[float, float]:
    """Return axis ends that hold every estimate and interval of these findings."""
    estimates = [f.estimate for f in findings] + ([repeat] if repeat else [])
    ends = [x for e in estimates for x in (e.value, e.low, e.high) if x is not None] or [0.0, 1.0]
    room = 0.04 * (max(ends) - min(ends)) or 0.05
    return min(ends) - room, max(ends) + room


def to_svg(figure: Figure, name: str) -> str:
    """Return a figure as an ``<svg>`` element; `name` keeps its ids apart from other figures'."""
    import matplotlib

    buffer = io.StringIO()
    with warnings.catch_warnings(), matplotlib.rc_context(_SETTINGS):
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(
            buffer,
            format="svg",
            transparent=True,
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, count=1, flags=re.DOTALL)
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', svg))
    svg = re.sub(
        r' id="([^"]*)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", svg
    )
    svg = re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(f" {colour}", f" var({variable}, {colour})")
    return re.sub(r"\n\s*", "\n", svg)


def _axes(labels: Sequence[str], width: float) -> tuple[Figure, Axes]:
    import matplotlib
    from matplotlib.figure import Figure

    height = _ROW * len(labels) + _MARGIN
    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=(width, height))
        left = (0.25 + 0.078 * max(map(len, labels))) / width
        axes = figure.add_axes(
            (left, 0.5 / height, 1 - left - 0.16 / width, (height - _MARGIN) / height)
        )
        axes.set_yticks(range(len(labels)), labels, parse_math=False)
    axes.set_ylim(len(labels) - 0.45, -0.55)
    axes.tick_params(axis="y", length=0, labelcolor=_INK, pad=6)
    axes.tick_params(axis="x", color=_GRID, labelcolor=_SOFT, labelsize=8)
    axes.grid(axis="x", color=_GRID, lw=0.7)
    axes.set_axisbelow(True)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_GRID)
    return figure, axes


def _draw(axes: Axes, row: int, estimate: Estimate, verdict: Verdict | None) -> list[float]:
    """Draw a point and its interval; return where they end."""
    shape, colour = _MARKS[verdict]
    if estimate.low is not None and estimate.high is not None:
        axes.plot([estimate.low, estimate.high], [row, row], color=colour, lw=2.2,
                  solid_capstyle="round")  # fmt: skip
    if estimate.value is None:
        axes.text(0.01, row, "not measured", transform=axes.get_yaxis_transform(), va="center",
                  color=_SOFT, fontsize=8, style="italic")  # fmt: skip
    else:
        axes.plot(estimate.value, row, shape, color=colour, ms=6.5, mec=_PAPER, mew=0.8)
    return [x for x in (estimate.value, estimate.low, estimate.high) if x is not None]


def _limits(axes: Axes, ends: Sequence[float]) -> None:
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    room = 0.04 * (high - low) or 0.05
    axes.set_xlim(low - (room if low else room / 4), high + room)
