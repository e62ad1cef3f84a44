"""audit --mitigate, compare and sweep: from the command line to files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from fairrec.command_line.configuration import make_configuration
from fairrec.command_line.main import app
from fairrec.command_line.mitigating import parse_mitigation
from fairrec.errors import WrongUse

SETTINGS = {
    "audit": "exposure",
    "model": "demo",
    "recommender": {"kind": "open"},
    "topics": {"n": 8},
    "column": "language",
    "k": 5,
    "draws": 200,
    "gates": [],
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    catalog = tmp_path / "films.csv"
    from fairrec import films

    known = films()
    rows = ["id,title,director,language,votes"]
    for place, (item, title) in enumerate(zip(known.ids, known.titles, strict=True)):
        if "," not in title and '"' not in title and place < 900:
            director = str(known.column("director")[place]).replace(",", " ")
            rows.append(f"{item},{title},{director},{'en' if place % 3 else 'fr'},{1 + place % 50}")
    catalog.write_text("\n".join(rows), "utf-8")
    path = tmp_path / "fairrec.yaml"
    path.write_text(yaml.safe_dump({**SETTINGS, "catalog": {"path": str(catalog)}}), "utf-8")
    return path


def run(*arguments: str):  # type: ignore[no-untyped-def]
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def audit(config: Path, name: str, *more: str) -> Path:
    out = config.parent / "runs"
    result = run("audit", "--config", str(config), "--name", name, "--out", str(out), *more)
    assert result.exit_code == 0, result.output
    return out / name


def test_before_and_after_are_compared(config: Path) -> None:
    before = audit(config, "before")
    after = audit(config, "after", "--mitigate", "fair_instruction", "--mitigate", "det_greedy")
    told = json.loads((after / "result.json").read_text("utf-8"))["provenance"]["recommender"]
    assert told["mitigation"]["mitigation"] == "det_greedy"
    assert told["original"]["mitigation"]["mitigation"] == "fair_instruction"
    report = config.parent / "changes.md"
    result = run("compare", str(before), str(after), "--out", str(report))
    assert result.exit_code == 0
    assert "seconds an answer" in report.read_text("utf-8")
    changes = {c["id"]: c for c in json.loads(report.with_suffix(".json").read_text("utf-8"))}
    assert changes["cost.calls"]["difference"]["value"] == 0
    assert changes["exposure.language.ndkl.mean"]["before"] is not None


def test_runs_that_asked_otherwise_are_not_compared(config: Path, tmp_path: Path) -> None:
    before = audit(config, "before")
    other = audit(config, "other", "--k", "4")
    with pytest.raises(WrongUse, match="the runs asked different things: k: 5 and 4"):
        run("compare", str(before), str(other))
    with pytest.raises(WrongUse, match="holds no finished run"):
        run("compare", str(before), str(tmp_path / "nowhere"))


def test_a_sweep_asks_once_and_writes_its_plot(config: Path) -> None:
    out = config.parent / "runs"
    result = run(
        "sweep",
        *("--config", str(config), "--name", "swept", "--out", str(out)),
        *("--mitigate", "fairco", "--strength", "0,1"),
        *("--finding", "exposure.language.ndkl.mean"),
    )
    assert result.exit_code == 0, result.output
    table = (out / "swept" / "sweep.csv").read_text("utf-8").splitlines()
    assert table[0] == "weight,id,before,after,difference,low,high,direction"
    zero = [line.split(",") for line in table if line.startswith("0.0,exposure.language.ndkl")]
    assert float(zero[0][4]) == 0, "strength 0 changes nothing"
    assert (out / "swept" / "pareto.svg").read_text("utf-8").startswith("<?xml")
    assert "| before |" in (out / "swept" / "sweep.md").read_text("utf-8")


def test_what_cannot_be_swept_or_read_is_said(config: Path) -> None:
    common = ("sweep", "--config", str(config), "--out", str(config.parent / "runs"))
    with pytest.raises(WrongUse, match="redaction has no strength"):
        run(*common, "--mitigate", "redaction")
    with pytest.raises(WrongUse, match="--strength is 'much'"):
        run(*common, "--mitigate", "fairco", "--strength", "much")
    with pytest.raises(WrongUse, match=r"no finding 'exposure\.luck'"):
        run(*common, "--mitigate", "fairco", "--strength", "1", "--finding", "exposure.luck")


def test_mitigations_are_read_from_flags_and_files() -> None:
    assert parse_mitigation("fa_ir:p=0.4,protected=tail") == {
        "fa_ir": {"p": 0.4, "protected": "tail"}
    }
    assert parse_mitigation("redaction") == {"redaction": {}}
    with pytest.raises(WrongUse, match="'p' has no value"):
        parse_mitigation("fa_ir:p")
    settings = make_configuration({"mitigate": ["redaction", {"xquad": {"weight": 0.3}}]}, "here")
    assert settings.mitigate == [{"redaction": {}}, {"xquad": {"weight": 0.3}}]
    with pytest.raises(WrongUse, match="not one name with its settings"):
        make_configuration({"mitigate": [{"a": {}, "b": {}}]}, "here")
