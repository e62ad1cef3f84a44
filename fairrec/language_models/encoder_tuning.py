"""Tunes a text encoder on pairs of texts that belong together. Imports torch.

The loss is the cross-entropy of finding each text's partner among those of the batch (in-batch
negatives: Henderson et al. 2017), as item encoders are tuned on items that the same people like.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from fairrec.errors import WrongUse
from fairrec.language_models.text_encoder import TextEncoder
from fairrec.seeds import derive_seed
from fairrec.types import content_hash

_SHARPNESS = 20.0
"""What cosines are multiplied by before the softmax, as sentence-transformers does by default."""


def tune_encoder(
    encoder: TextEncoder,
    pairs: Sequence[tuple[str, str]],
    *,
    steps: int = 150,
    batch: int = 32,
    learning_rate: float = 3e-5,
    seed: int = 0,
) -> TextEncoder:
    """Return a tuned copy of an encoder; the encoder itself is left as it is.

    Args:
        encoder: Where tuning starts.
        pairs: Texts that belong together, such as titles that follow one another in histories.
        steps: Batches.
        batch: Pairs in each.
        learning_rate: Of AdamW, falling to 0.
        seed: Of the batches and of dropout.

    Raises:
        WrongUse: There are fewer than two pairs, or a number is out of range.
    """
    if len(pairs) < 2 or min(steps, batch - 1) < 1:
        raise WrongUse(
            f"{len(pairs)} pairs, {steps} steps of {batch}.",
            expected="at least two pairs, a step and two pairs a batch.",
        )
    told = {"steps": steps, "batch": batch, "learning_rate": learning_rate, "seed": seed}
    model = copy.deepcopy(encoder.module)
    optimiser = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    rng = np.random.default_rng(derive_seed(seed, "encoder tuning"))
    model.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "encoder dropout"))
        for step in range(steps):
            for group in optimiser.param_groups:
                group["lr"] = learning_rate * (1 - step / steps)
            chosen = [pairs[i] for i in rng.integers(len(pairs), size=batch)]
            left, right = (_vectors(model, texts) for texts in zip(*chosen, strict=True))
            loss = torch.nn.functional.cross_entropy(
                _SHARPNESS * left @ right.T, torch.arange(batch, device=left.device)
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    tuned = {"on": content_hash([list(pair) for pair in pairs]), **told}
    return TextEncoder(model.eval(), {**encoder.description, "tuned": tuned})


def _vectors(model: torch.nn.Module, texts: Sequence[str]) -> torch.Tensor:
    prepare: Any = getattr(model, "preprocess", None) or model.tokenize
    features = prepare(list(texts))
    device = next(model.parameters()).device
    features = {
        name: value.to(device) if isinstance(value, torch.Tensor) else value
        for name, value in features.items()
    }
    return torch.nn.functional.normalize(model(features)["sentence_embedding"], dim=-1)
