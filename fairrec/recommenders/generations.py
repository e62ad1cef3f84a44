"""What recommenders share that read what a language model wrote."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from fairrec.errors import BackendFailed
from fairrec.protocols import Generation, GenerationParameters, LanguageModel, Prompt
from fairrec.seeds import derive_seed
from fairrec.types import Outcome, Request, Usage


def generate_seeded(
    model: LanguageModel,
    prompts: Sequence[Prompt],
    requests: Sequence[Request],
    parameters: GenerationParameters,
    purpose: str,
) -> list[Generation]:
    """Generate a text per prompt, each sampled with a seed of its own.

    The seed comes from the run's, the prompt and the request's replicate, so that neither order
    nor batch matters.

    Args:
        model: What generates.
        prompts: What is asked.
        requests: The request that each prompt belongs to.
        parameters: How text is generated; with the run's seed.
        purpose: Tells these draws from others of the run.
    """
    if not prompts:
        return []
    if parameters.temperature == 0:
        return model.generate(prompts, parameters, None)
    seeds = [
        derive_seed(parameters.seed, purpose, repr(prompt), str(request.replicate))
        for prompt, request in zip(prompts, requests, strict=True)
    ]
    return model.generate(prompts, parameters, seeds)


def described(parameters: GenerationParameters) -> dict[str, Any]:
    """Return parameters as plain JSON types; the seed only counts when text is sampled."""
    told = {**dataclasses.asdict(parameters), "stop": list(parameters.stop)}
    if parameters.temperature == 0:
        del told["seed"]
    return told


def withheld(generation: Generation) -> tuple[Outcome, str] | None:
    """Return the outcome and detail of an answer that the back-end did not give, else None."""
    if generation.finish == "filter":
        return Outcome.FILTERED, generation.detail or "the back-end filtered the answer"
    if generation.finish == "error":
        return Outcome.ERROR, generation.detail or "the back-end failed"
    return None


def texts_of(generations: Sequence[Generation]) -> list[str]:
    """Return what was written.

    Raises:
        BackendFailed: The back-end failed at one of them, which is no answer to read.
    """
    for generation in generations:
        failed = withheld(generation)
        if failed is not None and failed[0] is Outcome.ERROR:
            raise BackendFailed(failed[1])
    return [generation.text for generation in generations]


def used(*generations: Generation) -> Usage | None:
    """Return the tokens of generations together, or None where the back-end counts none."""
    usage = Usage(
        sum(generation.prompt_tokens for generation in generations),
        sum(generation.completion_tokens for generation in generations),
    )
    return usage if usage != Usage() else None
