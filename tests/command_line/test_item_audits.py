"""`fairrec audit` about items: audits run from settings alone, live and from their recordings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fairrec import films


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Thirty users who have seen eight of eighty films."""
    folder = tmp_path / "data"
    folder.mkdir()
    rng = np.random.default_rng(0)
    catalog = films()
    rows = [
        (item, title, genre, distributor)
        for item, title, genre, distributor in zip(
            *(catalog.ids, catalog.titles),
            *(catalog.column("genre"), catalog.column("distributor")),
            strict=True,
        )
        if "," not in title and '"' not in title and genre and distributor
    ]
    lines = [
        f"u{user},{item},{rng.integers(1, 6)},{time}"
        for user in range(30)
        for time, item in enumerate(rng.permutation([row[0] for row in rows[:80]])[:8])
    ]
    (folder / "interactions.csv").write_text("\n".join(["user,item,rating,timestamp", *lines]))
    people = [f"u{user},{('female', 'male')[user % 2]}" for user in range(30)]
    (folder / "users.csv").write_text("\n".join(["user,gender", *people]))
    named = [",".join(row) for row in rows]
    (folder / "items.csv").write_text("\n".join(["item,title,genre,distributor", *named]))
    (tmp_path / "catalog.csv").write_text("\n".join(["id,title,genre,distributor", *named]))
    return folder


def fairrec(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fairrec", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def run(folder: Path, settings: dict[str, Any]) -> tuple[subprocess.CompletedProcess[str], Any]:
    common = {"model": "demo", "recommender": {"kind": "open"}, "k": 5, "draws": 200}
    (folder / "fairrec.yaml").write_text(json.dumps({**common, **settings}))
    done = fairrec(folder, "audit", "--name", "run")
    result = folder / "fairrec-runs/run/result.json"
    return done, json.loads(result.read_text("utf-8")) if result.is_file() else None


@pytest.mark.parametrize(
    ("settings", "again"),
    [
        ({"audit": "exposure"}, ["--column", "genre"]),
        ({"audit": "popularity"}, ["--column", "genre"]),
        ({"audit": "grounding"}, ["--column", "genre"]),
        ({"audit": "provider"}, ["--column", "distributor"]),
        ({"audit": "position_bias", "items": {"positions": [0, 4, 9], "shuffles": 2}}, []),
    ],
)
def test_audits_of_items_run_from_settings_and_from_their_recordings(
    tmp_path: Path, data: Path, settings: dict[str, Any], again: list[str]
) -> None:
    done, result = run(tmp_path, {**settings, "users": {"path": str(data), "n": 20}})
    assert done.returncode in (0, 1, 2), done.stderr
    audit = settings["audit"]
    assert result["audit"] == audit and len(result["findings"]) > 3
    page = (tmp_path / "fairrec-runs/run/report.html").read_text("utf-8")
    assert "<svg" in page
    replayed = fairrec(
        tmp_path,
        *("replay", "fairrec-runs/run/answers.jsonl", "--audit", audit, "--name", "again"),
        *("--catalog", "catalog.csv", "--draws", "200", *again),
    )
    assert replayed.returncode in (0, 1, 2), replayed.stderr
    judged = json.loads((tmp_path / "fairrec-runs/again/result.json").read_text("utf-8"))
    live, recorded = (
        {f["id"]: f["estimate"]["value"] for f in some["findings"]} for some in (result, judged)
    )
    # A recording knows popularity from the histories that were shown, not from all interactions.
    if audit != "popularity":
        assert recorded == {id: pytest.approx(value) for id, value in live.items()}
    assert recorded.keys() == live.keys()


def test_without_a_data_set_topics_are_asked_about(tmp_path: Path) -> None:
    done, result = run(tmp_path, {"audit": "exposure", "topics": {"n": 6}})
    assert done.returncode in (0, 1, 2), done.stderr
    assert {f["estimate"]["unit"] for f in result["findings"]} <= {"topic", "item", ""}
    done, result = run(
        tmp_path, {"audit": "popularity", "topics": {"n": 6}, "items": {"popularity": "votes"}}
    )
    assert done.returncode in (0, 1, 2), done.stderr


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"audit": "popularity"}, "nothing is known of how popular items are"),
        ({"audit": "position_bias"}, "held"),
        ({"audit": "exposure", "column": "colour"}, "'colour'"),
        ({"audit": "exposure", "items": {"browsing": ["log3"]}}, "'log3'"),
        ({"audit": "provider", "items": {"minimum_alpha": 2}}, "minimum_alpha"),
        ({"audit": "popularity", "items": {"popularity": "title"}}, "title"),
    ],
)
def test_what_cannot_be_run_is_said_before_anything_is_asked(
    tmp_path: Path, settings: dict[str, Any], says: str
) -> None:
    done, result = run(tmp_path, {"topics": {"n": 4}, "users": {"n": 4}, **settings})
    assert done.returncode == 4 and result is None
    assert says in done.stderr and "Traceback" not in done.stderr


def test_a_recording_without_a_catalogue_is_refused(tmp_path: Path) -> None:
    (tmp_path / "answers.jsonl").write_text('{"user": "u1", "titles": ["Heat"]}\n')
    done = fairrec(tmp_path, "replay", "answers.jsonl", "--audit", "exposure")
    assert done.returncode == 4
    assert "was given no catalogue" in done.stderr
