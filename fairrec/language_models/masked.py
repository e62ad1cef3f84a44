"""Masked language models such as BERT, through transformers: which words could fill a gap.

Imports torch and transformers; import it only where a model is about to be loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fairrec.errors import WrongUse
from fairrec.language_models.transformers_parts import described
from fairrec.protocols import Prompt

MASK = "[MASK]"
"""The gap in a text, whatever the model's own token for it is."""

BATCH = 32
"""Texts that are computed together."""


class MaskedModel:
    """A masked language model with its head.

    Args:
        model: A transformers model for masked language modelling, in eval mode.
        tokenizer: Its tokenizer.
        description: Name and weights: what identifies the model in recorded answers.
    """

    def __init__(self, model: Any, tokenizer: Any, description: Mapping[str, Any]) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self.description: Mapping[str, Any] = described(model, description, architecture="masked")

    @property
    def context_length(self) -> int:
        """See `fairrec.protocols.HasContext`."""
        return int(self._model.config.max_position_embeddings)

    def count_tokens(self, prompt: Prompt) -> int:
        """See `fairrec.protocols.HasContext`."""
        return len(self._tokenizer(self._with_mask(prompt.user)).input_ids)

    @torch.inference_mode()
    def mask_logprobs(self, texts: Sequence[str], words: Sequence[str]) -> NDArray[np.float64]:
        """Fill the gaps; see `fairrec.protocols.FillsMasks`.

        Raises:
            WrongUse: A word is not one token of the model, or a text does not have one gap.
        """
        ids = [self._one_token(word) for word in words]
        found = np.empty((len(texts), len(words)))
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            batch = [self._with_mask(texts[i]) for i in places]
            encoded = self._tokenizer(batch, padding=True, return_tensors="pt")
            encoded = encoded.to(self._model.device)
            gaps = encoded.input_ids == self._tokenizer.mask_token_id
            if not bool((gaps.sum(1) == 1).all()):
                wrong = int((gaps.sum(1) != 1).nonzero()[0])
                raise WrongUse(
                    f"the text {batch[wrong]!r:.200} has {int(gaps[wrong].sum())} gaps.",
                    expected=f"exactly one {MASK} in every text.",
                    do="mend the template; titles must not hold a gap.",
                )
            logits = self._model(**encoded).logits[gaps].float()
            logprobs = torch.log_softmax(logits, -1)[:, ids]
            found[places] = logprobs.double().cpu().numpy()
        return found

    def _with_mask(self, text: str) -> str:
        return text.replace(MASK, self._tokenizer.mask_token)

    def _one_token(self, word: str) -> int:
        # A word inside a text begins with a space, which some tokenisers count to the word.
        for form in (word, f" {word}"):
            ids = self._tokenizer(form, add_special_tokens=False).input_ids
            if len(ids) == 1 and ids[0] != self._tokenizer.unk_token_id:
                return ids[0]
        raise WrongUse(
            f"the model has no single token for the word {word!r}.",
            expected="words that are one token each.",
            do="choose more frequent words.",
        )
