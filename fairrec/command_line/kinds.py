"""`fairrec kinds`: the ways to recommend, and which audits fit each."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.table import Table

from fairrec.audits.needs import fits
from fairrec.command_line.configuration import DEFAULT_GATES
from fairrec.recommenders.kinds import KINDS, table

COLUMNS = ("kind", "adapter", "gives", "a stated attribute enters by", "audits", "stands for")


def rows() -> list[tuple[str, ...]]:
    """Return the cells of the table, a row per kind."""
    found = []
    for row in table():
        kind = KINDS[row["kind"]]
        left = [name for name in DEFAULT_GATES if fits(name, kind) == "no"]
        controls = [name for name in DEFAULT_GATES if fits(name, kind) == "control"]
        audits = "all" if not left else f"all but {', '.join(left)}"
        if controls:
            audits += "; those that state an attribute as a control"
        found.append(
            (
                row["kind"],
                row["adapter"],
                ", ".join(row["gives"]),
                row["enters"],
                audits,
                row["systems"],
            )
        )
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
