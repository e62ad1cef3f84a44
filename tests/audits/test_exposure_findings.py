"""Findings about exposure: each number from first principles, and what chance alone would call."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from exposure_cases import (
    MAKERS,
    UNIFORM,
    K,
    N,
    audited,
    found,
    random_lists,
    random_relevance,
    summed,
)
from shelf import drawing, run_audit

from fairrec.audits.exposure_findings import ExposureJudge
from fairrec.audits.exposure_relevance import less_relevance
from fairrec.audits.exposure_sums import ExposureSums
from fairrec.evidence.group_shares import share_p_values
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.item_groups import group_items
from fairrec.metrics.item_lists import ItemLists
from fairrec.metrics.merit import catalogue_shares, equal_shares


def test_disparities_of_known_groups_are_those_of_their_items() -> None:
    groups = group_items(MAKERS)
    lists = random_lists(np.random.default_rng(1), 50)
    result = found(summed(lists, groups), {"equal": equal_shares(groups)})
    counts = dict.fromkeys(groups.names, 0)
    for item in lists.items.ravel():
        counts[MAKERS[item] or "unknown"] += 1
    for per, base in (({"a": 30, "b": 20}, "parity"), ({"a": 1, "b": 1}, "treatment_by_equal")):
        whole = (counts["a"] + counts["b"]) / (per["a"] + per["b"])
        a, b = (counts[name] / per[name] / whole for name in "ab")
        expected = {
            "ratio": min(a, b) / max(a, b),
            "difference": abs(a - b),
            "log_ratio": abs(np.log(a / b)),
            "l2": abs(a - b) / 2**0.5,
            "variance": ((a - b) / 2) ** 2,
        }
        for form, value in expected.items():
            estimate = result[f"{base}_{form}", None].estimate
            assert estimate.value == pytest.approx(value), (base, form)
            assert estimate.low is not None and estimate.high is not None
            assert estimate.low <= value <= estimate.high


def test_a_group_that_gets_nothing_is_at_ratio_0_and_has_no_logarithm() -> None:
    groups = group_items(MAKERS)
    only_a = np.array([1e-9 if maker == "b" else 1.0 for maker in MAKERS])
    lists = random_lists(np.random.default_rng(2), 30, only_a)
    result = found(summed(lists, groups), {"catalogue": catalogue_shares(groups)})
    assert result["share", "b"].estimate.value == 0
    ratio, log = result["parity_ratio", None].estimate, result["parity_log_ratio", None].estimate
    assert ratio.value == 0 and "no exposure" in ratio.reason
    assert log.value is None and "no exposure" in log.reason
    own = result["log_ratio_to_catalogue", "b"].estimate
    assert own.value is None and "without exposure" in own.reason
    of_a = result["log_ratio_to_catalogue", "a"].estimate
    share = result["share", "a"].estimate
    assert (share.value, share.low, of_a.low) != (None, None, None)
    assert of_a.value == pytest.approx(np.log(share.value / 0.5))  # type: ignore[operator]
    assert of_a.low == pytest.approx(np.log(share.low / 0.5))  # type: ignore[operator]


def test_who_deserves_nothing_is_left_out_and_nobody_deserving_is_said() -> None:
    groups = group_items(["a", "b", "c"] * 20)
    sums = summed(random_lists(np.random.default_rng(3), 30), groups)
    result = found(sums, {"given": np.array([0.5, 0.5, 0.0])})
    none = result["log_ratio_to_given", "c"].estimate
    assert none.value is None and none.reason == "undefined: the group deserves nothing"
    share = {name: result["share", name].estimate.value for name in "abc"}
    low, high = sorted((share["a"], share["b"]))  # type: ignore[type-var]
    ratio = result["treatment_by_given_ratio", None].estimate
    assert ratio.value == pytest.approx(low / high)  # type: ignore[operator]
    nobody = found(sums, {"interactions": np.full(3, np.nan)})
    for key in (("share_less_interactions", "a"), ("treatment_by_interactions_ratio", None)):
        assert nobody[key].estimate.value is None and nobody[key].p_value is None
        assert nobody[key].estimate.reason.startswith("undefined")


def test_random_groupings_tell_makers_from_items() -> None:
    """Popular items of any maker are no matter of makers; those of one maker are."""
    groups = group_items(["a", "b", "c", "c"] * 15)
    alarms, runs = 0, 100
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        lists = random_lists(rng, 40, np.exp(rng.normal(size=N)))
        p = found(summed(lists, groups), draws=200)["parity_difference", None].p_value
        assert p is not None
        alarms += p <= 0.05
    assert alarms <= 13  # more than 13 of 100 at 0.05: 1 in 2,000
    weight = np.array([3.0, 1.0, 1.0, 1.0] * 15)
    planted = found(summed(random_lists(np.random.default_rng(0), 40, weight), groups))
    finding = planted["parity_difference", None]
    assert finding.p_value is not None and finding.p_value < 0.01
    assert finding.noise_floor is not None and finding.estimate.value > finding.noise_floor  # type: ignore[operator]


def test_random_lists_are_as_concentrated_as_the_noise_floor() -> None:
    lists = random_lists(np.random.default_rng(4), 20)
    result = found(summed(lists, None))
    for name in ("gini", "coverage", "hhi", "normalised_entropy", "effective_number"):
        finding = result[name, None]
        assert finding.noise_floor == pytest.approx(finding.estimate.value, rel=0.15), name
    narrow = found(summed(lists, None), from_catalogue=False)
    assert narrow["gini", None].noise_floor is None
    assert narrow["gini", None].estimate == result["gini", None].estimate


def test_no_list_at_all_leaves_nothing_to_say() -> None:
    groups = group_items(MAKERS)
    judge = ExposureJudge(ExposureSums(N, K, groups, [UNIFORM]), "maker", {}, n=0, n_missing=4)
    assert judge.groups() == [] and judge.tables() == {}
    assert all(f.estimate.value is None and f.estimate.reason for f in judge.items())


def test_parts_of_a_log_give_the_findings_of_the_whole() -> None:
    groups = group_items(MAKERS)
    lists = random_lists(np.random.default_rng(5), 40)
    whole, first, second = (ExposureSums(N, K, groups, [UNIFORM]) for _ in range(3))
    whole.update(lists, np.arange(40))
    first.update(ItemLists(lists.items[:15], N), np.arange(15))
    second.update(ItemLists(lists.items[15:], N), np.arange(15, 40))
    first.merge(second)
    target = {"catalogue": catalogue_shares(groups)}
    one, other = found(whole, target), found(first, target)
    assert one.keys() == other.keys()
    for key, finding in one.items():
        assert other[key].estimate.value == pytest.approx(finding.estimate.value), key
        assert other[key].estimate.high == pytest.approx(finding.estimate.high), key
        assert other[key].p_value == pytest.approx(finding.p_value), key


def test_relevance_is_as_uncertain_as_its_users() -> None:
    """Nobody is favoured: a test that took relevance as known would call out every second maker."""
    groups = group_items(["a", "b", "b", "c", "c", "c"] * 10)
    runs, alarms, naive = 150, np.zeros(3), np.zeros(3)
    inside = np.zeros(3)
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        relevant = random_relevance(rng, 40, 1)
        sums = summed(random_lists(rng, 40), groups, relevant)
        result = found(sums, {"relevance": np.full(3, np.nan)}, draws=200)
        liked = sums.lists.sums["merit"].sum(axis=0)
        for place, name in enumerate("abc"):
            finding = result["share_less_relevance", name]
            share = result["share", name].estimate.value
            assert finding.estimate.value == pytest.approx(share - liked[place] / 40)  # type: ignore[operator]
            assert finding.p_value is not None and finding.estimate.low is not None
            alarms[place] += finding.p_value <= 0.05
            inside[place] += finding.estimate.low <= 0 <= finding.estimate.high  # type: ignore[operator]
        naive += share_p_values(sums.lists.sums["groups 0"], 200.0, liked / 40) <= 0.05
    assert (alarms <= 16).all(), alarms / runs  # more than 16 of 150 at 0.05: 1 in 500
    assert (inside >= runs - 18).all(), inside / runs
    assert (naive > 0.25 * runs).all(), naive / runs


def test_who_is_shown_less_than_is_relevant_is_called_out() -> None:
    groups = group_items(["a", "b", "b", "c", "c", "c"] * 10)
    rng = np.random.default_rng(0)
    few = np.array([0.3, 1, 1, 1, 1, 1] * 10)
    sums = summed(random_lists(rng, 200, few), groups, random_relevance(rng, 200, 3))
    result = found(sums, {"relevance": np.full(3, np.nan)})
    finding = result["share_less_relevance", "a"]
    assert finding.p_adjusted is not None and finding.p_adjusted < 0.01
    assert finding.estimate.high is not None and finding.estimate.high < 0
    log = result["log_ratio_to_relevance", "a"].estimate
    assert log.high is not None and log.high < 0
    assert result["impact_ratio", None].estimate.value < 0.6  # type: ignore[operator]


def test_of_a_rare_group_relevance_says_little() -> None:
    """One user of 40 likes something rare that nobody is shown: that is no evidence of anything."""
    exposure = np.column_stack([np.full(40, 5.0), np.zeros(40)])
    relevance = np.column_stack([np.ones(40), np.zeros(40)])
    relevance[0] = [0, 1]
    estimates, p_values = less_relevance(
        exposure, 200.0, relevance, np.random.default_rng(0), 200, n=40
    )
    assert estimates[1].value == pytest.approx(-1 / 40)
    assert estimates[1].low < -0.05 and estimates[1].high > 0  # type: ignore[operator]
    assert (p_values > 0.05).all()
    nothing = less_relevance(
        exposure, 200.0, np.zeros((40, 2)), np.random.default_rng(0), 200, n=40
    )
    assert nothing[0][0].value is None and np.isnan(nothing[1]).all()


def test_expected_exposure_of_few_lists_is_that_of_different_lists() -> None:
    """Lists drawn anew whenever asked: on average every item gets the same, far less than a list
    gives to those on it."""
    one = audited(60, held_out=True, repeats=2, browsing=(Browsing("log2"),))
    result = run_audit(one, drawing(one.catalog))
    weights = Browsing("log2").weights(10)
    alike = weights.sum() ** 2 / 120
    of = "exposure.items.expected_exposure"
    plain = result.finding(f"{of}.disparity").estimate.value
    unbiased = result.finding(f"{of}.disparity_unbiased").estimate
    assert plain > 4 * alike  # type: ignore[operator]
    assert unbiased.low is not None and unbiased.high is not None
    assert unbiased.low <= alike <= unbiased.high < 2 * alike
    loss = result.finding(f"{of}.difference").estimate.value
    less = result.finding(f"{of}.difference_unbiased").estimate.value
    assert loss - less == pytest.approx(plain - unbiased.value)  # type: ignore[operator]


def test_unbiased_disparity_is_the_mean_over_pairs_of_lists() -> None:
    one = audited(3, held_out=True, repeats=2, browsing=(UNIFORM,))
    plain = drawing(one.catalog)
    result = run_audit(one, plain)
    makers = dict(zip(one.catalog.ids, one.catalog.column("maker"), strict=True))
    by_item, by_maker = [], []
    for user in one.users:
        asked = [p.request for p in one.plan() if p.cluster == user.id]
        lists = [ranking.items for ranking in plain.recommend(asked)]
        pairs = list(combinations(lists, 2))
        by_item.append(np.mean([len(set(x) & set(y)) for x, y in pairs]))
        by_maker.append(np.mean([sum(makers[i] == makers[j] for i in x for j in y)
                                 for x, y in pairs]))  # fmt: skip
    for attribute, expected in (("items", by_item), ("maker", by_maker)):
        id = f"exposure.{attribute}.expected_exposure.disparity_unbiased"
        assert result.finding(id).estimate.value == pytest.approx(np.mean(expected))
