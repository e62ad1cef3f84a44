"""`fairrec exposure` from the outside."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("pyarrow")


def fairrec(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fairrec", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write 200 users' lists of 5, in which provider "big" stands first, and 40 items."""
    rng = np.random.default_rng(0)
    names = [f"item {n}" for n in range(40)]
    pd.DataFrame(
        {
            "movie": names,
            "provider": ["big" if n < 10 else f"small {n % 3}" for n in range(40)],
            "interactions": [1000 // (n + 1) for n in range(40)],
        }
    ).to_csv(tmp_path / "items.csv", index=False)
    rows = []
    for user in range(200):
        shown = np.sort(rng.choice(40, 5, replace=False, p=(w := 1 / np.arange(1, 41)) / w.sum()))
        rows += [(f"u{user}", names[item], rank) for rank, item in enumerate(shown, 1)]
    log = pd.DataFrame(rows, columns=["uid", "item", "rank"])
    log.to_parquet(tmp_path / "log.parquet")
    log.iloc[::-1].to_csv(tmp_path / "reversed.csv", index=False)
    return tmp_path


USUAL = (
    *("--catalog", "items.csv", "--columns", "user=uid,id=movie", "--group", "provider"),
    *("--popularity", "interactions", "--k", "5", "--draws", "200"),
)


def test_a_log_is_judged_and_written(folder: Path) -> None:
    done = fairrec(
        "exposure", "log.parquet", *USUAL, "--browsing", "rbp:0.8", "--merit", "catalogue",
        "--name", "mine", folder=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    run = folder / "fairrec-runs" / "mine"
    assert (run / "report.html").is_file()
    result = json.loads((run / "result.json").read_text())
    assert result["audit"] == "exposure"
    assert result["provenance"]["log"]["rows"] == 1000
    assert result["provenance"]["audit"]["browsing"] == ["rbp:0.8"]
    assert any("provider.big" in found["id"] for found in result["findings"])


def test_the_order_of_users_and_the_form_do_not_matter(folder: Path) -> None:
    found = []
    for log in ("log.parquet", "reversed.csv"):
        done = fairrec("exposure", log, *USUAL, "--name", log, folder=folder)
        assert done.returncode == 0, done.stderr
        result = json.loads((folder / "fairrec-runs" / log / "result.json").read_text())
        found.append({f["id"]: f["estimate"]["value"] for f in result["findings"]})
    assert found[0].keys() == found[1].keys()
    for id, value in found[0].items():
        assert found[1][id] == (None if value is None else pytest.approx(value, rel=1e-6)), id


def test_gates_end_the_command(folder: Path) -> None:
    done = fairrec("exposure", "log.parquet", *USUAL, "--name", "one", folder=folder)
    result = json.loads((folder / "fairrec-runs" / "one" / "result.json").read_text())
    id = next(f["id"] for f in result["findings"] if f["estimate"]["low"] is not None)
    for gate, code in ((f"{id} >= -1000000", 0), (f"{id} >= 1000000", 1)):
        done = fairrec("exposure", "log.parquet", *USUAL, "--gate", gate, folder=folder)
        assert done.returncode == code, done.stderr
    assert (folder / "fairrec-runs" / "exposure-log" / "report.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing.parquet",), "nothing.parquet does not exist"),
        (("log.parquet",), "no column 'user'; it has 'uid', 'item', 'rank'"),
        (("log.parquet", "--columns", "user"), "columns 'user' cannot be read"),
        (("log.parquet", "--columns", "uid=user"), "left of = is one of user, item, rank"),
        (("log.parquet", *USUAL, "--group", "label"), "has no column 'label'"),
        (("log.parquet", *USUAL, "--browsing", "fast"), "browsing model 'fast' cannot be read"),
        (("log.parquet", *USUAL, "--gate", "a = 3"), "the gate 'a = 3' cannot be read"),
        (("broken.parquet", *USUAL), "broken.parquet cannot be read as parquet"),
    ],
)
def test_wrong_use_ends_in_a_message(folder: Path, arguments: tuple[str, ...], words: str) -> None:
    whole = (folder / "log.parquet").read_bytes()
    (folder / "broken.parquet").write_bytes(whole[: len(whole) // 2])
    done = fairrec("exposure", *arguments, folder=folder)
    assert done.returncode == 4, done.stderr
    assert words in done.stderr and "Expected:" in done.stderr
    assert "Traceback" not in done.stderr
