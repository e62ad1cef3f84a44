"""The provider audit finds who gets all and who nothing, and calls chance chance."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from fairrec.audits.provider import ProviderAudit
from fairrec.catalogs import Catalog, films
from fairrec.errors import BadData, WrongUse
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.inequality import gini
from fairrec.prompts import USER_TEMPLATES, Template
from fairrec.recommenders import as_recommender
from fairrec.results import AuditResult
from fairrec.running import run_audit
from fairrec.seeds import generator
from fairrec.serialization import from_json, to_json
from fairrec.types import Answer, Arm, Outcome, Ranking, Request, off_catalogue_id
from fairrec.users import User

TEMPLATE = Template("Recommend {k} {value} films like {name}.")
TOPICS = [f"topic {i}" for i in range(60)]
UNIFORM = Browsing("uniform")


def shelf(n: int = 300, providers: int = 30, **columns: list) -> Catalog:
    ids = [f"i{i}" for i in range(n)]
    named = {"provider": [f"p{i % providers:02}" for i in range(n)], **columns}
    return Catalog(
        tuple(ids),
        tuple(f"Title {i}" for i in ids),
        {name: np.array(values, dtype=object) for name, values in named.items()},
    )


def audit(catalog: Catalog, **changes: object) -> ProviderAudit:
    settings = {"topics": TOPICS, "column": "provider", "k": 10, "draws": 400, **changes}
    return ProviderAudit(catalog=catalog, template=TEMPLATE, **settings)


def drawing(catalog: Catalog, weight=None, seed: int = 0, missing: float = 0.0):
    """Lists are drawn without replacement, by weight of the item."""
    p = np.ones(len(catalog)) if weight is None else np.asarray(weight, dtype=float)

    def recommend(request: Request) -> Ranking | list[str]:
        asked = request.slots.get("name") or request.slots["user"]
        rng = generator(seed, "drawing", asked, str(request.replicate))
        if rng.random() < missing:
            return Ranking(outcome=Outcome.REFUSED)
        return [
            catalog.ids[i]
            for i in rng.choice(len(catalog), request.k, replace=False, p=p / p.sum())
        ]

    return as_recommender(recommend, name=f"drawing {seed}", catalog=catalog)


def number(result, id):
    return result.finding(id).estimate.value


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


def test_some_do_not_answer_and_answers_come_in_any_order():
    catalog = shelf()
    one = audit(catalog)
    probes = one.plan()
    recommender = drawing(catalog, missing=0.3)
    result = run_audit(one, recommender)
    missing = sum(row.outcome is Outcome.REFUSED for row in result.observations)
    assert 0 < missing < 60
    for finding in result.findings:
        if finding.statistic in ("gini", "share", "share_meeting"):
            assert finding.estimate.n + finding.estimate.n_missing == 60
            assert finding.estimate.n_missing == missing
    answers = [
        Answer(probe.id, ranking)
        for probe, ranking in zip(
            probes, recommender.recommend([probe.request for probe in probes]), strict=True
        )
    ]
    assert one.judge(probes, answers).findings == one.judge(probes, answers[::-1]).findings


@pytest.mark.parametrize("users", [1_500])
def test_ten_thousand_providers(users):
    catalog = shelf(20_000, 10_000)
    topics = [f"topic {i}" for i in range(users)]
    one = audit(catalog, topics=topics, repeats=0, draws=100)
    recommender = drawing(catalog)
    probes = one.plan()
    lists = recommender.recommend([probe.request for probe in probes])
    answers = [Answer(p.id, ranking) for p, ranking in zip(probes, lists, strict=True)]
    start = time.perf_counter()
    result = one.judge(probes, answers)
    assert time.perf_counter() - start < 20
    assert len(result.findings) < 70
    assert len(result.tables["lorenz"]["curve"]) <= 200
    assert any("10000 values of provider are too many" in text for text in result.warnings)
    assert number(result, "provider.provider.exposure.coverage") < 1
    assert result.finding("provider.provider.exposure.total_variation").p_value > 0.01
    assert number(result, "provider.provider.other_groups.exposure.share") > 0.9


def test_numbers_name_providers_and_items_can_have_several():
    catalog = Catalog(
        ("a", "b", "c", "d"),
        ("A", "B", "C", "D"),
        {
            "label": np.array([1.0, 2.0, 3.0, np.nan]),
            "studio": np.array(["x|y", "x", "y", "z"], dtype=object),
        },
    )
    answers = as_recommender(lambda r: ["a", "b"], name="fixed", catalog=catalog)
    one = audit(catalog, column="label", k=2, browsing=UNIFORM)
    result = run_audit(one, answers)
    assert number(result, "provider.label.1.exposure.share") == 0.5
    assert number(result, "provider.label.unknown.exposure.share") == 0
    assert any(text.startswith("1 of 4 items (25.0%) have no label") for text in result.warnings)
    shared = run_audit(replace(one, column="studio"), answers)
    assert number(shared, "provider.studio.x.exposure.share") == 0.75
    assert number(shared, "provider.studio.y.exposure.share") == 0.25
    assert number(shared, "provider.studio.z.exposure.share_less_catalogue") == -0.25


@pytest.mark.parametrize(("most", "rest"), [(4, 1), (5, 0), (2, 3)])
def test_what_is_put_together_is_said(most, rest):
    catalog = shelf(30, 5)
    result = run_audit(audit(catalog, most=most, draws=20), drawing(catalog))
    said = [text for text in result.warnings if "too many for findings" in text]
    assert len(said) == (rest > 0)
    assert all(f"the {most} with most items have them, the other {rest} are" in s for s in said)
    shares = [f for f in result.findings if f.statistic == "share"]
    assert len(shares) == most + (rest > 0)
    assert any(f.value == "other groups" for f in shares) == (rest > 0)


def test_interactions_are_a_second_target():
    catalog = shelf(30, 3)
    interactions = {item: 3 if int(item[1:]) % 3 == 0 else 1 for item in catalog.ids}
    result = run_audit(audit(catalog, interactions=interactions), drawing(catalog))
    less = "provider.provider.p00.exposure.share_less_interactions"
    share = number(result, "provider.provider.p00.exposure.share")
    assert number(result, less) == pytest.approx(share - 0.6)
    assert result.finding(less).p_value is None
    assert set(result.tables["group_exposure"]["merit"]) == {"catalogue", "interactions"}
    assert result.provenance["audit"]["merit"] == ["catalogue", "interactions"]


def scored(order):
    """Ten candidates, each with a score; the list is in the order that is given."""

    def recommend(request: Request) -> Ranking:
        rng = generator(0, "scores", request.slots["user"])
        scores = dict(zip(request.candidates, rng.random(10).round(3) + 0.1, strict=True))
        items = order(scores, rng)
        return Ranking(tuple(items), scores=tuple(float(scores[item]) for item in items))

    return as_recommender(recommend, name="scored")


def test_what_users_keep_and_envy_is_said_where_scores_are_known():
    catalog = shelf(20, 5)
    users = [User(f"u{i}", history=("i19",), candidates=catalog.ids[:10]) for i in range(12)]
    one = replace(
        audit(catalog, k=4), users=users, topics=(), template=USER_TEMPLATES["movie"], repeats=0
    )
    best = run_audit(one, scored(lambda s, rng: sorted(s, key=lambda i: -s[i])))
    assert number(best, "provider.users.utility.kept") == pytest.approx(1)
    assert number(best, "provider.users.utility.envy") == pytest.approx(0)
    worst = run_audit(one, scored(lambda s, rng: sorted(s, key=lambda i: s[i])))
    kept = []
    for user in users:
        s = np.sort(generator(0, "scores", user.id).random(10).round(3) + 0.1)
        kept.append(s[:4].sum() / s[-4:].sum())
    assert number(worst, "provider.users.utility.kept") == pytest.approx(np.mean(kept))
    assert number(worst, "provider.users.utility.envy") > 0.1
    assert worst.finding("provider.users.utility.kept").estimate.n == 12
    own = [replace(u, candidates=catalog.ids[i % 5 : i % 5 + 10]) for i, u in enumerate(users)]
    apart = run_audit(
        replace(one, users=own), scored(lambda s, rng: sorted(s, key=lambda i: -s[i]))
    )
    assert number(apart, "provider.users.utility.kept") == pytest.approx(1)
    envy = apart.finding("provider.users.utility.envy").estimate
    assert (envy.value, envy.reason) == (None, "users do not choose from the same candidates")


def test_source_bias_is_the_published_difference():
    source = ["human", "llm", "human", "llm", None] * 60
    catalog = shelf(300, 30, source=source)
    weight = np.array([3.0 if word == "llm" else 1.0 for word in source])
    rng = np.random.default_rng(0)
    users = [
        User(f"u{i}", held_out=tuple(str(x) for x in rng.choice(catalog.ids, 40, replace=False)))
        for i in range(80)
    ]
    one = replace(
        audit(catalog, browsing=UNIFORM, source_column="source"),
        users=users,
        topics=(),
        template=USER_TEMPLATES["movie"],
        repeats=0,
    )
    result = run_audit(one, drawing(catalog, weight))
    probes = [probe.request for probe in one.plan()]
    counts: Counter[str | None] = Counter(
        source[int(item[1:])]
        for ranking in drawing(catalog, weight).recommend(probes)
        for item in ranking.items
    )
    h, m = counts["human"] / 120, counts["llm"] / 120
    found = result.finding("provider.source.exposure.source_bias")
    assert found.estimate.value == pytest.approx(200 * (h - m) / (h + m))
    assert found.estimate.high < -70
    assert found.p_adjusted < 0.02
    assert 0 < found.noise_floor < 30
    for name in ("ndcg", "average_precision"):
        utility = result.finding(f"provider.source.{name}.source_bias")
        assert utility.estimate.high < -40
        assert utility.p_adjusted < 0.02
    assert any(
        text.startswith("60 of 300 items are neither 'human' nor") for text in result.warnings
    )
    fair = run_audit(one, drawing(catalog))
    for name in ("exposure", "ndcg", "average_precision"):
        finding = fair.finding(f"provider.source.{name}.source_bias")
        assert finding.p_adjusted > 0.05
    even = fair.finding("provider.source.exposure.source_bias").estimate
    assert even.low < 0 < even.high


def test_without_repeats_the_noise_of_asking_is_not_known():
    catalog = shelf()
    result = run_audit(audit(catalog, repeats=0), drawing(catalog))
    assert result.finding("provider.provider.p00.exposure.share").noise_floor is None
    assert not any(f.statistic == "repeat_distance" for f in result.findings)
    assert any(text.startswith("nothing was asked again") for text in result.warnings)


def test_settings_and_numbers_are_kept(favoured):
    settings = favoured.provenance["audit"]
    assert settings["browsing"] == "log2"
    assert settings["column"] == "distributor"
    assert settings["catalog"] == films().content_hash
    assert from_json(AuditResult, to_json(favoured)) == favoured
    ids = [finding.id for finding in favoured.findings]
    assert len(set(ids)) == len(ids)


def test_what_does_not_fit_is_said():
    catalog = shelf(one=["same"] * 300)
    with pytest.raises(WrongUse, match="no column 'maker'"):
        audit(catalog, column="maker")
    with pytest.raises(BadData, match="one provider alone"):
        audit(catalog, column="one")
    with pytest.raises(WrongUse, match="alpha"):
        audit(catalog, minimum_alpha=1.5)
    with pytest.raises(WrongUse, match="topic"):
        audit(catalog, topics=["alone"])
    with pytest.raises(WrongUse, match="topic"):
        audit(catalog, users=[User("a"), User("b")])
    with pytest.raises(WrongUse, match="err"):
        audit(catalog, browsing=Browsing("err"))
    with pytest.raises(BadData, match="merit"):
        audit(catalog, interactions={"i0": -1})
    with pytest.raises(BadData, match="'human'"):
        audit(catalog, source_column="provider")
    with pytest.raises(WrongUse, match="most"):
        audit(catalog, most=0)
