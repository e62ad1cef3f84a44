"""Kinds of recommender by name, from the settings to a report."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from fairrec.catalogs import films
from fairrec.command_line.configuration import make_configuration
from fairrec.command_line.main import app
from fairrec.command_line.recommenders import Workshop
from fairrec.errors import WrongUse
from fairrec.recommenders.kinds import KINDS

RUNNER = CliRunner()


def test_kinds_are_listed() -> None:
    shown = RUNNER.invoke(app, ["kinds", "--markdown"])
    assert shown.exit_code == 0
    assert all(f"| {name} |" in shown.output for name in KINDS)
    assert RUNNER.invoke(app, ["kinds"]).exit_code == 0


def data(folder: Path) -> Path:
    """A data set of 12 users and 12 films."""
    titles = [f"{n},Film {n},{('crime', 'love')[n % 2]}" for n in range(12)]
    (folder / "items.csv").write_text("item,title,genre\n" + "\n".join(titles))
    people = [f"{n},{('female', 'male')[n % 2]}" for n in range(12)]
    (folder / "users.csv").write_text("user,gender\n" + "\n".join(people))
    seen = [f"{u},{(u + step) % 12}" for u in range(12) for step in range(4)]
    (folder / "interactions.csv").write_text("user,item\n" + "\n".join(seen))
    return folder


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("popularity", {}),
        ("item_knn", {"settings": {"neighbours": 3}}),
        ("als", {"settings": {"factors": 4, "iterations": 2}}),
        ("listwise", {"settings": {"labels": "letters"}}),
        ("features", {"settings": {"item_task": None}}),
        (
            "filter_then_rerank",
            {
                "settings": {"keep": 5},
                "first": {"kind": "popularity"},
                "second": {"kind": "likelihood"},
            },
        ),
        ("rows", {"first": {"kind": "item_knn"}}),
        ("controller", {"first": {"kind": "popularity"}}),
    ],
)
def test_a_run_of_each_kind(
    kind: str, more: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = {
        "audit": "counterfactual",
        "model": "demo",
        "users": {"path": str(data(tmp_path)), "n": 6},
        "attributes": ["gender"],
        "template": "movie_profile",
        "recommender": {"kind": kind, "pool": {"size": 6}, **more},
        "k": 3,
        "draws": 100,
        "gates": ["counterfactual.gender.jaccard.flip_excess <= 1"],
        "name": "run",
    }
    (tmp_path / "fairrec.yaml").write_text(yaml.safe_dump(settings))
    done = RUNNER.invoke(app, ["audit"])
    assert done.exit_code in (0, 2), (done.output, done.exception)
    assert (tmp_path / "fairrec-runs" / "run" / "report.html").is_file()


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"kind": "listwize"}, "did you mean 'listwise'"),
        ({"kind": "als"}, "there are no histories to learn from"),
        ({"kind": "controller"}, "controller lacks its parts"),
        ({"kind": "listwise", "settings": {"lables": 1}}, "listwise has no setting 'lables'"),
        ({"kind": "http", "settings": {"url": "http://x"}}, "http cannot be made"),
        ({"kind": "item_ids"}, "item_ids is told"),
    ],
)
def test_wrong_settings(section: dict, message: str) -> None:
    with pytest.raises(WrongUse, match=message):
        settings = make_configuration({"recommender": section, "model": "demo"}, "test")
        Workshop(settings, films(), None, lambda line: None).make(settings.recommender)
