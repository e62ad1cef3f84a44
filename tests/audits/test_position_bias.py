"""The position bias audit tells rankers that copy the order from those that read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

from fairrec.audits.asking import rankings_by_probe
from fairrec.audits.position_bias import PositionBiasAudit
from fairrec.audits.position_bias_orders import different_orders, true_item
from fairrec.catalogs import Catalog
from fairrec.errors import BadData, WrongUse
from fairrec.metrics.similarity import rbo
from fairrec.prompts import Template
from fairrec.recommenders import as_recommender
from fairrec.results import AuditResult, Estimate
from fairrec.running import run_audit
from fairrec.seeds import generator
from fairrec.serialization import from_json, to_json
from fairrec.types import Answer, Arm, Outcome, Probe, Ranking, Request
from fairrec.users import User

IDS = tuple(f"m{i}" for i in range(100))
CATALOG = Catalog(IDS, tuple(f"Film {i}" for i in range(100)))
WORDS = Template("{statement} Rank {k} of these: {candidates}")
LLMRANK = Path(__file__).parents[2].parent / "shared/data/llmrank"


def people(n: int = 40, size: int = 20, seed: int = 0) -> list[User]:
    rng = np.random.default_rng(seed)
    found = []
    for number in range(n):
        some = tuple(IDS[i] for i in rng.choice(len(IDS), size, replace=False))
        found.append(User(f"u{number}", candidates=some, held_out=(some[int(rng.integers(size))],)))
    return found


def ranker(  # type: ignore[no-untyped-def]
    weight: float, noise: float = 0.0, *, knows: Sequence[User] = (), seed: int = 0
):
    """Ranks by taste, by the place in the prompt (as far as `weight` says) and by noise.

    The true items of the users that it knows are liked more.
    """
    truth = {user.id: true_item(user) for user in knows}

    def rank(request: Request) -> list[str]:
        shown = request.candidates or ()
        user = request.slots["user"]
        rng = generator(seed, "taste", user)
        taste = {item: rng.normal() for item in sorted(shown)}
        again = generator(seed, "noise", user, *shown, str(request.replicate))
        place = np.linspace(1.7, -1.7, len(shown))
        scores = [
            (1 - weight) * (taste[item] + (item == truth.get(user)))
            + weight * place[i]
            + noise * again.normal()
            for i, item in enumerate(shown)
        ]
        return [shown[i] for i in np.argsort(-np.array(scores), kind="stable")][: request.k]

    return as_recommender(rank, name=f"ranker {weight} {noise} {len(truth)} {seed}")


def audit(users: Sequence[User], **changes: object) -> PositionBiasAudit:
    settings = {"users": users, "catalog": CATALOG, "template": WORDS, "k": 20, "draws": 500}
    return PositionBiasAudit(**{**settings, **changes})  # type: ignore[arg-type]


def value(result: AuditResult, name: str) -> float:
    found = result.finding(f"position_bias.{name}").estimate.value
    assert found is not None
    return found


def p(result: AuditResult, name: str) -> float:
    found = result.finding(f"position_bias.{name}").p_value
    assert found is not None
    return found


def holds(estimate: Estimate, number: float) -> bool:
    assert estimate.low is not None and estimate.high is not None
    return estimate.low <= number <= estimate.high


def test_the_plan_places_the_true_item_and_shuffles_truly() -> None:
    users = people(3)
    probes = audit(users, repeats=2).plan()
    assert len(probes) == 3 * (5 + 5 + 2) == len({probe.id for probe in probes})
    for user in users:
        mine = [probe for probe in probes if probe.cluster == user.id]
        placed = [probe for probe in mine if probe.request.slots["design"] == "placed"]
        truth = user.held_out[0]
        without = set()
        for probe, position in zip(placed, (0, 5, 10, 15, 19), strict=True):
            shown = probe.request.candidates or ()
            assert shown[position] == truth and probe.request.slots["position"] == str(position)
            without.add(tuple(item for item in shown if item != truth))
        assert len(without) == 1
        assert without != {tuple(item for item in user.candidates or () if item != truth)}
        shuffled = [probe for probe in mine if probe not in placed]
        orders = {probe.request.candidates for probe in shuffled}
        assert len(orders) == 5
        assert all(sorted(order or ()) == sorted(user.candidates or ()) for order in orders)
        repeats = [probe for probe in shuffled if probe.arm is Arm.REPEAT]
        assert [probe.request.replicate for probe in repeats] == [1, 2]
        assert {probe.request.candidates for probe in repeats} == {shuffled[0].request.candidates}
        for probe in mine:
            titles = [CATALOG.title(item) for item in probe.request.candidates or ()]
            assert probe.request.instruction == f"Rank 20 of these: {'; '.join(titles)}"
            assert probe.request.k == 20
    assert [probe.id for probe in audit(users, repeats=2).plan()] == [probe.id for probe in probes]


def test_no_order_comes_twice() -> None:
    rng = np.random.default_rng(0)
    assert len(set(different_orders(("a", "b", "c"), 6, rng))) == 6
    with pytest.raises(WrongUse, match=r"6 order\(s\)"):
        different_orders(("a", "b", "c"), 7, rng)


def test_a_ranker_that_copies_the_order() -> None:
    result = run_audit(audit(people()), ranker(1.0))
    assert value(result, "shown_order.displacement.mean") == 0
    assert value(result, "shown_order.kendall.mean") == pytest.approx(1)
    assert value(result, "order.rank_variance.order_share") == pytest.approx(1)
    assert value(result, "order.rank_variance.noise_share") == pytest.approx(0)
    assert [value(result, f"position.{q}.hit_at_1.mean") for q in (0, 5, 19)] == [1, 0, 0]
    ranks = [value(result, f"position.{q}.reciprocal_rank.mean") for q in (0, 5, 10, 15, 19)]
    assert ranks == pytest.approx([1 / (q + 1) for q in (0, 5, 10, 15, 19)])
    assert value(result, "position.hit_at_1.range") == 1
    for name in ("position.ndcg.range", "order.rbo.order_excess", "shown_order.kendall.mean"):
        assert p(result, name) <= 0.01
    assert value(result, "position.reciprocal_rank.slope") < -0.5
    assert any("most often when shown at position 0" in words for words in result.warnings)
    assert result.tables["position_curve"]["accuracy"] == (1, 0, 0, 0, 0)
    assert result.tables["position_curve"]["position"] == (0, 5, 10, 15, 19)


def test_a_ranker_that_ignores_the_order() -> None:
    result = run_audit(audit(people()), ranker(0.0, knows=people()))
    assert value(result, "order.rank_variance.order_share") == 0
    assert value(result, "position.ndcg.range") == 0
    assert value(result, "order.rbo.across_orders") == pytest.approx(1)
    for finding in result.findings:
        assert finding.p_value is None or finding.p_value == 1.0
    assert not any("most often" in words for words in result.warnings)
    share = result.finding("position_bias.order.rank_variance.order_share").estimate
    assert share.low == 0 and 0 < (share.high or 0) < 0.15


def test_one_in_between_is_measured_as_it_is() -> None:
    """Scores are taste, place and noise with known variances; so are the parts of ranks, nearly."""
    weight, noise = 0.5, 0.4
    users = people(300)
    result = run_audit(audit(users, repeats=3), ranker(weight, noise))
    place = np.linspace(1.7, -1.7, 20).var()
    parts = np.array([weight**2 * place, noise**2, (1 - weight) ** 2])
    order, random, _ = parts / parts.sum()
    assert value(result, "order.rank_variance.order_share") == pytest.approx(order, abs=0.04)
    assert value(result, "order.rank_variance.noise_share") == pytest.approx(random, abs=0.04)
    assert 0 < value(result, "shown_order.kendall.mean") < 1
    assert 0 < value(result, "shown_order.displacement.mean") < 1
    accuracy = result.tables["position_curve"]["accuracy"]
    assert accuracy[0] > accuracy[2] > accuracy[4]  # type: ignore[operator]
    assert p(result, "position.hit_at_1.range") <= 0.01
    assert p(result, "order.kendall.order_excess") <= 0.01


def test_noise_is_not_taken_for_order() -> None:
    users = people(150)
    result = run_audit(audit(users, repeats=2), ranker(0.0, 0.8, knows=users))
    assert value(result, "order.rank_variance.order_share") < 0.05
    assert value(result, "order.rank_variance.noise_share") > 0.3
    across = result.finding("position_bias.order.kendall.across_orders")
    assert across.estimate.value == pytest.approx(across.noise_floor, abs=0.03)
    for name in ("rbo", "kendall", "jaccard"):
        estimate = result.finding(f"position_bias.order.{name}.order_excess").estimate
        assert holds(estimate, 0.0)


def test_numbers_are_their_formulas() -> None:
    users = people(12, 8)
    one = audit(users, positions=(0, 3, 7), shuffles=3, repeats=2, k=5, top=3)
    recommender = ranker(0.4, 0.4, knows=users)
    probes = one.plan()
    rankings = [recommender.recommend([probe.request])[0] for probe in probes]
    answers = [Answer(probe.id, r) for probe, r in zip(probes, rankings, strict=True)]
    result = one.judge(probes, answers)
    lists = rankings_by_probe(probes, answers)

    def ranks(items: Sequence[str], candidates: Sequence[str]) -> list[float]:
        rest = (len(items) + 1 + len(candidates)) / 2
        return [items.index(c) + 1 if c in items else rest for c in sorted(candidates)]

    taus, spears, moves, orders, floors, jaccards, rbos = ([] for _ in range(7))
    for user in users:
        mine = [probe for probe in probes if probe.cluster == user.id]
        shuffled = [probe for probe in mine if probe.request.slots["design"] == "shuffled"]
        every = user.candidates or ()
        first = [probe for probe in shuffled if not probe.request.replicate]
        again = [probe for probe in shuffled if probe.request.slots["order"] == "0"]
        tau, spear, move = [], [], []
        for probe in first:
            out = ranks(lists[probe.id].items, every)
            shown = ranks((probe.request.candidates or ())[:5], every)
            tau.append(kendalltau(out, shown).statistic)
            spear.append(spearmanr(out, shown).statistic)
            expected = np.mean([[abs(a - b) for a in out] for b in shown])
            move.append(np.mean(np.abs(np.subtract(out, shown))) / expected)
        taus.append(np.mean(tau))
        spears.append(np.mean(spear))
        moves.append(np.mean(move))

        def mean(pairs, measure) -> float:  # type: ignore[no-untyped-def]
            return float(np.mean([measure(lists[a.id].items, lists[b.id].items) for a, b in pairs]))

        def tau_of(x, y, every=every) -> float:  # type: ignore[no-untyped-def]
            return kendalltau(ranks(x, every), ranks(y, every)).statistic

        orders.append(mean(combinations(first, 2), tau_of))
        floors.append(mean(combinations(again, 2), tau_of))
        rbos.append(mean(combinations(first, 2), rbo))
        jaccards.append(
            mean(
                combinations(first, 2),
                lambda x, y: len({*x[:3]} & {*y[:3]}) / len({*x[:3]} | {*y[:3]}),
            )
        )
    for name, expected in {
        "shown_order.kendall.mean": taus,
        "shown_order.spearman.mean": spears,
        "shown_order.displacement.mean": moves,
        "order.kendall.across_orders": orders,
        "order.kendall.across_repeats": floors,
        "order.rbo.across_orders": rbos,
        "order.jaccard.across_orders": jaccards,
    }.items():
        assert value(result, name) == pytest.approx(np.mean(expected), abs=1e-9), name
    for column, position in enumerate((0, 3, 7)):
        gains, hits = [], []
        for user in users:
            probe = [x for x in probes if x.cluster == user.id][column]
            items = lists[probe.id].items
            rank = items.index(user.held_out[0]) + 1 if user.held_out[0] in items else np.inf
            gains.append(1 / np.log2(rank + 1))
            hits.append(rank == 1)
        assert value(result, f"position.{position}.ndcg.mean") == pytest.approx(np.mean(gains))
        assert value(result, f"position.{position}.hit_at_1.mean") == pytest.approx(np.mean(hits))


def test_a_short_copy_is_still_a_copy() -> None:
    result = run_audit(audit(people(10), k=4), ranker(1.0))
    assert value(result, "shown_order.displacement.mean") == 0
    assert value(result, "shown_order.kendall.mean") == pytest.approx(1)
    assert value(result, "order.rank_variance.order_share") == pytest.approx(1)
    assert value(result, "items.left_out.share") == 0
    assert value(result, "position.5.reciprocal_rank.mean") == 0


def test_missing_short_and_strange_answers_are_counted() -> None:
    users = people(20)
    plain = ranker(0.5)

    def some(request: Request) -> Ranking:
        if request.slots["user"] == "u3" or request.slots.get("position") == "10":
            return Ranking(outcome=Outcome.REFUSED)
        items = plain.recommend([request])[0].items
        if request.slots["user"] == "u4":
            return Ranking(("?made up", *items[:9]))
        return Ranking(("?made up",)) if request.slots["user"] == "u5" else Ranking(items)

    result = run_audit(audit(users), as_recommender(some, name="some"))
    mean = result.finding("position_bias.position.0.hit_at_1.mean").estimate
    assert (mean.n, mean.n_missing) == (19, 1)
    gone = result.finding("position_bias.position.10.hit_at_1.mean").estimate
    assert gone.value is None and gone.n_missing == 20
    assert value(result, "position.answered.range") == pytest.approx(0.95)
    assert p(result, "position.answered.range") <= 0.01
    # u4 names 9 of 20 candidates and u5 none.
    assert value(result, "items.left_out.share") == pytest.approx((11 / 20 + 1) / 19)
    assert value(result, "items.out_of_candidates.share") == pytest.approx((1 / 10 + 1) / 19)
    kendall = result.finding("position_bias.shown_order.kendall.mean").estimate
    assert (kendall.n, kendall.n_missing) == (18, 2)
    told = " ".join(result.warnings)
    for words in (
        "30 of 220 answers are missing",
        "name no candidate at all",
        "leave out",
        "are not among the candidates",
    ):
        assert words in told


def test_a_silent_recommender_finds_nothing_and_says_why() -> None:
    one = audit(people(4))
    full = run_audit(one, ranker(0.5))
    silent = as_recommender(lambda request: None, name="silent")
    result = run_audit(one, silent)
    assert [f.id for f in result.findings] == [f.id for f in full.findings]
    known = [f.id for f in result.findings if f.estimate.value is not None]
    assert known == ["position_bias.position.answered.range"]
    assert all(f.estimate.reason for f in result.findings if f.estimate.value is None)
    assert from_json(AuditResult, to_json(full)) == full


def test_few_users_have_wide_intervals() -> None:
    result = run_audit(audit(people(2)), ranker(0.5, 0.5))
    mean = result.finding("position_bias.position.0.hit_at_1.mean").estimate
    assert mean.low is not None and mean.high is not None and mean.high - mean.low > 0.5
    assert p(result, "order.rbo.order_excess") > 0.02


def test_what_was_not_asked_is_said() -> None:
    users = people(12)
    one = audit(users)
    recommender = ranker(0.5)
    probes = [
        probe
        for probe in one.plan()
        if probe.request.slots.get("position") != "5" and probe.arm is not Arm.REPEAT
    ]
    stranger = Probe(replace(probes[0].request), Arm.NEUTRAL, "nobody")
    probes.append(stranger)
    answers = [
        Answer(probe.id, r)
        for probe, r in zip(probes, recommender.recommend([x.request for x in probes]), strict=True)
    ]
    result = one.judge(probes, answers)
    told = " ".join(result.warnings)
    assert "1 probe(s) are left out" in told
    assert "12 of 60 positions of users were not asked" in told
    assert "No order was asked again" in told
    assert result.finding("position_bias.order.rbo.order_excess").p_value is None
    assert result.finding("position_bias.order.rank_variance.order_share").estimate.value is None
    assert result.finding("position_bias.position.5.ndcg.mean").estimate.n == 0


@pytest.mark.parametrize(
    ("user", "says"),
    [
        (User("a", held_out=("m1",)), "no candidates"),
        (User("a", held_out=("m99",), candidates=IDS[:20]), "no held-out item"),
        (User("a", held_out=("m1",), candidates=(*IDS[:20], "m1")), "a candidate twice"),
    ],
)
def test_users_that_cannot_be_asked_for(user: User, says: str) -> None:
    with pytest.raises(BadData, match=says):
        audit([*people(2), user])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"positions": (0, 20)}, "position 20"),
        ({"positions": (3,)}, "positions"),
        ({"positions": (3, 3)}, "positions"),
        ({"positions": (-1, 3)}, "positions"),
        ({"shuffles": 1}, "shuffles"),
        ({"repeats": 0}, "repeats"),
        ({"top": 0}, "top"),
        ({"k": 0}, "k is 0"),
        ({"level": 1.0}, "level"),
        ({"template": Template("{statement} Films?")}, "does not show the candidates"),
    ],
)
def test_settings_that_cannot_be_used(changes: dict[str, object], says: str) -> None:
    with pytest.raises(WrongUse, match=says):
        audit(people(2), **changes)


def test_one_user_alone_is_refused() -> None:
    with pytest.raises(WrongUse, match="at least 2"):
        audit(people(1))


def test_too_few_candidates_for_so_many_orders() -> None:
    with pytest.raises(WrongUse, match=r"6 order\(s\)"):
        audit(people(2, 3), positions=(0, 2), shuffles=7)


def test_several_true_items_are_told() -> None:
    users = [replace(user, held_out=(user.candidates or ())[3:5]) for user in people(3)]
    result = run_audit(audit(users), ranker(0.2))
    assert any("more than one held-out item" in words for words in result.warnings)


def test_false_alarms_are_as_rare_as_promised() -> None:
    """Noisy rankers that ignore the order; 100 audits of 15 users."""
    alarms: dict[str, int] = {}
    for seed in range(100):
        users = people(15, 10, seed)
        one = audit(users, positions=(0, 4, 9), shuffles=3, draws=99, seed=seed)
        for finding in run_audit(one, ranker(0.0, 0.7, knows=users, seed=seed)).findings:
            if finding.p_value is not None:
                alarms[finding.id] = alarms.get(finding.id, 0) + (finding.p_value <= 0.05)
    assert len(alarms) >= 10
    assert max(alarms.values()) <= 13  # 5 expected; 13 is the 99.9th percentile


@pytest.mark.skipif(not LLMRANK.is_dir(), reason="the lists of LLMRank are not here")
def test_the_lists_of_llmrank() -> None:
    lines = (LLMRANK / "ml-1m.item").read_text("latin-1").splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    catalog = Catalog(tuple(row[0] for row in rows), tuple(row[1] for row in rows))
    users = []
    for line in (LLMRANK / "ml-1m.random").read_text().splitlines():
        name, items = line.split("\t")
        some = tuple(item for item in items.split() if item in catalog)[:20]
        rng = generator(0, "truth", name)
        users.append(User(name, candidates=some, held_out=(some[int(rng.integers(20))],)))
    assert len(users) == 200
    truth = {user.id: user.held_out[0] for user in users}

    def rank(request: Request) -> list[str]:
        """Like the true item a little, and what stands early in the prompt a little."""
        shown = request.candidates or ()
        rng = generator(1, request.slots["user"])
        taste = {item: rng.normal() for item in sorted(shown)}
        scores = [
            taste[item] + (item == truth[request.slots["user"]]) - 1.5 * place / len(shown)
            for place, item in enumerate(shown)
        ]
        return [shown[i] for i in np.argsort(-np.array(scores), kind="stable")]

    result = run_audit(
        PositionBiasAudit(users, catalog, WORDS, draws=500), as_recommender(rank, name="biased")
    )
    assert p(result, "position.ndcg.range") <= 0.01
    assert 0.05 < value(result, "order.rank_variance.order_share") < 0.4
    accuracy = result.tables["position_curve"]["accuracy"]
    assert accuracy[0] > accuracy[-1]  # type: ignore[operator]
