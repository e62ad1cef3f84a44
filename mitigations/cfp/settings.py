"""How counterfactually fair prompts are trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from fairrec.errors import WrongUse

Method = Literal["adversarial", "reversal", "mmd", "hsic", "wasserstein"]


@dataclass(frozen=True, kw_only=True)
class FairPromptSettings:
    """How prompts are trained.

    Attributes:
        spans: From which vectors attributes are to be hidden: "user", "history", "prompt" or
            "last" (the model's last states, averaged over that part of the prompt), or "output":
            the log-probabilities of what comes first in the answer, a smooth stand-in for the
            list (no sampling, so neither REINFORCE nor a straight-through estimate is needed).
        method: "adversarial" (UP5's: a discriminator and the prefix take turns), "reversal" (both
            at once, by gradient reversal), or a penalty of dependence without a discriminator:
            "mmd", "hsic" or "wasserstein". Ours is "mmd": steadier, and faster.
        weight: How much hiding counts against recommending (lambda), for all attributes. With
            discriminators 1 to 5 is about as much as 20 with "mmd".
        weights: By attribute, where it differs.
        keep: How much it counts that what is not hidden can still be read (with discriminators
            alone, when there are several attributes). UP5 has `weight` here; 0 is ours, since
            nobody is served by a model that must tell a user's age when gender is hidden.
        length: Of a prefix; 5 to 30 in UP5.
        width: Of the trained vectors.
        steps: Gradient steps of the prefix.
        batch: Users a step.
        discriminator_steps: Steps of discriminators a step of the prefix.
        learning_rate: Of the prefix, at the start; it falls to 0 as half a cosine.
        discriminator_rate: Of discriminators.
        warm_up: First steps in which discriminators learn and the prefix only recommends.
        check_every: Steps between looks at the validation users.
        patience: Looks without improvement before training stops.
        tolerance: An attacker's |AUC - 0.5| that validation takes as hidden.
        validation: Share of the users that training does not see.
        bf16: Whether the model computes in bfloat16 where torch's autocast does; the prefix is
            trained in fp32 all the same. On GPUs untried.
        seed: Of weights, order and split.
    """

    spans: tuple[str, ...] = ("user",)
    method: Method = "mmd"
    weight: float = 20.0
    weights: Mapping[str, float] = field(default_factory=dict)
    keep: float = 0.0
    length: int = 10
    width: int = 64
    steps: int = 1000
    batch: int = 256
    discriminator_steps: int = 3
    learning_rate: float = 3e-3
    discriminator_rate: float = 1e-3
    warm_up: int = 50
    check_every: int = 100
    patience: int = 5
    tolerance: float = 0.02
    validation: float = 0.1
    bf16: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        least = {
            "length": 1,
            "width": 1,
            "steps": 1,
            "batch": 4,
            "discriminator_steps": 1,
            "check_every": 1,
            "patience": 1,
        }
        for name, lowest in least.items():
            if getattr(self, name) < lowest:
                raise WrongUse(f"{name} is {getattr(self, name)}.", expected=f"at least {lowest}.")
        if self.method not in get_args(Method) or not self.spans:
            raise WrongUse(
                f"the method {self.method!r} on the spans {list(self.spans)}.",
                expected=f"one of {', '.join(get_args(Method))}, and at least one span.",
            )
        if not 0 < self.validation < 1:
            raise WrongUse(f"validation is {self.validation}.", expected="a share between 0 and 1.")

    def weight_of(self, attribute: str) -> float:
        """Return how much hiding an attribute counts."""
        return self.weights.get(attribute, self.weight)
