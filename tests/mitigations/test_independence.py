"""Penalties of dependence, against literal sums and planted differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fairrec.mitigations.cfp.independence import (
    PENALTIES,
    hilbert_schmidt_independence,
    information,
    maximum_mean_discrepancy,
    reverse_gradient,
    sliced_wasserstein,
)

pytestmark = pytest.mark.model


def sample(n: int = 60, shift: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
    draws = torch.Generator().manual_seed(1)
    labels = torch.arange(n) % 3
    return torch.randn(n, 4, generator=draws) + shift * (labels == 0).float()[:, None], labels


def kernel(vectors: np.ndarray) -> np.ndarray:
    squares = ((vectors[:, None] - vectors[None]) ** 2).sum(-1)
    width = np.sort(squares.ravel())[(squares.size - 1) // 2]  # torch takes the lower median
    return np.mean([np.exp(-squares / (2 * width * f**2)) for f in (0.5, 1, 2)], axis=0)


def test_mmd_is_its_three_means() -> None:
    vectors, labels = sample(30, 0.5)
    similar = kernel(vectors.double().numpy())
    found = []
    for value in range(3):
        own = labels.numpy() == value
        found.append(
            similar[own][:, own].mean()
            + similar[~own][:, ~own].mean()
            - 2 * similar[own][:, ~own].mean()
        )
    assert float(maximum_mean_discrepancy(vectors.double(), labels)) == pytest.approx(
        np.mean(found), abs=1e-9
    )


def test_hsic_is_its_trace() -> None:
    vectors, labels = sample(30, 0.5)
    same = (labels[:, None] == labels[None]).double().numpy()
    centre = np.eye(30) - 1 / 30

    def hsic(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.trace(a @ centre @ b @ centre))

    similar = kernel(vectors.double().numpy())
    expected = hsic(similar, same) / np.sqrt(hsic(similar, similar) * hsic(same, same))
    assert float(hilbert_schmidt_independence(vectors.double(), labels)) == pytest.approx(expected)


def test_wasserstein_of_a_shift_is_the_shift() -> None:
    line = torch.linspace(0, 1, 101)
    vectors = torch.cat([line, line + 3]).unsqueeze(1)
    labels = torch.arange(2).repeat_interleave(101)
    found = sliced_wasserstein(vectors, labels) * vectors.std()
    assert float(found) == pytest.approx(3, rel=1e-5)


@pytest.mark.parametrize("penalty", PENALTIES.values())
def test_dependence_costs_more_and_its_gradient_lowers_it(penalty) -> None:
    even, labels = sample(300)
    apart, _ = sample(300, shift=3.0)
    apart.requires_grad_(True)
    torch.manual_seed(0)
    cost = penalty(apart, labels)
    assert cost.item() > 2 * penalty(even, labels).item()
    (gradient,) = torch.autograd.grad(cost, apart)
    moved = apart.detach() - 0.02 * gradient / gradient.norm() * apart.detach().norm()
    torch.manual_seed(0)  # the same directions again
    assert penalty(moved, labels).item() < cost.item()


def test_one_class_alone_costs_nothing() -> None:
    vectors, _ = sample()
    for penalty in (maximum_mean_discrepancy, sliced_wasserstein):
        assert float(penalty(vectors, torch.zeros(60, dtype=torch.long))) == 0


def test_information_is_between_nothing_and_the_entropy() -> None:
    labels = torch.tensor([0, 1, 1, 1])
    entropy = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    certain = 50 * torch.nn.functional.one_hot(labels).float()
    assert float(information(certain, labels)) == pytest.approx(entropy, abs=1e-5)
    shares = torch.tensor([0.25, 0.75]).log().expand(4, 2)
    assert float(information(shares, labels)) == pytest.approx(0, abs=1e-6)
    assert float(information(-certain, labels)) == 0  # misled is not better hidden


def test_reversed_gradients() -> None:
    vectors = torch.tensor([1.0, 2.0], requires_grad=True)
    (reverse_gradient(vectors) * torch.tensor([3.0, 4.0])).sum().backward()
    assert vectors.grad.tolist() == [-3.0, -4.0]
    (reverse_gradient(vectors, 0.5) * 2).sum().backward()
    assert vectors.grad.tolist() == [-4.0, -5.0]
