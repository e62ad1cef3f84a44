"""Language models through LiteLLM, which speaks the protocols of many providers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module, metadata
from typing import Any

import stamina

from fairrec.errors import ModelUnavailable
from fairrec.language_models.conversation import conversation
from fairrec.protocols import Generation, GenerationParameters, Prompt
from fairrec.remote import side_by_side, try_again, without_keys

COMPROMISED = ("1.82.7", "1.82.8")
"""Releases that carried somebody else's code; they are never imported."""

_FINISH = {"length": "length", "content_filter": "filter"}


def check_release(version: str) -> None:
    """Refuse a release that must not run.

    Raises:
        ModelUnavailable: It is one of `COMPROMISED`.
    """
    if version in COMPROMISED:
        raise ModelUnavailable(
            f"litellm {version} is installed, a release that was tampered with.",
            expected="any other release.",
            do="pip install --upgrade 'fairrec[litellm]', and change every key that this "
            "machine had while it was installed.",
        )


class LiteLLMModel:
    """A model by LiteLLM's name for it, such as ``anthropic/claude-3-5-haiku-latest``.

    Keys come from the environment, by the names that LiteLLM documents. Retries are stamina's
    alone.

    Args:
        model: The name.
        concurrency: Requests at one time.
        attempts: Tries of one request.
        timeout: Seconds for one try.

    Raises:
        ModelUnavailable: litellm is not installed, or a release that must not run.
    """

    def __init__(
        self, model: str, *, concurrency: int = 8, attempts: int = 5, timeout: float = 120.0
    ) -> None:
        try:
            check_release(metadata.version("litellm"))  # before any of its code runs
            self._litellm: Any = import_module("litellm")
        except (metadata.PackageNotFoundError, ImportError) as error:
            raise ModelUnavailable(
                "litellm cannot be imported.",
                expected="the extra 'litellm'.",
                do="pip install 'fairrec[litellm]', or use openai:MODEL@URL.",
            ) from error
        self.model = model
        self._concurrency = concurrency
        self._attempts = attempts
        self._timeout = timeout

    @property
    def description(self) -> Mapping[str, Any]:
        """Name of the model; a provider does not say which weights answer."""
        return {"name": self.model, "backend": "litellm"}

    def generate(
        self,
        prompts: Sequence[Prompt],
        parameters: GenerationParameters,
        seeds: Sequence[int] | None = None,
    ) -> list[Generation]:
        """Generate text; see `fairrec.protocols.LanguageModel`. A prefill is not sent."""
        chosen = seeds if seeds is not None else [parameters.seed] * len(prompts)
        jobs = [
            partial(self._one, prompt, seed, parameters)
            for prompt, seed in zip(prompts, chosen, strict=True)
        ]
        return side_by_side(jobs, self._concurrency)

    def _one(self, prompt: Prompt, seed: int, parameters: GenerationParameters) -> Generation:
        try:
            reply = self._completion(prompt, seed, parameters)
            chosen = reply.choices[0]
            return Generation(
                chosen.message.content or "",
                _FINISH.get(chosen.finish_reason, "stop"),
                reply.usage.prompt_tokens,
                reply.usage.completion_tokens,
            )
        except Exception as error:  # litellm passes on what providers raise
            said = without_keys(str(error), ())
            return Generation("", "error", detail=f"{type(error).__name__}: {said}")

    def _completion(self, prompt: Prompt, seed: int, parameters: GenerationParameters) -> Any:
        options: dict[str, Any] = {"temperature": parameters.temperature}
        if parameters.temperature > 0:
            options |= {"top_p": parameters.top_p, "seed": seed % 2**31}
        for attempt in stamina.retry_context(on=_passing, attempts=self._attempts, timeout=None):
            with attempt:
                return self._litellm.completion(
                    model=self.model,
                    messages=conversation(prompt),
                    max_tokens=parameters.max_new_tokens,
                    stop=list(parameters.stop) or None,
                    timeout=self._timeout,
                    num_retries=0,
                    **options,
                )
        raise AssertionError("the last attempt returns or raises")


def _passing(error: Exception) -> bool | float:
    return try_again(getattr(error, "status_code", None))
