"""The popularity audit: is what is popular favoured, and for whom?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from shelf import WORDS, drawing, run_audit, shelf, values

from fairrec.audits import PopularityAudit
from fairrec.datasets import leave_last_out, read_dataset
from fairrec.errors import BadData, WrongUse
from fairrec.recommenders import as_recommender
from fairrec.seeds import generator
from fairrec.types import Answer, Outcome, Ranking
from fairrec.users import User

CATALOG = shelf()
POPULARITY = {item: float(120 - place) ** 2 for place, item in enumerate(CATALOG.ids)}
WEIGHT = np.array(list(POPULARITY.values()))
SMALL = Path(__file__).parents[2].parent / "shared" / "data" / "ml-latest-small"


def people(n: int, weight: np.ndarray = WEIGHT) -> list[User]:
    """Users whose histories and liked items are drawn by popularity."""
    found = []
    for i in range(n):
        drawn = generator(i, "taste").choice(120, 12, replace=False, p=weight / weight.sum())
        items = [CATALOG.ids[j] for j in drawn]
        found.append(
            User(
                f"u{i}", {"gender": ("f", "m")[i % 2]}, tuple(items[:9]), held_out=tuple(items[9:])
            )
        )
    return found


def audit(n: int = 40, **settings) -> PopularityAudit:
    given = {"users": people(n), "k": 10, "draws": 200, **settings}
    return PopularityAudit(CATALOG, WORDS, POPULARITY, **given)


def test_the_most_popular_for_all() -> None:
    one = audit()
    result = run_audit(
        one, as_recommender(lambda r: list(CATALOG.ids[: r.k]), name="top", catalog=CATALOG)
    )
    found = values(result)
    lift = result.finding("popularity.items.popularity.lift")
    assert lift.estimate.low is not None and lift.estimate.low > 0.3
    assert lift.p_value is not None and lift.p_value < 0.001
    assert found["popularity.items.aplt.mean"] == 0
    assert found["popularity.items.popularity.popular_first"] == 1
    assert found["popularity.items.arp.mean"] == pytest.approx(WEIGHT[:10].mean())
    assert found["popularity.items.arp.normalised"] == pytest.approx(
        WEIGHT[:10].mean() / WEIGHT.sum()
    )
    floor = result.finding("popularity.items.arp.mean").noise_floor
    assert floor == pytest.approx(WEIGHT.mean())
    assert found["popularity.items.div_ratio.value"] == pytest.approx(10 / 400)
    assert found["popularity.items.or_ratio.value"] == pytest.approx(3 / 10)
    assert found["popularity.items.log_popularity.less_history"] > 0  # type: ignore[operator]
    assert result.tables["popularity_by_rank"]["popularity"][0] == WEIGHT[0]


def test_lists_as_popular_as_histories_have_no_lift() -> None:
    one = audit(80)
    result = run_audit(one, drawing(CATALOG, lambda request: WEIGHT))
    lift = result.finding("popularity.items.popularity.lift")
    assert lift.estimate.low is not None and lift.estimate.high is not None
    assert lift.estimate.low <= 0 <= lift.estimate.high
    assert lift.p_value is not None and lift.p_value > 0.05
    against = result.finding("popularity.items.log_popularity.less_relevant")
    assert against.p_value is not None and against.p_value > 0.01
    slope = result.finding("popularity.items.popularity.popular_first").estimate
    assert slope.value is not None and abs(slope.value) < 0.15


def test_values_equal_literal_means() -> None:
    one = audit(15, repeats=0)
    probes = one.plan()
    rankings = drawing(CATALOG, lambda r: WEIGHT).recommend([p.request for p in probes])
    result = one.judge(probes, [Answer(p.id, r) for p, r in zip(probes, rankings, strict=True)])
    found = values(result)
    own = [np.mean([POPULARITY[i] for i in user.history]) for user in one.users]
    given = [np.mean([POPULARITY[i] for i in r.items]) for r in rankings]
    assert found["popularity.items.popularity.gap_of_histories"] == pytest.approx(np.mean(own))
    assert found["popularity.items.popularity.lift"] == pytest.approx(
        np.sum(given) / np.sum(own) - 1
    )
    logs = [
        np.mean(np.log([POPULARITY[i] for i in r.items]))
        - np.mean(np.log([POPULARITY[i] for i in user.history]))
        for r, user in zip(rankings, one.users, strict=True)
    ]
    assert found["popularity.items.log_popularity.less_history"] == pytest.approx(np.mean(logs))
    variance = found["popularity.items.log_popularity.variance_less_history"]
    assert variance == pytest.approx(np.var(logs))
    tail = {CATALOG.ids[i] for i in np.flatnonzero(one.parts.tail)}
    shares = [np.mean([i in tail for i in r.items]) for r in rankings]
    assert found["popularity.items.aplt.mean"] == pytest.approx(np.mean(shares))


def test_one_gender_gets_the_popular_ones() -> None:
    one = audit(60, attributes=["gender"])
    gender = {user.id: user.profile["gender"] for user in one.users}

    def told(request):
        return WEIGHT**2 if gender[request.slots["user"]] == "f" else np.ones(120)

    unequal = run_audit(one, drawing(CATALOG, told)).finding(
        "popularity.gender.popularity.lift_range"
    )
    assert unequal.p_adjusted is not None and unequal.p_adjusted < 0.01
    assert unequal.noise_floor is not None and unequal.estimate.value > unequal.noise_floor  # type: ignore[operator]
    equal = run_audit(one, drawing(CATALOG, lambda r: WEIGHT)).finding(
        "popularity.gender.popularity.lift_range"
    )
    assert equal.p_adjusted is not None and equal.p_adjusted > 0.05


def test_a_maker_favoured_beyond_its_popularity_has_a_rate_ratio() -> None:
    one = audit(60, column="maker")
    maker = CATALOG.column("maker")

    def favouring(request):
        return WEIGHT * np.where(maker == "mid", 2.5, 1.0)

    result = run_audit(one, drawing(CATALOG, favouring))
    mid = result.finding("popularity.maker.mid.group_effect.rate_ratio")
    assert mid.estimate.low is not None and mid.estimate.low > 1.3
    assert mid.p_adjusted is not None and mid.p_adjusted < 0.001
    small = result.finding("popularity.maker.small.group_effect.rate_ratio")
    assert small.p_adjusted is not None and small.p_adjusted > 0.01
    assert len(result.tables["popularity_fit"]["exposure"]) == 50
    disparity = values(result)["popularity.maker.mid.preference_bias.disparity"]
    assert disparity is not None and disparity > 0.3


def test_what_is_missing_is_said() -> None:
    some = [*people(20), User("new", {}), User("newer", {})]
    rare = {item: value for item, value in POPULARITY.items() if item != "i5"}
    one = PopularityAudit(CATALOG, WORDS, rare, users=some, k=10, draws=200)
    probes = one.plan()
    rankings = drawing(CATALOG).recommend([p.request for p in probes])
    answers = [
        Answer(p.id, Ranking(outcome=Outcome.EMPTY) if p.cluster == "u0" else r)
        for p, r in zip(probes, rankings, strict=True)
    ]
    result = one.judge(probes, answers)
    said = " ".join(result.warnings)
    assert "2 of 22 users have no history" in said and "1 of 120 items were never consumed" in said
    assert "1 of 22 users have no list" in said
    lift = result.finding("popularity.items.popularity.lift").estimate
    assert (lift.n, lift.n_missing) == (19, 3)
    silent = one.judge(probes, [Answer(p.id, Ranking(outcome=Outcome.REFUSED)) for p in probes])
    assert all(f.estimate.value is None for f in silent.findings)
    assert all(f.p_value is None for f in silent.findings)


def test_topics_have_no_histories() -> None:
    topics = [f"t{i}" for i in range(25)]
    one = PopularityAudit(CATALOG, WORDS, POPULARITY, topics=topics, k=10, draws=200)
    result = run_audit(one, drawing(CATALOG))
    assert any("Topics have no histories" in warning for warning in result.warnings)
    assert not any("lift" in f.statistic for f in result.findings)


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ({"split": (0.8, 0.2)}, WrongUse, "parts end at the shares [0.8, 0.2]"),
        ({"by": "fame"}, WrongUse, "split by 'fame'"),
        ({"column": "colour"}, WrongUse, "no column 'colour'"),
        ({"users": ()}, WrongUse, "0 user(s) and 0 topic(s)"),
    ],
)
def test_what_cannot_be_judged_is_said(settings, error, says) -> None:
    with pytest.raises(error) as raised:
        audit(**settings)
    assert says in str(raised.value)


def test_popularity_of_other_items_is_no_popularity() -> None:
    with pytest.raises(BadData, match="no item of the catalogue was ever consumed"):
        PopularityAudit(CATALOG, WORDS, {"elsewhere": 3.0}, users=people(3))


def test_real_interactions() -> None:
    if not SMALL.is_dir():
        pytest.skip("ml-latest-small is not beside this checkout")
    data = read_dataset(SMALL)
    counts = np.bincount(data.items, minlength=len(data.catalog)).astype(float)
    popularity = dict(zip(data.catalog.ids, counts.tolist(), strict=True))
    some = [User(u.id, {}, u.history, held_out=u.held_out) for u in leave_last_out(data, 3)[:60]]
    one = PopularityAudit(data.catalog, WORDS, popularity, users=some, k=10, draws=200)
    top = [data.catalog.ids[i] for i in np.argsort(-counts)[:10]]
    best = run_audit(one, as_recommender(lambda r: top, name="top", catalog=data.catalog))
    plain = run_audit(one, drawing(data.catalog))
    assert values(best)["popularity.items.popularity.lift"] > 0.5  # type: ignore[operator]
    assert values(plain)["popularity.items.popularity.lift"] < -0.5  # type: ignore[operator]
    recovered = plain.finding("popularity.items.popularity_effect.rate_ratio").estimate
    assert recovered.low is not None and recovered.high is not None
    assert recovered.low <= 1 <= recovered.high  # chosen at random: popularity has no effect
