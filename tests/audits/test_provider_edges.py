"""What is missing, put together or refused where providers are judged."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from provider_shelf import UNIFORM, audit, drawing, number, scored, shelf

from fairrec.catalogs import Catalog
from fairrec.errors import BadData, WrongUse
from fairrec.metrics.browsing import Browsing
from fairrec.prompts import USER_TEMPLATES
from fairrec.recommenders import as_recommender
from fairrec.running import run_audit
from fairrec.seeds import generator
from fairrec.types import Answer, Outcome
from fairrec.users import User


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
