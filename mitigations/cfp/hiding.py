"""What hides attributes in training: discriminators, or penalties of dependence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from fairrec.mitigations.cfp.independence import (
    PENALTIES,
    Discriminator,
    information,
    reverse_gradient,
)
from fairrec.mitigations.cfp.settings import FairPromptSettings

Labels = Mapping[str, torch.Tensor]
Vectors = Mapping[str, torch.Tensor]


class Hiding:
    """The part of the loss that is to be driven to zero, and the discriminators in it.

    Args:
        settings: Method and weights.
        values: By attribute, how many values it has.
        widths: By span, the width of its vectors.
        device: Where the discriminators are.

    Attributes:
        discriminators: By attribute and span; none for penalties of dependence.
        optimiser: Of the discriminators, None if there are none.
    """

    def __init__(
        self,
        settings: FairPromptSettings,
        values: Mapping[str, int],
        widths: Mapping[str, int],
        device: torch.device,
    ) -> None:
        self._settings = settings
        self.discriminators = nn.ModuleDict()
        self.optimiser: torch.optim.Optimizer | None = None
        if settings.method in PENALTIES:
            return
        for attribute, classes in values.items():
            for span, width in widths.items():
                self.discriminators[_name(attribute, span)] = Discriminator(width, classes)
        self.discriminators.to(device)
        self.optimiser = torch.optim.Adam(
            self.discriminators.parameters(), lr=settings.discriminator_rate
        )

    def teach(self, vectors: Vectors, labels: Labels) -> None:
        """Let discriminators that take turns with the prefix have theirs."""
        if self.optimiser is None or self._settings.method != "adversarial":
            return
        still = {span: here.detach() for span, here in vectors.items()}
        for _ in range(self._settings.discriminator_steps):
            losses = [
                cross_entropy(self._guesses(attribute, span, here), labels[attribute])
                for attribute in labels
                for span, here in still.items()
            ]
            self.optimiser.zero_grad()
            torch.stack(losses).sum().backward()
            self.optimiser.step()

    def loss(
        self, vectors: Vectors, labels: Labels, chosen: Sequence[str], step: int
    ) -> torch.Tensor:
        """Return what is added to the loss of recommending."""
        warm = step >= self._settings.warm_up
        parts = [
            self._part(attribute, span, here, labels[attribute], attribute in chosen, warm)
            for attribute in labels
            for span, here in vectors.items()
        ]
        return torch.stack(parts).sum()

    def _part(
        self,
        attribute: str,
        span: str,
        vectors: torch.Tensor,
        labels: torch.Tensor,
        hide: bool,
        warm: bool,
    ) -> torch.Tensor:
        settings = self._settings
        weight = settings.weight_of(attribute) if hide else -settings.keep
        if settings.method in PENALTIES:
            # There is no discriminator to warm up, nor one that could tell what is kept.
            return (
                weight * PENALTIES[settings.method](vectors, labels)
                if hide
                else vectors.new_zeros(())
            )
        if settings.method == "reversal":
            turned = reverse_gradient(vectors, weight if warm else 0.0)
            return cross_entropy(self._guesses(attribute, span, turned), labels)
        if not warm:
            return vectors.new_zeros(())
        guesses = self._guesses(attribute, span, vectors)
        return weight * (information(guesses, labels) if hide else -cross_entropy(guesses, labels))

    def _guesses(self, attribute: str, span: str, vectors: torch.Tensor) -> torch.Tensor:
        return self.discriminators[_name(attribute, span)](vectors)


def _name(attribute: str, span: str) -> str:
    # Modules may have no dot in their names, attributes may.
    return f"{attribute} {span}".replace(".", "_")
