"""The figures of a report. Every mark differs by shape as well as by colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from fairrec.reports.glossary import metric_name, statistic_name
from fairrec.reports.svg import (
    BAND,
    FAIL,
    GRID,
    INK,
    PAPER,
    PASS,
    SETTINGS,
    SOFT,
    UNDECIDED,
)
from fairrec.reports.untrusted import clean
from fairrec.reports.wording import gate_of
from fairrec.results import Estimate, Finding, Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKS = {
    Verdict.PASS: ("o", PASS),
    Verdict.FAIL: ("s", FAIL),
    Verdict.UNDECIDED: ("^", UNDECIDED),
    None: ("o", INK),
}
_ROW, _AROUND, _CHARACTER = 0.27, 0.62, 0.075  # inches
_LONGEST = 22  # characters of a label
_FLOOR = 0.3  # rows below the interval, so that the two marks never overlap


def attribute_figure(findings: Sequence[Finding]) -> Figure:
    """Draw one row per finding: estimate, interval, gate and noise floor.

    Args:
        findings: Of one statistic, one per metric, attribute or value; what differs between them
            is what a row is called.
    """
    labels = _labels(findings)
    figure, axes = _axes(labels, max(map(len, labels)), width=4.8)
    floors = [f.noise_floor for f in findings]
    for row, (finding, floor) in enumerate(zip(findings, floors, strict=True)):
        _draw(axes, row - (0.1 if floor is not None else 0), finding)
        if floor is not None:
            axes.plot(floor, row - 0.1 + _FLOOR, "D", mfc=PAPER, mec=SOFT, ms=4, mew=1.1)
    axes.set_xlim(*_limits([0.0, *_ends(findings), *(x for x in floors if x is not None)]))
    first = findings[0]
    name = statistic_name(first.statistic, first.audit)
    if len({f.metric for f in findings}) == 1:
        name += f" of {metric_name(first.metric)}"
    axes.set_xlabel(name, color=SOFT, parse_math=False)
    return figure


def value_figures(
    findings: Sequence[Finding], repeat: Estimate | None = None
) -> Iterator[tuple[str, Figure]]:
    """Draw, attribute by attribute, the values' mean similarities to the neutral list.

    All figures share one axis and one column of labels. A band runs from an attribute's lowest
    to its highest value: its width is SNSR.

    Args:
        findings: Means of one metric, one per attribute and value.
        repeat: Similarity of the neutral list to itself, drawn as a dotted line.
    """
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.attribute or "", []).append(finding)
    longest = max((len(clean(f.value or f.id, _LONGEST)) for f in findings), default=0)
    again = None if repeat is None else repeat.value
    limits = _limits([*_ends(findings), *([] if again is None else [again])])
    for attribute, group in groups.items():
        labels = [clean(f.value or f.id, _LONGEST) for f in group]
        figure, axes = _axes(labels, longest, width=3.8)
        means = [f.estimate.value for f in group if f.estimate.value is not None]
        if len(means) > 1:
            axes.axvspan(min(means), max(means), color=BAND, lw=0, zorder=0)
        if again is not None:
            axes.axvline(again, color=SOFT, lw=1.2, ls=(0, (1, 1.5)))
        for row, finding in enumerate(group):
            _draw(axes, row, finding)
        axes.set_xlim(*limits)
        axes.set_xlabel(f"mean {metric_name(group[0].metric)}", color=SOFT, parse_math=False)
        yield attribute, figure


def _labels(findings: Sequence[Finding]) -> list[str]:
    parts = [(metric_name(f.metric), f.attribute or "", f.value or "") for f in findings]
    differing = [len({part[place] for part in parts}) > 1 for place in range(3)]
    if not any(differing):
        differing = [False, True, True]
    named = [
        " ".join(x for x, shown in zip(p, differing, strict=True) if shown and x) for p in parts
    ]
    return [clean(n or f.id, _LONGEST) for n, f in zip(named, findings, strict=True)]


def _axes(labels: Sequence[str], longest: int, width: float) -> tuple[Figure, Axes]:
    import matplotlib
    from matplotlib.figure import Figure

    height = _ROW * len(labels) + _AROUND
    left = (0.15 + _CHARACTER * longest) / width
    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=(width, height))
        axes = figure.add_axes(
            (left, 0.5 / height, 1 - left - 0.16 / width, (height - _AROUND) / height)
        )
        axes.set_yticks(range(len(labels)), labels, parse_math=False)
    axes.set_ylim(len(labels) - 0.45, -0.55)
    axes.locator_params(axis="x", nbins=7 if width > 4 else 5)
    axes.tick_params(axis="y", length=0, labelcolor=INK, pad=6)
    axes.tick_params(axis="x", color=GRID, labelcolor=SOFT, labelsize=8)
    axes.grid(axis="x", color=GRID, lw=0.7)
    axes.set_axisbelow(True)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(GRID)
    return figure, axes


def _draw(axes: Axes, row: float, finding: Finding) -> None:
    """Draw a finding's gate, interval and point; the point may lie outside the interval."""
    estimate = finding.estimate
    shape, colour = _MARKS[finding.verdict]
    for bound in _bounds(finding):
        axes.plot([bound] * 2, [round(row) - 0.5, round(row) + 0.5], color=INK, lw=1.1, ls="--")
    if estimate.low is not None and estimate.high is not None:
        ends = [estimate.low, estimate.high]
        axes.plot(ends, [row, row], color=colour, lw=2.2, solid_capstyle="round")
    if estimate.value is not None:
        axes.plot(estimate.value, row, shape, color=colour, ms=6.5, mec=PAPER, mew=0.8)
    else:
        place = axes.get_yaxis_transform()
        axes.text(0.01, row, "not measured", transform=place, va="center", color=SOFT, fontsize=8)


def _bounds(finding: Finding) -> list[float]:
    gate = gate_of(finding)
    return [x for x in (gate.low, gate.high) if abs(x) != float("inf")] if gate else []


def _ends(findings: Sequence[Finding]) -> list[float]:
    """Return every number that the findings draw."""
    estimates = [f.estimate for f in findings]
    drawn = [x for e in estimates for x in (e.value, e.low, e.high) if x is not None]
    return drawn + [x for f in findings for x in _bounds(f)]


def _limits(ends: Sequence[float]) -> tuple[float, float]:
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    room = 0.04 * (high - low) or 0.05
    return (low - room if low else -room / 4), high + room
