"""`fairrec audit` from the outside: real processes, real folders, real kills."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

DEMO = ("audit", "--model", "demo", "--recommender", "open")


def fairrec(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fairrec", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def only_run(folder: Path) -> Path:
    (run,) = (folder / "fairrec-runs").iterdir()
    return run


def without_clock(run: Path) -> dict[str, Any]:
    result = json.loads((run / "result.json").read_text("utf-8"))
    del result["provenance"]["time"]
    return result


def test_a_demo_run_leaves_a_report_and_says_its_verdict_first(tmp_path: Path) -> None:
    done = fairrec(*DEMO, "--topics", "20", "--attributes", "gender", folder=tmp_path)
    run = only_run(tmp_path)
    result = without_clock(run)
    assert done.returncode == {"pass": 0, "fail": 1, "undecided": 2}[result["verdict"]]
    assert result["verdict"] in done.stdout.splitlines()[0].lower()
    assert "report.html" in done.stdout
    assert {p.name for p in run.iterdir()} >= {
        "answers.sqlite",
        "fairrec.yaml",
        "report.html",
        "report.md",
        "result.json",
    }
    assert result["findings"][0]["id"] == "sensitivity.gender.jaccard.snsr"


def test_the_same_command_again_asks_nothing_and_finds_the_same(tmp_path: Path) -> None:
    first = fairrec(*DEMO, "--topics", "12", folder=tmp_path)
    before = without_clock(only_run(tmp_path))
    again = fairrec(*DEMO, "--topics", "12", folder=tmp_path)
    assert again.returncode == first.returncode
    assert without_clock(only_run(tmp_path)) == before
    assert "recorded before" in again.stderr
    resumed = fairrec("audit", "--resume", str(only_run(tmp_path)), folder=tmp_path)
    assert resumed.returncode == first.returncode
    assert without_clock(only_run(tmp_path)) == before


def recorded_answers(path: Path) -> int:
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            return connection.execute("SELECT count(*) FROM answers").fetchone()[0]
    except sqlite3.Error:
        return 0


@pytest.mark.parametrize("survivors", [1, 300])
def test_kill_9_in_the_middle_and_again_gives_the_same_result(
    tmp_path: Path, survivors: int
) -> None:
    settings = "draws: 500\ntopics: {n: 60}\nattributes: [all]\nname: run\n"
    command = (*DEMO, "--config", "../settings.yaml")
    (tmp_path / "settings.yaml").write_text(settings)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    fairrec(*command, folder=whole)
    child = subprocess.Popen(
        [sys.executable, "-m", "fairrec", *command], cwd=killed, stderr=subprocess.DEVNULL
    )
    store = killed / "fairrec-runs" / "run" / "answers.sqlite"
    while recorded_answers(store) < survivors:
        assert child.poll() is None, "the run ended before it could be killed"
        time.sleep(0.005)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    kept = recorded_answers(store)
    assert kept >= survivors
    assert not (store.parent / "result.json").exists()
    done = fairrec(*command, folder=killed)
    assert done.returncode in (0, 1, 2)
    assert "recorded before" in done.stderr
    assert without_clock(store.parent) == without_clock(whole / "fairrec-runs" / "run")


@pytest.mark.parametrize(
    ("arguments", "code", "seen"),
    [
        (("audit", "--model", "hff:x/y"), 4, "hff:x/y"),
        (("audit", "--model", "./no-such-folder"), 4, "no-such-folder"),
        ((*DEMO, "--topics", "1"), 4, "topics.n"),
        ((*DEMO, "--attributes", "gendre"), 4, "did you mean 'gender'"),
        ((*DEMO, "--gate", "sensitivity.gender.jacard.snsr <= 1"), 4, "names no finding"),
        ((*DEMO, "--gate", "be fair"), 4, "cannot be read"),
        ((*DEMO, "--config", "absent.yaml"), 4, "absent.yaml"),
        ((*DEMO, "--recommender", "oracle"), 4, "oracle"),
        (("audit", "--model", "demo", "--k", "61"), 4, "60 candidates"),
        ((*DEMO, "--k", "4000"), 4, "the catalogue has 3176 items"),
        (("audit", "--resume", "absent"), 4, "absent"),
        (("audit", "--resume", "x", "--k", "3"), 4, "--resume alone"),
    ],
)
def test_wrong_use_ends_in_one_clear_message(
    tmp_path: Path, arguments: tuple[str, ...], code: int, seen: str
) -> None:
    done = fairrec(*arguments, folder=tmp_path)
    assert done.returncode == code
    assert seen in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("modle: demo", "did you mean 'model'?"),
        ("recommender: {knid: open}", "did you mean 'kind'?"),
        ("k: 0", "k: "),
        ("- a list", "holds a list"),
        ("a: [", "is not YAML"),
        ("gates: [fair]", "cannot be read"),
        ("attributes: {job: [a nurse]}", "has 1 value"),
        ("name: ../up", "no folder name"),
        ("template: {user: 'I like {name}'}", "has no {value}"),
        ("catalog: {path: absent.csv}", "absent.csv"),
    ],
)
def test_bad_settings_are_named_before_anything_is_asked(
    tmp_path: Path, text: str, seen: str
) -> None:
    (tmp_path / "fairrec.yaml").write_text(text)
    arguments = DEMO if "knid" not in text else ("audit", "--model", "demo")
    done = fairrec(*arguments, folder=tmp_path)
    assert done.returncode == 4, done.stderr
    assert seen in done.stderr
    assert not (tmp_path / "fairrec-runs").exists()


def test_a_store_from_the_future_is_left_alone(tmp_path: Path) -> None:
    fairrec(*DEMO, "--topics", "3", folder=tmp_path)
    store = only_run(tmp_path) / "answers.sqlite"
    with sqlite3.connect(store) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = recorded_answers(store)
    done = fairrec(*DEMO, "--topics", "3", folder=tmp_path)
    assert (done.returncode, "newer fairrec" in done.stderr) == (4, True)
    assert recorded_answers(store) == before > 0


def test_init_writes_settings_that_are_the_defaults(tmp_path: Path) -> None:
    import yaml

    from fairrec.command_line.configuration import Configuration

    assert fairrec("init", folder=tmp_path).returncode == 0
    written = yaml.safe_load((tmp_path / "fairrec.yaml").read_text("utf-8"))
    assert Configuration.model_validate(written) == Configuration()
    assert set(written) == set(Configuration.model_fields) - {"name"}
    again = fairrec("init", folder=tmp_path)
    assert (again.returncode, "is there already" in again.stderr) == (4, True)


def test_doctor_says_what_is_installed(tmp_path: Path) -> None:
    done = fairrec("doctor", folder=tmp_path)
    assert done.returncode == 0
    for word in ("fairrec", "torch", "transformers", "cores", "device"):
        assert word in done.stdout


def test_your_own_catalogue_topics_and_words(tmp_path: Path) -> None:
    (tmp_path / "songs.csv").write_text(
        "song,title,artist\n" + "".join(f"s{i},Song {i},Artist {i % 4}\n" for i in range(80))
    )
    (tmp_path / "fairrec.yaml").write_text(
        """
model: demo
recommender: {kind: likelihood, pool: {size: 30}}
catalog: {path: songs.csv, columns: {id: song}}
topics: {column: artist, n: 4}
attributes: {job: [a nurse, an engineer]}
template: {user: "As {value} fan of {name} I want {k} songs."}
k: 5
gates: []
"""
    )
    done = fairrec("audit", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    result = without_clock(only_run(tmp_path))
    assert result["verdict"] is None
    assert result["provenance"]["audit"]["topics"] == [f"Artist {i}" for i in range(4)]
    assert {row["value"] for row in result["observations"]} == {"nurse", "engineer", None}
