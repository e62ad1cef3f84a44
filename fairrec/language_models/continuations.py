"""Log-probabilities of many continuations after many prompts, nothing computed twice.

What all prompts of a call begin with is computed once; after each prompt the continuations
follow as a packed trie under a mask by which a token sees the prompt and its own ancestors only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import DynamicCache

from fairrec.language_models.packed_trie import ROOT, TrieChunk, pack


@torch.inference_mode()
def continuation_logprobs(
    model: Any, prompts: Sequence[Sequence[int]], chunks: Sequence[TrieChunk], n: int
) -> list[list[NDArray[np.float64]]]:
    """Return per prompt and continuation the log-probability (nats) of each of its tokens.

    Args:
        model: A transformers causal language model.
        prompts: Tokens of each prompt, at least two.
        chunks: The packed continuations.
        n: Number of continuations.
    """
    if not prompts:
        return []
    shared = _shared_length(prompts)
    beginning = _computed(model, prompts[0][:shared]) if shared else None
    return [_one_prompt(model, prompt, shared, beginning, chunks, n) for prompt in prompts]


def _shared_length(prompts: Sequence[Sequence[int]]) -> int:
    """Return how many tokens all prompts begin with, leaving at least one of each."""
    # The first and the last in order differ at the first token in which any two do.
    first, *_, last = sorted(map(tuple, [*prompts, prompts[0]]))
    same = 0
    while same < min(len(first), len(last)) and first[same] == last[same]:
        same += 1
    return min(same, min(map(len, prompts)) - 1)


def _computed(model: Any, tokens: Sequence[int]) -> DynamicCache:
    """Return a cache that holds these tokens."""
    cache = DynamicCache()
    ids = torch.tensor([list(tokens)], device=model.device)
    model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
    return cache


def _copy(cache: DynamicCache | None) -> DynamicCache:
    """Return a cache that starts from another one's tensors and leaves them alone."""
    fresh = DynamicCache()
    layers: list[Any] = [] if cache is None else cache.layers
    for i, layer in enumerate(layers):
        fresh.update(layer.keys, layer.values, i)
    return fresh


def _one_prompt(
    model: Any,
    prompt: Sequence[int],
    shared: int,
    beginning: DynamicCache | None,
    chunks: Sequence[TrieChunk],
    n: int,
) -> list[NDArray[np.float64]]:
    found: list[NDArray[np.float64]] = [np.empty(0)] * n
    cache, done = _copy(beginning), shared
    root: torch.Tensor | None = None
    for chunk in chunks:
        rest = list(prompt[done:])  # of the prompt; empty after the first chunk
        logits = _trie_logits(model, rest, done, chunk, cache, root)
        root = logits[:1]
        rows = np.searchsorted(_read(chunk), chunk.places) + 1
        rows[chunk.places == ROOT] = 0
        places = torch.from_numpy(rows).to(logits.device)
        targets = torch.from_numpy(chunk.targets).to(logits.device)
        normalisers = torch.logsumexp(logits, dim=-1)
        flat = (logits[places, targets] - normalisers[places]).double().cpu().numpy()
        ends = np.cumsum(chunk.lengths)[:-1]
        for i, piece in zip(chunk.continuations, np.split(flat, ends), strict=True):
            found[i] = piece
        done = len(prompt)
        if len(chunk.tokens):
            cache.crop(-len(chunk.tokens))
    return found


def _read(chunk: TrieChunk) -> NDArray[np.int64]:
    """Return the nodes whose prediction is read, in their order."""
    return np.unique(chunk.places[chunk.places != ROOT])


def _trie_logits(
    model: Any,
    rest: list[int],
    done: int,
    chunk: TrieChunk,
    cache: DynamicCache,
    root: torch.Tensor | None,
) -> torch.Tensor:
    """Return logits: after the prompt's last token, then after each node that is read."""
    nodes, device = len(chunk.tokens), model.device
    if nodes == 0 and root is not None:
        return root
    length = done + len(rest)
    visible = torch.zeros(len(rest) + nodes, length + nodes, dtype=torch.bool)
    visible[: len(rest), :length] = torch.ones(len(rest), length, dtype=torch.bool).tril(done)
    visible[len(rest) :, :length] = True
    visible[len(rest) :, length:] = torch.from_numpy(chunk.visible)
    dtype = model.dtype
    mask = torch.zeros(visible.shape, dtype=dtype).masked_fill(~visible, torch.finfo(dtype).min)
    positions = [*range(done, length), *(length + chunk.depths).tolist()]
    # What no score needs is left out: the vocabulary costs as much as several layers.
    read = len(rest) + _read(chunk)
    kept = torch.tensor([*([len(rest) - 1] if rest else []), *read.tolist()], device=device)
    logits = model(
        input_ids=torch.tensor([[*rest, *chunk.tokens.tolist()]], device=device),
        attention_mask=mask[None, None].to(device),
        position_ids=torch.tensor([positions], device=device),
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=kept,
    ).logits[0]
    logits = logits.float()
    return logits if root is None else torch.cat([root, logits])


@torch.inference_mode()
def shared_prefix_choices(
    model: Any, prompts: Sequence[Sequence[int]], choices: Sequence[Sequence[int]]
) -> NDArray[np.float64]:
    """Return the log-probability (nats) of each choice after each prompt: prompts x choices.

    Args:
        model: A transformers causal language model.
        prompts: Tokens of each prompt, at least two.
        choices: Tokens of each choice, at least one.
    """
    found = np.empty((len(prompts), len(choices)))
    # The shared beginning has at least one token, so that there is a last one to go on from.
    for first in dict.fromkeys(prompt[0] for prompt in prompts):
        places = [i for i, prompt in enumerate(prompts) if prompt[0] == first]
        found[places] = _choices_after(model, [prompts[i] for i in places], choices)
    return found


def _choices_after(
    model: Any, prompts: Sequence[Sequence[int]], choices: Sequence[Sequence[int]]
) -> NDArray[np.float64]:
    shared = max(_shared_length(prompts), 1)
    tails = [[*prompt[shared:], *choice] for prompt in prompts for choice in choices]
    chunks = pack(tails, last=max(map(len, choices)))
    (found,) = continuation_logprobs(model, [prompts[0][:shared]], chunks, len(tails))
    lengths = [len(choice) for _ in prompts for choice in choices]
    sums = [tokens[-n:].sum() for tokens, n in zip(found, lengths, strict=True)]
    return np.array(sums).reshape(len(prompts), len(choices))
