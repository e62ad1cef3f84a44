"""Measures: pure functions on lists and arrays, one family per file, without any model."""

from fairrec.metrics.batched_similarity import (
    SIMILARITIES,
    batched_jaccard,
    batched_prag,
    batched_rbo,
    batched_serp,
    encode_lists,
)
from fairrec.metrics.similarity import DIALECTS, Dialect, jaccard, prag, rbo, serp, snsr, snsv

__all__ = [
    "DIALECTS",
    "SIMILARITIES",
    "Dialect",
    "batched_jaccard",
    "batched_prag",
    "batched_rbo",
    "batched_serp",
    "encode_lists",
    "jaccard",
    "prag",
    "rbo",
    "serp",
    "snsr",
    "snsv",
]
