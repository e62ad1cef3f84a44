"""Pairwise ranking: schedules find the order, ask as often as they say, and call nobody twice."""

from __future__ import annotations

import math

import numpy as np
import pytest
from adapter_world import CATALOG, POOL, Chooser, asked, writes
from hypothesis import given
from hypothesis import strategies as st

from fairrec.errors import BackendFailed, WrongUse
from fairrec.protocols import Prompt
from fairrec.recommenders import PairwiseRanking
from fairrec.recommenders.pairwise_schedules import SCHEDULES, count_pairs, network
from fairrec.types import Outcome


def play(schedule: str, strengths: list[int]) -> tuple[list[int], int]:
    """Return the order that a schedule finds when the stronger always wins, and the pairs."""
    going = SCHEDULES[schedule](len(strengths))
    pairs, asked = next(going, []), 0
    try:
        while True:
            assert len({place for pair in pairs for place in pair}) == 2 * len(pairs) or (
                schedule == "all_pairs"
            )
            asked += len(pairs)
            pairs = going.send([float(strengths[a] > strengths[b]) for a, b in pairs])
    except StopIteration as end:
        return list(end.value[0]) if end.value else list(range(len(strengths))), asked


@given(st.integers(1, 33).flatmap(lambda n: st.permutations(range(n))))
def test_networks_and_all_pairs_sort(strengths: list[int]) -> None:
    best_first = sorted(range(len(strengths)), key=lambda place: -strengths[place])
    for schedule in ("all_pairs", "sorting_network"):
        if len(strengths) > 1:
            order, asked = play(schedule, strengths)
            assert order == best_first
            assert asked == count_pairs(schedule, len(strengths))


@given(st.lists(st.booleans(), min_size=2, max_size=14))
def test_a_network_sorts_every_row_of_zeros_and_ones(values: list[bool]) -> None:
    """What sorts those sorts everything (Knuth, volume 3, theorem Z)."""
    row = list(values)
    for comparators in network(len(row)):
        for a, b in comparators:
            row[a], row[b] = min(row[a], row[b]), max(row[a], row[b])
    assert row == sorted(values)


@given(st.integers(2, 20).flatmap(lambda n: st.permutations(range(n))))
def test_swiss_finds_the_best(strengths: list[int]) -> None:
    order, _ = play("swiss", strengths)
    assert sorted(order) == list(range(len(strengths)))
    assert strengths[order[0]] == max(strengths)


def test_calls_are_as_few_as_promised() -> None:
    assert count_pairs("all_pairs", 20) == 190
    assert count_pairs("sorting_network", 20) == 103  # Batcher 1968, for 20 inputs less those off
    assert count_pairs("sorting_network", 16) == 63
    assert count_pairs("swiss", 20) <= 60


def prefers_late(prompt: Prompt, choice: str) -> float:
    """Likes what stands late in the catalogue, and the first place by far too much."""
    a, b = (CATALOG.titles.index(line[4:]) for line in prompt.user.splitlines()[-2:])
    p = 1 / (1 + math.exp(-(2.0 + a - b)))
    return math.log(p if choice == "A" else 1 - p)


@pytest.mark.parametrize("schedule", ["all_pairs", "sorting_network", "swiss"])
def test_asking_in_both_orders_takes_the_place_out(schedule: str) -> None:
    recommender = PairwiseRanking(Chooser(prefers_late), CATALOG, schedule=schedule)  # type: ignore[arg-type]
    (ranking,) = recommender.recommend([asked(k=1)])
    assert ranking.items == ("i6",)
    both = recommender.compare(asked(), [(0, 1), (1, 0)])
    assert both[0] == pytest.approx(1 - both[1]) and both[0] < 0.5
    once = PairwiseRanking(Chooser(prefers_late), CATALOG, both_orders=False)
    assert once.compare(asked(), [(0, 1)])[0] > 0.5


def test_written_answers_and_draws() -> None:
    def answer(prompt: Prompt) -> str:
        return "I cannot say" if "Big" in prompt.user else "[A]"

    recommender = PairwiseRanking(writes(answer), CATALOG, schedule="all_pairs")
    (ranking,) = recommender.recommend([asked(k=5)])
    assert ranking.scores == pytest.approx([0.5] * 5)  # A in both orders is a draw as well
    assert "10 pairs in 20 calls; 4 pairs without a readable answer" in ranking.detail
    (ranking,) = PairwiseRanking(writes("?"), CATALOG).recommend([asked()])
    assert ranking.outcome is Outcome.UNPARSABLE


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("A", 1.0),
        ("[B]", 0.0),
        ("Answer: B.", 0.0),
        ("**A**", 1.0),
        ("Alien", np.nan),
        ("", np.nan),
    ],
)
def test_letters_are_read(text: str, first: float) -> None:
    recommender = PairwiseRanking(writes(text), CATALOG, both_orders=False)
    assert recommender.compare(asked(), [(0, 1)]) == pytest.approx([first], nan_ok=True)


def test_wrong_use() -> None:
    with pytest.raises(WrongUse, match="the schedule 'knockout' is unknown"):
        PairwiseRanking(writes(""), CATALOG, schedule="knockout")  # type: ignore[arg-type]
    with pytest.raises(WrongUse, match="k is 9"):
        PairwiseRanking(writes(""), CATALOG).recommend([asked(k=9, candidates=POOL)])


def test_a_comparison_that_failed_is_no_draw() -> None:
    """Two requests, one back-end failure: the other request keeps its list."""

    def fails_at_times(prompt: Prompt, choice: str) -> float:
        if "a man" in prompt.user:
            raise BackendFailed("lost")
        return prefers_late(prompt, choice)

    both = PairwiseRanking(Chooser(fails_at_times), CATALOG)
    woman, man = both.recommend([asked(), asked("I am a man.")])
    assert woman.items == ("i6", "i5", "i4")
    assert man.outcome is Outcome.ERROR and man.detail == "lost"
