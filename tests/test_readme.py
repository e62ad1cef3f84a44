"""What the README shows works as shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README.read_text("utf-8"), re.M | re.S)


@pytest.mark.parametrize("code", blocks("python"))
def test_python_blocks_run(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(code, str(README), "exec"), {})
    assert re.match(r"(pass|fail|undecided) [\d.]+ [\d.]+ [\d.]+", capsys.readouterr().out)


def test_yaml_blocks_are_settings() -> None:
    import yaml

    from fairrec.command_line.configuration import make_configuration

    for text in blocks("yaml"):
        make_configuration(yaml.safe_load(text), "README.md")


def test_the_commands_it_names_exist() -> None:
    from typer.main import get_command

    from fairrec.command_line.main import app

    known = set(get_command(app).commands)  # type: ignore[attr-defined]
    named = {
        line.split()[1] for b in blocks("") for line in b.splitlines() if line[:7] == "fairrec"
    }
    assert named and named <= known
