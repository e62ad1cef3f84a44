"""What is missing or odd where popularity is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from popularity_people import (
    AMOUNTS,
    CATALOG,
    GROUP,
    IDS,
    MOVIELENS,
    POPULARITY,
    TOPIC,
    K,
    N,
    audience,
    audit,
    by_weight,
    run,
    twins,
    value,
)

from fairrec.audits.popularity import PopularityAudit
from fairrec.catalogs import Catalog
from fairrec.datasets import leave_last_out, read_dataset
from fairrec.errors import BadData, WrongUse
from fairrec.prompts import USER_TEMPLATES
from fairrec.results import AuditResult
from fairrec.seeds import generator
from fairrec.serialization import from_json, to_json
from fairrec.types import Answer, Outcome, Ranking, Request
from fairrec.users import User

TWO = replace(USER_TEMPLATES["movie"], user=f"{USER_TEMPLATES['movie'].user} Please.")


def test_missing_lists_and_histories_are_counted_and_left_out() -> None:
    users = audience(without=10)
    choose = by_weight(AMOUNTS)

    def sometimes(request: Request) -> list[str] | Ranking:
        if int(request.slots["user"][1:]) % 8 == 7:
            return Ranking(outcome=Outcome.REFUSED)
        return choose(request)

    result = run(audit(users), sometimes)
    arp = result.finding("popularity.items.arp.mean").estimate
    assert (arp.n, arp.n_missing) == (70, 10)
    lift = result.finding("popularity.items.popularity.lift").estimate
    assert (lift.n, lift.n_missing) == (61, 19)  # of the first ten one has no list either
    assert any(text.startswith("10 of 80 users have no list") for text in result.warnings)
    assert any(text.startswith("10 of 80 users have no history") for text in result.warnings)
    answered = [user for number, user in enumerate(users) if number % 8 != 7]
    fewer = run(audit(answered), choose)
    for id in ("items.arp.mean", "items.popularity.lift", "items.upd.mean"):
        assert value(result, id) == pytest.approx(value(fewer, id)), id


def test_a_history_of_unknown_items_is_none() -> None:
    users = [
        User(u.id, u.profile, ("elsewhere",)) if number < 7 else u
        for number, u in enumerate(audience(without=3))
    ]
    result = run(audit(users), by_weight(AMOUNTS))
    lift = result.finding("popularity.items.popularity.lift").estimate
    assert (lift.n, lift.n_missing) == (73, 7)
    assert any(text.startswith("7 of 80 users have no history") for text in result.warnings)


def test_what_was_had_twice_or_elsewhere_counts_once_or_not() -> None:
    users = audience()
    odd = [
        User(u.id, u.profile, (*u.history, u.history[0], "elsewhere", u.history[0])) for u in users
    ]
    some, same = (run(audit(who), twins(users)) for who in (odd, users))
    for id in ("popularity.gap_of_histories", "popularity.lift", "upd.mean", "pop_rsp.value"):
        assert value(some, f"items.{id}") == pytest.approx(value(same, f"items.{id}")), id


def test_the_first_list_of_a_user_is_held_against_the_history() -> None:
    """Asked in two ways, a user still is one; means of lists count both."""
    users = audience()
    one, other = audit(users, repeats=0), replace(audit(users, repeats=0), template=TWO)
    first, second = one.plan(), other.plan()
    probes = [*first, *second]
    rare = by_weight(np.ones(N))
    answers = [Answer(p.id, Ranking(tuple(by_weight(AMOUNTS)(p.request)))) for p in first]
    more = [Answer(p.id, Ranking(tuple(rare(p.request)))) for p in second]
    alone = one.judge(first, answers)
    both = one.judge(probes, [*answers, *more])
    for id in ("items.popularity.gap_of_lists", "items.popularity.lift"):
        assert value(both, id) == pytest.approx(value(alone, id)), id
    means = value(alone, "items.arp.mean"), value(one.judge(second, more), "items.arp.mean")
    arp = both.finding("popularity.items.arp.mean").estimate
    assert arp.value == pytest.approx(np.mean(means))
    assert arp.n == len(users)


def test_who_is_in_no_group_and_groups_of_few_are_said() -> None:
    """Four listed women with a history are too few, whoever else is a woman."""
    profiles = [{"gender": "female"}] * 6 + [{}] * 10 + [{"gender": "male"}] * 64
    users = [
        User(u.id, profile, () if number == 0 else u.history)
        for number, (u, profile) in enumerate(zip(audience(), profiles, strict=True))
    ]
    choose = by_weight(AMOUNTS)

    def sometimes(request: Request) -> list[str] | Ranking:
        refused = request.slots["user"] == "u1"
        return Ranking(outcome=Outcome.REFUSED) if refused else choose(request)

    result = run(audit(users, attributes=("gender",)), sometimes)
    said = " ".join(result.warnings)
    assert "10 of 80 users have no 'gender'" in said
    assert "Groups of 'gender' with fewer than 5 users" in said and "female (4)." in said
    assert "male (" not in said.replace("female (", "")
    ids = {finding.id for finding in result.findings}
    assert "popularity.gender.male.popularity.lift" in ids
    assert "popularity.gender.female.popularity.lift" not in ids
    assert "popularity.gender.popularity.lift_range" not in ids
    enough = run(audit(audience(), attributes=("gender",)), choose)
    assert not any("gender" in text for text in enough.warnings)


def test_no_column_stands_in_for_head_and_tail() -> None:
    """Whatever the column is called, calibration of the parts stays that of the parts."""
    users, found = audience(), {}
    for name in ("maker", "parts"):
        catalog = Catalog(IDS, CATALOG.titles, {name: GROUP})
        one = PopularityAudit(
            catalog, USER_TEMPLATES["movie"], POPULARITY, users=users, k=K, draws=50, column=name
        )
        result = run(one, by_weight(AMOUNTS))
        ids = [finding.id for finding in result.findings]
        assert len(set(ids)) == len(ids)
        for metric in ("calibration_kl.mean", "calibration_jsd.mean", "mgu.value", "dgu.value"):
            found[name, metric] = (
                value(result, f"items.{metric}"),
                value(result, f"{name}.{metric}"),
            )
    for (name, metric), pair in found.items():
        assert pair == pytest.approx(found["maker", metric]), name
        assert pair[0] != pytest.approx(pair[1])


def test_a_column_may_not_be_called_what_all_items_are() -> None:
    catalog = Catalog(IDS, CATALOG.titles, {"items": GROUP})
    with pytest.raises(WrongUse, match="called 'items'"):
        PopularityAudit(
            catalog, USER_TEMPLATES["movie"], POPULARITY, users=audience(), column="items"
        )


def test_items_that_nobody_had() -> None:
    weight = np.zeros(N)
    weight[360:] = 1
    result = run(audit(audience()), by_weight(weight))
    assert value(result, "items.arp.mean") == 0
    assert value(result, "items.popularity.lift") == -1
    for id in ("items.log_popularity.mean", "items.log_popularity.less_history"):
        estimate = result.finding(f"popularity.{id}").estimate
        assert estimate.value is None
        assert estimate.reason
    assert any("40 of 400 items were never consumed" in text for text in result.warnings)


@pytest.mark.parametrize(
    "choose",
    [
        lambda request: [],
        lambda request: [f"made up {i}" for i in range(request.k)],
        lambda request: list(IDS[: request.k]),
        lambda request: Ranking(outcome=Outcome.REFUSED),
    ],
    ids=["empty", "made up", "all the same", "refused"],
)
def test_whatever_comes_back_every_number_or_its_reason(choose: Callable) -> None:
    result = run(audit(audience(held_out=3), attributes=("gender",)), choose)
    ids = [finding.id for finding in result.findings]
    assert len(set(ids)) == len(ids)
    for finding in result.findings:
        e = finding.estimate
        assert e.value is None or np.isfinite(e.value), finding.id
        assert e.value is not None or e.reason, finding.id
        assert e.low is None or e.low - 1e-9 <= e.value <= e.high + 1e-9, finding.id
    assert from_json(AuditResult, to_json(result)) == result


def test_a_recording_may_be_empty() -> None:
    result = audit(audience()).judge([], [])
    assert all(finding.estimate.value is None for finding in result.findings)


def test_topics_have_no_histories() -> None:
    one = PopularityAudit(
        CATALOG, TOPIC, POPULARITY, topics=[f"topic {i}" for i in range(30)], k=K, draws=200
    )
    result = run(one, by_weight(AMOUNTS))
    assert result.finding("popularity.items.arp.mean").estimate.unit == "topic"
    assert not any(finding.statistic == "lift" for finding in result.findings)
    assert any("Topics have no histories" in text for text in result.warnings)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"users": audience()[:1]}, WrongUse, "at least 2 different users"),
        ({"topics": ("a", "b")}, WrongUse, "either users or topics"),
        ({"split": (0.8, 0.2)}, WrongUse, "rising"),
        ({"by": "sales"}, WrongUse, "'interactions' or 'items'"),
        ({"column": "director"}, WrongUse, "director"),
        ({"attributes": ("age",)}, BadData, "no user has the attribute 'age'"),
        ({"k": 0}, WrongUse, "k"),
        ({"level": 1.0}, WrongUse, "level"),
        ({"popularity": {}}, BadData, "no item of the catalogue was ever consumed"),
        ({"popularity": {"x": 3}}, BadData, "no item of the catalogue was ever consumed"),
        ({"popularity": {"i0": 2, "i1": -1}}, BadData, "'i1'"),
        ({"popularity": {"i0": 2, "i1": float("nan")}}, BadData, "'i1'"),
        ({"popularity": {"i0": float("inf")}}, BadData, "'i0'"),
    ],
)
def test_wrong_settings_are_said(changes: dict, error: type, said: str) -> None:
    settings = {"users": audience(), "popularity": POPULARITY, **changes}
    with pytest.raises(error, match=said):
        PopularityAudit(CATALOG, USER_TEMPLATES["movie"], **settings)


def test_topics_have_no_attributes() -> None:
    with pytest.raises(WrongUse, match="attributes of topics"):
        PopularityAudit(CATALOG, TOPIC, POPULARITY, topics=("a", "b"), attributes=("gender",))


@pytest.mark.skipif(not MOVIELENS.is_dir(), reason="needs ml-latest-small in ../shared/data")
def test_popular_and_random_films_of_movielens() -> None:
    with pytest.warns(UserWarning, match="left out"):
        users = leave_last_out(read_dataset(MOVIELENS), 5, like_at_least=4, minimum_history=20)
    dataset = read_dataset(MOVIELENS)
    users = users[:150]
    counts = np.bincount(dataset.items, minlength=len(dataset.catalog)).astype(float)
    popularity = dict(zip(dataset.catalog.ids, counts.tolist(), strict=True))
    best = [dataset.catalog.ids[i] for i in np.argsort(-counts, kind="stable")]
    histories = {user.id: set(user.history) for user in users}

    def popular(request: Request) -> list[str]:
        seen = histories[request.slots["user"]]
        return [item for item in best if item not in seen][: request.k]

    def random(request: Request) -> list[str]:
        rng = generator(0, "movielens", request.slots["user"], str(request.replicate))
        return rng.choice(dataset.catalog.ids, request.k, replace=False).tolist()

    results = {}
    for name, choose in (("popular", popular), ("random", random)):
        one = PopularityAudit(
            dataset.catalog, USER_TEMPLATES["movie"], popularity, users=users, k=10, draws=300
        )
        results[name] = run(one, choose)
    up = results["popular"].finding("popularity.items.popularity.lift").estimate
    down = results["random"].finding("popularity.items.popularity.lift").estimate
    assert up.low > 1  # twice as popular as what people watched, and more
    assert down.high < -0.5
    arp = results["random"].finding("popularity.items.arp.mean")
    assert arp.estimate.value == pytest.approx(counts.mean(), rel=0.25)
    assert arp.noise_floor == pytest.approx(counts.mean())
    assert value(results["popular"], "items.head.part.share") > 0.9
    assert value(results["random"], "items.tail.part.share") > 0.6
    chance = results["random"].finding("popularity.items.popularity_effect.rate_ratio").estimate
    assert chance.value == pytest.approx(1, abs=0.1)
