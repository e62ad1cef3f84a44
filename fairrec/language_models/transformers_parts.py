"""What back-ends through transformers share: their description, and where an answer ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fairrec.protocols import Generation, GenerationParameters


def described(model: Any, identity: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return what identifies a model and how it computes, in plain JSON types."""
    dtype = str(model.dtype).removeprefix("torch.")
    return {**identity, "backend": "transformers", "dtype": dtype, **more}


def generation(
    model: Any,
    tokenizer: Any,
    new: Sequence[int],
    prompt_tokens: int,
    parameters: GenerationParameters,
) -> Generation:
    """Return the text of new tokens up to the model's end or a stop, and how it ended."""
    ends = model.generation_config.eos_token_id
    ends = set(ends if isinstance(ends, list) else [ends])
    end = next((i for i, token in enumerate(new) if token in ends), None)
    kept = new if end is None else new[:end]
    text = tokenizer.decode(kept, skip_special_tokens=True)
    stopped = [text.index(stop) for stop in parameters.stop if stop in text]
    if stopped:
        text = text[: min(stopped)]
    cut = end is None and not stopped and len(new) >= parameters.max_new_tokens
    return Generation(text, "length" if cut else "stop", prompt_tokens, len(kept))
