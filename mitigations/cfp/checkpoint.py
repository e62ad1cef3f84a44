"""The state of a training run as files, so that a killed one goes on where it was."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save

from fairrec.errors import WrongUse
from fairrec.files import write_atomically
from fairrec.mitigations.cfp.artefact import model_identity
from fairrec.mitigations.cfp.training import Training
from fairrec.mitigations.cfp.validation import Look
from fairrec.types import content_hash

FILE = "checkpoint.safetensors"
"""One file, written whole or not at all: numbers and words are in its header."""


def store(training: Training, folder: Path) -> None:
    """Write the state of a training run.

    Raises:
        RunBroken: The folder cannot be written.
    """
    tensors = {f"best.{name}": tensor for name, tensor in training.best.items()}
    for name, module in _modules(training).items():
        tensors |= {f"{name}.{n}": tensor for n, tensor in module.state_dict().items()}
    for name, optimiser in _optimisers(training).items():
        for number, state in optimiser.state_dict()["state"].items():
            tensors |= {f"{name}.{number}.{n}": torch.as_tensor(v) for n, v in state.items()}
    facts = {
        "run": _run_hash(training),
        "step": training.step,
        "looks": [asdict(look) for look in training.looks],
    }
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    write_atomically(folder / FILE, save(plain, {"facts": json.dumps(facts)}))


def restore(training: Training, folder: Path) -> None:
    """Put a training run where the folder's checkpoint, if there is one, left it.

    Raises:
        WrongUse: The checkpoint is of another run: of other settings, users or another model.
    """
    path = folder / FILE
    if not path.exists():
        return
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    facts = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["facts"])
    if facts["run"] != _run_hash(training):
        raise WrongUse(
            f"{path} is the checkpoint of another run.",
            expected="the same settings, users and model.",
            do="choose another folder, or delete the checkpoint to start over.",
        )
    tensors = load(content)
    training.step = facts["step"]
    training.looks[:] = [Look(**look) for look in facts["looks"]]
    training.best = _under("best.", tensors)
    for name, module in _modules(training).items():
        module.load_state_dict(_under(f"{name}.", tensors))
    for name, optimiser in _optimisers(training).items():
        state = optimiser.state_dict()
        states: dict[int, dict[str, torch.Tensor]] = {}
        for key, tensor in _under(f"{name}.", tensors).items():
            number, part = key.split(".", 1)
            states.setdefault(int(number), {})[part] = tensor
        optimiser.load_state_dict({**state, "state": states})


def _modules(training: Training) -> dict[str, torch.nn.Module]:
    return {"prefixes": training.prefixes, "discriminators": training.hiding.discriminators}


def _optimisers(training: Training) -> dict[str, torch.optim.Optimizer]:
    optimisers: dict[str, torch.optim.Optimizer] = {"optimiser": training.optimiser}
    if training.hiding.optimiser is not None:
        optimisers["adversary"] = training.hiding.optimiser
    return optimisers


def _under(start: str, tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
    return {name[len(start) :]: t for name, t in tensors.items() if name.startswith(start)}


def _run_hash(training: Training) -> str:
    settings = asdict(training.settings)
    people = [[u.id, dict(u.profile), list(u.history)] for u in training.people.users]
    return content_hash(
        [
            list(training.attributes),
            json.loads(json.dumps(settings)),
            content_hash(people),
            model_identity(training.recommender.module),
        ]
    )
