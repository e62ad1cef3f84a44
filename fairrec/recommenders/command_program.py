"""Asks a program that reads requests and writes answers, a line of JSON each."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Self

from fairrec.catalogs import Catalog
from fairrec.errors import ModelUnavailable, WrongUse
from fairrec.recommenders.answers.cleaning import valid_text
from fairrec.recommenders.answers.returned_values import ReturnedValues
from fairrec.types import Outcome, Ranking, Request, request_content


class CommandProgram:
    """A program that is kept running, asked line by line.

    A request is a JSON object with an ``id`` and the request's fields (see
    `fairrec.types.Request`); the reply is an object with the same ``id`` and ``items`` (ids or
    titles) or ``text``, perhaps ``scores``, or an ``error``. A program that ends, hangs or writes
    something else costs that request alone: its outcome is ERROR, and a fresh program is asked the
    next. A sensitive attribute enters through whatever the program reads.

    Args:
        command: The program and its arguments; no shell is involved.
        catalog: Whose ids or titles are returned.
        name: What to call the recommender in results.
        version: Change it when the program changes: recorded answers are found by it.
        timeout: Seconds to wait for a reply.

    Raises:
        WrongUse: There is no command, or no time. From `recommend`, ModelUnavailable: the program
            cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        catalog: Catalog | None = None,
        name: str = "program",
        version: str = "1",
        timeout: float = 60.0,
    ) -> None:
        if isinstance(command, str) or not command or timeout <= 0:
            raise WrongUse(
                f"the command {command!r} with {timeout} seconds.",
                expected='a list such as ["python", "recommend.py"], and some seconds.',
            )
        self.command = list(command)
        self.name = name
        self.version = version
        self.timeout = timeout
        self._values = ReturnedValues(catalog, f"the program {name!r}")
        self._running: _Program | None = None

    @property
    def description(self) -> Mapping[str, Any]:
        """The command, name and version; what the program does is not in it."""
        return {
            "recommender": "program",
            "name": self.name,
            "version": [1, self.version],
            "command": self.command,
            **self._values.description,
        }

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        """Ask the program for each request, one after another."""
        return [self._answer(number, request) for number, request in enumerate(requests)]

    def close(self) -> None:
        """End the program; the next request starts it anew."""
        if self._running is not None:
            self._running.end()
            self._running = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()

    def _answer(self, number: int, request: Request) -> Ranking:
        if self._running is None:
            self._running = _Program(self.command)
        line = json.dumps({"id": number, **request_content(request)})
        try:
            reply = self._running.ask(line, self.timeout)
            return self._read(reply, number, request)
        except _Failure as failure:
            last = self._running.last_words()
            self.close()
            detail = f"{failure}; its last words: {last}" if last else str(failure)
            return Ranking(outcome=Outcome.ERROR, detail=valid_text(detail, 500))

    def _read(self, line: str, number: int, request: Request) -> Ranking:
        try:
            reply = json.loads(line)
        except ValueError:
            raise _Failure(f"the program wrote {line[:80]!r}, not JSON") from None
        if not isinstance(reply, dict) or reply.get("id") != number:
            raise _Failure("the program's reply has another id than the request")
        if "error" in reply:
            return Ranking(outcome=Outcome.ERROR, detail=valid_text(str(reply["error"]), 500))
        found = reply.get("items", reply.get("titles", reply.get("text")))
        try:
            return self._values.read(found, request.k, reply.get("scores"))
        except (WrongUse, ValueError, TypeError) as error:
            seen = error.seen if isinstance(error, WrongUse) else error
            return Ranking(outcome=Outcome.UNPARSABLE, detail=valid_text(str(seen), 200))


class _Failure(Exception):
    """The program gave no answer that could be read."""


class _Program:
    """A running program; threads read what it writes, so that no pipe fills up."""

    def __init__(self, command: Sequence[str]) -> None:
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
            )
        except OSError as error:
            raise ModelUnavailable(
                f"the program {command[0]!r} cannot be started: {error.strerror or error}.",
                expected="a program that can be run.",
                do="check the path and that the file may be executed.",
            ) from error
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._said: deque[str] = deque(maxlen=3)
        self._listening = threading.Thread(target=self._listen, daemon=True)
        threading.Thread(target=self._read, daemon=True).start()
        self._listening.start()

    def ask(self, line: str, timeout: float) -> str:
        """Write a line and return the next that comes back."""
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(line + "\n")
            stdin.flush()
        except (OSError, ValueError):
            raise _Failure(self._how_it_ended()) from None
        try:
            reply = self._lines.get(timeout=timeout)
        except queue.Empty:
            raise _Failure(f"the program gave no reply within {timeout:g} seconds") from None
        if reply is None:
            raise _Failure(self._how_it_ended())
        return reply

    def last_words(self) -> str:
        """Return the last line that the program wrote to its standard error."""
        if self._process.poll() is not None:
            self._listening.join(timeout=1)
        return next((line for line in reversed(self._said) if line), "")

    def end(self) -> None:
        """Close its input, and kill it if it does not end."""
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _how_it_ended(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return f"the program ended with exit code {self._process.wait(timeout=1)}"
        return "the program closed its output"

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip():
                self._lines.put(line.strip())
        self._lines.put(None)

    def _listen(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._said.append(line.strip()[:300])
