"""Copies of a transformers model's cache: some of its rows, in any order and number."""

from __future__ import annotations

from typing import Any

import torch
import transformers


def rows_of(cache: Any, rows: torch.Tensor) -> Any:
    """Return a copy of a cache with these rows; the cache itself is not touched.

    Args:
        cache: A `DynamicCache` or `EncoderDecoderCache`.
        rows: Row numbers, repeats allowed.
    """
    if isinstance(cache, transformers.EncoderDecoderCache):
        return transformers.EncoderDecoderCache(
            rows_of(cache.self_attention_cache, rows),
            rows_of(cache.cross_attention_cache, rows),
        )
    return transformers.DynamicCache(
        [(layer.keys[rows], layer.values[rows]) for layer in cache.layers]
    )
