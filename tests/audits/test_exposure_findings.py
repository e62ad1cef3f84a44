"""Findings about exposure: each number from first principles, and what chance alone would call."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from shelf import WORDS, drawing, of_maker, run_audit, shelf, users, values

from fairrec.audits import ExposureAudit
from fairrec.audits.exposure_findings import ExposureJudge
from fairrec.audits.exposure_relevance import less_relevance
from fairrec.audits.exposure_sums import ExposureSums
from fairrec.audits.exposure_users import user_group_findings
from fairrec.catalogs import films
from fairrec.evidence.group_shares import share_p_values
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.fa_ir import adjusted_table
from fairrec.metrics.item_groups import ItemGroups, group_items
from fairrec.metrics.item_lists import ItemLists
from fairrec.metrics.merit import catalogue_shares, equal_shares
from fairrec.recommenders import as_recommender
from fairrec.results import Finding
from fairrec.types import Answer

N, K = 60, 5
MAKERS = (["a"] * 3 + ["b"] * 2 + [None]) * 10
UNIFORM = Browsing("uniform")


def random_lists(rng: np.random.Generator, n: int, weight: np.ndarray | None = None) -> ItemLists:
    scores = rng.gumbel(size=(n, N)) + (0 if weight is None else np.log(weight))
    return ItemLists(np.argsort(-scores, axis=1)[:, :K], N)


def summed(
    lists: ItemLists, groups: ItemGroups | None, relevant: csr_matrix | None = None
) -> ExposureSums:
    sums = ExposureSums(lists.n_items, lists.k, groups, [UNIFORM])
    sums.update(lists, np.arange(len(lists)), relevant)
    return sums


def found(sums: ExposureSums, targets=None, **settings) -> dict[tuple[str, str | None], Finding]:
    how = {"n": sums.n_lists, "draws": 300, **settings}
    judge = ExposureJudge(sums, "maker", targets or {}, **how)
    return {(f.statistic, f.value): f for f in [*judge.items(), *judge.groups()]}


def random_relevance(rng: np.random.Generator, n: int, each: int) -> csr_matrix:
    chosen = np.argsort(rng.random((n, N)), axis=1)[:, :each].ravel()
    return csr_matrix((np.ones(len(chosen)), chosen, np.arange(n + 1) * each), shape=(n, N))


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


def audited(n: int = 40, held_out: bool = False, catalog=None, **settings) -> ExposureAudit:
    items = shelf() if catalog is None else catalog
    how = {"users": users(n, items, held_out), "column": "maker", "k": 10, "draws": 200}
    return ExposureAudit(items, WORDS, **{**how, **settings})


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


def test_asking_once_says_nothing_of_other_lists() -> None:
    one = audited(20, held_out=True, repeats=0)
    result = run_audit(one, drawing(one.catalog))
    assert "exposure.items.expected_exposure.disparity" in values(result)
    assert not any("unbiased" in finding.statistic for finding in result.findings)
    assert any("Everybody was asked for once" in warning for warning in result.warnings)
    assert all(f.noise_floor is None for f in result.findings if "share_less" in f.statistic)


def test_the_noise_floor_of_shares_is_what_asking_again_moves() -> None:
    one = audited(20, browsing=(UNIFORM,), repeats=2)
    plain = drawing(one.catalog)
    result = run_audit(one, plain)
    makers = dict(zip(one.catalog.ids, one.catalog.column("maker"), strict=True))
    share = []
    for replicate in range(3):
        asked = [p.request for p in one.plan() if p.request.replicate == replicate]
        shown = [makers[i] for ranking in plain.recommend(asked) for i in ranking.items]
        share.append(shown.count("small") / len(shown))
    floor = result.finding("exposure.maker.small.exposure.share_less_catalogue").noise_floor
    assert floor == pytest.approx(np.mean([abs(s - share[0]) for s in share[1:]]))
    same = as_recommender(lambda r: list(one.catalog.ids[: r.k]), name="x", catalog=one.catalog)
    floors = [f.noise_floor for f in run_audit(one, same).findings if "share_less" in f.statistic]
    assert floors and all(floor == 0 for floor in floors)


def test_items_without_a_maker_do_not_make_random_lists_fail() -> None:
    """Half of the catalogue is unknown: places that it takes are chance, not somebody's fault."""
    makers = ["a", None, "b", None, "b", None] * 20
    one = audited(250, catalog=shelf(120, makers), repeats=0, k=20)
    result = run_audit(one, drawing(one.catalog))
    expected = adjusted_table(20, round(1 / 6, 6), 0.1).fail_probability
    finding = result.finding("exposure.maker.a.fa_ir.failing")
    assert finding.noise_floor == pytest.approx(expected)
    assert finding.estimate.value < expected + 0.05  # type: ignore[operator]
    assert finding.p_value is not None and finding.p_value > 0.01


def test_the_skew_is_that_of_the_maker_that_is_most_there() -> None:
    one = audited(10, repeats=0)
    plain = drawing(one.catalog)
    result = run_audit(one, plain)
    deserved = {"big": 1 / 2, "mid": 1 / 3, "small": 1 / 6}
    makers = dict(zip(one.catalog.ids, one.catalog.column("maker"), strict=True))
    skews = []
    for ranking in plain.recommend([probe.request for probe in one.plan()]):
        shown = [makers[item] for item in ranking.items]
        present = {m: shown.count(m) / len(shown) for m in deserved if m in shown}
        skews.append(max(np.log(share / deserved[m]) for m, share in present.items()))
    value = result.finding("exposure.maker.max_skew.mean").estimate.value
    assert value == pytest.approx(np.mean(skews))


def test_random_lists_are_represented_as_the_noise_floor_says() -> None:
    makers = [("big", "mid", None, "small")[i % 4] for i in range(120)]
    one = audited(600, catalog=shelf(120, makers), repeats=0, browsing=(UNIFORM,))
    plain = drawing(one.catalog)
    result = run_audit(one, plain)
    for metric in ("awrf", "ndkl", "infeasible_index", "max_skew"):
        finding = result.finding(f"exposure.maker.{metric}.mean")
        assert finding.noise_floor == pytest.approx(finding.estimate.value, rel=0.2), metric
    gaps = []
    of = dict(zip(one.catalog.ids, makers, strict=True))
    for ranking in plain.recommend([probe.request for probe in one.plan()]):
        known = [of[item] for item in ranking.items if of[item]]
        gaps.append(abs(known.count("mid") / len(known) - 1 / 3))
    finding = result.finding("exposure.maker.mid.awrf_binomial.mean")
    assert finding.estimate.value == pytest.approx(np.mean(gaps))
    assert finding.noise_floor == pytest.approx(np.mean(gaps), rel=0.15)


def test_favoured_pairs_stay_within_0_and_1() -> None:
    one = audited(12, repeats=0, k=4)
    result = run_audit(
        one, drawing(one.catalog, lambda request: of_maker(one.catalog, "small", 0.2))
    )
    pairs = [f.estimate for f in result.findings if f.metric == "favoured_pairs"]
    ends = [end for e in pairs for end in (e.low, e.high) if end is not None]
    assert ends and all(0 <= end <= 1 for end in ends)


def test_user_groups_distance_and_its_level() -> None:
    given = np.array([[3.0, 1], [1, 1], [0, 2], [1, 3], [0, 0]])
    names = [f"u{i}" for i in range(5)]
    profiles = {"u0": {"g": "f"}, "u1": {"g": "f"}, "u2": {"g": "m"}, "u3": {"g": "m"}}
    how = {"unit": "user", "draws": 50, "level": 0.95, "seed": 0}
    jsd, distance = user_group_findings(given, names, profiles, "maker", **how)
    assert distance.estimate.value == pytest.approx(abs(4 / 6 - 1 / 6))
    assert (jsd.estimate.n, jsd.estimate.n_missing) == (4, 1)
    assert distance.p_value is not None and distance.p_value >= 1 / 3 - 0.15  # of 6 splits 2 reach
    alarms = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        table = rng.dirichlet([1, 2, 3], 24)
        people = {f"u{i}": {"g": "fm"[i % 2]} for i in range(24)}
        how = {"unit": "user", "draws": 99, "level": 0.95, "seed": seed}
        jsd, _ = user_group_findings(table, list(people), people, "maker", **how)
        alarms += jsd.p_value is not None and jsd.p_value <= 0.05
    assert 1 <= alarms <= 23


def test_candidates_are_not_the_catalogue() -> None:
    topics = [f"t{i}" for i in range(20)]
    items = shelf()
    pools = {topic: items.ids[5 * i : 5 * i + 20] for i, topic in enumerate(topics)}
    one = ExposureAudit(items, WORDS, topics=topics, candidates=pools, column="maker", k=5)
    first = as_recommender(lambda r: list((r.candidates or ())[: r.k]), name="x", catalog=items)
    result = run_audit(one, first)
    for id in ("items.exposure.gini", "maker.awrf.mean", "maker.ndkl.mean", "maker.max_skew.mean"):
        assert result.finding(f"exposure.{id}").noise_floor is None


def test_relevance_that_nobody_has_is_said() -> None:
    one = audited(20, held_out=True, merit=("relevance",), browsing=(Browsing("cascade"),))
    others = audited(20, merit=("catalogue",))
    probes = [p for p in others.plan() if p.cluster in ("u0", "u1")]
    strangers = ExposureAudit(
        one.catalog,
        WORDS,
        users=[*one.users[2:], *[u for u in others.users if u.id in ("u0", "u1")]],
        column="maker",
        k=10,
        draws=200,
        merit=("relevance",),
        browsing=(Browsing("cascade"),),
    )
    rankings = drawing(one.catalog).recommend([p.request for p in probes])
    result = strangers.judge(
        probes, [Answer(p.id, r) for p, r in zip(probes, rankings, strict=True)]
    )
    assert any("Nothing is known to be relevant" in warning for warning in result.warnings)
    missing = result.finding("exposure.maker.big.exposure.share_less_relevance").estimate
    assert missing.value is None and missing.reason.startswith("undefined")


def test_figures_have_targets_and_places() -> None:
    one = audited(30, held_out=True, merit=("catalogue", "relevance"))
    result = run_audit(one, drawing(one.catalog))
    table = result.tables["group_exposure"]
    rows = list(zip(table["merit"], table["group"], table["target"], strict=True))
    liked = [item for user in one.users for item in user.held_out]
    makers = dict(zip(one.catalog.ids, one.catalog.column("maker"), strict=True))
    for name in ("big", "mid", "small"):
        share = sum(makers[item] == name for item in liked) / len(liked)
        assert {row[:2]: row[2] for row in rows}["relevance", name] == pytest.approx(share)
    assert result.provenance["audit"]["targets"]["relevance"]["big"] == pytest.approx(
        sum(makers[item] == "big" for item in liked) / len(liked)
    )
    curve = result.tables["lorenz"]
    assert curve["share_of_items"][0] == 0 and curve["share_of_exposure"][-1] == pytest.approx(1)


def test_a_favoured_distributor_of_real_films_is_named() -> None:
    catalog = films()
    held = catalog.column("distributor") == "Warner Bros."
    weight = np.where(held, 3.0, 1.0)
    one = ExposureAudit(
        catalog, WORDS, topics=[f"t{i}" for i in range(50)], column="distributor", draws=300
    )
    told = run_audit(one, drawing(catalog, lambda request: weight))
    called = [f for f in told.findings if f.p_adjusted is not None and f.p_adjusted < 0.001]
    assert [f.value for f in called if f.estimate.value > 0] == ["Warner Bros."]  # type: ignore[operator]
    log = told.finding("exposure.distributor.Warner_Bros..exposure.log_ratio_to_catalogue").estimate
    expected = np.log(3 / (1 + 2 * held.mean()))
    assert log.low is not None and log.high is not None and log.low < expected < log.high
    plain = run_audit(one, drawing(catalog))
    shown = [f for f in plain.findings if f.statistic == "share_less_catalogue"]
    assert len(shown) == 22
    assert all(f.p_adjusted is not None and f.p_adjusted > 0.05 for f in shown)
