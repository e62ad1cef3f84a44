"""What the exposure audit finds list by list, user by user and when asking again."""

from __future__ import annotations

import numpy as np
import pytest
from exposure_cases import UNIFORM, audited
from shelf import WORDS, drawing, of_maker, run_audit, shelf, values

from fairrec.audits import ExposureAudit
from fairrec.audits.exposure_users import user_group_findings
from fairrec.catalogs import films
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.fa_ir import adjusted_table
from fairrec.recommenders import as_recommender
from fairrec.types import Answer


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
