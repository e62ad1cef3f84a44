"""The provider audit finds who gets all and who nothing, and calls chance chance."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from provider_shelf import TOPICS, UNIFORM, audit, drawing, number, shelf

from fairrec.catalogs import films
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.inequality import gini
from fairrec.recommenders import as_recommender
from fairrec.results import AuditResult
from fairrec.running import run_audit
from fairrec.seeds import generator
from fairrec.serialization import from_json, to_json
from fairrec.types import Arm, Ranking, Request, off_catalogue_id


@pytest.fixture(scope="module")
def favoured():
    catalog = films()
    weight = np.where(catalog.column("distributor") == "Miramax", 12.0, 1.0)
    one = audit(catalog, column="distributor", k=20, draws=2_000)
    return run_audit(one, drawing(catalog, weight))


def test_planted_concentration_is_found(favoured):
    whole = favoured.finding("provider.distributor.exposure.total_variation")
    assert whole.p_adjusted < 0.01
    assert whole.estimate.low > whole.noise_floor
    hhi = favoured.finding("provider.distributor.exposure.hhi")
    assert hhi.p_adjusted < 0.01
    assert hhi.estimate.low > hhi.noise_floor
    for name in ("effective_number", "normalised_entropy"):  # here less is more concentrated
        lower = favoured.finding(f"provider.distributor.exposure.{name}")
        assert lower.p_adjusted < 0.01
        assert lower.estimate.high < lower.noise_floor
    miramax = favoured.finding("provider.distributor.Miramax.exposure.share_less_catalogue")
    assert miramax.estimate.low > 0.1
    assert miramax.p_adjusted < 0.05
    assert miramax.noise_floor < miramax.estimate.low
    others = [
        finding
        for finding in favoured.findings
        if finding.statistic == "share_less_catalogue" and finding.value != "Miramax"
    ]
    assert len(others) == 21  # 19 more distributors, the rest together and the unknown
    assert all(finding.estimate.value < 0.02 for finding in others)
    assert any(text.startswith("'Miramax' has the most exposure") for text in favoured.warnings)


def test_shares_are_those_counted_by_hand(favoured):
    catalog = films()
    one = audit(catalog, column="distributor", k=20)
    probes = [probe for probe in one.plan() if probe.arm is Arm.NEUTRAL]
    weight = np.where(catalog.column("distributor") == "Miramax", 12.0, 1.0)
    lists = drawing(catalog, weight).recommend([probe.request for probe in probes])
    exposure: Counter[str] = Counter()
    for ranking in lists:
        for rank, item in enumerate(ranking.items, start=1):
            name = catalog.column("distributor")[catalog.index(item)]
            exposure[name or "unknown"] += 1 / np.log2(rank + 1)
    whole = sum(exposure.values())
    for name in ("Miramax", "MGM", "unknown"):
        found = number(favoured, f"provider.distributor.{name}.exposure.share")
        assert found == pytest.approx(exposure[name] / whole, abs=1e-12)
    amounts = [exposure[name] for name in set(catalog.column("distributor")) - {None}]
    assert number(favoured, "provider.distributor.exposure.gini") == pytest.approx(gini(amounts))
    assert number(favoured, "provider.distributor.exposure.top_1_share") == pytest.approx(
        max(amounts) / sum(amounts)
    )
    table = favoured.tables["group_exposure"]
    assert sum(table["exposure"]) == pytest.approx(1)
    assert sum(table["target"]) == pytest.approx(1)
    assert set(table["merit"]) == {"catalogue"}


def test_the_lorenz_curve_goes_from_none_to_all(favoured):
    table = favoured.tables["lorenz"]
    assert set(table["curve"]) == {"providers"}
    assert len(table["curve"]) <= 200
    assert (table["share_of_items"][0], table["share_of_exposure"][0]) == (0, 0)
    assert table["share_of_items"][-1] == pytest.approx(1)
    assert table["share_of_exposure"][-1] == pytest.approx(1)
    assert (np.diff(table["share_of_exposure"]) >= -1e-12).all()


def test_chance_is_not_called_out():
    """Lists at random, anew 60 times: the tests reject as seldom as they say."""
    catalog = shelf()
    rejected: Counter[str] = Counter()
    anything = 0
    for seed in range(60):
        # Of 499 draws the smallest p-value is 0.002: even times 21 tests it can reject.
        one = audit(catalog, draws=499, seed=seed, repeats=0, topics=TOPICS[:12])
        result = run_audit(one, drawing(catalog, seed=seed))
        for finding in result.findings:
            if finding.value is None and finding.p_value is not None:
                rejected[finding.statistic] += finding.p_value <= 0.05
        anything += any((finding.p_adjusted or 1) <= 0.05 for finding in result.findings)
    assert len(rejected) == 8
    assert max(rejected.values()) <= 9  # 3 expected of 60; more than 9 in 1 of 1,000 times
    assert anything <= 12  # two families of 5 % each


def test_unequal_items_are_no_unequal_providers():
    """A few items get nearly all, whoever provides them: chance makes providers unequal then."""
    catalog = shelf()
    weight = generator(1, "weights").pareto(0.7, 300) + 0.01
    result = run_audit(audit(catalog), drawing(catalog, weight))
    found = result.finding("provider.provider.exposure.gini")
    assert found.estimate.value > 0.25
    assert found.noise_floor > 0.2
    assert result.finding("provider.provider.exposure.total_variation").p_value > 0.05


def test_lists_by_distributor_name_one_provider_each():
    catalog = films()
    column = catalog.column("distributor")
    names = [name for name, n in Counter(column.tolist()).most_common(9) if name][:8]
    films_of = {name: np.array(catalog.ids)[column == name].tolist() for name in names}
    one = audit(catalog, topics=names, column="distributor", k=10, browsing=UNIFORM)
    recommender = as_recommender(
        lambda request: films_of[request.slots["name"]][: request.k],
        name="by distributor",
        catalog=catalog,
    )
    result = run_audit(one, recommender)
    neutral = [row.measures["providers"] for row in result.observations]
    assert neutral == [1.0] * 8
    assert number(result, "provider.distributor.exposure.effective_number") == pytest.approx(8)
    assert number(result, "provider.distributor.exposure.top_1_share") == pytest.approx(1 / 8)
    assert number(result, "provider.distributor.exposure.top_5_share") == pytest.approx(5 / 8)
    assert number(result, "provider.distributor.exposure.repeat_distance") == 0
    known = set(column.tolist()) - {None}
    assert number(result, "provider.distributor.exposure.coverage") == pytest.approx(8 / len(known))


def test_the_jackknife_leaves_out_one_user_at_a_time():
    catalog = shelf()
    result = run_audit(audit(catalog, topics=TOPICS[:7], browsing=UNIFORM), drawing(catalog))
    estimate = result.finding("provider.provider.exposure.gini").estimate
    lists = {row.cluster: row.probe_id for row in result.observations}
    assert len(lists) == 7
    plan = {probe.id: probe.request for probe in audit(catalog, topics=TOPICS[:7]).plan()}
    amounts = np.zeros((7, 30))
    for row, probe in enumerate(lists.values()):
        for item in drawing(catalog).recommend([plan[probe]])[0].items:
            amounts[row, int(item[1:]) % 30] += 1
    left = np.array([gini(amounts.sum(axis=0) - one) for one in amounts])
    se = np.sqrt(6 / 7 * ((left - left.mean()) ** 2).sum())
    assert estimate.value == pytest.approx(gini(amounts.sum(axis=0)))
    assert estimate.high - estimate.value == pytest.approx(2.4469 * se, rel=1e-3)


def test_minimum_exposure_is_counted_in_places():
    catalog = shelf(40, 8)
    # p00 to p03 have all the places: 10 lists of 4 items.
    lists = {f"topic {i}": [f"i{(j + i) % 4 + 8 * (i % 5)}" for j in range(4)] for i in range(10)}
    one = audit(catalog, topics=list(lists), k=4, minimum_alpha=1.0)
    recommender = as_recommender(lambda r: lists[r.slots["name"]], name="four", catalog=catalog)
    result = run_audit(one, recommender)
    # 40 places, 8 providers: 5 each are promised, half of them have 10; 1 of each of 40 items.
    assert number(result, "provider.provider.minimum_exposure.share_meeting") == 0.5
    counts = Counter(item for items in lists.values() for item in items)
    assert number(result, "provider.items.minimum_exposure.share_meeting") == len(counts) / 40
    half = run_audit(replace(one, minimum_alpha=0.4), recommender)
    nothing = half.finding("provider.items.minimum_exposure.share_meeting").estimate
    assert nothing.value is None
    assert "less than one place" in nothing.reason
    assert any("at alpha 0.4 there are too few places" in text for text in half.warnings)
    # Only who has a list counts: 9 lists have 36 places, too few for 40 items.
    silent = as_recommender(
        lambda r: None if r.slots["name"] == "topic 0" else lists[r.slots["name"]],
        name="nine",
        catalog=catalog,
    )
    fewer = run_audit(one, silent).finding("provider.items.minimum_exposure.share_meeting").estimate
    assert (fewer.value, fewer.n, fewer.n_missing) == (None, 9, 1)
    assert fewer.reason == "9 lists of 4 promise less than one place to each of 40"


def test_what_is_off_the_catalogue_has_no_provider():
    catalog = shelf()
    inner = drawing(catalog)

    def recommend(request: Request) -> Ranking:
        items = inner.recommend([request])[0].items
        return Ranking((items[0], off_catalogue_id("made up"), *items[1:9]))

    one = audit(catalog, browsing=UNIFORM)
    result = run_audit(one, as_recommender(recommend, name="inventive"))
    assert any(text.startswith("60 of 600 places (10.0%)") for text in result.warnings)
    shares = [f.estimate.value for f in result.findings if f.statistic == "share"]
    assert sum(shares) == pytest.approx(1)
    assert {row.measures["off_catalogue"] for row in result.observations} == {1.0}
    without = as_recommender(
        lambda r: [i for i in recommend(r).items if not i.startswith("?")], name="plain"
    )
    plain = run_audit(one, without)
    same = "provider.provider.exposure.gini"  # under uniform browsing it takes nothing away
    assert number(result, same) == pytest.approx(number(plain, same))
    # With discounts it does: all below it stand one place further down.
    below = replace(one, browsing=Browsing())
    assert number(run_audit(below, as_recommender(recommend, name="inventive")), same) != (
        pytest.approx(number(run_audit(below, without), same), abs=1e-9)
    )


def test_nobody_answers():
    catalog = shelf(source=["human", "llm"] * 150)
    silent = as_recommender(lambda request: None, name="silent", catalog=catalog)
    one = audit(catalog, source_column="source", interactions=dict.fromkeys(catalog.ids, 1))
    result = run_audit(one, silent)
    assert len(result.findings) > 60
    assert all(finding.estimate.value is None for finding in result.findings)
    assert all(finding.estimate.reason for finding in result.findings)
    assert all(finding.p_value is None for finding in result.findings)
    assert result.tables["lorenz"]["curve"] == ()
    assert set(result.tables["group_exposure"]["exposure"]) == {None}
    assert result.warnings[0].startswith("60 of 60 topics have no list")
    assert from_json(AuditResult, to_json(result)) == result


def test_one_answer_has_values_and_no_intervals():
    catalog = shelf()
    only = as_recommender(
        lambda r: list(catalog.ids[:10]) if r.slots["name"] == TOPICS[3] else None,
        name="once",
        catalog=catalog,
    )
    result = run_audit(audit(catalog), only)
    estimate = result.finding("provider.provider.exposure.gini").estimate
    assert estimate.value is not None
    assert estimate.low is None
    assert (estimate.n, estimate.n_missing) == (1, 59)
    share = result.finding("provider.provider.p00.exposure.share").estimate
    assert (share.low, share.n) == (None, 1)


def test_settings_and_numbers_are_kept(favoured):
    settings = favoured.provenance["audit"]
    assert settings["browsing"] == "log2"
    assert settings["column"] == "distributor"
    assert settings["catalog"] == films().content_hash
    assert from_json(AuditResult, to_json(favoured)) == favoured
    ids = [finding.id for finding in favoured.findings]
    assert len(set(ids)) == len(ids)
