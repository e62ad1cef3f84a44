"""Trained prompts as files: safetensors and JSON.

The prompt that hides all attributes of a causal model is also written in the format of PEFT's
prefix tuning, and `PeftModel.from_pretrained` loads it from the same folder. PEFT has no prefixes
in encoders, so there is no such file for encoder-decoder models.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save

from fairrec.errors import WrongUse
from fairrec.files import write_atomically
from fairrec.mitigations.cfp.attaching import KeysValues

VERSION = 1
FACTS = "fair_prompt.json"
TENSORS = "fair_prompt.safetensors"


@dataclass(frozen=True)
class Artefact:
    """A trained prompt.

    Attributes:
        attributes: What can be hidden.
        prompts: By set of attributes (joined by "+"), by attention module, keys and values.
        model: What `model_identity` returned for the model it was trained for.
        settings: Of training.
        looks: At validation users while training.
    """

    attributes: Sequence[str]
    prompts: Mapping[str, Mapping[str, KeysValues]]
    model: Mapping[str, Any]
    settings: Mapping[str, Any]
    looks: Sequence[Mapping[str, Any]]

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) of the prefixes."""
        return hashlib.sha256(_tensors(self)).hexdigest()


def model_identity(model: Any) -> dict[str, Any]:
    """Return what tells a model from others: class, shapes, and a hash of its weights.

    The hash covers names, shapes and up to 4,096 evenly spaced values of every weight.
    """
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        flat = tensor.detach().flatten()
        step = max(1, flat.numel() // 4096)
        digest.update(f"{name}{tuple(tensor.shape)}".encode())
        digest.update(flat[::step].float().cpu().contiguous().numpy().tobytes())
    config = model.config
    return {
        "class": type(model).__name__,
        "encoder_decoder": bool(config.is_encoder_decoder),
        "hidden_size": config.hidden_size,
        "layers": config.num_hidden_layers,
        "weights": digest.hexdigest(),
    }


def check_fits(artefact: Artefact, model: Any) -> None:
    """Check that a prompt was trained for this very model.

    Raises:
        WrongUse: It was not.
    """
    theirs = model_identity(model)
    for fact, trained in artefact.model.items():
        if theirs[fact] != trained:
            raise WrongUse(
                f"the model's {fact} is {theirs[fact]!r}, the prompt's {trained!r}.",
                expected="the model that the prompt was trained for: others stay unprotected.",
                do="load that model, or train a prompt for this one.",
            )


def save_artefact(artefact: Artefact, folder: Path) -> None:
    """Write a prompt to a folder.

    Raises:
        RunBroken: The folder cannot be written.
    """
    facts = {
        "version": VERSION,
        "attributes": list(artefact.attributes),
        "model": dict(artefact.model),
        "settings": dict(artefact.settings),
        "looks": [dict(look) for look in artefact.looks],
    }
    write_atomically(folder / TENSORS, _tensors(artefact))
    write_atomically(folder / FACTS, json.dumps(facts, indent=2) + "\n")
    whole = artefact.prompts["+".join(artefact.attributes)]
    if not artefact.model["encoder_decoder"]:
        _save_for_peft(whole, folder)


def load_artefact(folder: Path) -> Artefact:
    """Read what `save_artefact` wrote.

    Raises:
        WrongUse: The folder does not hold it.
    """
    try:
        facts = json.loads((folder / FACTS).read_text("utf-8"))
        tensors = load((folder / TENSORS).read_bytes())
        if facts["version"] != VERSION:
            raise ValueError(f"version {facts['version']}, this fairrec reads {VERSION}")
        prompts: dict[str, dict[str, KeysValues]] = {}
        for name in tensors:
            chosen, site, part = name.split("|")
            if part == "keys":
                pair = (tensors[name], tensors[f"{chosen}|{site}|values"])
                prompts.setdefault(chosen, {})[site] = pair
        return Artefact(
            tuple(facts["attributes"]), prompts, facts["model"], facts["settings"], facts["looks"]
        )
    except (OSError, KeyError, ValueError) as error:
        raise WrongUse(
            f"{folder} holds no fair prompt: {error}",
            expected=f"a folder with {FACTS} and {TENSORS}, as save() writes it.",
        ) from error


def _tensors(artefact: Artefact) -> bytes:
    return save(
        {
            f"{chosen}|{site}|{part}": tensor.detach().cpu().contiguous()
            for chosen, prefixes in artefact.prompts.items()
            for site, pair in prefixes.items()
            for part, tensor in zip(("keys", "values"), pair, strict=True)
        }
    )


def _save_for_peft(prefixes: Mapping[str, KeysValues], folder: Path) -> None:
    """Write what PEFT calls prompt embeddings: length x (layers, keys and values, heads, dim)."""
    pairs = [torch.stack(pair).detach().cpu() for pair in prefixes.values()]
    layers, (_, heads, length, dimension) = len(pairs), pairs[0].shape
    table = torch.stack(pairs).permute(3, 0, 1, 2, 4).reshape(length, -1).contiguous()
    config = {
        "peft_type": "PREFIX_TUNING",
        "task_type": "CAUSAL_LM",
        "inference_mode": True,
        "num_virtual_tokens": length,
        "num_layers": layers,
        "num_attention_heads": heads,
        "num_transformer_submodules": 1,
        "token_dim": heads * dimension,
        "encoder_hidden_size": heads * dimension,
        "prefix_projection": False,
        "base_model_name_or_path": None,
    }
    write_atomically(folder / "adapter_model.safetensors", save({"prompt_embeddings": table}))
    write_atomically(folder / "adapter_config.json", json.dumps(config, indent=2) + "\n")
