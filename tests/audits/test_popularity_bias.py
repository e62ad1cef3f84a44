"""The popularity audit finds what favours the popular, and calls users' own taste their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from fairrec.audits.popularity import PopularityAudit
from fairrec.audits.popularity_lift import lift_range
from fairrec.catalogs import Catalog
from fairrec.datasets import leave_last_out, read_dataset
from fairrec.errors import BadData, WrongUse
from fairrec.prompts import USER_TEMPLATES, Template
from fairrec.recommenders import as_recommender
from fairrec.results import AuditResult
from fairrec.running import run_audit
from fairrec.seeds import generator
from fairrec.serialization import from_json, to_json
from fairrec.types import Outcome, Ranking, Request
from fairrec.users import User

MOVIELENS = Path(__file__).parents[2].parent / "shared" / "data" / "ml-latest-small"
N, USERS, HISTORY, K = 400, 80, 20, 10
IDS = tuple(f"i{i}" for i in range(N))
# Items come in twins, 2 j and 2 j + 1, of the same popularity; the last 40 nobody had.
POPULARITY = {f"i{i}": float(2_000 // (2 + i // 2)) for i in range(360)}
AMOUNTS = np.array([POPULARITY.get(item, 0.0) for item in IDS])
GROUP = np.random.default_rng(1).choice(["a", "a", "b"], N).astype(object)
CATALOG = Catalog(IDS, tuple(f"Title {item}" for item in IDS), {"maker": GROUP})
TOPIC = Template("Recommend {k} {value} films like {name}.")


def drawn(rng: np.random.Generator, weight: np.ndarray, n: int) -> list[int]:
    return rng.choice(len(weight), n, replace=False, p=weight / weight.sum()).tolist()


def audience(held_out: int = 0, without: int = 0, seed: int = 2) -> list[User]:
    """Users with histories of one of each pair of twins, as popular as chance has it."""
    users = []
    for number in range(USERS):
        rng = np.random.default_rng([seed, number])
        pairs = drawn(rng, AMOUNTS[:360:2] ** 0.5, HISTORY + held_out)
        history = () if number < without else tuple(f"i{2 * pair}" for pair in pairs[:HISTORY])
        profile = {"gender": ("female", "male")[number % 2]}
        later = tuple(f"i{2 * pair}" for pair in pairs[HISTORY:])
        users.append(User(f"u{number}", profile, history, None, later))
    return users


def audit(users: Sequence[User], **changes: object) -> PopularityAudit:
    settings = {"users": users, "k": K, "draws": 400, "column": "maker", **changes}
    return PopularityAudit(CATALOG, USER_TEMPLATES["movie"], POPULARITY, **settings)


def run(one: PopularityAudit, choose: Callable[[Request], Sequence[str] | Ranking]) -> AuditResult:
    return run_audit(one, as_recommender(choose, name="chosen", catalog=one.catalog))


def by_weight(weight: np.ndarray, seed: int = 0) -> Callable[[Request], list[str]]:
    """Lists are drawn without replacement, by weight of the item, anew when asked again."""

    def choose(request: Request) -> list[str]:
        asked = request.slots.get("user") or request.slots["name"]
        rng = generator(seed, "popularity test", asked, str(request.replicate))
        return [IDS[i] for i in drawn(rng, weight, request.k)]

    return choose


def twins(users: Sequence[User]) -> Callable[[Request], list[str]]:
    """Everybody gets the twins of the whole history."""
    histories = {user.id: user.history for user in users}
    return lambda request: [f"i{int(item[1:]) + 1}" for item in histories[request.slots["user"]]]


def value(result: AuditResult, id: str) -> float | None:
    return result.finding(f"popularity.{id}").estimate.value


@pytest.fixture(scope="module")
def favoured() -> AuditResult:
    users = audience(held_out=5)
    return run(audit(users, attributes=("gender",)), by_weight(AMOUNTS**1.2))


def test_planted_popularity_bias_is_found(favoured: AuditResult) -> None:
    lift = favoured.finding("popularity.items.popularity.lift")
    assert lift.estimate.low > 0.5
    assert lift.p_value < 1e-6
    for other in ("history", "relevant"):
        logs = favoured.finding(f"popularity.items.log_popularity.less_{other}")
        assert logs.estimate.low > 0.3
        assert logs.p_value < 1e-6
    assert favoured.finding("popularity.items.head.part.share_less_history").estimate.low > 0.05
    assert favoured.finding("popularity.items.tail.part.share_less_history").estimate.high < -0.05
    arp = favoured.finding("popularity.items.arp.mean")
    assert arp.estimate.low > arp.noise_floor == pytest.approx(AMOUNTS.mean())
    assert favoured.finding("popularity.items.aplt.mean").estimate.high < 0.5
    slope = favoured.finding("popularity.items.popularity_effect.rate_ratio")
    assert slope.estimate.low > 2
    assert slope.p_value < 1e-6
    # Nothing was planted between women and men, nor between makers.
    assert favoured.finding("popularity.gender.popularity.lift_range").p_value > 0.01
    assert favoured.finding("popularity.maker.b.group_effect.rate_ratio").p_adjusted > 0.01
    # Lists are drawn by weight one after the other: the popular come first.
    assert favoured.finding("popularity.items.popularity.popular_first").estimate.low > 0


def test_numbers_are_those_counted_by_hand(favoured: AuditResult) -> None:
    choose = by_weight(AMOUNTS**1.2)
    users = audience(held_out=5)
    one = audit(users)
    lists = {probe.cluster: choose(probe.request) for probe in one.plan() if probe.arm == "neutral"}
    given = np.array([np.mean([AMOUNTS[IDS.index(i)] for i in lists[user.id]]) for user in users])
    own = np.array([np.mean([POPULARITY[item] for item in user.history]) for user in users])
    assert value(favoured, "items.arp.mean") == pytest.approx(given.mean())
    assert value(favoured, "items.arp.normalised") == pytest.approx(given.mean() / AMOUNTS.sum())
    assert value(favoured, "items.popularity.lift") == pytest.approx(given.sum() / own.sum() - 1)
    female = np.arange(USERS) % 2 == 0
    lifts = [given[some].sum() / own[some].sum() - 1 for some in (female, ~female)]
    assert value(favoured, "gender.female.popularity.lift") == pytest.approx(lifts[0])
    assert value(favoured, "gender.popularity.lift_range") == pytest.approx(np.ptp(lifts))
    counts = np.zeros((2, len(one.parts.names)))
    for user in users:
        for item in user.held_out:
            counts[1, one.parts.codes[IDS.index(item)]] += 1
            counts[0, one.parts.codes[IDS.index(item)]] += item in lists[user.id]
    recall = counts[0] / counts[1]
    expected = recall.std() / recall.mean()
    assert value(favoured, "items.pop_reo.value") == pytest.approx(expected)
    had = np.array([sum(GROUP[IDS.index(i)] == "b" for i in user.history) for user in users])
    got = np.array([sum(GROUP[IDS.index(i)] == "b" for i in lists[user.id]) for user in users])
    ratio = (got.sum() / (USERS * K)) / (had.sum() / (USERS * HISTORY))
    assert value(favoured, "maker.b.preference_bias.disparity") == pytest.approx(ratio - 1)


def test_who_gives_users_their_own_popularity_has_no_lift() -> None:
    """The twins of the history: as popular to the last digit, though nothing is the same."""
    users = audience()
    # A fifth of the items: no pair of twins is parted.
    one = audit(users, k=HISTORY, attributes=("gender",), column=None, by="items")
    result = run(one, twins(users))
    for id in (
        "items.popularity.lift",
        "items.log_popularity.less_history",
        "items.log_popularity.variance_less_history",
        "items.head.part.share_less_history",
        "items.upd.mean",
        "items.calibration_kl.mean",
        "items.calibration_jsd.mean",
        "items.mgu.value",
        "items.dgu.value",
        "gender.female.popularity.lift",
        "gender.popularity.lift_range",
    ):
        assert value(result, id) == pytest.approx(0, abs=1e-12), id
    lift = result.finding("popularity.items.popularity.lift")
    assert (lift.estimate.low, lift.estimate.high) == pytest.approx((0, 0), abs=1e-12)
    assert lift.p_value == 1.0


def test_lists_made_as_histories_were_have_no_lift_within_their_interval() -> None:
    """40 times, everything anew: intervals hold 0 and the test is quiet as often as they say."""
    weight = np.zeros(N)
    weight[:360:2] = AMOUNTS[:360:2] ** 0.5
    held, quiet = 0, 0
    for seed in range(40):
        one = audit(audience(seed=100 + seed), k=HISTORY, draws=300, column=None, repeats=0)
        lift = run(one, by_weight(weight, seed)).finding("popularity.items.popularity.lift")
        held += lift.estimate.low <= 0 <= lift.estimate.high
        quiet += lift.p_value > 0.05
    assert held >= 35
    assert quiet >= 35


def test_a_planted_effect_of_the_maker_is_a_number() -> None:
    weight = (AMOUNTS + 5) * np.where(GROUP == "b", 3.0, 1.0)
    result = run(audit(audience()), by_weight(weight**0.7))
    effect = result.finding("popularity.maker.b.group_effect.rate_ratio")
    assert effect.estimate.low < 3**0.7 < effect.estimate.high
    assert effect.p_adjusted < 0.001
    assert "against a" in effect.estimate.method
    assert effect.family.startswith("effects of maker beyond popularity (1 tests)")


def test_what_was_a_candidate_more_often_is_not_favoured() -> None:
    rng = np.random.default_rng(5)
    weight = np.where(GROUP == "b", 1.0, 4.0)
    users = [
        User(u.id, u.profile, u.history, None, (), tuple(IDS[i] for i in drawn(rng, weight, 60)))
        for u in audience()
    ]
    pools = {user.id: user.candidates for user in users}

    def choose(request: Request) -> list[str]:
        rng = generator(0, "pool", request.slots["user"])
        return rng.permutation(list(pools[request.slots["user"]]))[: request.k].tolist()

    effect = run(audit(users), choose).finding("popularity.maker.b.group_effect.rate_ratio")
    assert effect.estimate.low < 1 < effect.estimate.high
    assert 0.75 < effect.estimate.value < 1.3


def test_a_planted_lift_of_one_gender_is_found() -> None:
    users = audience()
    gender = {user.id: user.profile["gender"] for user in users}
    high, low = by_weight(AMOUNTS), by_weight(AMOUNTS**0.4)

    def choose(request: Request) -> list[str]:
        return (high if gender[request.slots["user"]] == "male" else low)(request)

    result = run(audit(users, attributes=("gender",)), choose)
    spread = result.finding("popularity.gender.popularity.lift_range")
    assert spread.p_adjusted == pytest.approx(1 / 401)  # the least that 400 draws can give
    assert spread.estimate.value > 4 * spread.noise_floor
    male, female = (
        result.finding(f"popularity.gender.{who}.popularity.lift").estimate
        for who in ("male", "female")
    )
    assert male.low > female.high


@pytest.mark.parametrize(
    ("sizes", "levels", "noises"),
    [((60, 60), (1, 4), (0.5, 0.5)), ((120, 40), (4, 1), (0.3, 0.8))],
    ids=["tastes differ", "tastes and noise differ"],
)
def test_equal_lifts_are_not_called_unequal(
    sizes: tuple[int, int], levels: tuple[float, float], noises: tuple[float, float]
) -> None:
    """300 times: groups with other histories, and lists that lift all by half."""
    alarms = []
    for seed in range(300):
        rng = np.random.default_rng([7, seed])
        own = [level * rng.gamma(4, 0.25, n) for n, level in zip(sizes, levels, strict=True)]
        given = [
            1.5 * h * rng.gamma(1 / noise**2, noise**2, len(h))
            for h, noise in zip(own, noises, strict=True)
        ]
        found = lift_range(
            {"a": own[0], "b": own[1]}, {"a": given[0], "b": given[1]}, rng, draws=199
        )
        alarms.append(found.p_value <= 0.05)
    assert np.mean(alarms) <= 0.085


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


def test_tables_are_what_figures_need(favoured: AuditResult) -> None:
    columns = {name: set(table) for name, table in favoured.tables.items()}
    assert columns == {
        "popularity_exposure": {"popularity", "exposure", "group"},
        "popularity_fit": {"popularity", "exposure", "low", "high"},
        "popularity_by_rank": {"rank", "popularity", "low", "high"},
        "calibration": {"part", "source", "share", "low", "high"},
    }
    table = favoured.tables["calibration"]
    for source in ("catalogue", "recommended", "history", "relevant"):
        shares = [s for s, of in zip(table["share"], table["source"], strict=True) if of == source]
        assert sum(shares) == pytest.approx(1), source
    assert sum(favoured.tables["popularity_exposure"]["exposure"]) == USERS * K
    ranks = favoured.tables["popularity_by_rank"]
    assert np.mean(ranks["popularity"]) == pytest.approx(value(favoured, "items.arp.mean"))
    assert all(
        low <= p <= high
        for low, p, high in zip(ranks["low"], ranks["popularity"], ranks["high"], strict=True)
    )


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
