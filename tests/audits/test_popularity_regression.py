"""Rate ratios beyond popularity: covered where the truth is known, else undefined."""

from __future__ import annotations

import time

import numpy as np
import pytest

from fairrec.audits.popularity_regression import popularity_regression
from fairrec.metrics.item_groups import group_items


def recommended(
    rng: np.random.Generator, weight: np.ndarray, lists: int = 60, k: int = 10
) -> np.ndarray:
    """How often items are in lists drawn by weight without replacement."""
    keys = rng.exponential(1.0, (lists, len(weight))) / weight
    held = np.argpartition(keys, k, axis=1)[:, :k]
    return np.bincount(held.ravel(), minlength=len(weight)).astype(float)


@pytest.mark.parametrize("ratio", [1.0, 2.0])
@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_a_planted_rate_ratio_is_covered(ratio: float, spread: float) -> None:
    """Items differ beyond what is known of them (spread), which makes counts overdispersed."""
    rng = np.random.default_rng(int(10 * ratio + 100 * spread))
    inside = alarms = 0
    runs, n = 200, 600
    member = np.arange(n) % 3 == 0
    groups = group_items(["a" if flag else "b" for flag in member])
    for _ in range(runs):
        popularity = rng.lognormal(2.0, 1.0, n)
        own = np.exp(spread * rng.normal(size=n))
        weight = (1 + popularity) * np.where(member, ratio, 1.0) * own
        found = popularity_regression(recommended(rng, weight), popularity, groups).groups["a"]
        assert found.estimate.low is not None and found.estimate.high is not None
        inside += found.estimate.low <= ratio <= found.estimate.high
        alarms += found.p_value is not None and found.p_value <= 0.05
    assert 0.92 <= inside / runs <= 0.98
    if ratio == 1:
        assert 0.02 <= alarms / runs <= 0.08
    else:
        assert alarms / runs > 0.95


def test_popularity_and_quality_are_told_apart() -> None:
    rng = np.random.default_rng(0)
    popularity, quality = rng.lognormal(2, 1, 2000), rng.normal(size=2000)
    quality[:5] = np.nan
    weight = (1 + popularity) ** 0.5 * np.exp(0.4 * np.nan_to_num(quality))
    counts = recommended(rng, weight, lists=400)
    found = popularity_regression(counts, popularity, quality=quality)
    assert found.popularity.estimate.value == pytest.approx(np.exp(0.5), rel=0.08)
    assert found.quality is not None
    assert found.quality.estimate.value == pytest.approx(np.exp(0.4), rel=0.08)
    assert found.popularity.estimate.n == 1995


def test_opportunities_are_taken_into_account() -> None:
    """An item that was a candidate twice as often is not favoured if it is shown so."""
    rng = np.random.default_rng(1)
    chances = np.where(np.arange(800) % 2 == 0, 2.0, 1.0)
    groups = group_items(["often" if c == 2 else "seldom" for c in chances])
    popularity = rng.lognormal(1, 1, 800)
    counts = rng.poisson(3 * chances).astype(float)
    (name,) = popularity_regression(counts, popularity, groups).groups
    plain = popularity_regression(counts, popularity, groups).groups[name].estimate.value
    fair = popularity_regression(counts, popularity, groups, None, chances).groups[name]
    assert plain is not None and abs(np.log(plain)) > 0.5
    assert fair.estimate.low is not None and fair.estimate.high is not None
    assert fair.estimate.low <= 1 <= fair.estimate.high


@pytest.mark.parametrize(
    ("counts", "popularity", "why"),
    [
        (np.ones(8), np.arange(8.0), "8 items are too few for 2 coefficients"),
        (np.zeros(50), np.arange(50.0), "nothing was recommended"),
        (np.arange(50.0), np.ones(50), "all items are equally popular"),
    ],
)
def test_what_cannot_be_fitted_says_why(
    counts: np.ndarray, popularity: np.ndarray, why: str
) -> None:
    found = popularity_regression(counts, popularity)
    assert found.popularity.estimate.value is None and found.popularity.estimate.reason == why
    assert found.curve == {} and found.popularity.p_value is None


def test_a_group_that_is_never_recommended_has_no_ratio() -> None:
    rng = np.random.default_rng(2)
    popularity = rng.lognormal(2, 1, 300)
    never = np.arange(300) % 10 == 0
    weight = np.where(never, 1e-12, 1 + popularity)
    groups = group_items(
        ["never" if flag else "a" if i % 2 else "b" for i, flag in enumerate(never)]
    )
    found = popularity_regression(recommended(rng, weight), popularity, groups)
    assert found.groups["never"].estimate.value is None
    assert "never recommended" in found.groups["never"].estimate.reason
    others = [e for name, e in found.groups.items() if name != "never"]
    assert others and all(e.estimate.value is not None for e in others)


def test_a_group_that_is_never_recommended_does_not_count_for_another() -> None:
    """Half of the catalogue got nothing: as if it were not there, not part of the reference."""
    rng = np.random.default_rng(4)
    popularity = rng.lognormal(2, 1, 600)
    names = ["a", "b", "never", "never"] * 150
    there = np.array(names) != "never"
    counts = np.where(there, rng.poisson(2.0 + popularity / 4), 0).astype(float)
    found = popularity_regression(counts, popularity, group_items(names))
    alone = popularity_regression(
        counts[there],
        popularity[there],
        group_items([name for name in names if name != "never"]),
    )
    assert found.reference == alone.reference
    (other,) = alone.groups
    assert found.groups[other] == alone.groups[other]
    assert found.popularity == alone.popularity


def test_many_items_do_not_take_long() -> None:
    rng = np.random.default_rng(3)
    popularity = rng.lognormal(2, 1, 10_000)
    groups = group_items([f"g{i % 20}" for i in range(10_000)])
    counts = recommended(rng, 1 + popularity, lists=500)
    popularity_regression(counts, popularity)  # imports
    start = time.process_time()
    popularity_regression(counts, popularity, groups)
    assert time.process_time() - start < 2  # a few hundredths as a rule
