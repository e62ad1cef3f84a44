"""Before and after on the same probes: paired, exact where the truth is known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from fairrec.errors import WrongUse
from fairrec.results import AuditResult, Estimate, Finding
from fairrec.running.comparison import compare_answers
from fairrec.types import Answer, Arm, Attempt, Outcome, Probe, Ranking, Request, Usage
from fairrec.users import User


@dataclass(frozen=True)
class FirstItem:
    """Judges the mean number in the first item's name: a mean whose jackknife is known."""

    users: Sequence[User] = ()
    draws: int = 5_000

    name = "first_item"

    def plan(self) -> list[Probe]:
        return [Probe(Request(k=3, slots={"user": u.id}), Arm.NEUTRAL, u.id) for u in self.users]

    def judge(self, probes: Sequence[Probe], answers: Iterable[Answer]) -> AuditResult:
        values = [float(a.ranking.items[0]) for a in answers if a.ranking.items]
        estimate = Estimate(float(np.mean(values)), direction="lower")
        gone = Estimate(None, reason="never measured")
        return AuditResult(
            audit=self.name,
            name=self.name,
            findings=(
                Finding("first_item.mean", self.name, "mean", "mean", estimate),
                Finding("first_item.gone", self.name, "gone", "mean", gone),
            ),
            observations=(),
            validity=(),
            exchanges={},
            provenance={},
        )


def _case(n: int = 12) -> tuple[FirstItem, list[Probe], list[Answer], list[Answer], np.ndarray]:
    rng = np.random.default_rng(3)
    audit = FirstItem([User(f"u{i}", held_out=("hit",)) for i in range(n)])
    probes = audit.plan()
    early, gain = rng.normal(5, 1, n), rng.normal(1, 0.5, n)
    before = [
        Answer(p.id, Ranking((f"{x}", "x", "hit"), usage=Usage(10, 5)), 0.5, (Attempt(0.5),))
        for p, x in zip(probes, early, strict=True)
    ]
    after = [
        Answer(
            p.id, Ranking((f"{x - g}", "hit", "y"), usage=Usage(20, 10)), 1.5, (Attempt(0.5),) * 2
        )
        for p, x, g in zip(probes, early, gain, strict=True)
    ]
    return audit, probes, before, after, -gain


def test_the_jackknife_of_a_mean_is_students_interval_of_paired_differences() -> None:
    audit, probes, before, after, differences = _case()
    change = compare_answers(audit, probes, before, after).change("first_item.mean")
    interval = stats.ttest_1samp(differences, 0).confidence_interval()
    assert change.difference.value == pytest.approx(differences.mean(), abs=1e-12)
    assert change.difference.low == pytest.approx(interval.low, abs=1e-9)
    assert change.difference.high == pytest.approx(interval.high, abs=1e-9)
    assert change.better is True


def test_worse_is_the_other_way_round_and_undefined_says_why() -> None:
    audit, probes, before, after, _ = _case()
    comparison = compare_answers(audit, probes, after, before)
    assert comparison.change("first_item.mean").better is False
    gone = comparison.change("first_item.gone").difference
    assert gone.value is None
    assert gone.reason == "undefined before or after"
    with pytest.raises(KeyError):
        comparison.change("first_item.unknown")


def test_utility_and_cost_are_paired_means() -> None:
    audit, probes, before, after, _ = _case()
    comparison = compare_answers(audit, probes, before, after)
    ndcg = comparison.change("utility.ndcg")
    assert ndcg.before == pytest.approx(0.5)
    assert ndcg.after == pytest.approx(1 / np.log2(3))
    assert ndcg.better is True
    assert comparison.change("utility.items_kept").after == pytest.approx(1 / 3)
    assert comparison.change("cost.seconds").difference.value == pytest.approx(1.0)
    assert comparison.change("cost.calls").after == 2
    assert comparison.change("cost.tokens").difference.value == pytest.approx(15)


def test_nothing_changed_is_zero_and_not_told_from_it() -> None:
    audit, probes, before, _, _ = _case()
    comparison = compare_answers(audit, probes, before, before)
    for change in (comparison.change("first_item.mean"), *comparison.cost):
        assert change.difference.value == 0
        assert change.better is None


def test_what_was_answered_on_one_side_only_is_left_out_of_pairs() -> None:
    audit, probes, before, after, _ = _case()
    refused = Answer(probes[0].id, Ranking(outcome=Outcome.REFUSED), 0.1, (Attempt(0.1),))
    comparison = compare_answers(audit, probes, before, [refused, *after[1:]])
    ndcg = comparison.change("utility.ndcg").difference
    assert (ndcg.n, ndcg.n_missing) == (11, 1)
    assert comparison.change("cost.seconds").difference.n == 12


def test_few_clusters_have_no_interval_and_missing_answers_are_an_error() -> None:
    audit, probes, before, after, _ = _case(4)
    assert compare_answers(audit, probes, before, after).change("first_item.mean").better is None
    with pytest.raises(WrongUse, match="1 of 4 probes have no answer after, such as one of 'u3'"):
        compare_answers(audit, probes, before, after[:3])


def test_the_interval_covers_the_true_change() -> None:
    hits, trials = 0, 200
    rng = np.random.default_rng(11)
    audit = FirstItem([User(f"u{i}") for i in range(50)])
    probes = audit.plan()
    for _ in range(trials):
        early = rng.normal(0, 3, 50)
        late = early + rng.normal(0.3, 1, 50)
        sides = [
            [Answer(p.id, Ranking((f"{x}",))) for p, x in zip(probes, some, strict=True)]
            for some in (early, late)
        ]
        e = compare_answers(audit, probes, *sides).change("first_item.mean").difference
        assert e.low is not None and e.high is not None
        hits += e.low <= 0.3 <= e.high
    assert stats.binomtest(hits, trials, 0.95).pvalue > 0.001
