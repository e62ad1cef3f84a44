"""A comparison of before and after, on a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fairrec.reports import wording
from fairrec.reports.untrusted import clean
from fairrec.results import Finding
from fairrec.running.comparison import Change, Comparison

if TYPE_CHECKING:
    from rich.console import Console

MOST_ROWS = 12

NAMES = {
    "utility.ndcg": "NDCG on held-out items",
    "utility.items_kept": "items kept of the list before",
    "cost.seconds": "seconds an answer",
    "cost.calls": "calls an answer",
    "cost.tokens": "tokens an answer",
}


def comparison_rows(comparison: Comparison) -> list[tuple[str, str, str, str, str]]:
    """Return what changed, in words: what, before, after, difference, and which way.

    The findings that changed most for their interval come first; those that did not change or
    could not be measured are left to the files. Text of results is untrusted and cleaned.
    """
    findings = {finding.id: finding for finding in comparison.before.findings}
    shown = sorted(comparison.fairness, key=_clearness, reverse=True)[:MOST_ROWS]
    changes: Sequence[Change] = (
        *(change for change in shown if _clearness(change) > 0),
        *comparison.utility,
        *comparison.cost,
    )
    return [
        (
            clean(_name(change, findings.get(change.id)), 80),
            wording.number(change.before),
            wording.number(change.after),
            wording.estimate_words(change.difference),
            {True: "better", False: "worse", None: "not told from 0"}[change.better]
            if change.difference.direction
            else "",
        )
        for change in changes
    ]


HEAD = ("What", "Before", "After", "Difference", "")


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print the table; nothing in it is read as markup."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for title in HEAD:
        right = title in ("Before", "After")
        table.add_column(title, overflow="fold", justify="right" if right else "left")
    styles = {"better": "green", "worse": "red"}
    for row in comparison_rows(comparison):
        table.add_row(*(Text(cell, styles.get(cell, "")) for cell in row))
    console.print(table)


def comparison_markdown(comparison: Comparison) -> str:
    """Return the table as Markdown."""
    lines = ["| " + " | ".join(HEAD) + " |", "|---|--:|--:|---|---|"]
    for row in comparison_rows(comparison):
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
    return "\n".join(lines) + "\n"


def _clearness(change: Change) -> float:
    """Return how many half-widths of its interval a change is away from 0."""
    e = change.difference
    if e.value is None or e.low is None or e.high is None or not e.direction or not e.value:
        return 0.0
    return abs(e.value) / max((e.high - e.low) / 2, 1e-12)


def _name(change: Change, finding: Finding | None) -> str:
    if finding is None:
        return NAMES.get(change.id, change.id)
    return f"{wording.subject(finding)}, {wording.measure(finding)}"
