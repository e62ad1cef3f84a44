"""Exposure metrics equal published programs' values, whose definitions are spelled out here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from item_oracles import case, groups_of, lists_of, positions

from fairrec.metrics.attention import awrf
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.concentration import (
    bottom_share,
    catalogue_coverage,
    kl_divergence,
    min_max_ratio,
    shannon_entropy,
    shares,
    total_variation,
)
from fairrec.metrics.expected_exposure import expected_exposure, target_exposure
from fairrec.metrics.exposure import group_exposure, item_exposure, place_exposure
from fairrec.metrics.group_exposure import group_disparity, impact, mean_exposure, treatment
from fairrec.metrics.inequality import gini
from fairrec.metrics.item_groups import group_items
from fairrec.metrics.item_lists import item_lists, relevant_items
from fairrec.metrics.rank_biased_equity import erbe, erbp

MODELS = {
    "geometric(stop=.5)": Browsing("geometric", stop=0.5),
    "log2 clip": Browsing("log2_clip"),
}


@pytest.mark.parametrize(
    ("id", "browsing"),
    [
        ("rfm_weights_geometric(stop=.5)", MODELS["geometric(stop=.5)"]),
        ("rfm_weights_log2 clip", MODELS["log2 clip"]),
        ("lenskit_weight_geometric_.85", Browsing("rbp", patience=0.85)),
        ("lenskit_weight_log_offset1", Browsing("log2")),
    ],
)
def test_weights(id: str, browsing: Browsing) -> None:
    np.testing.assert_allclose(browsing.weights(5), case(id)["expected"], atol=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_awrf(model: str) -> None:
    one = case(f"rfm_AWRF_{model}")
    lists, groups = lists_of(one["inputs"]["recs"]), groups_of(one["inputs"]["group"])
    assert groups.names == ("F", "M", "unknown")
    given = group_exposure(lists, groups, place_exposure(lists, MODELS[model]))
    found = awrf(given, groups.sizes, "binomial", known=groups.known, protected=0)
    np.testing.assert_allclose(found, one["expected"]["per_user"], atol=1e-9)
    assert found.mean() == pytest.approx(one["expected"]["mean"], abs=1e-9)


@pytest.mark.parametrize("model", MODELS)
def test_expected_exposure_of_groups(model: str) -> None:
    """The program gives relevant items the first places alone, and EE-R twice."""
    one = case(f"rfm_EE_{model}")
    lists, groups = lists_of(one["inputs"]["recs"]), groups_of(one["inputs"]["group"])
    relevant = relevant_items(
        [[str(item) for item in some] for some in one["inputs"]["test"].values()], positions()
    )
    browsing = MODELS[model]
    system = group_exposure(lists, groups, place_exposure(lists, browsing)).mean(axis=0)
    weights = browsing.weights(5)
    flags = relevant.toarray() > 0
    first = np.array([weights[:size].mean() for size in flags.sum(axis=1)])
    target = groups.totals(flags * first[:, None]).mean(axis=0)
    found = expected_exposure(system, target)  # unknown is a group here as well
    want = one["expected"]
    assert found.disparity == pytest.approx(want["EED"], abs=1e-9)
    assert 2 * found.relevance == pytest.approx(want["EER"], abs=1e-9)
    assert found.difference == pytest.approx(want["EEL"], abs=1e-9)


@pytest.mark.parametrize(
    "id",
    [
        "expeval_rbp_p0.5_u0.5_indiv_raw",
        "expeval_gerr_p0.5_u0.5_indiv_raw",
        "expeval_rbp_p0.8_u0.5_indiv_raw",
        "expeval_gerr_p0.8_u0.7_indiv_raw",
    ],
)
def test_expected_exposure_of_items(id: str) -> None:
    one = case(id)
    how = one["inputs"]
    browsing = Browsing(
        "cascade" if how["user_model"] == "gerr" else "rbp",
        patience=how["patience"],
        utility=how["utility"],
    )
    for query, judged in how["relevance"].items():
        position = {item: place for place, item in enumerate(judged)}
        rankings = how["rankings"][query]
        lists = item_lists(rankings, position, len(position))
        liked = [{item: float(value) for item, value in judged.items()}] * len(rankings)
        relevant = relevant_items(liked, position)
        exposure = place_exposure(lists, browsing, relevant)
        system = item_exposure(lists, exposure) / len(rankings)
        found = expected_exposure(system, target_exposure(relevant[:1], browsing)[0])
        assert found._asdict() == pytest.approx(one["expected"][query], abs=6e-7)


def rank_tuned(one: dict[str, Any]) -> tuple[Any, Any]:
    inputs = one["inputs"]
    return lists_of(inputs["rankings"]), groups_of(inputs["item_group"])


def by_group(one: dict[str, Any], found: np.ndarray) -> None:
    want = one["expected"]
    np.testing.assert_allclose(found, list(want["by_group"].values()), atol=1e-9)
    difference = want["MaxMinDiff"]
    assert group_disparity(found, "difference") == pytest.approx(difference, abs=1e-9)
    if "MinMaxRatio" in want:
        ratio = group_disparity(found, "min_max_ratio")
        assert ratio == pytest.approx(want["MinMaxRatio"], abs=1e-9)


def test_rank_biased_equity() -> None:
    one = case("frt_ERBE_0.8")
    lists, groups = rank_tuned(one)
    by_group(one, erbe(lists, groups, 0.8).sum(axis=0))
    by_group(case("frt_ERBP_0.8"), erbp(lists, groups, 0.8).sum(axis=0))


def test_treatment_and_impact() -> None:
    for id, numbers in (("frt_EXPU", "relevance"), ("frt_EXPRU", "ctr")):
        one = case(id)
        lists, groups = rank_tuned(one)
        relevance = np.array(one["inputs"]["relevance"])
        merit = group_exposure(lists, groups, relevance).sum(axis=0)
        if id == "frt_EXPU":
            given = place_exposure(lists, Browsing("log2"))
            places = group_exposure(lists, groups, np.ones(given.shape)).sum(axis=0)
            exposure = mean_exposure(group_exposure(lists, groups, given).sum(axis=0), places)
            found = treatment(exposure, mean_exposure(merit, places))
        else:
            clicks = group_exposure(lists, groups, np.array(one["inputs"][numbers])).sum(axis=0)
            found = impact(clicks, merit)
        by_group(one, found)


def test_mean_attention_that_another_program_calls_awrf() -> None:
    one = case("frt_AWRF_p0.1")
    lists, groups = rank_tuned(one)
    given = group_exposure(lists, groups, place_exposure(lists, Browsing("geometric", stop=0.1)))
    by_group(one, 100 * mean_exposure(given.sum(axis=0), groups.sizes))


@pytest.mark.parametrize(
    ("id", "browsing"),
    [
        ("lenskit_ExposureGini(log clip)", Browsing("log2_clip")),
        ("lenskit_ExposureGini(log offset1)", Browsing("log2")),
        ("lenskit_ListGini", Browsing("uniform")),
    ],
)
def test_gini_of_exposure(id: str, browsing: Browsing) -> None:
    one = case(id)
    lists = lists_of(one["inputs"]["recs"])
    exposure = item_exposure(lists, place_exposure(lists, browsing))
    # The program adds up in single precision, of which the log offset leaves no doubt.
    assert gini(exposure) == pytest.approx(one["expected"], abs=1e-8)
    if id.endswith("offset1)"):
        single = np.zeros(12, dtype=np.float32)
        for row in lists.items:
            single[row] += browsing.weights(5).astype(np.float32)
        assert gini(single) == pytest.approx(one["expected"], abs=1e-12)


def test_gini_of_vectors() -> None:
    for id in ("lenskit_gini_1_1_1_1", "lenskit_gini_1_2_3_4_5"):
        assert gini(case(id)["inputs"]["x"]) == pytest.approx(case(id)["expected"], abs=1e-12)


def test_counts_of_items() -> None:
    one = case("elliot_Gini")
    counts = lists_of(one["inputs"]["recs"]).counts()
    assert 1 - gini(counts, "sample") == pytest.approx(one["expected"], abs=1e-9)
    assert shannon_entropy(counts) == pytest.approx(case("elliot_SEntropy")["expected"], abs=1e-9)
    assert catalogue_coverage(counts) * 12 == case("elliot_ItemCoverage")["expected"]


@pytest.mark.parametrize("k", [1, 5])
def test_coverage_depends_on_k(k: int) -> None:
    one = case(f"rectools_coverage@{k}")
    counts = lists_of(one["inputs"]["recs"]).top(k).counts()
    assert catalogue_coverage(counts) == pytest.approx(one["expected"], abs=1e-12)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_entropy_that_another_program_divides_by_the_items_recommended(k: int) -> None:
    one = case("recbole_ShannonEntropy")
    counts = lists_of(one["inputs"]["recs"]).top(k).counts()
    found = shannon_entropy(counts, base=np.e) / (counts > 0).sum()
    assert found == pytest.approx(one["expected"][f"shannonentropy@{k}"], abs=6e-11)


@pytest.mark.parametrize("id", ["fairdiverse_group_5_3_2", "fairdiverse_group_1_0_0_9"])
def test_groups_of_providers(id: str) -> None:
    one = case(id)
    x, want = one["inputs"]["exposure"], one["expected"]
    assert bottom_share(x) == pytest.approx(want["MMF"], abs=1e-9)
    assert min_max_ratio(x) == pytest.approx(want["MinMaxRatio"], abs=1e-9)
    assert gini(x) == pytest.approx(want["Gini"], abs=1e-9)
    # The program adds 1e-9 inside the logarithm.
    p = shares(x)
    assert shannon_entropy(x) == pytest.approx(want["Entropy"], abs=1e-8)
    assert -(p * np.log2(p + 1e-9)).sum() == pytest.approx(want["Entropy"], abs=1e-9)


@pytest.mark.parametrize(("top", "last_of_equals"), [(1, True), (3, False)])
def test_exposure_between_user_groups(top: int, last_of_equals: bool) -> None:
    """Which of equal scores comes first is the program's own order."""
    one = case(f"holisticai_top{top}")
    scores, want = np.array(one["inputs"]["scores"]), one["expected"]
    turned = scores[:, ::-1] if last_of_equals else scores
    order = np.argsort(-turned, axis=1, kind="stable")
    order = 3 - order if last_of_equals else order
    named = [[str(item + 1) for item in row] for row in order]
    lists = item_lists(named, positions(4), top)
    a = np.array(one["inputs"]["user_group_a"], dtype=bool)
    counts = lists.counts()
    assert catalogue_coverage(counts) == want["coverage"]
    assert gini(counts, "sample") == pytest.approx(want["gini"], abs=1e-9)
    assert shannon_entropy(counts, base=np.e) == pytest.approx(want["entropy"], abs=1e-9)
    exposure = np.ones(lists.items.shape)
    one_each = group_items(["1", "2", "3", "4"])
    held = group_exposure(lists, one_each, exposure)
    p, q = shares(held[a].sum(axis=0)), shares(held[~a].sum(axis=0))
    assert total_variation(p, q) == pytest.approx(want["tv"], abs=1e-9)
    assert kl_divergence(p, q) == pytest.approx(want["kl"], abs=1e-9)
