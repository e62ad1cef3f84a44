"""Reading one step ahead: the next batch is made while this one is added up."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(steps: Iterator[T]) -> Iterator[T]:
    """Yield what an iterator yields, in its order, each made on another thread beforehand.

    Reading, looking up and sorting let go of the interpreter's lock, so that they cost little
    beside the adding up. The order is that of one thread, and so are all numbers.
    """
    with ThreadPoolExecutor(1, "reading") as thread:
        coming = thread.submit(next, steps, None)
        while (step := coming.result()) is not None:
            coming = thread.submit(next, steps, None)
            yield step
