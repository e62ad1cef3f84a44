"""What adapters of systems elsewhere share: asking side by side, asking again, hiding keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Answer = TypeVar("Answer")

LONGEST_WAIT = 60.0
"""Seconds that a Retry-After is kept to at most."""


def side_by_side(jobs: Sequence[Callable[[], Answer]], concurrency: int) -> list[Answer]:
    """Do jobs in threads and return their results in order.

    The first is done alone, so that a refused key is not sent many times over.
    """
    if not jobs:
        return []
    first = jobs[0]()
    with ThreadPoolExecutor(concurrency) as pool:
        return [first, *pool.map(lambda job: job(), jobs[1:])]


def try_again(status: int | None, headers: Mapping[str, str] | None = None) -> bool | float:
    """Say whether a failure may pass by itself, or after how many seconds, as stamina takes it.

    Args:
        status: Of HTTP: 408, 409, 429 and 5xx may pass. None is no status, which does not.
        headers: Whose Retry-After is kept to.
    """
    if status is None or (status not in (408, 409, 429) and status < 500):
        return False
    try:
        wanted = float((headers or {}).get("retry-after", ""))
    except ValueError:  # absent, or a date
        return True
    return min(max(wanted, 0.0), LONGEST_WAIT)


def without_keys(text: str, keys: Iterable[str], most: int = 300) -> str:
    """Return the beginning of a text on one line, with dots in place of keys that it repeats."""
    for key in keys:
        if len(key) > 3:  # shorter ones are no secrets, and stand in other words
            text = text.replace(key, "...")
    return " ".join(text.split())[:most]
