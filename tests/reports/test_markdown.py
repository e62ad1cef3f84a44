"""Markdown: nothing that a result says becomes markup."""

from __future__ import annotations

from dataclasses import replace

import pytest
from example_result import HOSTILE, example_result, without_answers
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from fairrec.reports import render_markdown
from fairrec.reports.markdown import escape

GATES = ("sensitivity.*.jaccard.snsr <= 0.1",)
PARSER = MarkdownIt("commonmark", {"html": True}).enable("table")


def _kinds(text: str) -> set[str]:
    tokens = PARSER.parse(text)
    inner = [child for token in tokens for child in token.children or []]
    return {token.type for token in tokens + inner}


def test_verdict_table_and_warnings():
    text = render_markdown(example_result(gates=GATES))
    assert text.startswith("# ✕ Fail: sensitivity audit, example\n")
    assert "**Fail:** stating a user’s **race** changes" in text
    assert "> **Warning:** Asked twice" in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + 8
    assert "| race | SNSR \\(Jaccard\\) |" in rows[1]
    assert "✕ fail" in rows[1]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_stay_text(hostile):
    result = example_result(3, draws=10, gates=GATES)
    findings = tuple(replace(f, attribute=hostile) for f in result.findings)
    text = render_markdown(
        replace(result, findings=findings, name=hostile, warnings=(hostile,) * 2)
    )
    assert not _kinds(text) & {"html_inline", "html_block", "link_open", "image", "code_block"}
    spans = [c for token in PARSER.parse(text) for c in token.children or []]
    code = [child.content for child in spans if child.type == "code_inline"]
    assert code == ["report.html", "result.json"]
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert all(line.replace("\\|", "").count("|") == 8 for line in rows)
    text.encode("utf-8", "strict")
    assert "\x1b" not in text


@given(st.text(max_size=60))
def test_escaped_text_is_only_text(text):
    kinds = _kinds("x " + escape(text) + " y")
    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}
    shown = PARSER.render("x " + escape(text) + " y")
    assert shown.count("<") == 2


def test_mentions_and_bare_links_are_defused():
    assert "@everyone" not in escape("@everyone")
    assert "https://" not in escape("https://evil.example")
    assert "www.evil" not in escape("www.evil.example")


def test_a_result_without_any_number():
    assert "nothing could be measured" in render_markdown(without_answers())
