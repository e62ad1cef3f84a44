"""What docs/choosing_a_mitigation.md shows works as shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "choosing_a_mitigation.md"


def test_its_code_runs(capsys: pytest.CaptureFixture[str]) -> None:
    scope: dict[str, object] = {}
    for code in re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S):
        exec(compile(code, str(PAGE), "exec"), scope)
    first, second, changed, back = capsys.readouterr().out.splitlines()
    assert first == "('a', 'd', 'b', 'e')"
    assert second == "counterfactual_ensemble"
    assert changed == "['a', 'd', 'b', 'e']"
    assert back == "['a', 'b', 'c', 'd', 'e', 'f']"


def test_the_commands_it_names_exist() -> None:
    from typer.main import get_command

    from fairrec.command_line.main import app

    known = set(get_command(app).commands)  # type: ignore[attr-defined]
    named = set(re.findall(r"^fairrec (\w+)", PAGE.read_text("utf-8"), re.M))
    assert named == {"audit", "compare", "sweep"} and named <= known
