"""Asks a deployed recommender over HTTP."""

from __future__ import annotations

import json
import math
import os
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import stamina

from fairrec.catalogs import Catalog
from fairrec.errors import ModelUnavailable, WrongUse
from fairrec.recommenders.answers.cleaning import valid_text
from fairrec.recommenders.answers.returned_values import ReturnedValues
from fairrec.recommenders.json_templates import check_template, fill, find
from fairrec.remote import side_by_side, try_again, without_keys
from fairrec.types import Outcome, Ranking, Request

LARGEST = 10_000_000
"""Bytes of a reply that are read."""


class HttpEndpoint:
    """Sends one JSON body per request and finds the items in the JSON reply.

    Lost connections, time-outs and the statuses 408, 409, 429 and 5xx are tried again, whoever is
    asked for; what fails for good is the outcome ERROR of that request alone, and a reply without
    the items is UNPARSABLE. Redirects are not followed. A sensitive attribute enters where the body
    names it: in the instruction, the profile or the history.

    Args:
        url: An http or https address without a password in it.
        body: JSON with fields in braces; see `fairrec.recommenders.json_templates`.
        items: Where in the reply the answer stands: a list of ids or titles, or a text, such as
            ``"data.*.id"``.
        scores: Where one number per item stands, or None.
        headers: Values that begin with ``$`` are names of environment variables: keys come from
            there alone, and no header's value is shown or recorded.
        catalog: Whose ids or titles are returned.
        name: What to call the recommender in results.
        version: Change it when the recommender changes: recorded answers are found by it.
        timeout: Seconds of one try.
        attempts: Tries of one request.
        concurrency: Requests at one time.

    Raises:
        WrongUse: The address, a field, a header or a number cannot be used.
    """

    def __init__(
        self,
        url: str,
        body: Any,
        items: str,
        *,
        scores: str | None = None,
        headers: Mapping[str, str] | None = None,
        catalog: Catalog | None = None,
        name: str = "HTTP endpoint",
        version: str = "1",
        timeout: float = 60.0,
        attempts: int = 4,
        concurrency: int = 4,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.password:
            raise WrongUse(
                f"the address {parts.scheme}://{parts.hostname or ''}.",
                expected="an http or https URL without a password in it.",
                do='give keys as headers: {"Authorization": "$MY_KEY"}.',
            )
        if min(attempts, concurrency) < 1 or timeout <= 0:
            raise WrongUse(
                f"attempts {attempts}, concurrency {concurrency}, timeout {timeout}.",
                expected="at least one attempt at a time, and some seconds.",
            )
        check_template(body)
        self.url = url
        self.body = body
        self.items = items
        self.scores = scores
        self.name = name
        self.version = version
        self.timeout = timeout
        self._attempts = attempts
        self._concurrency = concurrency
        self._headers = {key: _from_environment(value) for key, value in (headers or {}).items()}
        self._values = ReturnedValues(catalog, f"the endpoint {name!r}")
        self._opener = urllib.request.build_opener(_NoRedirects)

    @property
    def description(self) -> Mapping[str, Any]:
        """Address without its query, body and paths; what runs behind them is not in it."""
        parts = urlsplit(self.url)
        return {
            "recommender": "HTTP endpoint",
            "name": self.name,
            "version": [1, self.version],
            "url": f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}",
            "body": self.body,
            "items": self.items,
            "scores": self.scores,
            **self._values.description,
        }

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        """Ask the endpoint for each request, several at a time; order is kept.

        Raises:
            ModelUnavailable: The endpoint refuses the key (401, 403).
        """
        return side_by_side(
            [partial(self._answer, request) for request in requests], self._concurrency
        )

    def _answer(self, request: Request) -> Ranking:
        body = fill(self.body, request, self._values.catalog)
        try:
            content = self._sent(json.dumps(body).encode())
        except urllib.error.HTTPError as error:
            if error.code in (401, 403):
                raise ModelUnavailable(
                    f"the endpoint {self.name!r} refuses the request (status {error.code}).",
                    expected="headers with a key that it knows.",
                    do="set the environment variables that the headers name.",
                ) from None
            said = error.read(2000).decode("utf-8", "replace")
            return self._failed(f"status {error.code}: {said}")
        except (OSError, ValueError) as error:  # lost, too late, or too large
            return self._failed(f"{type(error).__name__}: {error}")
        return self._read(content, request)

    def _sent(self, body: bytes) -> bytes:
        """Send a body until there is a reply, or no more attempts."""
        for attempt in stamina.retry_context(
            on=_wait, attempts=self._attempts, timeout=None, wait_max=30.0
        ):
            with attempt:
                return self._send(body)
        raise AssertionError("the last attempt returns or raises")

    def _send(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json", **self._headers}
        asked = urllib.request.Request(self.url, body, headers, method="POST")
        with self._opener.open(asked, timeout=self.timeout) as reply:
            content = reply.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ValueError(f"the reply is longer than {LARGEST} bytes")
        return content

    def _failed(self, detail: str) -> Ranking:
        hidden = without_keys(valid_text(detail), self._headers.values())
        return Ranking(outcome=Outcome.ERROR, detail=hidden)

    def _read(self, content: bytes, request: Request) -> Ranking:
        try:
            reply = json.loads(content)
            found = find(reply, self.items)
            scores = None if self.scores is None else _numbers(find(reply, self.scores))
        except (ValueError, LookupError, RecursionError) as error:
            detail = valid_text(f"{type(error).__name__}: {error}", 200)
            text = valid_text(content[:2000].decode("utf-8", "replace"))
            return Ranking(outcome=Outcome.UNPARSABLE, text=text, detail=detail)
        if isinstance(found, list):
            found = [str(i) if isinstance(i, int) and not isinstance(i, bool) else i for i in found]
            if scores is not None and len(scores) != len(found):
                detail = f"{len(scores)} scores for {len(found)} items"
                return Ranking(outcome=Outcome.UNPARSABLE, detail=detail)
        try:
            return self._values.read(found, request.k, scores)
        except WrongUse as error:
            return Ranking(outcome=Outcome.UNPARSABLE, detail=valid_text(error.seen, 200))


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Headers hold keys, which must not go anywhere else."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _wait(error: Exception) -> bool | float:
    """Say whether to try again, or after how many seconds."""
    if not isinstance(error, urllib.error.HTTPError):
        return isinstance(error, OSError)
    return try_again(error.code, {key.lower(): value for key, value in error.headers.items()})


def _from_environment(value: str) -> str:
    if not value.startswith("$"):
        return value
    found = os.environ.get(value[1:])
    if found is None:
        raise WrongUse(
            f"the environment variable {value[1:]} is not set.",
            expected="every variable that a header names.",
            do=f"export {value[1:]}=... before the audit.",
        )
    return found


def _numbers(found: Any) -> list[float]:
    numbers = [float(number) for number in found]
    if not all(map(math.isfinite, numbers)):
        raise ValueError("a score is no finite number")
    return numbers
