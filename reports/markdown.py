"""A result as a short Markdown text: for a pull request, an issue or a terminal."""

from __future__ import annotations

import re

from fairrec.reports import wording
from fairrec.reports.untrusted import clean
from fairrec.results import AuditResult

MOST_ROWS = 40

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+!|~&:$])")


def render_markdown(result: AuditResult) -> str:
    """Return verdict, short table and warnings as GitHub-flavoured Markdown.

    Text of the result is untrusted: what Markdown or HTML would read as more than text
    (tables, links, tags, mentions) is escaped.
    """
    sentence = wording.sentence(result)
    words = "".join(
        f"**{escape(word.strip())}**" if stressed else escape(word, strip=False)
        for word, stressed in sentence.words
    )
    symbol = wording.SYMBOLS[result.verdict]
    lines = [
        f"# {symbol} {sentence.label}: {escape(result.audit, 80)} audit, {escape(result.name, 80)}",
        "",
        f"**{sentence.label}:** {words}",
        "",
    ]
    if sentence.remarks:
        lines += [" ".join(escape(remark) for remark in sentence.remarks), ""]
    lines += [f"> **Warning:** {escape(warning, 600)}\n>" for warning in result.warnings]
    lines += [""] if result.warnings else []
    lines += [
        "| About | Measure | Estimate | Gate | Noise floor | Adjusted p | Verdict |",
        "|---|---|---:|---|---:|---:|---|",
    ]
    findings = wording.headline_findings(result)
    for finding in findings[:MOST_ROWS]:
        cells = (
            wording.subject(finding),
            wording.measure(finding),
            wording.estimate_words(finding.estimate),
            wording.gate_words(finding) or "–",
            wording.number(finding.noise_floor),
            wording.p_words(finding.p_adjusted),
            wording.verdict_words(finding.verdict),
        )
        lines.append("| " + " | ".join(map(escape, cells)) + " |")
    if len(findings) > MOST_ROWS:
        lines += ["", f"And {len(findings) - MOST_ROWS} more: see `result.json`."]
    lines += ["", f"{len(result.findings)} findings in all: see `report.html` or `result.json`."]
    return "\n".join(lines) + "\n"


def escape(text: str, limit: int | None = None, *, strip: bool = True) -> str:
    """Return untrusted text that Markdown shows as it is, on one line.

    >>> escape("a|b [c](javascript:d) <script>")
    'a\\\\|b \\\\[c\\\\]\\\\(javascript\\\\:d\\\\) \\\\<script\\\\>'
    """
    line = re.sub(r"\s+", " ", clean(text, limit))
    escaped = _SPECIAL.sub(r"\\\1", line.strip() if strip else line)
    # GitHub would link "www." and notify whom an "@" names: a zero-width space keeps both text.
    return re.sub(r"(?i)(@|www)(?=\S)", "\\1\u200b", escaped)
