"""Loops that NumPy cannot take: compiled by numba where it is installed, plain Python elsewhere.

Compiled or not, a function returns the same numbers; the tests compare the two.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from types import FunctionType
from typing import Any


class Compiled:
    """A function of arrays and numbers, compiled when it is first called.

    It may call NumPy, built-ins and other compiled functions. What numba made is kept on disk for
    the next process, but not if a function of another file is called: numba would not notice when
    that one is edited. numba comes with ``pip install "fairrec[fast]"``.

    Attributes:
        python: The function itself, uncompiled.
    """

    def __init__(self, function: FunctionType | Callable[..., Any]) -> None:
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
    # numba knows nothing of this class: it is shown what stands behind it.
    called = {
        name: value
        for name, value in function.__globals__.items()
        if isinstance(value, Compiled) and name in function.__code__.co_names
    }
    if not called:
        return njit(cache=True)(function)
    inner = {name: _compile(value.python) for name, value in called.items()}
    whole = FunctionType(function.__code__, {**function.__globals__, **inner}, function.__name__)
    whole.__qualname__, whole.__module__ = function.__qualname__, function.__module__
    own = all(value.python.__module__ == function.__module__ for value in called.values())
    return njit(cache=own)(whole)
