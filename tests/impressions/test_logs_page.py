"""What the page on logs of impressions shows works as shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fairrec.impressions.reading import COLUMNS

PAGE = (Path(__file__).parents[2] / "docs" / "impression-logs.md").read_text("utf-8")
SNIPPETS = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)


def test_snippets_run() -> None:
    pytest.importorskip("pyarrow")
    for code in SNIPPETS:
        scope: dict[str, object] = {}
        exec(compile(code, "docs/impression-logs.md", "exec"), scope)
        found = {finding.id for finding in scope["result"].findings}  # type: ignore[attr-defined]
        assert any(id.startswith("exposure.provider.") for id in found)


def test_the_columns_on_the_page_are_those_that_are_read() -> None:
    table = PAGE.split("## The log")[1].split("## The catalogue")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.M) == list(COLUMNS)
