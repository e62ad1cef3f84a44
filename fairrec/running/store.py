"""Recorded answers, one SQLite file a run: written once, read back on resume.

Answers are addressed by what was asked and of whom, so asking the same thing again finds
them, whatever the order, the batch or the process.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from fairrec.errors import BadData, RunBroken
from fairrec.protocols import ReadsText, Recommender
from fairrec.serialization import from_json, to_json
from fairrec.types import Attempt, Outcome, Ranking, Request, content_hash, request_content

STORE_VERSION = 1
_LOOKUP_BATCH = 500  # SQLite's default limit on bound parameters is 999 in old builds

_TABLES = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY,
    request TEXT NOT NULL,
    outcome TEXT NOT NULL,
    ranking TEXT NOT NULL,
    seconds REAL NOT NULL,
    attempts TEXT NOT NULL
) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One asked request with its ranking and the attempts it took."""

    request: Request
    ranking: Ranking
    seconds: float
    attempts: tuple[Attempt, ...] = ()


def request_key(recommender: Recommender, request: Request) -> str:
    """Return the address of an answer: the recommender's description and what it is asked.

    For a recommender that reads text alone, two requests with the same text are one question.
    """
    if isinstance(recommender, ReadsText):
        asked = {
            "text": recommender.request_text(request),
            "k": request.k,
            "candidates": None if request.candidates is None else list(request.candidates),
            "replicate": request.replicate,
        }
    else:
        asked = request_content(request)
    return content_hash({"recommender": dict(recommender.description), "asked": asked})


class ResponseStore:
    """Answers by key. ``ResponseStore(None)`` keeps them in memory.

    Raises:
        BadData: The file is no store, or a newer fairrec wrote it.
        RunBroken: The file cannot be opened or written; what it held is unchanged.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        with self._explained():
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path or ":memory:", timeout=30.0)
            self._connection.execute("PRAGMA journal_mode = WAL")
            # Answers cost minutes and money: survive a power cut, not only a kill.
            self._connection.execute("PRAGMA synchronous = FULL")
            self._check_version()
            with self._connection:
                self._connection.execute(_TABLES)
                self._connection.execute(f"PRAGMA user_version = {STORE_VERSION}")

    def get(self, keys: Sequence[str]) -> dict[str, Recorded]:
        """Return the recorded answers among `keys`."""
        found: dict[str, Recorded] = {}
        with self._explained():
            for start in range(0, len(keys), _LOOKUP_BATCH):
                batch = keys[start : start + _LOOKUP_BATCH]
                marks = ",".join("?" * len(batch))
                rows = self._connection.execute(
                    "SELECT key, request, ranking, seconds, attempts FROM answers "
                    f"WHERE key IN ({marks})",
                    list(batch),
                )
                for key, request, ranking, seconds, attempts in rows:
                    found[key] = Recorded(
                        from_json(Request, request),
                        from_json(Ranking, ranking),
                        seconds,
                        from_json(tuple[Attempt, ...], attempts),
                    )
        return found

    def put(self, answers: Iterable[tuple[str, Recorded]]) -> None:
        """Record answers, all or none of them.

        The first good answer to a question stays; only a recorded error is replaced.
        """
        rows = [
            (
                key,
                to_json(recorded.request),
                str(recorded.ranking.outcome),
                to_json(recorded.ranking),
                recorded.seconds,
                to_json(recorded.attempts),
            )
            for key, recorded in answers
        ]
        with self._explained(), self._connection:
            self._connection.executemany(
                "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (key) DO UPDATE SET outcome = excluded.outcome, "
                "ranking = excluded.ranking, seconds = excluded.seconds, "
                f"attempts = excluded.attempts WHERE outcome = '{Outcome.ERROR}'",
                rows,
            )

    def __len__(self) -> int:
        with self._explained():
            return self._connection.execute("SELECT count(*) FROM answers").fetchone()[0]

    def close(self) -> None:
        """Close the file. Nothing is pending: every `put` is committed when it returns."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _check_version(self) -> None:
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version > STORE_VERSION:
            raise BadData(
                f"{self._path} was written by a newer fairrec (store version {version}).",
                expected=f"store version {STORE_VERSION} or older.",
                do="upgrade fairrec, or choose another run folder; the file is unchanged.",
            )

    @contextmanager
    def _explained(self):
        """Turn SQLite's and the file system's errors into ones that say what to do."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            where = self._path or "the store in memory"
            if isinstance(error, sqlite3.OperationalError):
                raise RunBroken(
                    f"{where} could not be read or written: {error}.",
                    expected="a folder with write permission and free space.",
                    do="free some space or mend the permissions and run the same command "
                    "again; recorded answers are kept.",
                ) from error
            raise BadData(
                f"{where} is damaged or no answer store: {error}.",
                expected="a file that fairrec wrote.",
                do="move it away and run again, or restore a copy of it.",
            ) from error
        except OSError as error:
            raise RunBroken(
                f"{self._path} could not be opened: {error.strerror or error}.",
                expected="a folder with write permission and free space.",
                do="choose another folder, or mend the permissions.",
            ) from error
