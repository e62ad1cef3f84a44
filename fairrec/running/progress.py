"""Shows how far a run has come: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from fairrec.running.runner import Progress

SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def shown_progress(console: Console, total: int) -> Iterator[Callable[[Progress], None]]:
    """Give a callback for `ask` that shows progress on `console` until the block ends."""
    if not console.is_terminal:
        yield _lines(console)
        return
    columns = (
        TextColumn("Asking"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda p: bar.update(
            task, completed=p.done, total=p.total, description=escape(p.cluster[:40])
        )


def _lines(console: Console) -> Callable[[Progress], None]:
    last = -SECONDS_BETWEEN_LINES

    def show(progress: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if progress.done == progress.total or now - last >= SECONDS_BETWEEN_LINES:
            last = now
            recalled = f", {progress.recalled} of them recorded before" * bool(progress.recalled)
            console.print(
                f"asked {progress.done} of {progress.total}{recalled}",
                markup=False,
                highlight=False,
            )

    return show
