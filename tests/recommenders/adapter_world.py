"""A small world for tests of adapters: ten films, two arms of one user, and a model that scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fairrec.catalogs import Catalog
from fairrec.language_models import ScriptedModel
from fairrec.protocols import GenerationParameters, Prompt
from fairrec.types import Request

TITLES = (
    "Heat",
    "Alien",
    "Jaws",
    "Up",
    "Casino",
    "Big",
    "Speed",
    "Fargo",
    "Rocky",
    "Twelve Monkeys",
)
CATALOG = Catalog(tuple(f"i{n}" for n in range(10)), TITLES)
POOL = ("i2", "i3", "i4", "i5", "i6")


def asked(statement: str = "I am a woman.", k: int = 3, **changes: Any) -> Request:
    """A request with a history of two and five candidates."""
    told: dict[str, Any] = {
        "instruction": f"{statement} I have watched and liked these movies: Heat; Alien.",
        "history": ("i0", "i1"),
        "candidates": POOL,
        "slots": {"user": "u"},
        **changes,
    }
    return Request(k, **told)


def writes(answer: Callable[[Prompt], str] | str) -> ScriptedModel:
    """A model that answers by a function of the prompt, or always the same."""

    def reply(prompt: Prompt, seed: int) -> str:
        return answer if isinstance(answer, str) else answer(prompt)

    return ScriptedModel(reply, lambda prompt, text: -1.0, {"name": "script"})


class Chooser:
    """A model that scores choices by a function, and knows how much it can read (in words)."""

    def __init__(self, logprob: Callable[[Prompt, str], float], context_length: int = 1000) -> None:
        self._logprob = logprob
        self.context_length = context_length
        self.description: Mapping[str, Any] = {"name": "chooser"}
        self.seen: list[Prompt] = []

    def count_tokens(self, prompt: Prompt) -> int:
        return len(prompt.user.split())

    def choice_logprobs(self, prompts: Sequence[Prompt], choices: Sequence[str]) -> np.ndarray:
        self.seen += prompts
        return np.array(
            [[self._logprob(prompt, choice) for choice in choices] for prompt in prompts]
        )

    def generate(
        self,
        prompts: Sequence[Prompt],
        parameters: GenerationParameters,
        seeds: Sequence[int] | None = None,
    ) -> list:
        raise AssertionError("this model is not asked to write")
