"""The terminal: verdict first, plain without colours, never the model's own escapes."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from example_result import HOSTILE, example_result, without_answers
from rich.console import Console

from fairrec.reports import print_summary
from fairrec.results import AuditResult, Estimate

GATES = ("sensitivity.*.jaccard.snsr <= 0.1",)


def _printed(result: AuditResult, encoding: str = "utf-8", **options) -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    print_summary(result, Console(file=file, **{"width": 100, **options}))
    return raw.getvalue().decode(encoding)


@pytest.fixture(scope="module")
def result() -> AuditResult:
    return example_result(gates=GATES)


def test_verdict_first_then_the_table(result):
    lines = _printed(result).splitlines()
    assert lines[0].startswith("✕ Fail: stating a user’s race changes")
    heading = next(i for i, line in enumerate(lines) if line.startswith("About"))
    assert lines[heading].split("  ")[0] == "About"
    assert "SNSR (Jaccard)" in lines[heading]
    assert lines[heading + 1].startswith("race")
    assert "✕ fail" in lines[heading + 1]
    assert len(lines) == heading + 1 + 8


def test_plain_output_holds_no_escapes(result):
    assert "\x1b" not in _printed(result)
    assert "\x1b" in _printed(result, force_terminal=True, color_system="standard")


def test_an_ascii_console_is_enough(result):
    assert "Fail: stating a user" in _printed(result, encoding="ascii")


def test_a_narrow_console_is_enough(result):
    printed = _printed(result, width=50)
    assert "race" in printed
    assert max(map(len, printed.splitlines())) <= 50


def test_a_long_reason_leaves_room_for_whom_it_is_about(result):
    estimate = Estimate(None, reason="fewer than two values have any list to compare")
    findings = tuple(replace(f, estimate=estimate) for f in result.findings)
    lines = _printed(replace(result, findings=findings), width=80).splitlines()
    heading = next(i for i, line in enumerate(lines) if line.startswith("About"))
    assert any(line.startswith("race") for line in lines[heading + 1 :])
    assert any("not measured" in line for line in lines[heading + 1 :])


@pytest.mark.parametrize("hostile", [*HOSTILE, "[bold]x[/bold] [/] [link=https://evil]y[/link]"])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_hostile_text_is_printed_as_text(hostile, encoding):
    result = example_result(3, draws=10, gates=GATES)
    findings = tuple(replace(f, attribute=hostile) for f in result.findings)
    printed = _printed(
        replace(result, findings=findings, warnings=(hostile,)), encoding, force_terminal=False
    )
    assert "\x1b" not in printed
    if hostile.startswith("[bold]"):
        assert "Warning: [bold]x[/bold] [/] [link=https://evil]y[/link]" in printed


def test_results_without_numbers_or_findings():
    assert "nothing could be measured" in _printed(without_answers())
    assert "No verdict" in _printed(AuditResult("a", "n", (), (), (), {}, {}))
