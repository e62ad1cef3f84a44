import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.inequality import (
    INEQUALITIES,
    atkinson,
    coefficient_of_variation,
    f_statistic,
    generalised_entropy,
    gini,
    mean_absolute_difference,
    standard_deviation,
    value_range,
    worst_share_mean,
)

X = np.array([0.0, 0.1, 0.4, 0.5, 1.0])
UTILITIES = st.lists(st.floats(0, 1).map(lambda x: round(x, 4)), min_size=2, max_size=12)


def pairs(x):
    return np.abs(np.subtract.outer(x, x))


def test_by_hand():
    assert worst_share_mean(X) == pytest.approx(0.05)  # 2 of 5 users
    assert worst_share_mean(X, 1.0) == pytest.approx(0.4)
    assert value_range(X) == 1.0
    assert standard_deviation(X) == pytest.approx(np.sqrt(0.62 / 5))
    assert mean_absolute_difference(X) == pytest.approx(pairs(X).sum() / 20)
    assert gini(X) == pytest.approx(pairs(X).sum() / (2 * 25 * 0.4))
    assert gini(X, "sample") == pytest.approx(pairs(X).sum() / (2 * 20 * 0.4))
    assert atkinson(X) == pytest.approx(1 - np.sqrt(X).mean() ** 2 / 0.4)
    assert coefficient_of_variation(X) == pytest.approx(np.sqrt(0.62 / 5) / 0.4)
    assert generalised_entropy(X) == pytest.approx(0.62 / 5 / 0.4**2 / 2)
    r = X[1:] / 0.4
    assert generalised_entropy(X, 1) == pytest.approx((r * np.log(r)).sum() / 5)
    y = X[1:]
    assert generalised_entropy(y, 0) == pytest.approx(np.log(y.mean()) - np.log(y).mean())
    assert atkinson(y, 1) == pytest.approx(1 - stats.gmean(y) / y.mean())
    assert atkinson(y, 2) == pytest.approx(1 - stats.hmean(y) / y.mean())


def test_one_user_has_everything():
    x = np.array([0.0, 0.0, 0.0, 1.0])
    assert gini(x) == 0.75
    assert gini(x, "sample") == 1.0
    assert atkinson(x, 1) == 1.0
    assert coefficient_of_variation(x) == pytest.approx(np.sqrt(3))
    assert np.isnan(generalised_entropy(x, 0))


def test_f_is_that_of_the_analysis_of_variance():
    rng = np.random.default_rng(0)
    groups = [rng.random(5), rng.random(9) + 0.3, rng.random(3)]
    assert f_statistic(groups) == pytest.approx(stats.f_oneway(*groups).statistic)
    assert np.isnan(f_statistic([np.full(3, 0.1), np.full(4, 0.3)]))


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_the_limits_of_generalised_entropy_are_limits(alpha):
    y = X[1:]
    near = [generalised_entropy(y, alpha + step) for step in (-1e-4, 1e-4)]
    assert generalised_entropy(y, alpha) == pytest.approx(np.mean(near), abs=1e-6)


def test_no_mean_no_relative_inequality():
    for name in ("gini", "atkinson", "cv", "generalised_entropy"):
        assert np.isnan(INEQUALITIES[name](np.zeros(3)))
    assert INEQUALITIES["sd"](np.zeros(3)) == 0


def test_a_missing_user_is_not_a_user_with_nothing():
    for measure in INEQUALITIES.values():
        assert np.isnan(measure([0.5, np.nan, 1.0]))


@given(UTILITIES, st.data())
def test_rows_are_measured_alike_whatever_the_order(x, data):
    other = data.draw(st.permutations(x))
    for name, measure in INEQUALITIES.items():
        rows = measure(np.array([x, other]))
        assert rows.shape == (2,)
        np.testing.assert_allclose(rows, [measure(x)] * 2, rtol=1e-9, atol=1e-12, err_msg=name)


@given(UTILITIES)
def test_equal_users_and_bounds(x):
    for name, measure in INEQUALITIES.items():
        equal = np.full(len(x), 0.3)
        assert measure(equal) == pytest.approx(0.3 if name == "worst_quarter" else 0.0, abs=1e-12)
    if sum(x) > 0:
        n = len(x)
        assert -1e-12 <= gini(x) <= 1 - 1 / n + 1e-12
        assert gini(x, "sample") == pytest.approx(gini(x) * n / (n - 1))
        assert mean_absolute_difference(x) == pytest.approx(2 * np.mean(x) * gini(x, "sample"))
        assert -1e-12 <= atkinson(x) <= 1
        assert generalised_entropy(x) == pytest.approx(coefficient_of_variation(x) ** 2 / 2)
        assert min(x) - 1e-12 <= worst_share_mean(x) <= np.mean(x) + 1e-12


@given(UTILITIES.filter(lambda x: sum(x) > 0), st.floats(0.1, 10))
def test_relative_measures_do_not_depend_on_the_scale(x, scale):
    for measure in (gini, atkinson, coefficient_of_variation, generalised_entropy):
        assert measure(np.multiply(x, scale)) == pytest.approx(measure(x), abs=1e-9)


@given(UTILITIES.filter(lambda x: sum(x) > 0))
def test_giving_from_rich_to_poor_makes_it_more_equal(x):
    x = np.sort(x)
    given = x.copy()
    given[0], given[-1] = 0.75 * x[0] + 0.25 * x[-1], 0.25 * x[0] + 0.75 * x[-1]
    for measure in (gini, atkinson, coefficient_of_variation, generalised_entropy):
        assert measure(given) <= measure(x) + 1e-9


def test_wrong_use_is_refused():
    with pytest.raises(BadData, match=r"a value is -0\.1"):
        gini([0.5, -0.1])
    with pytest.raises(WrongUse, match="epsilon of Atkinson's index is 0"):
        atkinson(X, 0)
    with pytest.raises(WrongUse, match="alpha of the generalised entropy is nan"):
        generalised_entropy(X, np.nan)
    with pytest.raises(WrongUse, match="form of Gini is 'n'"):
        gini(X, "n")  # pyright: ignore[reportArgumentType]
    with pytest.raises(WrongUse, match=r"F compares 1 group"):
        f_statistic([X])
    with pytest.raises(WrongUse, match=r"share of worst-off users is 0"):
        worst_share_mean(X, 0)
    with pytest.raises(WrongUse, match="at least one user"):
        gini([])
