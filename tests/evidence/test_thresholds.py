import numpy as np
import pytest

from fairrec.evidence.thresholds import threshold_estimate


def share(least):
    return lambda sums: (sums >= least - 1e-9).mean(axis=-1)


def test_the_value_is_that_of_the_sums():
    sums = np.array([[3.0, 0, 1], [2.0, 1, 0]])
    estimate = threshold_estimate(sums, share(2), np.random.default_rng(0), 200, n=2)
    assert estimate.value == pytest.approx(1 / 3)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_it_holds_what_other_users_give_as_often_as_it_says():
    rng = np.random.default_rng(0)
    rate = rng.gamma(4.0, 0.05, 80)
    values, held = [], []
    for seed in range(150):
        sums = rng.poisson(rate, (40, 80)).astype(float)
        estimate = threshold_estimate(sums, share(6), np.random.default_rng(seed), 200, n=40)
        values.append(estimate.value)
        held.append((estimate.low, estimate.high))
    truth = np.mean(values)
    assert 0.3 < truth < 0.9
    covered = np.mean([low <= truth <= high for low, high in held])
    assert 0.89 <= covered <= 0.995


def test_nobody_and_somebody_alone():
    nobody = threshold_estimate(np.zeros((1, 3)), share(1), np.random.default_rng(0), n=0)
    assert (nobody.value, nobody.reason) == (None, "no user has a value")
    alone = threshold_estimate(np.ones((1, 3)), share(1), np.random.default_rng(0), n=1)
    assert (alone.value, alone.low) == (1.0, None)
    assert alone.reason
