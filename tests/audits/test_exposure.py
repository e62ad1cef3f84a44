"""The exposure audit: attention of items and groups, against what they deserve."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from shelf import WORDS, drawing, of_maker, run_audit, shelf, users, values

from fairrec.audits import ExposureAudit
from fairrec.errors import BadData, WrongUse
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.fa_ir import adjusted_table
from fairrec.recommenders import as_recommender
from fairrec.types import Answer, Outcome, Ranking

FEW = {"k": 10, "draws": 200}


def audit(n: int = 40, held_out: bool = False, catalog=None, **settings) -> ExposureAudit:
    items = shelf() if catalog is None else catalog
    people = users(n, items, held_out)
    return ExposureAudit(items, WORDS, **{"users": people, "column": "maker", **FEW, **settings})


def test_a_favoured_maker_is_called_out_and_an_equal_recommender_is_not() -> None:
    one = audit()
    unfair = run_audit(
        one, drawing(one.catalog, lambda request: of_maker(one.catalog, "small", 4.0))
    )
    small = unfair.finding("exposure.maker.small.exposure.share_less_catalogue")
    assert small.p_adjusted is not None and small.p_adjusted < 0.001
    assert small.estimate.low is not None and small.estimate.low > 0.1
    parity = unfair.finding("exposure.maker.exposure.parity_difference")
    assert parity.p_value is not None and parity.p_value < 0.02
    assert parity.estimate.low is not None and parity.estimate.low > 0
    ratio = unfair.finding("exposure.maker.exposure.parity_ratio").estimate
    assert ratio.high is not None and ratio.high < 0.6
    fair = run_audit(one, drawing(one.catalog))
    tests = [f for f in fair.findings if f.statistic == "share_less_catalogue"]
    assert len(tests) == 3 and all(f.p_adjusted is not None and f.p_adjusted > 0.05 for f in tests)
    ratio = fair.finding("exposure.maker.exposure.parity_ratio").estimate
    assert ratio.high is not None and ratio.high > 0.9


def test_the_level_of_the_share_test_and_the_coverage_of_its_interval() -> None:
    alarms, inside, runs = 0, 0, 120
    for seed in range(runs):
        one = audit(20, seed=seed, repeats=0, draws=200)
        result = run_audit(one, drawing(one.catalog, seed=seed))
        finding = result.finding("exposure.maker.small.exposure.share_less_catalogue")
        assert finding.p_value is not None
        alarms += finding.p_value <= 0.05
        estimate = finding.estimate
        assert estimate.low is not None and estimate.high is not None
        inside += estimate.low <= 0 <= estimate.high
    assert alarms / runs <= 0.12 and inside / runs >= 0.88


def test_shares_equal_a_literal_sum() -> None:
    one = audit(12, repeats=0)
    probes = one.plan()
    rankings = drawing(one.catalog).recommend([probe.request for probe in probes])
    result = one.judge(probes, [Answer(p.id, r) for p, r in zip(probes, rankings, strict=True)])
    held: dict[str, float] = {}
    maker = dict(zip(one.catalog.ids, one.catalog.column("maker"), strict=True))
    for ranking in rankings:
        for rank, item in enumerate(ranking.items, start=1):
            held[maker[item]] = held.get(maker[item], 0.0) + 1 / np.log2(rank + 1)
    for name, amount in held.items():
        share = result.finding(f"exposure.maker.{name}.exposure.share").estimate.value
        assert share == pytest.approx(amount / sum(held.values()))
    table = result.tables["group_by_position"]
    first = [s for rank, s in zip(table["rank"], table["share"], strict=True) if rank == 1]
    assert sum(first) == pytest.approx(1)


def test_items_that_are_never_recommended_count() -> None:
    one = audit(30, column=None)
    always = as_recommender(lambda r: list(one.catalog.ids[: r.k]), name="x", catalog=one.catalog)
    found = values(run_audit(one, always))
    assert found["exposure.items.exposure.coverage"] == pytest.approx(10 / 120)
    assert found["exposure.items.exposure.gini"] > 0.9  # type: ignore[operator]
    assert found["exposure.items.exposure.bottom_half_share"] == 0
    assert found["exposure.items.exposure.changed_when_asked_again"] == 0
    assert not any(id.startswith("exposure.maker") for id in found)


def test_unknown_makers_and_made_up_titles() -> None:
    """An unknown group is its own; what is made up takes attention and belongs to none."""
    makers = [None if i % 4 == 0 else "a" if i % 4 == 1 else "b" for i in range(120)]
    one = audit(catalog=shelf(column=makers))
    plain = drawing(one.catalog)

    class MakesUp:
        description: ClassVar = {"name": "makes up"}

        def recommend(self, requests):
            return [
                replace(r, items=("?nothing", *r.items[:-1])) for r in plain.recommend(requests)
            ]

    result = run_audit(one, MakesUp())
    found = values(result)
    assert found["exposure.maker.unknown.exposure.share"] == pytest.approx(0.25, abs=0.08)
    shares = [v for id, v in found.items() if id.endswith(".exposure.share")]
    assert sum(shares) == pytest.approx(1)  # type: ignore[arg-type]
    weights = Browsing("log2").weights(10)
    off = found["exposure.items.exposure.off_catalogue_share"]
    assert off == pytest.approx(1 / weights.sum())
    assert any("are not in the catalogue" in warning for warning in result.warnings)
    assert any("25% of the catalogue has no known maker" in warning for warning in result.warnings)


def test_a_missing_list_is_missing() -> None:
    one = audit(20)
    probes = one.plan()
    answers = [
        Answer(p.id, Ranking(outcome=Outcome.REFUSED) if p.cluster in ("u1", "u2") else r)
        for p, r in zip(
            probes, drawing(one.catalog).recommend([p.request for p in probes]), strict=True
        )
    ]
    result = one.judge(probes, answers)
    estimate = result.finding("exposure.items.exposure.gini").estimate
    assert (estimate.n, estimate.n_missing) == (18, 2)
    assert any("2 of 20 users have no list" in warning for warning in result.warnings)
    silent = one.judge(probes, [Answer(p.id, Ranking(outcome=Outcome.REFUSED)) for p in probes])
    assert silent.finding("exposure.items.exposure.gini").estimate.value is None
    assert all(f.p_value is None for f in silent.findings)


def test_ten_thousand_groups_are_shown_as_the_largest_and_the_rest() -> None:
    makers = [f"maker {i % 10_000}" for i in range(10_050)]
    one = audit(10, catalog=shelf(10_050, makers), most_groups=5, k=5)
    result = run_audit(one, drawing(one.catalog))
    shown = [f for f in result.findings if f.statistic == "share"]
    assert len(shown) == 6 and shown[-1].value == "other groups"
    assert any("9995 small groups of maker are shown together" in w for w in result.warnings)


def test_one_group_alone_has_nothing_to_compare() -> None:
    found = values(run_audit(one := audit(catalog=shelf(column=["a"] * 120)), drawing(one.catalog)))
    assert found["exposure.maker.a.exposure.share"] == 1
    assert "exposure.maker.exposure.parity_ratio" not in found


def test_an_item_of_several_makers_counts_for_each_in_part() -> None:
    makers = ["a|b" if i % 2 else "a" for i in range(120)]
    one = audit(catalog=shelf(column=makers))
    result = run_audit(one, drawing(one.catalog))
    found = values(result)
    assert found["exposure.maker.a.exposure.share"] == pytest.approx(0.75, abs=0.06)
    assert any("several groups" in warning for warning in result.warnings)
    assert "exposure.maker.ndkl.mean" not in found


def test_relevance_and_expected_exposure() -> None:
    one = audit(
        30, True, merit=("catalogue", "relevance"), browsing=(Browsing("rbp", patience=0.8),)
    )
    liked = {user.id: list(user.held_out) for user in one.users}

    def ideal(request):
        rest = [i for i in one.catalog.ids if i not in liked[request.slots["user"]]]
        return [*liked[request.slots["user"]], *rest[: request.k - 2]]

    best = run_audit(one, as_recommender(ideal, name="ideal", catalog=one.catalog))
    poor = run_audit(one, drawing(one.catalog))
    for id in ("exposure.items.expected_exposure.relevance",):
        assert values(best)[id] > values(poor)[id]  # type: ignore[operator]
    loss = "exposure.items.expected_exposure.difference"
    assert values(best)[loss] < values(poor)[loss]  # type: ignore[operator]
    assert "exposure.maker.exposure.treatment_by_relevance_ratio" in values(best)
    assert values(best)["exposure.maker.exposure.impact_log_ratio"] is not None


def test_lists_drawn_at_random_fail_fa_ir_as_often_as_chance_says() -> None:
    one = audit(300, repeats=0)
    result = run_audit(one, drawing(one.catalog))
    finding = result.finding("exposure.maker.mid.fa_ir.failing")
    expected = adjusted_table(10, round(1 / 3, 6), 0.1).fail_probability
    assert finding.noise_floor == pytest.approx(expected)
    assert finding.estimate.value == pytest.approx(expected, abs=0.06)
    assert finding.p_value is not None and finding.p_value > 0.01
    against = run_audit(
        one, drawing(one.catalog, lambda request: of_maker(one.catalog, "mid", 0.1))
    )
    assert against.finding("exposure.maker.mid.fa_ir.failing").p_adjusted < 0.001  # type: ignore[operator]
    small = against.finding("exposure.maker.small.fa_ir.failing")
    assert small.p_value is None and "lists of 10 are too short" in small.estimate.reason


def test_who_is_shown_which_makers() -> None:
    one = audit(60)
    people = {user.id: user.profile["gender"] for user in one.users}

    def by_gender(request):
        factor = 6.0 if people[request.slots["user"]] == "f" else 1.0
        return of_maker(one.catalog, "small", factor)

    told = run_audit(one, drawing(one.catalog, by_gender))
    finding = told.finding("exposure.gender.exposure.user_group_jsd")
    assert finding.p_value is not None and finding.p_value < 0.02
    assert finding.noise_floor is not None and finding.estimate.value > finding.noise_floor  # type: ignore[operator]
    alike = run_audit(one, drawing(one.catalog))
    assert alike.finding("exposure.gender.exposure.user_group_jsd").p_value > 0.05  # type: ignore[operator]


def test_topics_are_asked_about_as_well() -> None:
    one = ExposureAudit(shelf(), WORDS, topics=[f"t{i}" for i in range(25)], column="maker", **FEW)
    result = run_audit(one, drawing(one.catalog))
    assert result.finding("exposure.items.exposure.gini").estimate.unit == "topic"


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ({"merit": ("fame",)}, WrongUse, "merit among catalogue, equal, interactions, relevance"),
        ({"merit": ("interactions",)}, WrongUse, "merit by interactions was asked for"),
        ({"merit": ("relevance",)}, WrongUse, "nothing is known to be relevant"),
        ({"browsing": (Browsing("err"),)}, WrongUse, "err: nothing is known to be relevant"),
        ({"browsing": (Browsing("rbp"), Browsing("rbp", patience=0.5))}, WrongUse, "different kin"),
        ({"merit": {"big": 1.0}}, BadData, "'mid' has no share"),
        ({"column": "colour"}, WrongUse, "no column 'colour'"),
        ({"users": ()}, WrongUse, "0 user(s) and 0 topic(s)"),
        ({"k": 0}, WrongUse, "k is 0"),
    ],
)
def test_what_cannot_be_judged_is_said(settings, error, says) -> None:
    with pytest.raises(error) as raised:
        audit(**settings)
    assert says in str(raised.value)
