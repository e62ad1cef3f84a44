"""Reads a call of the recommender out of a model's reply."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

_NAMED = re.compile(r"[\"']?tool[\"']?\s*:|<tool_call>")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call, or why it is none that can be done.

    Attributes:
        n: Titles that are asked for.
        error: What is wrong with the call; empty when nothing is.
    """

    n: int = 10
    error: str = ""

    @property
    def form(self) -> str:
        """How a call is written."""
        return json.dumps({"tool": "recommend", "n": self.n})


def read_tool_call(reply: str) -> ToolCall | None:
    """Return the call in a reply, or None where the reply does not try to call.

    A JSON object with the key "tool" is a call wherever it stands, in a code block or in
    ``<tool_call>`` too; the name and number may also stand as "name" and in "arguments".

    >>> read_tool_call('Let me see: {"tool": "recommend", "n": 5}')
    ToolCall(n=5, error='')
    >>> read_tool_call('{"tool": "recommend", "n": ').error
    'the call is not JSON'
    >>> read_tool_call("1. Jaws") is None
    True
    """
    start = reply.find("{")
    while start >= 0:
        try:
            found, _ = json.JSONDecoder().raw_decode(reply, start)
        except (json.JSONDecodeError, RecursionError):
            start = reply.find("{", start + 1)
            continue
        if isinstance(found, dict) and ("tool" in found or "<tool_call>" in reply):
            return _call(found)
        start = reply.find("{", start + 1)
    return ToolCall(error="the call is not JSON") if _NAMED.search(reply) else None


def _call(found: dict) -> ToolCall:
    name = found.get("tool", found.get("name"))
    if name != "recommend":
        return ToolCall(error=f"there is no tool {name!r:.40}")
    arguments = found.get("arguments", found)
    n = arguments.get("n", 10) if isinstance(arguments, dict) else 10
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        return ToolCall(error=f"n is {n!r:.40}, not a number of titles")
    return ToolCall(n)
