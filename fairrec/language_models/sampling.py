"""Sampling from a model's distribution, each answer by its own seed. Imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import transformers


class SeededSampling(transformers.LogitsProcessor):
    """Turns greedy decoding into sampling, each row by its own seed.

    The largest of logits plus independent Gumbel noise is a sample from their softmax
    (Gumbel 1954); with a generator per row, an answer does not depend on its neighbours.
    """

    def __init__(self, temperature: float, top_p: float, seeds: Sequence[int]) -> None:
        self._temperature = temperature
        self._top_p = top_p
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        scores = scores.float() / self._temperature
        if self._top_p < 1:
            warper: Any = transformers.TopPLogitsWarper(self._top_p)
            scores = warper(input_ids, scores)
        uniform = torch.stack(
            [torch.rand(scores.shape[1], generator=generator) for generator in self._generators]
        )
        noise = -torch.log(-torch.log(uniform.clamp(1e-20, 1 - 1e-7)))
        return scores + noise.to(scores.device)
