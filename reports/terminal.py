"""A result on a terminal: the verdict first, then a short table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fairrec.reports import wording
from fairrec.reports.untrusted import clean
from fairrec.results import AuditResult, Verdict

if TYPE_CHECKING:
    from rich.console import Console

MOST_ROWS = 16

_STYLES = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.UNDECIDED: "yellow", None: ""}


def print_summary(result: AuditResult, console: Console) -> None:
    """Print the verdict, the warnings and the short table; plain text where colours are off.

    Text of the result is untrusted: it is never read as markup, escape sequences are removed,
    and what the console's encoding lacks is replaced.
    """
    from rich.table import Table
    from rich.text import Text

    def text(words: str, style: str = "") -> Text:
        encoding = console.encoding
        return Text(clean(words).encode(encoding, "replace").decode(encoding), style)

    sentence = wording.sentence(result)
    verdict = text(f"{wording.SYMBOLS[result.verdict]} {sentence.label}: ")
    verdict.stylize(f"bold {_STYLES[result.verdict]}".strip())
    for word, stressed in sentence.words:
        verdict.append_text(text(word, "bold" if stressed else ""))
    console.print(verdict)
    for remark in sentence.remarks:
        console.print(text(remark))
    for warning in result.warnings:
        console.print(text(f"Warning: {clean(warning, 600)}", "yellow"))

    findings = wording.headline_findings(result)
    if not findings:
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    # Long reasons ("not measured (...)") fold; they must not squeeze out whom they are about.
    table.add_column("About", overflow="fold", min_width=10)
    table.add_column(text(_measures(result)), overflow="fold")
    table.add_column("Noise floor", justify="right")
    table.add_column("Adj. p", justify="right")
    table.add_column("Verdict", no_wrap=True)
    several = len({wording.measure(f) for f in findings}) > 1
    for finding in findings[:MOST_ROWS]:
        about = wording.subject(finding)
        table.add_row(
            text(f"{about}, {wording.measure(finding)}" if several else about),
            text(wording.estimate_words(finding.estimate)),
            text(wording.number(finding.noise_floor)),
            text(wording.p_words(finding.p_adjusted)),
            text(wording.verdict_words(finding.verdict), _STYLES[finding.verdict]),
        )
    console.print()
    console.print(table)
    if len(findings) > MOST_ROWS:
        console.print(text(f"and {len(findings) - MOST_ROWS} more in the report"))


def _measures(result: AuditResult) -> str:
    """Name the measure once, in the heading, when all rows share it."""
    measures = {wording.measure(f) for f in wording.headline_findings(result)}
    return measures.pop() if len(measures) == 1 else "Estimate"
