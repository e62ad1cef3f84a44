"""The position bias audit tells rankers that copy the order from those that read it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest
from placed_films import CATALOG, audit, holds, p, people, ranker, value
from scipy.stats import kendalltau, spearmanr

from fairrec.audits.asking import rankings_by_probe
from fairrec.audits.position_bias_orders import different_orders
from fairrec.errors import WrongUse
from fairrec.metrics.similarity import rbo
from fairrec.running import run_audit
from fairrec.types import Answer, Arm


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
