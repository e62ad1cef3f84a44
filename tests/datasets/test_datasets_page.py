"""What the page on data sets shows works as shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from fairrec.command_line.data import data_app
from fairrec.datasets.origins import ORIGINS
from fairrec.datasets.profiles import AGE_BANDS

PAGE = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text("utf-8")
SNIPPETS = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)

FILES = {
    "ml-1m/ratings.dat": "".join(f"1::{i}::{i % 5 + 1}::{i}\n" for i in range(1, 21)),
    "ml-1m/users.dat": "1::F::25::4::00000\n",
    "ml-1m/movies.dat": "".join(f"{i}::Film {i} (1990)::Drama\n" for i in range(1, 21)),
    "log.csv": "reader,isbn,stars,when\na,1,4,10\na,2,5,20\n",
    "people.csv": "reader,gender,job\na,F,baker\n",
    "books.csv": "isbn,name\n1,One\n2,Two\n",
}


@pytest.mark.parametrize("code", SNIPPETS)
def test_snippets_run(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ml-1m").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {}
    exec(compile(code, "docs/datasets.md", "exec"), scope)
    assert scope.get("users") or "baker" in str(getattr(scope["dataset"], "profiles", ""))


def test_the_names_on_the_page_exist() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`([^`]+)`", row)} == set(ORIGINS)
    for row in rows:
        for name in re.findall(r"`([^`]+)`", row):
            known = ", ".join(ORIGINS[name].attributes) or "nothing"
            assert f"| {known} |" in row
    assert ", ".join(name for _, name in AGE_BANDS) in " ".join(PAGE.split())
    commands = get_command(data_app).commands  # type: ignore[attr-defined]
    assert set(re.findall(r"^fairrec data (\w+)", PAGE, re.M)) == set(commands)
