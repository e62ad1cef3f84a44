"""The mixed model against the analysis of variance, which it equals for complete tables."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t as student

from fairrec.errors import WrongUse
from fairrec.evidence import mixed_model_estimate


def table(users: int, templates: int, seed: int = 0, by_template: float = 0.1) -> np.ndarray:
    source = np.random.default_rng(seed)
    user, template = source.normal(0, 0.1, users), source.normal(0, by_template, templates)
    return 0.1 + user[:, None] + template + source.normal(0, 0.1, (users, templates))


def long(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    users, templates = np.indices(values.shape)
    return values.ravel(), users.ravel(), templates.ravel()


def mean_squares(values: np.ndarray) -> tuple[float, float, float]:
    n, m = values.shape
    mean, rows, columns = values.mean(), values.mean(axis=1), values.mean(axis=0)
    rest = values - rows[:, None] - columns + mean
    return (
        m * ((rows - mean) ** 2).sum() / (n - 1),
        n * ((columns - mean) ** 2).sum() / (m - 1),
        (rest**2).sum() / ((n - 1) * (m - 1)),
    )


@pytest.mark.parametrize(("users", "templates"), [(8, 3), (30, 5), (12, 10)])
def test_complete_tables_are_the_analysis_of_variance(users: int, templates: int) -> None:
    values = table(users, templates)
    by_user, by_template, noise = mean_squares(values)
    assert min(by_user, by_template) > noise  # else a variance is 0
    total = by_user + by_template - noise
    error = np.sqrt(total / values.size)
    freedom = total**2 / (
        by_user**2 / (users - 1)
        + by_template**2 / (templates - 1)
        + noise**2 / ((users - 1) * (templates - 1))
    )
    found = mixed_model_estimate(*long(values))
    estimate = found.estimate
    assert estimate.value == pytest.approx(values.mean())
    reach = student.ppf(0.975, freedom) * error
    assert estimate.low == pytest.approx(values.mean() - reach, abs=1e-4)
    assert estimate.high == pytest.approx(values.mean() + reach, abs=1e-4)
    assert found.p_value == pytest.approx(2 * student.sf(values.mean() / error, freedom), rel=1e-2)
    assert (estimate.n, estimate.n_missing, estimate.unit) == (users, 0, "user")


def test_few_wordings_that_differ_leave_more_doubt_than_users_alone() -> None:
    values = table(40, 4, by_template=0.3)
    over_users = values.mean(axis=1).std(ddof=1) / np.sqrt(40)
    estimate = mixed_model_estimate(*long(values)).estimate
    assert estimate.high - estimate.low > 10 * over_users
    # No difference between wordings: as sure as the users make it.
    same = values - values.mean(axis=0) + values.mean()
    estimate = mixed_model_estimate(*long(same)).estimate
    assert estimate.high - estimate.low == pytest.approx(2 * 2.02 * over_users, rel=0.15)


def test_names_and_missing_values() -> None:
    values, users, templates = long(table(20, 4))
    names = [f"user {number}" for number in users]
    words = [("a", "b", "c", "d")[number] for number in templates]
    assert mixed_model_estimate(values, names, words) == mixed_model_estimate(
        values, users, templates
    )
    holes = values.copy()
    holes[:4] = np.nan  # all of the first user
    holes[9] = np.nan
    estimate = mixed_model_estimate(holes, names, words).estimate
    assert (estimate.n, estimate.n_missing) == (19, 1)
    assert estimate.low is not None and estimate.low < np.nanmean(holes) < estimate.high
    kept = ~np.isnan(holes)
    again = mixed_model_estimate(holes[kept], users[kept], templates[kept]).estimate
    assert (again.low, again.high) == (estimate.low, estimate.high)


def test_many_users_are_bunched_without_moving_the_mean() -> None:
    values = table(1500, 3)
    estimate = mixed_model_estimate(*long(values)).estimate
    by_user, by_template, noise = mean_squares(values)
    assert "bunches" in estimate.method and estimate.n == 1500
    assert estimate.value == pytest.approx(values.mean())
    total = by_user + by_template - noise
    freedom = total**2 / (by_user**2 / 1499 + by_template**2 / 2 + noise**2 / 2998)
    reach = student.ppf(0.975, freedom) * np.sqrt(total / values.size)
    assert estimate.high - estimate.low == pytest.approx(2 * reach, rel=0.05)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (table(20, 2), "2 wording"),
        (table(1, 4), "one user alone"),
        (np.full((5, 4), 0.3), "all values are the same"),
    ],
)
def test_no_interval_and_why(values: np.ndarray, reason: str) -> None:
    found = mixed_model_estimate(*long(values))
    assert found.estimate.value == pytest.approx(values.mean())
    assert found.estimate.low is None and found.p_value is None
    assert reason in found.estimate.reason


def test_users_who_saw_one_wording_each() -> None:
    found = mixed_model_estimate(np.random.default_rng(0).random(30), range(30), [0, 1, 2] * 10)
    assert found.estimate.low is None and "several wordings" in found.estimate.reason


def test_nothing_and_unequal_lengths() -> None:
    found = mixed_model_estimate(np.full(4, np.nan), [0, 0, 1, 1], [0, 1, 0, 1])
    assert found.estimate.value is None and found.estimate.n_missing == 2
    with pytest.raises(WrongUse, match="3 values, 2 users"):
        mixed_model_estimate(np.zeros(3), [0, 1], [0, 1, 2])
