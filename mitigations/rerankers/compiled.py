"""Loops that NumPy cannot take: compiled by numba where it is installed, plain Python elsewhere.

Compiled or not, a function returns the same numbers; the tests compare the two.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any


class Compiled:
    """A function of arrays and numbers, compiled when it is first called.

    It must be complete in itself: it calls NumPy and built-ins, no other compiled function.
    numba comes with ``pip install "fairrec[fast]"``.

    Attributes:
        python: The function itself, uncompiled.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.python = function
        self._fast: Callable[..., Any] | None = None
        update_wrapper(self, function)

    def __call__(self, *arguments: Any) -> Any:
        if self._fast is None:
            self._fast = _compile(self.python)
        return self._fast(*arguments)


def _compile(function: Callable[..., Any]) -> Callable[..., Any]:
    try:
        from numba import njit
    except ImportError:
        return function
    return njit(cache=True)(function)
