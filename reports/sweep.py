"""A mitigation at several strengths: a table, and fairness against utility as a Pareto plot."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from fairrec.reports import wording
from fairrec.reports.comparison import NAMES
from fairrec.reports.drawing import canvas, name_axes
from fairrec.reports.svg import GRID, INK, PAPER, SERIES, SETTINGS, SOFT, svg_file
from fairrec.reports.untrusted import clean
from fairrec.running.comparison import Change, Comparison

if TYPE_CHECKING:
    from rich.console import Console

    from fairrec.results import Finding

Sweep = Mapping[float, Comparison]


class Point(NamedTuple):
    """One strength: the finding and the utility, and whether no other strength beats both."""

    strength: float
    fairness: Change
    utility: Change
    best: bool


def sweep_points(sweep: Sweep, id: str) -> list[Point]:
    """Return what each strength gave, in the order of the sweep.

    Utility is NDCG on held-out items where they are known, else the share of items kept. A
    point is best when no other is at least as fair and as useful, and better in one of them;
    the unmitigated recommender takes part.

    Args:
        sweep: Comparisons with the unmitigated recommender, by strength.
        id: The finding that says how fair.
    """
    pairs = [(s, c.change(id), c.utility[0]) for s, c in sweep.items()]
    _, first, use = pairs[0]
    sign = -1 if first.difference.direction == "lower" else 1
    before = (first.before, use.before)
    known = [
        (sign * fair, useful)
        for fair, useful in (before, *((change.after, use.after) for _, change, use in pairs))
        if fair is not None and useful is not None
    ]
    points = []
    for strength, change, use in pairs:
        best = False
        if change.after is not None and use.after is not None:
            mine = (sign * change.after, use.after)
            best = not any(
                other != mine and other[0] >= mine[0] and other[1] >= mine[1] for other in known
            )
        points.append(Point(strength, change, use, best))
    return points


def print_sweep(sweep: Sweep, id: str, name: str, console: Console) -> None:
    """Print one row per strength."""
    from rich.table import Table
    from rich.text import Text

    head, rows = _table(sweep, id, name)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for title in head:
        table.add_column(Text(title), overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)


def sweep_markdown(sweep: Sweep, id: str, name: str) -> str:
    """Return the table as Markdown."""
    head, rows = _table(sweep, id, name)
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([*lines, "", _NOTE, ""])


_NOTE = (
    "Brackets hold 95 % intervals of the paired difference to the recommender without the "
    "mitigation. ● marks strengths that no other one beats in both."
)


def _table(sweep: Sweep, id: str, name: str) -> tuple[list[str], list[list[str]]]:
    points = sweep_points(sweep, id)
    finding = _finding(sweep, id)
    use = NAMES[points[0].utility.id]
    head = [name, clean(_words(finding), 80), "change", use, "change", "seconds", ""]
    first = points[0]
    rows = [
        [
            "before",
            wording.number(first.fairness.before),
            "",
            wording.number(first.utility.before),
            "",
            wording.number(sweep[first.strength].change("cost.seconds").before),
            "",
        ]
    ]
    for point in points:
        rows.append(
            [
                f"{point.strength:g}",
                wording.number(point.fairness.after),
                wording.estimate_words(point.fairness.difference),
                wording.number(point.utility.after),
                wording.estimate_words(point.utility.difference),
                wording.number(sweep[point.strength].change("cost.seconds").after),
                "●" if point.best else "",
            ]
        )
    return head, rows


def sweep_csv(sweep: Sweep, field: str) -> str:
    """Return all changes at all strengths as CSV."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([field, "id", "before", "after", "difference", "low", "high", "direction"])
    for strength, comparison in sweep.items():
        for change in (*comparison.fairness, *comparison.utility, *comparison.cost):
            e = change.difference
            ends = (e.value, e.low, e.high, e.direction)
            writer.writerow([strength, change.id, change.before, change.after, *ends])
    return buffer.getvalue()


def sweep_figure(sweep: Sweep, id: str, name: str) -> str:
    """Return the Pareto plot as an SVG file.

    A point per strength, filled where no other one beats it in both, with the interval of its
    paired difference about it; a diamond is the recommender without the mitigation.
    """
    import matplotlib

    points = [
        point
        for point in sweep_points(sweep, id)
        if point.fairness.after is not None and point.utility.after is not None
    ]
    with matplotlib.rc_context(SETTINGS):
        figure, axes = canvas(3.0, legend=(name,))
        axes.grid(color=GRID, lw=0.7)
        axes.spines["left"].set_visible(True)
        axes.spines["left"].set_color(GRID)
        line = sorted((p.fairness.after or 0.0, p.utility.after or 0.0) for p in points if p.best)
        axes.plot([x for x, _ in line], [y for _, y in line], color=SERIES[0], lw=1, alpha=0.6)
        for point in points:
            x, y = point.fairness.after or 0.0, point.utility.after or 0.0
            for change, horizontal in ((point.fairness, True), (point.utility, False)):
                e = change.difference
                if e.low is not None and e.high is not None and change.before is not None:
                    ends = [change.before + e.low, change.before + e.high]
                    other = [y, y] if horizontal else [x, x]
                    axes.plot(*((ends, other) if horizontal else (other, ends)), color=SOFT, lw=0.8)
            fill = SERIES[0] if point.best else PAPER
            axes.plot(x, y, "o", ms=6, color=fill, mec=SERIES[0], mew=1.2)
            axes.annotate(
                f"{point.strength:g}",
                (x, y),
                textcoords="offset points",
                xytext=(6, 5),
                fontsize=8,
                color=INK,
            )
        if points and points[0].fairness.before is not None:
            first = points[0]
            axes.plot(
                first.fairness.before or 0.0,
                first.utility.before or 0.0,
                "D",
                ms=6,
                color=SERIES[1],
            )
            axes.annotate(
                "before",
                (first.fairness.before or 0.0, first.utility.before or 0.0),
                textcoords="offset points",
                xytext=(6, -11),
                fontsize=8,
                color=SERIES[1],
            )
        finding = _finding(sweep, id)
        way = finding.estimate.direction
        fairer = f" ({way} is fairer)" if way else ""
        name_axes(
            axes, clean(_words(finding), 60) + fairer, NAMES[points[0].utility.id] if points else ""
        )
        axes.set_title(clean(name, 60), fontsize=9, color=INK, loc="left")
    return svg_file(figure)


def _finding(sweep: Sweep, id: str) -> Finding:
    return next(iter(sweep.values())).before.finding(id)


def _words(finding: Finding) -> str:
    return f"{wording.subject(finding)}: {wording.measure(finding)}"
