"""Findings of the popularity audit are what their formulas say, counted user by user."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

import numpy as np
import pytest
from popularity_people import (
    AMOUNTS,
    GROUP,
    HISTORY,
    IDS,
    POPULARITY,
    USERS,
    K,
    N,
    audience,
    audit,
    by_weight,
    run,
    value,
)
from scipy.stats import spearmanr

from fairrec.results import AuditResult
from fairrec.types import Arm

LIKED = 60
PLACE = {item: place for place, item in enumerate(IDS)}
PEOPLE = audience(held_out=LIKED)
CHOOSE = by_weight(AMOUNTS**0.8)
ONE = audit(PEOPLE, draws=200, quality={item: float(len(item)) for item in IDS[:300]})
LISTS = {
    arm: {p.cluster: CHOOSE(p.request) for p in ONE.plan() if p.arm is arm}
    for arm in (Arm.NEUTRAL, Arm.REPEAT)
}
GIVEN = LISTS[Arm.NEUTRAL]


@pytest.fixture(scope="module")
def result() -> AuditResult:
    return run(ONE, CHOOSE)


def amount(item: str) -> float:
    return POPULARITY.get(item, 0.0)


def test_what_asking_again_changes_is_a_size(result: AuditResult) -> None:
    once, again = (
        np.array([np.mean([amount(i) for i in lists[user.id]]) for user in PEOPLE])
        for lists in LISTS.values()
    )
    assert (once != again).any()
    found = value(result, "items.arp.changed_when_asked_again")
    assert found == pytest.approx(np.abs(once - again).mean(), abs=1e-9)


def test_floors_are_what_choosing_at_random_gives(result: AuditResult) -> None:
    share = result.finding("popularity.items.arp.normalised")
    assert share.noise_floor == pytest.approx(1 / N, abs=1e-12)
    rank = result.finding("popularity.items.popularity_rank.mean")
    assert rank.noise_floor == pytest.approx((N + 1) / 2, abs=1e-9)


def test_novelty_counts_what_is_liked_alone(result: AuditResult) -> None:
    weights = [1 / math.log2(rank + 1) for rank in range(1, K + 1)]
    of = {
        "epc": lambda item: 1 - amount(item) / AMOUNTS.max(),
        "efd": lambda item: -math.log2(max(amount(item), 1.0) / AMOUNTS.sum()),
    }
    for name, novelty in of.items():
        means = [
            np.average([novelty(i) * (i in u.held_out) for i in GIVEN[u.id]], weights=weights)
            for u in PEOPLE
        ]
        assert value(result, f"items.{name}.mean") == pytest.approx(np.mean(means), abs=1e-9)


def test_rank_correlations_are_scipys(result: AuditResult) -> None:
    of_users, ranks = [], defaultdict(list)
    for user in PEOPLE:
        hits = [(amount(i), r) for r, i in enumerate(GIVEN[user.id], 1) if i in user.held_out]
        if len(hits) > 1 and len({popularity for popularity, _ in hits}) > 1:
            of_users.append(-spearmanr(*zip(*hits, strict=True)).statistic)
        for rank, item in enumerate(GIVEN[user.id], 1):
            if item in user.held_out:
                ranks[item].append(rank)
    pru = result.finding("popularity.items.pru.mean").estimate
    assert 20 < len(of_users) == pru.n
    assert pru.value == pytest.approx(np.mean(of_users), abs=1e-9)
    pri = result.finding("popularity.items.pri.value").estimate
    means = [np.mean(of_item) for of_item in ranks.values()]
    assert pri.n == len(ranks)
    rho = spearmanr([amount(item) for item in ranks], means).statistic
    assert pri.value == pytest.approx(-rho, abs=1e-9)
    assert pri.low is None and pri.reason


def shares(items: tuple[str, ...] | list[str], names: list[str], of: dict[str, str]) -> np.ndarray:
    counts = Counter(of[item] for item in items)
    return np.array([counts[name] for name in names]) / len(items)


def test_group_unfairness_is_of_the_mean_user(result: AuditResult) -> None:
    parts = {item: ONE.parts.names[ONE.parts.codes[place]] for item, place in PLACE.items()}
    makers = dict(zip(IDS, GROUP.tolist(), strict=True))
    for attribute, of, names in (
        ("items", parts, list(ONE.parts.names)),
        ("maker", makers, ["a", "b"]),
    ):
        off = np.mean(
            [shares(GIVEN[u.id], names, of) - shares(u.history, names, of) for u in PEOPLE], axis=0
        )
        mgu, dgu = (result.finding(f"popularity.{attribute}.{m}.value") for m in ("mgu", "dgu"))
        assert mgu.estimate.value == pytest.approx(np.abs(off).mean(), abs=1e-9)
        assert dgu.estimate.value == pytest.approx(np.ptp(off), abs=1e-9)
        for estimate in (mgu.estimate, dgu.estimate):
            assert estimate.low <= estimate.value <= estimate.high


def test_preference_bias_of_histories_and_lists(result: AuditResult) -> None:
    for name in ("a", "b"):
        offered = np.mean([of_item == name for of_item in GROUP])
        had = sum(GROUP[PLACE[i]] == name for u in PEOPLE for i in u.history) / (USERS * HISTORY)
        got = sum(GROUP[PLACE[i]] == name for u in PEOPLE for i in GIVEN[u.id]) / (USERS * K)
        for statistic, want in (
            ("in_histories", had / offered),
            ("in_lists", got / offered),
            ("disparity", got / had - 1),
        ):
            found = value(result, f"maker.{name}.preference_bias.{statistic}")
            assert found == pytest.approx(want, abs=1e-9), (name, statistic)


def test_items_without_a_quality_are_left_out_of_the_regression(result: AuditResult) -> None:
    effect = result.finding("popularity.items.quality_effect.rate_ratio").estimate
    assert effect.n == 300
    first = [f for f in result.findings if f.metric in ("popularity_effect", "quality_effect")]
    assert [f.family for f in first] == ["effects of popularity and quality (2 tests)"] * 2
    assert all(f.p_adjusted is not None and f.p_adjusted >= f.p_value for f in first)


def test_small_makers_are_one() -> None:
    few = audit(PEOPLE, most_groups=1)
    assert few.groups is not None and few.groups.names == ("a", "other groups")
