"""`fairrec exposure`: judge a log of impressions of any size."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from fairrec.audits.impression_log import judge_log
from fairrec.command_line.runs import finish
from fairrec.errors import WrongUse
from fairrec.gates import parse_gate
from fairrec.impressions.items import items_of, open_items
from fairrec.impressions.reading import COLUMNS, open_log


def judge_exposure(
    log: Path,
    *,
    catalog: Path | None,
    columns: str | None,
    gates: list[str],
    name: str | None,
    out: Path,
    settings: Mapping[str, Any],
) -> int:
    """Judge a log, write the report and return the exit code.

    Args:
        log: The log, a file or a folder of files.
        catalog: The items; None takes those of the log.
        columns: Names of columns, such as ``user=uid,item=iid``; ``id`` is the catalogue's.
        gates: What must hold.
        name: Folder of the run; made from the log's name when None.
        out: Folder of the runs.
        settings: Of `judge_log`.
    """
    parsed = [parse_gate(gate) for gate in gates]
    names = parse_columns(columns)
    id = names.pop("id", "id")
    opened = open_log(log, names)
    items = items_of(opened) if catalog is None else open_items(catalog, id)
    with Console(stderr=True).status("Reading the log") as status:

        def say(rows: int) -> None:
            status.update(f"Reading the log: {rows:,} impressions")

        result = judge_log(
            opened,
            items,
            gates=parsed,
            name=name or f"exposure-{log.stem}",
            say=say,
            **settings,
        )
    return finish(result, out / result.name)


def parse_columns(text: str | None) -> dict[str, str]:
    """Read names of columns such as ``user=uid,item=iid``.

    Raises:
        WrongUse: It cannot be read.
    """
    pairs = [pair.partition("=") for pair in (text or "").split(",") if pair.strip()]
    names = {ours.strip(): theirs.strip() for ours, _, theirs in pairs}
    known = (*COLUMNS, "id")
    if not set(names) <= set(known) or not all(names.values()) or len(names) < len(pairs):
        raise WrongUse(
            f"the columns {text!r} cannot be read.",
            expected=f"pairs such as user=uid,item=iid; left of = is one of {', '.join(known)}, "
            "right of it the name in the file.",
            do="name each column once; id is the catalogue's.",
        )
    return names
