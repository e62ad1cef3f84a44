"""Families of tests: every audit declares which findings are adjusted together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from fairrec.evidence import benjamini_hochberg, holm
from fairrec.results import Finding


def adjusted(findings: Iterable[Finding], family: str) -> list[Finding]:
    """Return the findings with Holm's and Benjamini-Hochberg's adjusted p-values.

    Args:
        findings: One family; those without a test do not count.
        family: What the family is, in words; its number of tests is added.
    """
    findings = list(findings)
    p_values: Sequence[float | None] = [finding.p_value for finding in findings]
    made = sum(p is not None for p in p_values)
    return [
        replace(finding, p_adjusted=p, q_value=q, family=f"{family} ({made} tests)")
        for finding, p, q in zip(
            findings, holm(p_values), benjamini_hochberg(p_values), strict=True
        )
    ]
