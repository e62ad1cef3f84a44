"""The vectors that attributes are hidden in: one per user and span, from a forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from fairrec.errors import WrongUse
from fairrec.protocols import ForwardPass, TrainsThrough
from fairrec.types import Request


def forward(
    recommender: TrainsThrough,
    bf16: bool,
    requests: Sequence[Request],
    targets: Sequence[Sequence[str]] | None = None,
) -> ForwardPass:
    """Run a recommender's model in its own precision, or in bfloat16, and return fp32."""
    device = recommender.module.device.type
    with torch.autocast(device, torch.bfloat16, enabled=bf16):
        passed = recommender.forward(requests, targets)
    return replace(passed, states=passed.states.float(), output=passed.output.float())


def span_vectors(passed: ForwardPass, spans: Sequence[str]) -> dict[str, torch.Tensor]:
    """Return, per span, one vector per request: states averaged over it, or the output.

    Raises:
        WrongUse: There is no such span, or a request has nothing in it.
    """
    return {span: _vectors(passed, span) for span in spans}


def _vectors(passed: ForwardPass, span: str) -> torch.Tensor:
    if span == "output":
        return passed.output
    if span not in passed.spans:
        raise WrongUse(
            f"the prompt has no span {span!r}.",
            expected=f"one of {', '.join([*passed.spans, 'output'])}.",
        )
    inside = passed.spans[span]
    if not bool(inside.any(1).all()):
        raise WrongUse(
            f"{int((~inside.any(1)).sum())} prompt(s) have nothing in the span {span!r}.",
            expected="the span in every prompt: otherwise these users would go unprotected.",
            do="choose another span, or requests that have it.",
        )
    inside = inside.unsqueeze(-1)
    return (passed.states * inside).sum(1) / inside.sum(1)
