"""A fake language model that answers by a script: for tests, documentation and first steps."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.catalogs import films
from fairrec.protocols import Generation, GenerationParameters, Prompt
from fairrec.seeds import generator

DEMO_BIAS = {"a girl": 9, "a female": 8, "a black": 6, "an old": 5}
"""Titles of 20 that the demo changes for these users on average; 3 for every other value."""

_OTHER_BIAS = 3
_FAN = re.compile(r"\b(?P<stated>(?:a|an)(?: [\w-]+)*?) fan of (?P<topic>[^.\n]+)")
_NUMBER = re.compile(r"\b(\d{1,3})\b")


class ScriptedModel:
    """A language model whose every answer is a function of the prompt.

    Args:
        answer: Gives the text for a prompt and a seed. The seed is 0 at temperature 0.
        logprob: Gives the log-probability (nats, below 0) of a continuation after a prompt;
            it is spread evenly over the continuation's words.
        description: Names the script; change it when the script changes.
    """

    def __init__(
        self,
        answer: Callable[[Prompt, int], str],
        logprob: Callable[[Prompt, str], float],
        description: Mapping[str, Any],
    ) -> None:
        self._answer = answer
        self._logprob = logprob
        self.description: Mapping[str, Any] = {**description, "backend": "scripted"}

    def generate(
        self,
        prompts: Sequence[Prompt],
        parameters: GenerationParameters,
        seeds: Sequence[int] | None = None,
    ) -> list[Generation]:
        """Answer by the script; ``max_new_tokens`` counts words."""
        if seeds is None or parameters.temperature == 0:
            seeds = [parameters.seed if parameters.temperature else 0] * len(prompts)
        return [
            self._cut(self._answer(prompt, seed), prompt, parameters.max_new_tokens)
            for prompt, seed in zip(prompts, seeds, strict=True)
        ]

    def continuation_logprobs(
        self, prompts: Sequence[Prompt], continuations: Sequence[str]
    ) -> list[list[NDArray[np.float64]]]:
        """Score by the script."""
        return [
            [self._spread(self._logprob(prompt, text), text) for text in continuations]
            for prompt in prompts
        ]

    @staticmethod
    def _spread(total: float, text: str) -> NDArray[np.float64]:
        words = max(1, len(text.split()))
        return np.full(words, total / words)

    @staticmethod
    def _cut(text: str, prompt: Prompt, most: int) -> Generation:
        words = re.findall(r"\S+\s*", text)
        finish = "length" if len(words) > most else "stop"
        return Generation(
            "".join(words[:most]) if finish == "length" else text,
            finish,
            len(prompt.user.split()),
            min(len(words), most),
        )


def demo_model() -> ScriptedModel:
    """Return the fake behind ``--model demo``.

    It recommends films by the topic alone, then swaps some for others by the stated value:
    more of them for the values in `DEMO_BIAS`, so that an audit has something to find.
    """
    return ScriptedModel(
        _demo_answer, _demo_logprob, {"name": "demo", "version": 1, "bias": DEMO_BIAS}
    )


def _read(prompt: Prompt) -> tuple[str, str]:
    found = _FAN.search(prompt.user)
    return (found["topic"], found["stated"]) if found else (prompt.user, "a")


def _swapped(stated: str) -> int:
    return 0 if stated == "a" else DEMO_BIAS.get(stated, _OTHER_BIAS)


def _demo_answer(prompt: Prompt, seed: int) -> str:
    topic, stated = _read(prompt)
    wanted = next((int(n) for n in _NUMBER.findall(prompt.user)), 20)
    titles = films().titles
    order = generator(seed, "demo", topic).permutation(len(titles))[: 2 * wanted]
    swaps = generator(seed, "demo", topic, stated)
    share = swaps.binomial(wanted, _swapped(stated) / 20)
    for place in swaps.choice(wanted, share, replace=False):
        order[place] = order[wanted + place]
    lines = (f"{rank}. {titles[i]}" for rank, i in enumerate(order[:wanted], 1))
    return "Here are some films for you:\n\n" + "\n".join(lines)


def _demo_logprob(prompt: Prompt, text: str) -> float:
    topic, stated = _read(prompt)
    liking = generator(0, "demo", topic, text).normal()
    taste = generator(0, "demo", topic, stated, text).normal()
    return -20.0 + 3.0 * (liking + 0.05 * _swapped(stated) * taste)
