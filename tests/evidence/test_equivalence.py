"""Two one-sided tests: against SciPy's Student test, and where there is no spread."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from fairrec.errors import WrongUse
from fairrec.evidence import equivalence_p


@pytest.mark.parametrize("shift", [0.0, 0.04, -0.08, 0.2])
def test_is_the_larger_of_two_one_sided_tests(shift: float) -> None:
    values = shift + np.random.default_rng(1).normal(0, 0.1, 40)
    expected = max(
        ttest_1samp(values, -0.1, alternative="greater").pvalue,
        ttest_1samp(values, 0.1, alternative="less").pvalue,
    )
    assert equivalence_p(values, 0.1) == pytest.approx(expected)
    holes = np.concatenate([values, [np.nan, np.nan]])
    assert equivalence_p(holes, 0.1) == equivalence_p(values, 0.1)


def test_absence_of_significance_is_not_equivalence() -> None:
    # A mean of 0 with a wide spread: nothing is found, and nothing is shown to be absent.
    values = np.tile([-0.5, 0.5], 5)
    assert ttest_1samp(values, 0).pvalue == 1.0
    assert equivalence_p(values, 0.05) > 0.3


def test_all_alike_is_as_sure_as_their_number_allows() -> None:
    # If a mean of 0.05 came from ones among zeros, n zeros would have a chance of 0.95^n.
    assert equivalence_p(np.zeros(20), 0.05) == pytest.approx(0.95**20)
    assert equivalence_p(np.zeros(59), 0.05) < 0.05 < equivalence_p(np.zeros(58), 0.05)
    assert equivalence_p(np.full(20, -0.02), 0.05) == pytest.approx((0.95 / 0.98) ** 20)
    assert equivalence_p(np.zeros(20), 5.0, bound=10.0) == pytest.approx(0.5**20)
    assert equivalence_p(np.full(20, 0.05), 0.05) == 1.0
    assert equivalence_p(np.full(20, -0.7), 0.05) == 1.0


def test_undefined() -> None:
    assert equivalence_p(np.array([]), 0.1) is None
    assert equivalence_p(np.array([0.1, np.nan]), 0.1) is None
    assert equivalence_p(np.zeros(50), 0.1, bound=np.inf) is None


@pytest.mark.parametrize("margin", [0.0, -0.1, 1.0, float("nan")])
def test_a_margin_is_inside_the_bound(margin: float) -> None:
    with pytest.raises(WrongUse, match="margin is"):
        equivalence_p(np.zeros(5), margin)
