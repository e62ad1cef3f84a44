import numpy as np
import pytest
from scipy import stats

from fairrec.evidence.differences import paired_test, welch_difference

NAN = np.nan


def test_the_paired_test_is_student_s():
    before = np.array([1.0, 2.0, 4.0, 3.0, NAN])
    after = np.array([1.5, 2.5, 3.0, 5.0, 1.0])
    expected = stats.ttest_rel(after[:4], before[:4]).pvalue
    assert paired_test(after - before) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("differences", "p"),
    [([0, 0, 0], 1.0), ([0.5] * 4, 0.125), ([0.2], None), ([NAN, 0.2], None), ([], None)],
)
def test_differences_without_spread(differences, p):
    assert paired_test(np.array(differences, dtype=float)) == p


def test_the_welch_difference_holds_its_interval_and_p_value():
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 1, 30), rng.normal(0, 3, 12)
    estimate, p = welch_difference(a, np.append(b, NAN))
    expected = stats.ttest_ind(a, b, equal_var=False)
    assert p == pytest.approx(expected.pvalue)
    assert (estimate.low, estimate.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert (estimate.n, estimate.n_missing) == (42, 1)


def test_welch_covers_the_difference_of_unequal_groups():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(1000):
        estimate, _ = welch_difference(rng.normal(0, 3, 12), rng.normal(0, 1, 60))
        covered += estimate.low <= 0 <= estimate.high
    assert 0.93 <= covered / 1000 <= 0.97


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [([], [1, 2], "no user with a value"), ([1], [1, 2], "too few"), ([1, 1], [2, 2], "all alike")],
)
def test_groups_that_cannot_be_compared(a, b, words):
    estimate, p = welch_difference(np.array(a, dtype=float), np.array(b, dtype=float))
    assert p is None and words in estimate.reason
