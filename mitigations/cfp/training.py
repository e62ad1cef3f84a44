"""The training of fair prompts: one loop, whose every draw follows from seed and step.

So that a run which was killed goes on from its last checkpoint exactly as it would have gone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray

from fairrec.errors import RunBroken
from fairrec.mitigations.cfp.attaching import KeysValues, attached, sites_of
from fairrec.mitigations.cfp.hiding import Hiding
from fairrec.mitigations.cfp.people import People
from fairrec.mitigations.cfp.prefix import FairPrefixes
from fairrec.mitigations.cfp.settings import FairPromptSettings
from fairrec.mitigations.cfp.spans import forward, span_vectors
from fairrec.mitigations.cfp.validation import ATTACKED_FROM, Look, Validation
from fairrec.protocols import TrainsThrough
from fairrec.seeds import derive_seed, generator
from fairrec.types import Request
from fairrec.users import User

Draw = Callable[[User, np.random.Generator], tuple[Request, list[str]]]
"""Makes a request of a user, and what should be recommended to it."""


@dataclass
class Training:
    """A training run.

    Args:
        recommender: Whose model is kept as it is.
        people: Who is learned from.
        attributes: To hide.
        settings: See `FairPromptSettings`.
        draw: Makes examples of users.

    Attributes:
        step: Steps of the prefix so far.
        looks: At validation users, the first before any step and without prefixes.
        best: Parameters of the prefixes at the best look so far.
    """

    recommender: TrainsThrough
    people: People
    attributes: Sequence[str]
    settings: FairPromptSettings
    draw: Draw
    step: int = 0
    looks: list[Look] = field(default_factory=list)
    best: dict[str, torch.Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settings, module = self.settings, self.recommender.module
        device = next(module.parameters()).device
        self.sets = subsets(self.attributes)
        self.validation = self._validation()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(settings.seed, "fair prompt weights") % 2**32)
            self.prefixes = FairPrefixes(
                self.attributes, sites_of(module), settings.length, settings.width
            ).to(device)
            with torch.no_grad():
                passed = self.recommender.forward(self.validation.requests[:2])
            widths = {s: v.shape[1] for s, v in span_vectors(passed, settings.spans).items()}
            values = {name: len(self.people.values[name]) for name in self.attributes}
            self.hiding = Hiding(settings, values, widths, device)
        self.optimiser = torch.optim.Adam(self.prefixes.parameters(), lr=settings.learning_rate)

    def run(self, tell: Callable[[Training], None] | None = None) -> None:
        """Train until the steps are done or validation no longer improves.

        Args:
            tell: Called after every look; a checkpoint is written there.

        Raises:
            RunBroken: The loss is no longer a number.
        """
        frozen = {p: p.requires_grad for p in self.recommender.module.parameters()}
        training = self.recommender.module.training
        try:
            for parameter in frozen:
                parameter.requires_grad_(False)
            self.recommender.module.eval()
            if not self.looks:
                self.looks.append(self.validation.look(0, self.sets, None))
            while self.step < self.settings.steps and not self._finished():
                self._take_step()
                if self.step % self.settings.check_every == 0 or self.step == self.settings.steps:
                    self._look()
                    if tell is not None:
                        tell(self)
        finally:
            for parameter, requires in frozen.items():
                parameter.requires_grad_(requires)
            self.recommender.module.train(training)

    def prompts(self) -> dict[str, dict[str, KeysValues]]:
        """Return the best prefixes for every set of attributes (names joined by "+")."""
        now = {name: tensor.clone() for name, tensor in self.prefixes.state_dict().items()}
        self.prefixes.load_state_dict(self.best or now)
        with torch.no_grad():
            made = {
                "+".join(chosen): {
                    site: (keys.contiguous(), values.contiguous())
                    for site, (keys, values) in self.prefixes(chosen).items()
                }
                for chosen in self.sets
            }
        self.prefixes.load_state_dict(now)
        return made

    def _take_step(self) -> None:
        settings = self.settings
        for group in self.optimiser.param_groups:
            group["lr"] = settings.learning_rate * _rate(self.step, settings.steps)
        rng = generator(settings.seed, "fair prompt step", str(self.step))
        chosen = self.sets[int(rng.integers(len(self.sets)))]
        places = rng.choice(self.people.learners, min(settings.batch, len(self.people.learners)))
        requests, targets = self._drawn(places, self.step + 1)
        labels = {
            name: torch.from_numpy(self.people.labels[name][places]).to(
                self.prefixes.vectors.device
            )
            for name in self.attributes
        }
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(settings.seed, "fair prompt", str(self.step)) % 2**32)
            with attached(self.recommender.module, self.prefixes(chosen)):
                passed = forward(self.recommender, settings.bf16, requests, targets)
            vectors = span_vectors(passed, settings.spans)
            self.hiding.teach(vectors, labels)
            loss = passed.loss + self.hiding.loss(vectors, labels, chosen, self.step)
            if not torch.isfinite(loss):
                raise RunBroken(
                    f"the loss is {float(loss)} at step {self.step}.",
                    expected="a finite loss.",
                    do="lower the learning rate or the weight.",
                )
            # What learns from this very loss: discriminators do by gradient reversal alone.
            both = settings.method == "reversal" and self.hiding.optimiser is not None
            optimisers = [self.optimiser, self.hiding.optimiser] if both else [self.optimiser]
            for optimiser in optimisers:
                optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.prefixes.parameters(), 1.0)
            for optimiser in optimisers:
                optimiser.step()
        self.step += 1

    def _drawn(self, places: NDArray[np.intp], round: int) -> tuple[list[Request], list[list[str]]]:
        drawn = [
            self.draw(
                self.people.users[n],
                generator(self.settings.seed, "fair prompt example", str(round), str(i)),
            )
            for i, n in enumerate(places)
        ]
        return [request for request, _ in drawn], [wanted for _, wanted in drawn]

    def _validation(self) -> Validation:
        learners = generator(self.settings.seed, "fair prompt look").permutation(
            self.people.learners
        )[:ATTACKED_FROM]
        places = np.concatenate([learners, self.people.validators])
        labels = {name: self.people.labels[name][places] for name in self.attributes}
        return Validation(
            self.recommender, self.settings, *self._drawn(places, 0), labels, len(learners)
        )

    def _look(self) -> None:
        self.looks.append(self.validation.look(self.step, self.sets, self.prefixes))
        scores = [self._score(look) for look in self.looks[1:]]
        if scores[-1] <= min(scores):
            state = self.prefixes.state_dict()
            self.best = {name: tensor.detach().clone() for name, tensor in state.items()}

    def _score(self, look: Look) -> float:
        """Return how far a look is from what is wanted: first hidden, then as good as before."""
        over = sum(max(0.0, gap - self.settings.tolerance) for gap in look.aucs.values())
        return look.loss / self.looks[0].loss + 5 * over

    def _finished(self) -> bool:
        scores = [self._score(look) for look in self.looks[1:]]
        return len(scores) - int(np.argmin(scores or [0])) > self.settings.patience


def _rate(step: int, steps: int) -> float:
    """Return the share of the learning rate: half a cosine from 1 down to 0."""
    return 0.5 * (1 + math.cos(math.pi * step / steps))


def subsets(attributes: Sequence[str]) -> list[tuple[str, ...]]:
    """Return every non-empty set of attributes, small ones first, in the given order."""
    return [
        chosen
        for size in range(1, len(attributes) + 1)
        for chosen in combinations(attributes, size)
    ]
