"""Encoder-decoder language models such as T5, through transformers.

Imports torch and transformers; import it only where a model is about to be loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import LogitsProcessorList
from transformers.modeling_outputs import BaseModelOutput

from fairrec.language_models.sampling import SeededSampling
from fairrec.language_models.transformers_parts import described, generation
from fairrec.protocols import Generation, GenerationParameters, Prompt

BATCH = 16
"""Prompts, or continuations of one prompt, that are computed together."""


class Seq2SeqModel:
    """A model that reads the prompt with an encoder and writes with a decoder.

    The prompt's turns are joined by blank lines: such models have no chat template. A prefill is
    what the decoder begins with.

    Args:
        model: A transformers encoder-decoder model, in eval mode.
        tokenizer: Its tokenizer.
        description: Name and weights: what identifies the model in recorded answers.
    """

    def __init__(self, model: Any, tokenizer: Any, description: Mapping[str, Any]) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self.description: Mapping[str, Any] = described(
            model, description, architecture="encoder-decoder"
        )

    @property
    def module(self) -> Any:
        """The transformers model itself."""
        return self._model

    @property
    def context_length(self) -> int:
        """See `fairrec.protocols.HasContext`: of the prompt alone.

        T5 has relative positions and no limit of its own; its tokenizer knows what it was
        trained on.
        """
        known = getattr(self._model.config, "max_position_embeddings", None)
        return min(int(known or 2**31), int(self._tokenizer.model_max_length))

    def count_tokens(self, prompt: Prompt) -> int:
        """See `fairrec.protocols.HasContext`."""
        return len(self._tokenizer(_words(prompt)).input_ids)

    @torch.inference_mode()
    def generate(
        self,
        prompts: Sequence[Prompt],
        parameters: GenerationParameters,
        seeds: Sequence[int] | None = None,
    ) -> list[Generation]:
        """Generate text; see `fairrec.protocols.LanguageModel`."""
        if seeds is None:
            seeds = [parameters.seed] * len(prompts)
        answers: dict[int, Generation] = {}
        # Prompts of one batch begin their answers alike, so that none needs padding on the left.
        for start, rows in _alike([prompt.prefill for prompt in prompts]):
            encoded = self._encoded([prompts[i] for i in rows])
            options: dict[str, Any] = {}
            if parameters.temperature > 0:
                sampling = SeededSampling(
                    parameters.temperature, parameters.top_p, [seeds[i] for i in rows]
                )
                options["logits_processor"] = LogitsProcessorList([sampling])
            if parameters.stop:
                options["stop_strings"] = list(parameters.stop)
                options["tokenizer"] = self._tokenizer
            first = torch.tensor([self._first(start)] * len(rows), device=self._model.device)
            written = self._model.generate(
                **encoded,
                decoder_input_ids=first,
                max_new_tokens=parameters.max_new_tokens,
                do_sample=False,
                num_beams=1,
                **options,
            )[:, first.shape[1] :].tolist()
            lengths = encoded["attention_mask"].sum(1).tolist()
            for i, new, length in zip(rows, written, lengths, strict=True):
                answers[i] = generation(self._model, self._tokenizer, new, length, parameters)
        return [answers[i] for i in range(len(prompts))]

    def continuation_logprobs(
        self, prompts: Sequence[Prompt], continuations: Sequence[str]
    ) -> list[list[NDArray[np.float64]]]:
        """Score continuations; see `fairrec.protocols.ScoresContinuations`.

        A prompt is encoded once, whatever the number of continuations. The end of the text is
        not part of a continuation.
        """
        tails = [self._ids(text) for text in continuations]
        return [self._after(prompt, tails) for prompt in prompts]

    def choice_logprobs(
        self, prompts: Sequence[Prompt], choices: Sequence[str]
    ) -> NDArray[np.float64]:
        """Score choices; see `fairrec.protocols.ScoresChoices`."""
        found = self.continuation_logprobs(prompts, choices)
        sums = [[tokens.sum() for tokens in row] for row in found]
        return np.array(sums).reshape(len(prompts), len(choices))

    @torch.inference_mode()
    def _after(self, prompt: Prompt, tails: Sequence[list[int]]) -> list[NDArray[np.float64]]:
        encoded = self._encoded([prompt])
        states = self._model.get_encoder()(**encoded)[0]
        first = self._first(prompt.prefill)
        found: list[NDArray[np.float64]] = []
        for start in range(0, len(tails), BATCH):
            batch = tails[start : start + BATCH]
            longest = max(map(len, batch))
            pad = self._tokenizer.pad_token_id
            rows = [[*first, *tail, *[pad] * (longest - len(tail))] for tail in batch]
            logits = self._model(
                encoder_outputs=BaseModelOutput(states.expand(len(batch), -1, -1)),
                attention_mask=encoded["attention_mask"].expand(len(batch), -1),
                decoder_input_ids=torch.tensor(rows, device=states.device),
            ).logits[:, len(first) - 1 :]
            logprobs = torch.log_softmax(logits.float(), -1).double().cpu()
            for row, tail in zip(logprobs, batch, strict=True):
                found.append(row[torch.arange(len(tail)), torch.tensor(tail)].numpy())
        return found

    def _encoded(self, prompts: Sequence[Prompt]) -> dict[str, torch.Tensor]:
        texts = [_words(prompt) for prompt in prompts]
        encoded = self._tokenizer(texts, padding=True, return_tensors="pt")
        device = self._model.device
        return {name: encoded[name].to(device) for name in ("input_ids", "attention_mask")}

    def _first(self, prefill: str) -> list[int]:
        begin = self._model.config.decoder_start_token_id
        return [begin, *self._ids(prefill)] if prefill else [begin]

    def _ids(self, text: str) -> list[int]:
        return self._tokenizer(text, add_special_tokens=False).input_ids


def _words(prompt: Prompt) -> str:
    said = [text for exchange in prompt.earlier for text in exchange]
    return "\n\n".join(text for text in [prompt.system, *said, prompt.user] if text)


def _alike(beginnings: Sequence[str]) -> Iterator[tuple[str, list[int]]]:
    """Yield batches of places whose beginnings are equal."""
    for start in dict.fromkeys(beginnings):
        rows = [i for i, beginning in enumerate(beginnings) if beginning == start]
        for at in range(0, len(rows), BATCH):
            yield start, rows[at : at + BATCH]
