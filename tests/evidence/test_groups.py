"""Groups of users are compared at the promised rates, and what cannot be compared is named."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fairrec.errors import WrongUse
from fairrec.evidence.bounded_means import BoundedMean, difference_p, ratio_limits
from fairrec.evidence.groups import (
    comparable,
    difference_estimate,
    extreme_estimate,
    group_mean,
    label_permutation_test,
    range_estimate,
    ratio_estimate,
)
from fairrec.evidence.inequality import inequality_estimates
from fairrec.metrics.inequality import INEQUALITIES

NAN = np.nan
VALUES = st.lists(st.sampled_from([0.0, 0.2, 0.5, 1.0]), min_size=2, max_size=9).map(np.array)


def hits(*counts: tuple[int, int]) -> dict[str, np.ndarray]:
    """Groups "a", "b", ... of n users of whom some have a hit: (hits, n)."""
    return {
        name: np.repeat([1.0, 0.0], [some, n - some])
        for name, (some, n) in zip("abcdef", counts, strict=False)
    }


def test_the_mean_of_hits_has_wilson_s_interval_with_student_s_t() -> None:
    estimate = group_mean(hits((8, 40))["a"])
    t = stats.t.ppf(0.975, 39)
    for end in (estimate.low, estimate.high):
        assert end is not None
        assert (0.2 - end) ** 2 == pytest.approx(t**2 * end * (1 - end) / 40)
    assert (estimate.value, estimate.n, estimate.unit) == (pytest.approx(0.2), 40, "user")


def test_ranges_ratios_and_extremes_by_hand() -> None:
    groups = hits((3, 30), (12, 40), (10, 20))
    assert range_estimate(groups).value == pytest.approx(0.4)
    assert ratio_estimate(groups).value == pytest.approx(0.2)
    assert extreme_estimate(groups, "min")[0] == "a"
    name, best = extreme_estimate(groups, "max")
    assert (name, best.value) == ("c", 0.5)
    assert difference_estimate(groups["a"], groups["c"])[0].value == pytest.approx(-0.4)


def test_equal_groups_hold_0_and_1() -> None:
    groups = hits((3, 30), (30, 300))
    difference, ratio = range_estimate(groups), ratio_estimate(groups)
    assert (difference.value, difference.low) == (0, 0)
    assert difference.high is not None and 0.05 < difference.high < 0.3
    assert (ratio.value, ratio.high) == (1, 1)
    assert label_permutation_test(groups, np.random.default_rng(0), 199).p_value == 1.0


@given(VALUES, VALUES, VALUES)
def test_intervals_hold_their_estimates(a, b, c) -> None:
    groups = {"a": a, "b": b, "c": c}
    estimates = [range_estimate(groups), ratio_estimate(groups), group_mean(a)]
    estimates += [extreme_estimate(groups, which)[1] for which in ("min", "max")]
    for estimate in estimates:
        if estimate.low is None or estimate.high is None:
            assert estimate.reason
        else:
            assert estimate.value is not None
            assert -1e-9 <= estimate.low <= estimate.value + 1e-9
            assert estimate.value - 1e-9 <= estimate.high <= 1 + 1e-9


@given(VALUES, VALUES)
def test_the_p_value_of_a_pair_fits_its_interval(a, b) -> None:
    estimate, p = difference_estimate(a, b)
    if p is not None and abs(p - 0.05) > 1e-6:
        assert estimate.low is not None and estimate.high is not None
        assert (p < 0.05) == (not estimate.low <= 0 <= estimate.high)


def test_p_values_of_large_differences_are_numbers() -> None:
    for some, other in (((20, 30), (20, 300)), ((2, 2), (0, 2)), ((900, 1000), (10, 3000))):
        a, b = hits(some, other).values()
        assert 0 < difference_p(BoundedMean.of(a), BoundedMean.of(b)) < 0.5


def test_a_ratio_to_few_hits_can_be_anything() -> None:
    a, b = (BoundedMean.of(values) for values in hits((10, 20), (1, 20)).values())
    low, high = ratio_limits(a, b, 0.025)
    assert 1 < low < 10 < high


def test_the_test_of_two_groups_of_hits_is_fisher_s_up_to_order() -> None:
    # The chance of at least as large a difference, over all tables with these margins.
    groups = hits((1, 12), (11, 24))
    values = stats.hypergeom(36, 12, 12)
    seen = abs(1 / 12 - 11 / 24)
    exact = sum(values.pmf(x) for x in range(13) if abs(x / 12 - (12 - x) / 24) >= seen - 1e-9)
    test = label_permutation_test(groups, np.random.default_rng(0), 20_000)
    assert test.p_value == pytest.approx(exact, abs=0.004)
    floor = sum(values.pmf(x) * abs(x / 12 - (12 - x) / 24) for x in range(13))
    assert test.null_mean == pytest.approx(floor, abs=0.003)


def test_groups_of_nobody_and_of_one_are_named() -> None:
    groups = {**hits((3, 30), (9, 30)), "one": np.array([1.0, NAN]), "none": np.array([NAN])}
    kept, reasons = comparable(groups)
    assert list(kept) == ["a", "b"]
    assert reasons == {
        "one": "1 with a value, fewer than 2",
        "none": "0 with a value, fewer than 2",
    }
    assert range_estimate(groups).value == pytest.approx(0.2)
    assert group_mean(groups["none"]).reason == "no user has a value"
    one = group_mean(groups["one"])
    assert (one.value, one.low, one.n_missing) == (1.0, None, 1)
    assert "one user alone" in one.reason
    alone = {"a": groups["a"], "one": groups["one"]}
    for estimate in (range_estimate(alone), ratio_estimate(alone)):
        assert estimate.value is None and "fewer than two groups" in estimate.reason
    assert extreme_estimate({"one": groups["one"]}, "min")[0] is None
    test = label_permutation_test(alone, np.random.default_rng(0), 9)
    assert test.p_value is None and "fewer than two groups" in test.reason


def test_nothing_for_anybody_is_equal_and_has_no_ratio() -> None:
    groups = hits((0, 20), (0, 30))
    assert ratio_estimate(groups).reason == "the mean of every group is 0"
    difference = range_estimate(groups)
    assert difference.value == 0 and difference.high is not None and difference.high > 0.05
    assert label_permutation_test(groups, np.random.default_rng(0), 9).p_value == 1.0


def test_wrong_use_is_refused() -> None:
    with pytest.raises(WrongUse, match="values run from 0 to 2"):
        group_mean(np.array([0.0, 2.0]))
    with pytest.raises(WrongUse, match="confidence level is 95"):
        range_estimate(hits((1, 5), (2, 5)), level=95)


def hit(*shares: float):
    return lambda rng, i, n: (rng.random(n) < shares[i]).astype(float)


def beta(means: tuple[float, ...], sizes: tuple[float, ...]):
    return lambda rng, i, n: rng.beta(means[i] * sizes[i], (1 - means[i]) * sizes[i], n)


EQUAL = {
    "hits": (hit(0.3, 0.3), (30, 300)),
    "rare hits": (hit(0.1, 0.1), (30, 300)),
    "small group spreads": (beta((0.4, 0.4), (1, 20)), (30, 300)),
    "large group spreads": (beta((0.4, 0.4), (20, 1)), (30, 300)),
    "three groups": (beta((0.4, 0.4, 0.4), (1, 4, 20)), (30, 60, 150)),
}


@pytest.mark.parametrize("kind", EQUAL)
def test_equal_groups_ring_few_alarms(kind: str) -> None:
    draw, sizes = EQUAL[kind]
    rng = np.random.default_rng(11)
    alarms = 0
    for _ in range(1000):
        groups = {str(i): draw(rng, i, n) for i, n in enumerate(sizes)}
        p = label_permutation_test(groups, rng, 99).p_value
        alarms += p is not None and p <= 0.05
    # The standard error at 0.05 is 0.007; few users ties make the test call out less.
    assert 0.02 <= alarms / 1000 <= 0.07


@pytest.mark.parametrize(
    ("draw", "sizes", "means"),
    [
        (hit(0.3, 0.3), (30, 300), (0.3, 0.3)),
        (hit(0.1, 0.1), (30, 300), (0.1, 0.1)),
        (hit(0.15, 0.4), (30, 300), (0.15, 0.4)),
        (beta((0.4, 0.4), (1, 20)), (30, 300), (0.4, 0.4)),
        (hit(0.2, 0.3, 0.45), (30, 100, 300), (0.2, 0.3, 0.45)),
    ],
)
def test_intervals_cover(draw, sizes, means) -> None:
    rng = np.random.default_rng(12)
    truths = (max(means) - min(means), min(means) / max(means), min(means), means[0])
    covered = np.zeros(4)
    for _ in range(600):
        groups = {str(i): draw(rng, i, n) for i, n in enumerate(sizes)}
        estimates = (
            range_estimate(groups),
            ratio_estimate(groups),
            extreme_estimate(groups, "min")[1],
            group_mean(groups["0"]),
        )
        for j, (estimate, truth) in enumerate(zip(estimates, truths, strict=True)):
            assert estimate.low is not None and estimate.high is not None
            covered[j] += estimate.low - 1e-12 <= truth <= estimate.high + 1e-12
    # The standard error at 0.95 is 0.009.
    assert (covered / 600 >= 0.925).all(), covered / 600
    assert (covered[[0, 1, 3]] / 600 <= 0.985).all(), covered / 600


def test_a_planted_difference_is_found() -> None:
    rng = np.random.default_rng(13)
    found = 0
    for _ in range(100):
        groups = {"a": hit(0.2)(rng, 0, 60), "b": hit(0.5)(rng, 0, 200)}
        p = label_permutation_test(groups, rng, 199).p_value
        found += p is not None and p <= 0.05
    assert found >= 95


def test_inequality_has_values_and_intervals_where_it_can() -> None:
    rng = np.random.default_rng(14)
    values = np.append(rng.beta(0.8, 1.5, 80), NAN)
    found = inequality_estimates(values, rng, 500)
    assert list(found) == list(INEQUALITIES)
    for name, estimate in found.items():
        assert estimate.value == pytest.approx(INEQUALITIES[name](values[:-1]))
        assert (estimate.n, estimate.n_missing) == (80, 1)
        assert estimate.direction == ("higher" if name == "worst_quarter" else "lower")
        if name == "range":
            assert estimate.low is None and "extremes have no interval" in estimate.reason
        else:
            assert estimate.low is not None and estimate.high is not None
            assert 0 <= estimate.low < estimate.value < estimate.high


def test_inequality_of_nobody_and_of_nothing() -> None:
    rng = np.random.default_rng(15)
    nobody = inequality_estimates(np.full(3, NAN), rng, 50)
    assert {e.reason for e in nobody.values()} == {"no user has a value"}
    nothing = inequality_estimates(np.zeros(20), rng, 50)
    assert nothing["gini"].value is None and "mean is 0" in nothing["gini"].reason
    few = inequality_estimates(np.array([0.1, 0.5, 0.9]), rng, 50)
    assert few["gini"].value is not None and few["gini"].low is None
    assert "too few" in few["gini"].reason


def test_intervals_of_inequality_cover() -> None:
    rng = np.random.default_rng(16)

    def draw(n: int) -> np.ndarray:
        return rng.beta(0.8, 1.5, n) * (rng.random(n) < 0.6)

    truth = {name: float(measure(draw(400_000))) for name, measure in INEQUALITIES.items()}
    covered = dict.fromkeys(truth, 0)
    for _ in range(300):
        for name, estimate in inequality_estimates(draw(150), rng, 200).items():
            if estimate.low is not None and estimate.high is not None:
                covered[name] += estimate.low <= truth[name] <= estimate.high
    shares = {name: count / 300 for name, count in covered.items() if name != "range"}
    assert min(shares.values()) >= 0.9, shares
