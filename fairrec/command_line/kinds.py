"""`fairrec kinds`: the ways to recommend, and which audits fit each."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.table import Table

from fairrec.audits.needs import fits
from fairrec.command_line.configuration import DEFAULT_GATES
from fairrec.recommenders.kinds import KINDS

COLUMNS = ("kind", "adapter", "gives", "a stated attribute enters by", "audits", "stands for")


def rows() -> list[tuple[str, ...]]:
    """Return the cells of the table, a row per kind."""
    found = []
    for name, kind in KINDS.items():
        left = [audit for audit in DEFAULT_GATES if fits(audit, kind) == "no"]
        audits = "all" if not left else f"all but {', '.join(left)}"
        if any(fits(audit, kind) == "control" for audit in DEFAULT_GATES):
            audits += "; those that state an attribute as a control"
        adapter = kind.adapter.rpartition(".")[2]
        gives = ", ".join(kind.gives())
        found.append((name, adapter, gives, kind.enters, audits, kind.systems))
    return found


def show(markdown: bool) -> None:
    """Print the table."""
    if markdown:
        typer.echo(as_markdown(), nl=False)
        return
    shown = Table(*COLUMNS)
    for row in rows():
        shown.add_row(*row)
    Console().print(shown)


def as_markdown() -> str:
    """Return the table as Markdown."""
    lines = [COLUMNS, tuple("---" for _ in COLUMNS), *rows()]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
