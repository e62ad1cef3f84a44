"""What a run's folder holds, and how a run ends."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from fairrec.reports import print_summary, write_report
from fairrec.results import AuditResult, Verdict

SETTINGS_FILE = "fairrec.yaml"
STORE_FILE = "answers.sqlite"
RECORDING_FILE = "answers.jsonl"
EXIT_CODES = {None: 0, Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.UNDECIDED: 2}


def finish(result: AuditResult, folder: Path) -> int:
    """Write the report, print the summary and return the exit code."""
    write_report(result, folder)
    console = Console()
    print_summary(result, console)
    console.print(
        f"Report: {folder / 'report.html'}", markup=False, highlight=False, soft_wrap=True
    )
    return EXIT_CODES[result.verdict]
