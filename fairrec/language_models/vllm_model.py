"""vLLM in this process. Untried: it needs a GPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from fairrec.errors import ModelUnavailable
from fairrec.language_models.conversation import conversation
from fairrec.protocols import Generation, GenerationParameters, Prompt


class VllmModel:
    """A model that vLLM runs, in its own precision and batches.

    Args:
        model: Hub id or folder.

    Raises:
        ModelUnavailable: vllm is not installed.
    """

    def __init__(self, model: str) -> None:
        try:
            self._vllm: Any = import_module("vllm")
        except ImportError as error:
            raise ModelUnavailable(
                "vllm cannot be imported.",
                expected="vLLM, which needs a GPU.",
                do="pip install vllm, or start its server and use openai:MODEL@URL.",
            ) from error
        self._model = self._vllm.LLM(model=model)
        self.model = model

    @property
    def description(self) -> Mapping[str, Any]:
        """Name and version of the engine."""
        return {"name": self.model, "backend": "vllm", "vllm": self._vllm.__version__}

    def generate(
        self,
        prompts: Sequence[Prompt],
        parameters: GenerationParameters,
        seeds: Sequence[int] | None = None,
    ) -> list[Generation]:
        """Generate text; see `fairrec.protocols.LanguageModel`. A prefill is not sent."""
        chosen = seeds if seeds is not None else [parameters.seed] * len(prompts)
        sampling = [
            self._vllm.SamplingParams(
                max_tokens=parameters.max_new_tokens,
                temperature=parameters.temperature,
                top_p=parameters.top_p,
                stop=list(parameters.stop) or None,
                seed=seed,
            )
            for seed in chosen
        ]
        found = self._model.chat([conversation(prompt) for prompt in prompts], sampling)
        return [
            Generation(
                answer.outputs[0].text,
                "length" if answer.outputs[0].finish_reason == "length" else "stop",
                len(answer.prompt_token_ids),
                len(answer.outputs[0].token_ids),
            )
            for answer in found
        ]
