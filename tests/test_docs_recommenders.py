"""What docs/recommenders.md shows works as shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[1] / "docs" / "recommenders.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


def test_the_python_block_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks("python")
    exec(compile(code, "recommenders.md", "exec"), {})
    assert capsys.readouterr().out.startswith("scoring.")


def test_yaml_blocks_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """They name settings that exist, and adapters that take them."""
    import yaml

    from fairrec.catalogs import films
    from fairrec.command_line.configuration import make_configuration
    from fairrec.command_line.recommenders import Workshop

    monkeypatch.setenv("MY_TOKEN", "x")
    for text in blocks("yaml"):
        settings = make_configuration(yaml.safe_load(text), "recommenders.md")
        if settings.recommender.first is None:
            workshop = Workshop(settings, films(), None, lambda line: None)
            assert workshop.make(settings.recommender).description["name"]
