"""Models with a regression head: a text to a number. Imports torch and transformers.

The head is `AutoModelForSequenceClassification` with one output, as rating predictors are tuned.
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

BATCH = 32
"""Texts that are computed together."""


class RegressionModel:
    """A transformers model with one output.

    Args:
        model: A model for sequence classification with one label, in eval mode.
        tokenizer: Its tokenizer.
        description: Name and weights: what identifies the model in recorded answers.

    Raises:
        WrongUse: The model has another number of outputs.
    """

    def __init__(self, model: Any, tokenizer: Any, description: Mapping[str, Any]) -> None:
        if model.config.num_labels != 1:
            raise WrongUse(
                f"the model has {model.config.num_labels} outputs.",
                expected="one: a regression head.",
                do="load it with num_labels=1, or read its ratings from text.",
            )
        self._model = model
        self._tokenizer = tokenizer
        self.description: Mapping[str, Any] = described(
            model, description, architecture="regression"
        )

    @property
    def context_length(self) -> int:
        """See `fairrec.protocols.HasContext`."""
        return int(self._model.config.max_position_embeddings)

    def count_tokens(self, prompt: Prompt) -> int:
        """See `fairrec.protocols.HasContext`."""
        return len(self._tokenizer(prompt.user).input_ids)

    @torch.inference_mode()
    def predict(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return one number per text; see `fairrec.protocols.PredictsNumbers`."""
        found = np.empty(len(texts))
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            batch = [texts[i] for i in places]
            encoded = self._tokenizer(batch, padding=True, return_tensors="pt")
            logits = self._model(**encoded.to(self._model.device)).logits
            found[places] = logits[:, 0].double().cpu().numpy()
        return found
