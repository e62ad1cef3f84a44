"""How much vectors say about a label: what the training of a prefix drives to zero."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

Penalty = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class Discriminator(nn.Module):
    """Guesses an attribute from vectors of users (a perceptron on normalised vectors).

    Args:
        width: Of the vectors.
        classes: Values of the attribute.
        hidden: Width of the hidden layers.
    """

    def __init__(self, width: int, classes: int, hidden: int = 128) -> None:
        super().__init__()
        self.normalise = nn.BatchNorm1d(width, affine=False)
        self.layers = nn.Sequential(
            nn.Linear(width, hidden),
            nn.LeakyReLU(),
            nn.Linear(hidden, hidden),
            nn.LeakyReLU(),
            nn.Linear(hidden, classes),
        )

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return logits, n x classes."""
        return self.layers(self.normalise(vectors))


def information(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return what a discriminator knows of the labels (nats), from 0 up.

    The entropy of the labels less the cross-entropy of the guesses, 0 where that is negative: a
    discriminator that is misled below chance is no better hidden from, and pushing on would let
    the loss fall without end. UP5 subtracts the cross-entropy itself.
    """
    shares = torch.bincount(labels, minlength=logits.shape[1]) / len(labels)
    entropy = -(shares * shares.clamp(min=1e-12).log()).sum()
    return (entropy - nn.functional.cross_entropy(logits, labels)).clamp(min=0)


class _Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, vectors: torch.Tensor, strength: float) -> torch.Tensor:  # type: ignore[override]
        ctx.strength = strength
        return vectors.view_as(vectors)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        return -ctx.strength * gradients[0], None


def reverse_gradient(vectors: torch.Tensor, strength: float = 1.0) -> torch.Tensor:
    """Return the vectors; on the way back the gradient is multiplied by -strength.

    Yaroslav Ganin and Victor Lempitsky, "Unsupervised Domain Adaptation by Backpropagation", ICML
    2015.
    """
    turned: Any = _Reversed.apply(vectors, strength)
    return turned


def maximum_mean_discrepancy(vectors: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the mean over classes of MMD^2 (biased) between a class and the rest, from 0 up.

    A sum of Gaussian kernels whose widths are 0.5, 1 and 2 times the median distance.
    Arthur Gretton et al., "A Kernel Two-Sample Test", JMLR 13, 2012, equation 5.
    """
    kernel = _kernel(vectors)
    found = []
    for value in labels.unique():
        own = (labels == value).to(vectors)
        if own.sum() < 2 or (1 - own).sum() < 2:
            continue
        weights = own / own.sum() - (1 - own) / (1 - own).sum()
        found.append(weights @ kernel @ weights)
    return torch.stack(found).mean() if found else vectors.sum() * 0


def hilbert_schmidt_independence(vectors: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return HSIC of vectors and labels over the root of the product of their own, in [0, 1].

    Arthur Gretton et al., "Measuring Statistical Dependence with Hilbert-Schmidt Norms", ALT 2005,
    with a Gaussian kernel for the vectors and equality for the labels; normalised as in Kornblith
    et al., ICML 2019, equation 4.
    """
    same = (labels[:, None] == labels[None, :]).to(vectors)
    kernel, same = _centred(_kernel(vectors)), _centred(same)
    own = (kernel.square().sum() * same.square().sum()).clamp(min=1e-12).sqrt()
    return (kernel * same).sum() / own


def sliced_wasserstein(
    vectors: torch.Tensor, labels: torch.Tensor, directions: int = 64
) -> torch.Tensor:
    """Return the mean over classes of the sliced 1-Wasserstein distance between class and rest.

    Along random directions, between quantile functions at 64 levels, of vectors that are
    standardised together. Bonneel, Rabin, Peyre and Pfister, JMIV 51, 2015.
    """
    scaled = (vectors - vectors.mean(0)) / vectors.std(0).clamp(min=1e-6)
    slices = torch.randn(vectors.shape[1], directions, device=vectors.device)
    along = scaled @ (slices / slices.norm(dim=0))
    levels = (torch.arange(64, device=vectors.device) + 0.5) / 64
    found = []
    for value in labels.unique():
        own = labels == value
        if own.sum() < 2 or (~own).sum() < 2:
            continue
        ends = [along[part].quantile(levels, dim=0) for part in (own, ~own)]
        found.append((ends[0] - ends[1]).abs().mean())
    return torch.stack(found).mean() if found else vectors.sum() * 0


PENALTIES: dict[str, Penalty] = {
    "mmd": maximum_mean_discrepancy,
    "hsic": hilbert_schmidt_independence,
    "wasserstein": sliced_wasserstein,
}


def _kernel(vectors: torch.Tensor) -> torch.Tensor:
    squares = vectors.square().sum(1)
    distances = (squares[:, None] + squares[None, :] - 2 * vectors @ vectors.T).clamp(min=0)
    # The width is a scale, not something to be trained.
    median = distances.detach().median().clamp(min=1e-12)
    return torch.stack([(-distances / (2 * median * f**2)).exp() for f in (0.5, 1, 2)]).mean(0)


def _centred(kernel: torch.Tensor) -> torch.Tensor:
    return kernel - kernel.mean(0) - kernel.mean(1, keepdim=True) + kernel.mean()
