"""A result as the files of a run's folder, and back."""

from __future__ import annotations

import re
from pathlib import Path

from fairrec.errors import BadData
from fairrec.files import write_atomically
from fairrec.reports.html import render_html
from fairrec.reports.item_figures import item_figures
from fairrec.reports.markdown import render_markdown
from fairrec.reports.svg import svg_file
from fairrec.results import AuditResult
from fairrec.serialization import from_json, to_json


def write_report(result: AuditResult, folder: Path) -> list[Path]:
    """Write report.html, report.md and result.json into `folder` and return their paths.

    Figures of items are written beside them too, as figures/*.svg, and are the last paths. The
    JSON is written first, so that a result outlives a report that cannot be drawn.

    Raises:
        BadData: The result holds what JSON cannot (NaN, say).
        RunBroken: The folder cannot be written.
    """
    paths = [folder / name for name in ("report.html", "report.md", "result.json")]
    page, short, full = paths
    write_atomically(full, to_json(result) + "\n")
    write_atomically(short, render_markdown(result))
    write_atomically(page, render_html(result))
    for number, (title, _, figure) in enumerate(item_figures(result), 1):
        words = re.sub("[^a-z0-9]+", "-", title.lower()).strip("-")[:60]
        file = folder / "figures" / f"{number:02d}-{words}.svg"
        write_atomically(file, svg_file(figure))
        paths.append(file)
    return paths


def read_result(path: Path) -> AuditResult:
    """Return the result that `write_report` wrote; `path` is its folder or its result.json.

    Raises:
        BadData: There is no such file, or it is no result of this version or an older one.
    """
    file = path / "result.json" if path.is_dir() else path
    try:
        return from_json(AuditResult, file.read_bytes())
    except OSError as error:
        raise BadData(
            f"{file} cannot be read: {error.strerror or error}.",
            expected="a result.json, or the folder of a finished run.",
            do="give the path of a run that ended, or run the audit.",
        ) from error
