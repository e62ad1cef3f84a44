"""Attaches key/value prefixes to any transformers model, and takes them off again.

Every layer of attention asks transformers' attention interface for what computes it. While
prefixes are attached, that is a function which puts a layer's prefix before its keys and values and
leaves the rest to the function that would have been asked. So a prefix is in no cache: `generate`,
beam search, padding and caches of any kind work unchanged, encoders take part, and nothing of the
model's weights or code is touched.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from fairrec.errors import WrongUse

KeysValues = tuple[torch.Tensor, torch.Tensor]
"""A layer's prefix: keys and values, each heads x length x head dimension."""

_NAME = "fairrec_prefix_"
"""Start of the names of attention with prefixes; the name of the original attention follows."""

_ORIGINALS = ("sdpa", "eager")


@dataclass(frozen=True, slots=True)
class Site:
    """A place where a prefix goes: one layer of attention.

    Attributes:
        name: Of the attention module within the model.
        heads: Of its keys and values.
        dimension: Of a head.
    """

    name: str
    heads: int
    dimension: int


def sites_of(model: Any) -> list[Site]:
    """Return the model's layers of attention in the order in which they are computed.

    They are found by running the model on one token.

    Raises:
        WrongUse: The model cannot be run so, or its attention does not go through transformers'
            attention interface, so that no prefix can be put before its keys and values.
    """
    names = {module: name for name, module in model.named_modules()}
    found: dict[str, Site] = {}

    def note(module: Any, key: torch.Tensor) -> None:
        name = names[module]
        found.setdefault(name, Site(name, key.shape[1], key.shape[3]))

    device = next(model.parameters()).device
    token = torch.zeros((1, 1), dtype=torch.long, device=device)
    inputs = {"input_ids": token}
    if getattr(model.config, "is_encoder_decoder", False):
        inputs["decoder_input_ids"] = token
    training = model.training
    try:
        with _interface(model), torch.no_grad():
            _LISTENERS.append(note)
            try:
                model.eval()(**inputs)
            finally:
                _LISTENERS.remove(note)
    except (TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise _no_prefix(model, str(error)) from error
    finally:
        model.train(training)
    if not found:
        raise _no_prefix(model, "its attention does not go through transformers' interface")
    return list(found.values())


@contextmanager
def attached(model: Any, prefixes: Mapping[str, KeysValues]) -> Iterator[None]:
    """Let every forward pass of a model see prefixes until the block ends.

    A causal model's tokens stand after the prefix: their positions count from its length, as in
    PEFT's prefix tuning. An encoder's and T5's positions are relative and do not change; a prefix
    has none.

    Args:
        model: A transformers model.
        prefixes: By the name of the attention module.

    Raises:
        WrongUse: A module is not there, or has prefixes already.
    """
    modules = dict(model.named_modules())
    if missing := [name for name in prefixes if name not in modules]:
        raise WrongUse(
            f"the model {type(model).__name__} has no {missing[0]!r}.",
            expected="the kind of model that the prompt was trained for.",
        )
    if taken := [name for name in prefixes if modules[name] in _PREFIXES]:
        raise WrongUse(
            f"{taken[0]!r} has a prefix already.",
            expected="one prompt at a time.",
            do="train one prompt for all attributes and choose among them.",
        )
    length = next(iter(prefixes.values()))[0].shape[1]
    with _interface(model), _later_positions(model, length):
        for name, pair in prefixes.items():
            _PREFIXES[modules[name]] = pair
        try:
            yield
        finally:
            for name in prefixes:
                del _PREFIXES[modules[name]]


_PREFIXES: dict[Any, KeysValues] = {}
"""What is attached now, by attention module."""

_LISTENERS: list[Any] = []
"""Told of every module that computes attention, while sites are looked for."""


def _with_prefix(original: str) -> Any:
    def attention(
        module: Any,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attention_mask: torch.Tensor | None,
        **options: Any,
    ) -> Any:
        for listener in _LISTENERS:
            listener(module, key)
        eager: Any = getattr(sys.modules[type(module).__module__], "eager_attention_forward", None)
        compute = ALL_ATTENTION_FUNCTIONS.get_interface(original, eager)
        pair = _PREFIXES.get(module)
        if pair is not None:
            attention_mask = _explicit(module, query, key, attention_mask, options)
            length = pair[0].shape[1]
            if attention_mask is not None:
                seen = True if attention_mask.dtype == torch.bool else 0.0
                attention_mask = torch.nn.functional.pad(
                    attention_mask[..., : key.shape[2]], (length, 0), value=seen
                )
            if options.get("position_bias") is not None:
                options["position_bias"] = torch.nn.functional.pad(
                    options["position_bias"], (length, 0)
                )
            keys, values = (part.to(key).expand(key.shape[0], *part.shape) for part in pair)
            key, value = torch.cat([keys, key], dim=2), torch.cat([values, value], dim=2)
        return compute(module, query, key, value, attention_mask, **options)

    return attention


def _explicit(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    mask: torch.Tensor | None,
    options: Mapping[str, Any],
) -> torch.Tensor | None:
    """Return the mask that is meant where none is given: a prefix would shift a causal one."""
    causal = options.get("is_causal")
    causal = getattr(module, "is_causal", True) if causal is None else causal
    if mask is not None or not causal or query.shape[2] == 1:
        return mask
    rows = torch.arange(query.shape[2], device=key.device)
    return (rows[:, None] >= torch.arange(key.shape[2], device=key.device))[None, None]


for _original in _ORIGINALS:
    ALL_ATTENTION_FUNCTIONS.register(_NAME + _original, _with_prefix(_original))
    ALL_MASK_ATTENTION_FUNCTIONS.register(
        _NAME + _original, ALL_MASK_ATTENTION_FUNCTIONS[_original]
    )


@contextmanager
def _interface(model: Any) -> Iterator[None]:
    """Let the model's attention go through this file."""
    configs = {
        id(module.config): module.config
        for module in model.modules()
        if hasattr(getattr(module, "config", None), "_attn_implementation")
    }
    before = {key: config._attn_implementation for key, config in configs.items()}
    try:
        for key, config in configs.items():
            if not str(before[key]).startswith(_NAME):
                name = before[key] if before[key] in _ORIGINALS else "sdpa"
                config._attn_implementation = _NAME + name
        yield
    finally:
        for key, config in configs.items():
            config._attn_implementation = before[key]


@contextmanager
def _later_positions(model: Any, length: int) -> Iterator[None]:
    base = getattr(model, model.base_model_prefix, model)
    takes = inspect.signature(base.forward).parameters
    if getattr(model.config, "is_encoder_decoder", False) or "position_ids" not in takes:
        yield
        return

    def later(_module: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        places = kwargs.get("position_ids")
        if places is None:
            embeddings, cache = kwargs.get("inputs_embeds"), kwargs.get("past_key_values")
            if embeddings is None:
                embeddings = kwargs["input_ids"] if "input_ids" in kwargs else args[0]
            seen = 0 if cache is None else cache.get_seq_length()
            places = torch.arange(embeddings.shape[1], device=embeddings.device) + seen
            places = places.unsqueeze(0)
        return args, {**kwargs, "position_ids": places + length}

    handle = base.register_forward_pre_hook(later, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


def _no_prefix(model: Any, reason: str) -> WrongUse:
    return WrongUse(
        f"no prefix can be attached to {type(model).__name__}: {reason}.",
        expected="a transformers model with attention of keys and values, such as T5 or LLaMA.",
        do="use another model; nothing was attached.",
    )
