"""`fairrec replay` and `fairrec export` from the outside."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FEW = ("--draws", "200")


def fairrec(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fairrec", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def table_of_lists(path: Path, effect: bool) -> Path:
    """Write lists in the layout of the recorded music; flipping changes them only by noise,
    unless there is an effect."""
    rng = np.random.default_rng(5)
    titles = [f'"Song {n}" by Band {n % 7}' for n in range(30)]
    column = "recommendation_for_prompt_counterfact-{}_sample-{}_userDemo-{}_interact-zero-shot"
    import csv

    rows = []
    for user in range(40):
        taste = rng.normal(size=30)
        row: dict[str, Any] = {"userId": user, "gender": ("Female", "Male")[user % 2]}
        for flipped in (False, True):
            for sample in ("random", "recent-frequent"):
                for stated in ("no_info", "gender"):
                    scores = taste + 0.3 * rng.normal(size=30)
                    if effect and flipped and stated == "gender":
                        scores = taste + 1.2 * rng.normal(size=30)
                    best = np.argsort(-scores)[:8]
                    row[column.format(flipped, sample, stated)] = "\n".join(titles[i] for i in best)
        rows.append(row)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.mark.parametrize(("effect", "label"), [(True, "Signal"), (False, "No signal")])
def test_a_converted_table_of_lists_is_judged(tmp_path: Path, effect: bool, label: str) -> None:
    table = table_of_lists(tmp_path / "lists.csv", effect)
    converter = Path(__file__).parents[2] / "examples/convert_recorded_lists.py"
    subprocess.run([sys.executable, converter, table, tmp_path / "lists.jsonl"], check=True)
    done = fairrec("replay", "lists.jsonl", *FEW, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f" {label}: " in done.stdout.splitlines()[0]
    run = tmp_path / "fairrec-runs/replay-counterfactual-lists"
    result = json.loads((run / "result.json").read_text("utf-8"))
    found = {finding["id"]: finding for finding in result["findings"]}
    flip = found["counterfactual.gender.jaccard.flip_excess"]
    assert (flip["p_adjusted"] < 0.05) is effect
    page = (run / "report.html").read_text("utf-8")
    assert "States: Male" in page and label in page


def test_a_run_that_was_exported_is_judged_to_the_same_numbers(tmp_path: Path) -> None:
    demo = ("audit", "--model", "demo", "--recommender", "open", "--attributes", "gender")
    assert fairrec(*demo, "--topics", "12", folder=tmp_path).returncode in (0, 1, 2)
    (run,) = (tmp_path / "fairrec-runs").iterdir()
    done = fairrec("export", str(run), "run.csv", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    again = fairrec("replay", "run.csv", "--audit", "sensitivity", folder=tmp_path)
    assert again.returncode == 0, again.stderr
    results = [
        json.loads((folder / "result.json").read_text("utf-8"))
        for folder in (run, tmp_path / "fairrec-runs/replay-sensitivity-run")
    ]
    kept = [
        {f["id"]: (f["estimate"], f["p_value"], f["p_adjusted"]) for f in result["findings"]}
        for result in results
    ]
    assert kept[0] == kept[1]
    assert results[0]["validity"] == results[1]["validity"]


@pytest.mark.parametrize(
    ("content", "arguments", "says"),
    [
        ('{"user": "u"}\n{"user": 3, "topic": "t"}\n', (), "row 2: a line names either a user"),
        ('{"topic": "t", "titles": ["A"]}\n', (), "is about topics, but the audit"),
        ('{"user": "u", "titles": ["A"]}\n', (), "states no attribute"),
        ('{"user": "u", "titles": ["A"]}\n', ("--audit", "scoring"), "no threshold"),
        ('{"user": "u", "titles": ["A"]}\n', ("--audit", "stereotype"), "no catalogue"),
        ('{"user": "u", "titles": ["A"]}\n', ("--gate", "nonsense"), "cannot be read"),
    ],
)
def test_what_cannot_be_judged_is_said(
    tmp_path: Path, content: str, arguments: tuple[str, ...], says: str
) -> None:
    (tmp_path / "log.jsonl").write_text(content, "utf-8")
    done = fairrec("replay", "log.jsonl", *arguments, folder=tmp_path)
    assert done.returncode == 4
    assert says in done.stderr and "Traceback" not in done.stderr


def test_a_folder_without_a_recording_is_named(tmp_path: Path) -> None:
    done = fairrec("export", str(tmp_path), "out.jsonl", folder=tmp_path)
    assert done.returncode == 4 and "holds no answers.jsonl" in done.stderr
