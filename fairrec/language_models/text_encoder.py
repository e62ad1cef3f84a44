"""Text encoders through sentence-transformers.

Imports torch and sentence-transformers; import it only where an encoder is about to be loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BATCH = 64
"""Texts that are computed together."""


class TextEncoder:
    """A model that turns a text into a vector of length 1.

    Args:
        model: A `sentence_transformers.SentenceTransformer`.
        description: Name and weights: what identifies the encoder in recorded answers.
    """

    def __init__(self, model: Any, description: Mapping[str, Any]) -> None:
        self._model = model
        self.description: Mapping[str, Any] = {**description, "backend": "sentence-transformers"}

    @classmethod
    def load(cls, source: str | Path, description: Mapping[str, Any]) -> TextEncoder:
        """Load an encoder from a hub id or a folder, on the best device.

        A plain transformers model becomes one by the mean of its last states.
        """
        from sentence_transformers import SentenceTransformer

        return cls(SentenceTransformer(str(source)), description)

    @property
    def module(self) -> Any:
        """The sentence-transformers model itself."""
        return self._model

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts; see `fairrec.protocols.EmbedsTexts`. Vectors have length 1."""
        if not texts:
            width = self._model.get_embedding_dimension()
            return np.empty((0, int(width)), dtype=np.float32)
        return self._model.encode(
            list(texts), batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
        )
