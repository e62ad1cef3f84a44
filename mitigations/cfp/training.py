"""The training of fair prompts: one loop, whose every draw follows from seed and step.

So that a run which was killed goes on from its last checkpoint exactly as it would have gone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fairrec.errors import RunBroken, WrongUse
from fairrec.mitigations.cfp.attaching import KeysValues, attached, sites_of
from fairrec.mitigations.cfp.independence import (
    PENALTIES,
    Discriminator,
    information,
    reverse_gradient,
)
from fairrec.mitigations.cfp.people import People
from fairrec.mitigations.cfp.prefix import FairPrefixes
from fairrec.mitigations.cfp.settings import FairPromptSettings
from fairrec.protocols import ForwardPass, TrainsThrough
from fairrec.seeds import derive_seed, generator
from fairrec.types import Request
from fairrec.users import User

Draw = Callable[[User, np.random.Generator], tuple[Request, list[str]]]
"""Makes a request of a user, and what should be recommended to it."""


@dataclass(frozen=True)
class Look:
    """What validation users showed.

    Attributes:
        step: Steps of the prefix so far.
        loss: Of recommending (nats a token), the mean over sets of attributes.
        aucs: By attribute, the worst |AUC - 0.5| of a linear attacker over sets and spans.
    """

    step: int
    loss: float
    aucs: Mapping[str, float]


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
        self.sets = subsets(self.attributes)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(settings.seed, "fair prompt weights") % 2**32)
            self.prefixes = FairPrefixes(
                self.attributes, sites_of(module), settings.length, settings.width
            )
            drawn = self._drawn(self.people.learners[:2], 0)
            with torch.no_grad():
                vectors = self._vectors(self.recommender.forward(*drawn))
            self.discriminators = nn.ModuleDict(
                {
                    f"{attribute} {span}": Discriminator(
                        vectors[span].shape[1], len(self.people.values[attribute])
                    )
                    for attribute in self.attributes
                    for span in settings.spans
                }
            )
        device = next(module.parameters()).device
        self.prefixes.to(device)
        self.discriminators.to(device)
        self.optimiser = torch.optim.Adam(self.prefixes.parameters(), lr=settings.learning_rate)
        self.adversary = torch.optim.Adam(
            self.discriminators.parameters(), lr=settings.discriminator_rate
        )

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
                self._look(None)
            while self.step < self.settings.steps and not self._finished():
                self._take_step()
                if self.step % self.settings.check_every == 0 or self.step == self.settings.steps:
                    self._look(self.prefixes)
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
        rng = generator(settings.seed, "fair prompt step", str(self.step))
        chosen = self.sets[int(rng.integers(len(self.sets)))]
        places = rng.choice(self.people.learners, min(settings.batch, len(self.people.learners)))
        requests, targets = self._drawn(places, self.step + 1)
        labels = {
            a: torch.from_numpy(self.people.labels[a][places]).to(self.prefixes.vectors.device)
            for a in self.attributes
        }
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(settings.seed, "fair prompt", str(self.step)) % 2**32)
            with attached(self.recommender.module, self.prefixes(chosen)):
                passed = self.recommender.forward(requests, targets)
            vectors = self._vectors(passed)
            loss = passed.loss
            if settings.method not in PENALTIES:
                still = {span: v.detach() for span, v in vectors.items()}
                if settings.method == "adversarial":
                    for _ in range(settings.discriminator_steps):
                        self._teach(still, labels)
            if self.step >= settings.warm_up or settings.method in PENALTIES:
                loss = loss + self._dependence(vectors, labels, chosen)
            if not torch.isfinite(loss):
                raise RunBroken(
                    f"the loss is {float(loss)} at step {self.step}.",
                    expected="a finite loss.",
                    do="lower the learning rate or the weight.",
                )
            self.optimiser.zero_grad()
            if settings.method == "reversal":
                self.adversary.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.prefixes.parameters(), 1.0)
            self.optimiser.step()
            if settings.method == "reversal":
                self.adversary.step()
        self.step += 1

    def _dependence(
        self,
        vectors: Mapping[str, torch.Tensor],
        labels: Mapping[str, torch.Tensor],
        chosen: Sequence[str],
    ) -> torch.Tensor:
        """Return what is to be driven to zero beside the loss of recommending."""
        total = torch.zeros((), device=self.prefixes.vectors.device)
        for attribute in self.attributes:
            weight = self.settings.weight_of(attribute)
            for span, here in vectors.items():
                discriminator = self.discriminators[f"{attribute} {span}"]
                if attribute in chosen:
                    if self.settings.method in PENALTIES:
                        penalty = PENALTIES[self.settings.method](here, labels[attribute])
                    elif self.settings.method == "reversal":
                        guesses = discriminator(reverse_gradient(here * 1.0))
                        penalty = nn.functional.cross_entropy(guesses, labels[attribute])
                    else:
                        penalty = information(discriminator(here), labels[attribute])
                    total = total + weight * penalty
                elif self.settings.keep and self.settings.method == "adversarial":
                    total = total + self.settings.keep * nn.functional.cross_entropy(
                        discriminator(here), labels[attribute]
                    )
        return total

    def _teach(
        self, vectors: Mapping[str, torch.Tensor], labels: Mapping[str, torch.Tensor]
    ) -> None:
        losses = [
            nn.functional.cross_entropy(
                self.discriminators[f"{attribute} {span}"](here), labels[attribute]
            )
            for attribute in self.attributes
            for span, here in vectors.items()
        ]
        self.adversary.zero_grad()
        torch.stack(losses).sum().backward()
        self.adversary.step()

    def _drawn(self, places: NDArray[np.intp], round: int) -> tuple[list[Request], list[list[str]]]:
        drawn = [
            self.draw(
                self.people.users[n],
                generator(self.settings.seed, "fair prompt example", str(round), str(i)),
            )
            for i, n in enumerate(places)
        ]
        return [request for request, _ in drawn], [wanted for _, wanted in drawn]

    def _vectors(self, passed: ForwardPass) -> dict[str, torch.Tensor]:
        return {span: vectors_of(passed, span) for span in self.settings.spans}

    def _look(self, prefixes: FairPrefixes | None) -> None:
        """Look at the validation users with every set of attributes hidden."""
        learners = generator(self.settings.seed, "fair prompt look").permutation(
            self.people.learners
        )
        places = np.concatenate([learners[:2000], self.people.validators])
        seen = np.arange(len(places)) < min(2000, len(learners))
        losses: list[float] = []
        worst = dict.fromkeys(self.attributes, 0.0)
        for chosen in self.sets:
            loss, vectors = self._passed(places, prefixes, chosen, seen)
            losses.append(loss)
            for attribute in chosen:
                labels = self.people.labels[attribute][places]
                for here in vectors.values():
                    worst[attribute] = max(worst[attribute], _linear_gap(here, labels, seen))
            if prefixes is None and len(chosen) == len(self.attributes):
                break
        self.looks.append(Look(self.step, float(np.mean(losses)), worst))
        if prefixes is not None and self._score(self.looks[-1]) <= min(
            self._score(look) for look in self.looks[1:]
        ):
            self.best = {n: t.detach().clone() for n, t in prefixes.state_dict().items()}

    @torch.no_grad()
    def _passed(
        self,
        places: NDArray[np.intp],
        prefixes: FairPrefixes | None,
        chosen: Sequence[str],
        seen: NDArray[np.bool_],
    ) -> tuple[float, dict[str, NDArray[np.float64]]]:
        requests, targets = self._drawn(places, 0)
        losses: list[tuple[float, int]] = []
        vectors: dict[str, list[NDArray[np.float64]]] = {s: [] for s in self.settings.spans}
        pairs = {} if prefixes is None else prefixes(chosen)
        for start in range(0, len(places), self.settings.batch):
            part = slice(start, start + self.settings.batch)
            if pairs:
                with attached(self.recommender.module, pairs):
                    passed = self.recommender.forward(requests[part], targets[part])
            else:
                passed = self.recommender.forward(requests[part], targets[part])
            unseen = int((~seen[part]).sum())
            losses.append((float(passed.loss), unseen))
            for span, here in self._vectors(passed).items():
                vectors[span].append(here.double().cpu().numpy())
        loss = sum(value * n for value, n in losses) / sum(n for _, n in losses)
        return loss, {span: np.concatenate(parts) for span, parts in vectors.items()}

    def _score(self, look: Look) -> float:
        """Return how far a look is from what is wanted: first hidden, then as good as before."""
        over = sum(max(0.0, gap - self.settings.tolerance) for gap in look.aucs.values())
        return look.loss / self.looks[0].loss + 5 * over

    def _finished(self) -> bool:
        scores = [self._score(look) for look in self.looks[1:]]
        return len(scores) - int(np.argmin(scores or [0])) > self.settings.patience


def subsets(attributes: Sequence[str]) -> list[tuple[str, ...]]:
    """Return every non-empty set of attributes, small ones first, in the given order."""
    return [
        chosen
        for size in range(1, len(attributes) + 1)
        for chosen in combinations(attributes, size)
    ]


def vectors_of(passed: ForwardPass, span: str) -> torch.Tensor:
    """Return one vector per request: states averaged over a span, or the output.

    Raises:
        WrongUse: A request has no such span.
    """
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


def _linear_gap(
    vectors: NDArray[np.float64], labels: NDArray[np.int64], seen: NDArray[np.bool_]
) -> float:
    """Return |AUC - 0.5| of a linear attacker on the users that are not `seen`."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    from fairrec.evidence.auc import within_fold_auc

    vectors = vectors[:, vectors.std(0) > 1e-9]
    present = np.intersect1d(labels[seen], labels[~seen])
    kept = np.isin(labels, present)
    if vectors.shape[1] == 0 or len(present) < 2:
        return 0.0
    attacker: Any = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    attacker.fit(vectors[seen & kept], labels[seen & kept])
    scores = attacker.predict_proba(vectors[~seen & kept])
    known = np.searchsorted(attacker.classes_, labels[~seen & kept])
    aucs = within_fold_auc(scores[None], known[None], np.zeros(len(known), dtype=np.intp))
    return float(abs(aucs[0] - 0.5))
