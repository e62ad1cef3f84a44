"""What a group gets beyond its popularity is estimated right, and not where nothing can be said."""

from __future__ import annotations

import time

import numpy as np
import pytest

from fairrec.audits.popularity_regression import PopularityRegression, popularity_regression
from fairrec.metrics.item_groups import ItemGroups, group_items


def items(rng: np.random.Generator, n: int, share: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """Return popularity, and which items are in the group."""
    return np.floor(rng.lognormal(3, 1, n)), rng.random(n) < share


def two_groups(member: np.ndarray) -> ItemGroups:
    return group_items(np.where(member, "b", "a").tolist())


def of_b(found: PopularityRegression):
    """Return the effect of group b, whichever of the two the other is held against."""
    assert found.reference == "a"
    return found.groups["b"]


def fixed_size_lists(rng: np.random.Generator, chances: np.ndarray, n: int) -> np.ndarray:
    """Return how many of n lists hold each item, each of them in a list with just its chance.

    Every list has as many items as chances sum to, without any twice (Madow's systematic sampling
    of a random order), so counts of items depend on each other as in real lists.
    """
    counts = np.zeros(len(chances))
    for _ in range(n):
        order = rng.permutation(len(chances))
        ends = np.cumsum(chances[order]) + rng.random()
        starts = np.concatenate([[ends[0] - chances[order[0]]], ends[:-1]])
        counts[order[np.floor(ends) > np.floor(starts)]] += 1
    return counts


def literal_fit(y: np.ndarray, x: np.ndarray, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients by Newton's method, and their HC3 covariance, matrix by matrix."""
    beta = np.zeros(x.shape[1])
    beta[0] = np.log(y.mean())
    for _ in range(200):
        mean = np.exp(x @ beta)
        weight = mean / (1 + alpha * mean)
        step = np.linalg.solve(x.T @ (weight[:, None] * x), x.T @ ((y - mean) / (1 + alpha * mean)))
        beta = beta + np.clip(step, -1, 1)
    root = np.sqrt(weight)[:, None] * x
    bread = np.linalg.inv(root.T @ root)
    leverage = np.diag(root @ bread @ root.T)
    scores = x * ((y - mean) / (1 + alpha * mean) / (1 - leverage))[:, None]
    return beta, bread @ scores.T @ scores @ bread


def test_it_is_the_model_it_says() -> None:
    rng = np.random.default_rng(1)
    popularity, member = items(rng, 400)
    mean = 0.4 * (1 + popularity) ** 0.7 * np.where(member, 2.0, 1.0)
    y = rng.poisson(mean * rng.gamma(2, 0.5, 400)).astype(float)
    found = popularity_regression(y, popularity, two_groups(member))
    assert found.said.startswith("negative binomial regression (dispersion 0.")
    alpha = float(found.said.split("dispersion ")[1].split(")")[0])
    x = np.column_stack([np.ones(400), np.log1p(popularity), member])
    beta, covariance = literal_fit(y, x, alpha)
    for effect, place in ((found.popularity, 1), (of_b(found), 2)):
        e = effect.estimate
        assert e.value == pytest.approx(np.exp(beta[place]), rel=1e-3)
        width = np.log(e.high / e.low) / 2 / 1.96595  # Student's t, 397 degrees of freedom
        assert width == pytest.approx(np.sqrt(covariance[place, place]), rel=2e-3)
    fitted = np.exp(x @ beta)
    pearson = ((y - fitted) ** 2 / (fitted + alpha * fitted**2)).sum()
    assert pearson == pytest.approx(397, rel=5e-3)


def test_without_overdispersion_it_is_poisson() -> None:
    rng = np.random.default_rng(2)
    popularity, member = items(rng, 300)
    mean = 0.3 * (1 + popularity) ** 0.7 * np.where(member, 2.0, 1.0)
    y = rng.binomial(40, np.minimum(mean / 40, 0.9)).astype(float)  # varies less than Poisson
    found = popularity_regression(y, popularity, two_groups(member))
    assert found.said == "Poisson regression (no overdispersion), HC3 errors"
    beta, _ = literal_fit(y, np.column_stack([np.ones(300), np.log1p(popularity), member]), 0.0)
    assert of_b(found).estimate.value == pytest.approx(np.exp(beta[2]), rel=1e-6)


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_intervals_cover_the_truth_of_lists(ratio: float) -> None:
    """300 times: lists without replacement, of items whose appeal differs beyond what is known."""
    covered, rejected = [], []
    for seed in range(300):
        rng = np.random.default_rng([5, seed])
        popularity, member = items(rng, 200)
        appeal = (1 + popularity) ** 0.6 * np.where(member, ratio, 1.0) * rng.gamma(2, 0.5, 200)
        chances = np.minimum(appeal / appeal.sum() * 8, 0.999)
        counts = fixed_size_lists(rng, chances, 40)
        effect = of_b(popularity_regression(counts, popularity, two_groups(member)))
        covered.append(effect.estimate.low <= ratio <= effect.estimate.high)
        rejected.append(effect.p_value <= 0.05)
        # Test and interval are one.
        assert (effect.p_value <= 0.05) == (not effect.estimate.low <= 1 <= effect.estimate.high)
    assert 0.93 <= np.mean(covered) <= 0.97
    if ratio == 1:
        assert np.mean(rejected) == pytest.approx(1 - np.mean(covered))
    else:
        assert np.mean(rejected) > 0.9


def test_one_list_for_all_is_few_observations() -> None:
    """However many users get it: ten items would find an effect where there is none."""
    undefined = 0
    for seed in range(100):
        rng = np.random.default_rng([9, seed])
        popularity, member = items(rng, 300)
        appeal = (1 + popularity) ** 0.6 * rng.gamma(2, 0.5, 300)
        chances = np.minimum(appeal / appeal.sum() * 10, 0.999)
        counts = fixed_size_lists(rng, chances, 1) * 1_000
        found = popularity_regression(counts, popularity, two_groups(member))
        for effect in (found.popularity, *found.groups.values()):
            assert effect.estimate.value is None
            assert effect.p_value is None
            undefined += "too few" in effect.estimate.reason or "never" in effect.estimate.reason
    assert undefined == 200


def test_few_lists_shared_by_many_keep_their_rate() -> None:
    """Counts then vary more than anything that a count model expects; nothing may break."""
    rejected = []
    for seed in range(200):
        rng = np.random.default_rng([13, seed])
        popularity, member = items(rng, 300)
        appeal = (1 + popularity) ** 0.6 * rng.gamma(2, 0.5, 300)
        chances = np.minimum(appeal / appeal.sum() * 10, 0.999)
        counts = sum(fixed_size_lists(rng, chances, 1) * c for c in (70, 40, 30, 10, 5))
        effect = of_b(popularity_regression(counts, popularity, two_groups(member)))
        if effect.p_value is not None:
            rejected.append(effect.p_value <= 0.05)
    assert len(rejected) > 150
    assert np.mean(rejected) <= 0.09


def test_a_group_that_is_hardly_recommended_has_no_interval() -> None:
    rng = np.random.default_rng(3)
    popularity, _ = items(rng, 300)
    names = np.array(["a"] * 250 + ["never"] * 25 + ["seldom"] * 25)
    y = rng.poisson(3.0, 300).astype(float)
    y[names != "a"] = 0
    y[-3:] = 2
    groups = popularity_regression(y, popularity, group_items(names.tolist())).groups
    assert groups["never"].estimate.value is None
    assert "never recommended" in groups["never"].estimate.reason
    seldom = groups["seldom"]
    assert 0 < seldom.estimate.value < 0.3
    assert seldom.estimate.low is None
    assert seldom.p_value is None
    assert seldom.estimate.reason.startswith("3 of its items")


def test_what_is_unknown_is_no_yardstick() -> None:
    rng = np.random.default_rng(4)
    popularity, _ = items(rng, 300)
    values = [None] * 200 + ["a"] * 60 + ["b"] * 40
    found = popularity_regression(rng.poisson(4.0, 300) * 1.0, popularity, group_items(values))
    assert found.reference == "a"
    assert set(found.groups) == {"b", "unknown"}
    assert all(effect.estimate.low is not None for effect in found.groups.values())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"counts": np.zeros(100)}, "nothing was recommended"),
        ({"counts": np.r_[np.ones(8), np.zeros(92)]}, "8 items were recommended: too few"),
        ({"popularity": np.ones(100)}, "all items are equally popular"),
        ({"quality": np.log1p(np.arange(100.0))}, "cannot be told apart"),
        ({"quality": np.full(100, np.nan)}, "0 items are too few"),
        ({"quality": np.full(100, 3.5)}, "cannot be told apart"),
        ({"opportunities": np.zeros(100)}, "0 items are too few"),
    ],
)
def test_what_cannot_be_fitted_says_why(change: dict, reason: str) -> None:
    rng = np.random.default_rng(5)
    given = {"counts": rng.poisson(4.0, 100) * 1.0, "popularity": np.arange(100.0), **change}
    found = popularity_regression(**given)
    assert found.popularity.estimate.value is None
    assert reason in found.popularity.estimate.reason
    assert dict(found.curve) == {}


def test_what_was_never_offered_was_not_passed_over() -> None:
    """Items of b are candidates half as often and listed half as often: no effect of the group."""
    rng = np.random.default_rng(6)
    popularity, member = items(rng, 600)
    offered = np.where(member, 40.0, 80.0)
    y = rng.poisson(0.005 * offered * (1 + popularity) ** 0.7).astype(float)
    groups = two_groups(member)
    blind = of_b(popularity_regression(y, popularity, groups))
    told = of_b(popularity_regression(y, popularity, groups, opportunities=offered))
    assert blind.estimate.high < 0.7
    assert told.estimate.low < 1 < told.estimate.high
    assert told.estimate.value == pytest.approx(2 * blind.estimate.value, rel=0.05)


def test_quality_is_told_apart_from_the_group() -> None:
    rng = np.random.default_rng(7)
    popularity, member = items(rng, 800)
    quality = np.where(member, 4.0, 3.0) + rng.normal(0, 0.5, 800)
    y = rng.poisson(0.2 * (1 + popularity) ** 0.7 * np.exp(0.8 * (quality - 3))).astype(float)
    quality[:20] = np.nan
    groups = two_groups(member)
    without = of_b(popularity_regression(y, popularity, groups))
    found = popularity_regression(y, popularity, groups, quality)
    assert without.estimate.low > 1.5
    assert of_b(found).estimate.low < 1 < of_b(found).estimate.high
    spread = np.nanstd(quality)
    assert found.quality.estimate.value == pytest.approx(np.exp(0.8 * spread), rel=0.1)
    assert found.quality.p_value < 1e-6


def test_the_curve_is_the_fit() -> None:
    rng = np.random.default_rng(8)
    popularity, _ = items(rng, 500)
    y = rng.poisson(0.5 * (1 + popularity) ** 0.8).astype(float)
    found = popularity_regression(y, popularity)
    curve = {name: np.array(values) for name, values in found.curve.items()}
    assert set(curve) == {"popularity", "exposure", "low", "high"}
    assert (curve["low"] < curve["exposure"]).all()
    assert (curve["exposure"] < curve["high"]).all()
    truth = 0.5 * (1 + curve["popularity"]) ** 0.8
    assert curve["exposure"] / truth == pytest.approx(1, rel=0.2)
    slope = np.log(curve["exposure"][-1] / curve["exposure"][0])
    slope /= np.log1p(curve["popularity"][-1]) - np.log1p(curve["popularity"][0])
    assert np.exp(slope) == pytest.approx(found.popularity.estimate.value)


def test_ten_thousand_items_take_little_time() -> None:
    rng = np.random.default_rng(9)
    popularity, _ = items(rng, 10_000)
    groups = group_items([f"g{i}" for i in rng.integers(0, 20, 10_000)])
    y = rng.poisson(0.2 * (1 + popularity) ** 0.8 * rng.gamma(1, 1, 10_000)).astype(float)
    popularity_regression(y, popularity)  # imports
    start = time.process_time()
    found = popularity_regression(y, popularity, groups, rng.normal(size=10_000))
    assert time.process_time() - start < 2
    assert len(found.groups) == 19
