"""What the page on measures of the items' side shows works as shown."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

from fairrec.metrics.browsing import parse_browsing

PAGE = (Path(__file__).parents[2] / "docs" / "item-metrics.md").read_text("utf-8")


def test_snippets_run() -> None:
    for code in re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S):
        scope: dict[str, object] = {}
        exec(compile(code, "docs/item-metrics.md", "exec"), scope)
        assert scope["groups"].names == ("big", "small", "unknown")  # type: ignore[attr-defined]


def test_the_files_and_models_on_the_page_exist() -> None:
    measured = PAGE.split("## What is measured")[1].split("## One name")[0]
    rows = [line.split("|")[1] for line in measured.splitlines() if line.startswith("| `")]
    for name in re.findall(r"`(\w+)`", " ".join(rows)):
        assert import_module(f"fairrec.metrics.{name}").__doc__
    read = PAGE.split("## How people read")[1].split("## What is measured")[0]
    for line in read.splitlines():
        if line.startswith("| `"):
            for text in re.findall(r"`([^`]+)`", line.split("|")[1]):
                assert str(parse_browsing(text)) == text
