"""Divergences and log-odds against SciPy and against what is computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from fairrec.errors import BadData
from fairrec.metrics.divergence import jensen_shannon, log_odds


def normalised(counts: np.ndarray) -> np.ndarray:
    counts = counts + 1e-9
    return counts / counts.sum(axis=-1, keepdims=True)


COUNTS = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=6),
    elements=st.floats(0, 100, allow_subnormal=False),
)


@given(COUNTS)
def test_two_distributions_are_as_far_apart_as_scipy_says(counts: np.ndarray) -> None:
    p, q = normalised(counts)[:2]
    expected = jensenshannon(p, q, base=2)
    assert jensen_shannon([p, q]) == pytest.approx(
        0 if np.isnan(expected) else expected**2, abs=1e-9
    )


@given(COUNTS, st.integers(1, 9))
def test_several_distributions_with_weights_by_their_entropies(
    counts: np.ndarray, one: int
) -> None:
    p = normalised(counts)
    weights = np.arange(one, one + len(p))
    w = weights / weights.sum()
    expected = entropy(w @ p, base=2) - w @ entropy(p, base=2, axis=1)
    found = jensen_shannon(p, weights)
    assert found == pytest.approx(expected, abs=1e-9)
    assert 0 <= found <= entropy(w, base=2) + 1e-9
    order = np.arange(len(p))[::-1]
    assert jensen_shannon(p[order], weights[order]) == pytest.approx(found, abs=1e-12)
    assert jensen_shannon(np.stack([p, p]), weights) == pytest.approx([found, found], abs=1e-12)


def test_nothing_in_common_is_one_bit_and_the_same_is_none() -> None:
    assert jensen_shannon([[1, 0], [0, 1]]) == pytest.approx(1.0)
    assert jensen_shannon(np.eye(8)) == pytest.approx(3.0)
    assert jensen_shannon([[0.3, 0.7]] * 3) == pytest.approx(0.0, abs=1e-12)
    assert np.isnan(jensen_shannon([[np.nan, np.nan], [0, 1]]))


@pytest.mark.parametrize(
    ("distributions", "weights", "seen"),
    [
        ([[2, 1], [0, 1]], None, "does not sum to 1"),
        ([[1.5, -0.5], [0, 1]], None, "negative part"),
        ([1.0], None, "shape"),
        ([[1, 0], [0, 1]], [1, -1], "weights are"),
        ([[1, 0], [0, 1]], [0, 0], "weights are"),
        ([[1, 0], [0, 1]], [1, 1, 1], "3|weights are"),
    ],
)
def test_what_is_no_distribution_is_refused(
    distributions: list, weights: list | None, seen: str
) -> None:
    with pytest.raises(BadData, match=seen):
        jensen_shannon(distributions, weights)


def test_log_odds_by_hand() -> None:
    """Part 0: 8 of 10 against 1 of 6, one pseudo-count for it and three for the other."""
    ratio, z = log_odds([[8, 2], [1, 5]], [1, 3])
    expected = math.log(9 / 5) - math.log(2 / 8)
    assert ratio[0, 0] == pytest.approx(expected)
    assert z[0, 0] == pytest.approx(expected / math.sqrt(1 / 9 + 1 / 2))
    assert ratio[1, 0] == pytest.approx(-expected)
    assert ratio[0, 1] == pytest.approx(-expected)  # with two parts, one's odds are the other's


@given(
    arrays(np.float64, (3, 4), elements=st.integers(0, 50).map(float)),
    arrays(np.float64, 4, elements=st.integers(1, 9).map(float)),
)
def test_some_parts_with_totals_are_as_among_all_parts(
    counts: np.ndarray, prior: np.ndarray
) -> None:
    ratio, z = log_odds(counts, prior)
    some = log_odds(counts[:, 1:3], prior[1:3], totals=counts.sum(axis=1), prior_total=prior.sum())
    assert some[0] == pytest.approx(ratio[:, 1:3])
    assert some[1] == pytest.approx(z[:, 1:3])
    several = log_odds(np.stack([counts, 2 * counts]), prior)[0]
    assert several[0] == pytest.approx(ratio)


def test_a_stronger_prior_draws_towards_the_usual() -> None:
    counts = np.array([[5.0, 95.0], [0.0, 100.0]])
    weak, strong = (log_odds(counts, np.array([0.025, 0.975]) * a)[0][0, 0] for a in (10, 1000))
    assert weak > strong > 0


@pytest.mark.parametrize(
    ("counts", "prior", "totals", "seen"),
    [
        ([[1, 2]], [1, 1], None, "counts have the shape"),
        ([[1, -2], [1, 1]], [1, 1], None, "one is negative"),
        ([[1, 2], [1, 1]], [1, 0], None, "not above 0"),
        ([[1, 2], [1, 1]], [1, 1, 1], None, "prior has the shape"),
        ([[1, 2], [1, 1]], [1, 1], [0, 0], "a part is all"),
        ([[1], [1]], [1], None, "a part is all"),
    ],
)
def test_counts_that_cannot_be_are_refused(
    counts: list, prior: list, totals: list | None, seen: str
) -> None:
    with pytest.raises(BadData, match=seen):
        log_odds(counts, prior, totals=totals)
