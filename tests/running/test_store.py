"""The store keeps what was recorded, whatever happens."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from fairrec.errors import BadData, RunBroken
from fairrec.running.store import STORE_VERSION, Recorded, ResponseStore
from fairrec.types import Attempt, Outcome, Ranking, Request


def recorded(text: str = "x", outcome: Outcome = Outcome.ANSWERED) -> Recorded:
    items = ("a", "b") if outcome is Outcome.ANSWERED else ()
    return Recorded(
        Request(k=2, instruction=text, profile={"gender": "girl"}, candidates=("a", "b")),
        Ranking(items, outcome, text=text),
        0.5,
        (Attempt(0.5),),
    )


def test_what_is_put_is_found_again_in_another_process(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "answers.sqlite") as store:
        store.put([(f"key{i}", recorded(f"text {i} \U0001f600")) for i in range(1200)])
    with ResponseStore(tmp_path / "answers.sqlite") as store:
        found = store.get([f"key{i}" for i in range(1200)] + ["absent"])
        assert len(found) == len(store) == 1200
        assert found["key7"] == recorded("text 7 \U0001f600")


def test_the_first_good_answer_stays_and_an_error_is_replaced() -> None:
    store = ResponseStore(None)
    store.put([("k", recorded("broke", Outcome.ERROR))])
    store.put([("k", recorded("first"))])
    store.put([("k", recorded("second"))])
    assert store.get(["k"])["k"].ranking.text == "first"


def test_a_newer_store_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    ResponseStore(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {STORE_VERSION + 1}")
    with pytest.raises(BadData, match="newer fairrec"):
        ResponseStore(path)


def test_a_file_that_is_no_store_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    path.write_bytes(b"my diary, not a database" * 100)
    with pytest.raises(BadData, match="no answer store"):
        ResponseStore(path)
    assert path.read_bytes().startswith(b"my diary")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunBroken, match="could not be opened"):
        ResponseStore(tmp_path / "file" / "answers.sqlite")


FILL_THE_DISK = """
import resource, signal, sys
from pathlib import Path
from fairrec.errors import RunBroken
from fairrec.running.store import Recorded, ResponseStore
from fairrec.types import (Ranking, Request)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
def record(i): return f"key{i}", Recorded(Request(k=1), Ranking(("a",), text="x" * 50_000), 0.0)
store = ResponseStore(Path(sys.argv[1]))
store.put([record(0)])
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
try:
    for i in range(1, 100):
        store.put([record(i)])
except RunBroken as error:
    print(error)
    print(i)
"""


def test_a_full_disk_loses_nothing_recorded(tmp_path: Path) -> None:
    """A file-size limit stands in for the full disk: the same write call fails."""
    path = tmp_path / "answers.sqlite"
    done = subprocess.run(
        [sys.executable, "-c", FILL_THE_DISK, str(path)], capture_output=True, text=True, check=True
    )
    assert "free some space" in done.stdout
    failed_at = int(done.stdout.splitlines()[-1])
    with ResponseStore(path) as store:
        assert set(store.get([f"key{i}" for i in range(100)])) == {
            f"key{i}" for i in range(failed_at)
        }
