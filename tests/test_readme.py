"""What the README shows works as shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README.read_text("utf-8"), re.M | re.S)


def test_python_blocks_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shared: dict[str, object] = {}  # a block goes on where the one before ended
    for code in blocks("python"):
        exec(compile(code, str(README), "exec"), shared)
    first, second = capsys.readouterr().out.splitlines()
    assert re.match(r"(pass|fail|undecided) [\d.]+ [\d.]+ [\d.]+", first)
    assert (
        second == "True Every list holds the same items whatever is stated. Either stating an "
        "attribute changes nothing, or the recommender does not read it."
    )


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
