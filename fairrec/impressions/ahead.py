"""Reading one step ahead: the next batch is made while this one is added up."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(steps: Iterator[T]) -> Iterator[T]:
    """Yield what an iterator yields, in its order, each made on another thread beforehand.

    Reading and sorting let go of the interpreter's lock, adding up by item mostly does not: two
    threads that both add up are no faster than one, while one that reads for one that adds up
    hides its own work. And since one thread alone adds up, in the order of the log, numbers do not
    depend on there being two.
    """
    with ThreadPoolExecutor(1, "reading") as thread:
        coming = thread.submit(next, steps, None)
        while (step := coming.result()) is not None:
            coming = thread.submit(next, steps, None)
            yield step
