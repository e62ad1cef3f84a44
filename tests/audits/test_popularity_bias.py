"""The popularity audit finds what favours the popular, and calls users' own taste their own."""

from __future__ import annotations

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
    drawn,
    run,
    twins,
    value,
)

from fairrec.audits.popularity_lift import lift_range
from fairrec.results import AuditResult
from fairrec.seeds import generator
from fairrec.types import Request
from fairrec.users import User


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
