"""The four quadrants: every measure is there for a system, and the page and picture are made."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "quadrants.py"
ML_100K = Path(__file__).parents[3] / "shared" / "data" / "ml-100k"


@pytest.mark.skipif(not ML_100K.is_dir(), reason="../shared/data/ml-100k is not there")
def test_the_table_of_the_baselines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(ML_100K), "--users", "40", "--draws", "200", "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["quadrants", *arguments, "--only", "popularity", "random"])
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(lines) == 4 and all(line.count("|") == 8 for line in lines)
    popular, random = (line.split("|") for line in lines[2:])
    # No statement reaches either: what is beyond a repeat is nothing at all.
    assert popular[6].split()[0] == random[6].split()[0] == "0.000"
    assert float(popular[7].split()[0]) > float(random[7].split()[0])
    assert (tmp_path / "quadrants.png").stat().st_size > 10_000
