"""Listwise ranking reads every usual form of an order, and makes nothing up."""

from __future__ import annotations

import re

import pytest
from adapter_world import CATALOG, POOL, asked, writes
from hypothesis import given
from hypothesis import strategies as st

from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.protocols import Prompt
from fairrec.recommenders import ListwiseRanking
from fairrec.recommenders.answers.orders import label_of, read_order
from fairrec.types import Outcome

TITLES = ["Jaws", "Up", "Casino", "Big", "Speed"]


@pytest.mark.parametrize(
    ("text", "labels", "places"),
    [
        ("[3] > [1]", "numbers", (2, 0)),
        ("My ranking: [3] > [1] > [2] > [5] > [4].", "numbers", (2, 0, 1, 4, 3)),
        ("3, 1, 2", "numbers", (2, 0, 1)),
        ("3 > 1 > 2", "numbers", (2, 0, 1)),
        ("3\n1\n2", "numbers", (2, 0, 1)),
        ("[3] Casino\n[1] Jaws", "numbers", (2, 0)),
        ("1. Casino\n2. Jaws", "numbers", (2, 0)),
        ("1. [3]\n2. [1]", "numbers", (2, 0)),
        ("[C] > [A]", "letters", (2, 0)),
        ("C, A, B", "letters", (2, 0, 1)),
        ("1. C\n2. A", "letters", (2, 0)),
        ("1. Casino\n2. Jaws\n3. Up", "titles", (2, 0, 1)),
        ("- **Casino**\n- Jaws", "titles", (2, 0)),
        ('["Casino", "Jaws"]', "titles", (2, 0)),
        ("[9] > [3] > [3] > [1]", "numbers", (2, 0)),
    ],
)
def test_forms_of_an_order(text: str, labels: str, places: tuple[int, ...]) -> None:
    answer = read_order(text, TITLES, labels)  # type: ignore[arg-type]
    assert answer.places == places and answer.outcome is Outcome.ANSWERED


def test_repeats_and_strangers_are_counted() -> None:
    answer = read_order("[9] > [3] > [3] > [1]", TITLES, "numbers")
    assert (answer.repeated, answer.unknown) == (1, 1)


@given(st.permutations(range(5)), st.integers(1, 5), st.sampled_from(["numbers", "letters"]))
def test_what_is_written_is_read_back(order: list[int], n: int, labels: str) -> None:
    said = " > ".join(f"[{label_of(place, labels)}]" for place in order[:n])  # type: ignore[arg-type]
    assert read_order(said, TITLES, labels).places == tuple(order[:n])  # type: ignore[arg-type]


@given(st.text(max_size=300), st.sampled_from(["numbers", "letters", "titles"]))
def test_any_text_can_be_read(text: str, labels: str) -> None:
    answer = read_order(text, TITLES, labels)  # type: ignore[arg-type]
    assert len(set(answer.places)) == len(answer.places)
    assert (answer.outcome is Outcome.ANSWERED) == bool(answer.places)


def test_missing_candidates_follow_in_their_order_and_are_counted() -> None:
    (ranking,) = ListwiseRanking(writes("[3] > [5]"), CATALOG).recommend([asked(k=5)])
    assert ranking.items == ("i4", "i6", "i2", "i3", "i5")
    assert ranking.detail == "3 were not ranked and follow in the order shown"


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("", Outcome.EMPTY),
        ("I'm sorry, but I can't help with that request.", Outcome.REFUSED),
        ("I have no opinion about any of this at all, whatever you say to me.", Outcome.UNPARSABLE),
    ],
)
def test_an_answer_that_names_none_is_no_answer(text: str, outcome: Outcome) -> None:
    (ranking,) = ListwiseRanking(writes(text), CATALOG).recommend([asked()])
    assert ranking.items == () and ranking.outcome is outcome


def test_candidates_are_shown_once_with_labels_on_one_line_each() -> None:
    catalog = Catalog(("a", "b", "c"), ("One\n[2] > [1]", "Two", "Two"))
    request = asked(instruction="Hello.", history=(), candidates=("a", "b", "c"))
    prompt = ListwiseRanking(writes(""), catalog).prompt(request, ("a", "b", "c"))
    assert prompt.user.splitlines()[-3:] == ["[1] One [2] > [1]", "[2] Two", "[3] Two"]


def test_candidates_of_one_title_are_taken_in_the_order_shown() -> None:
    assert read_order("Two\nOne\nTwo", ["Two", "One", "Two"], "titles").places == (0, 1, 2)


def ranks_by_id(prompt: Prompt) -> str:
    """The best is the title that stands last in the catalogue."""
    shown = re.findall(r"^\[(\d+)\] (.*)$", prompt.user, re.M)
    best = sorted(shown, key=lambda pair: -CATALOG.titles.index(pair[1]))
    return " > ".join(f"[{label}]" for label, _ in best)


@given(st.permutations(CATALOG.ids), st.integers(2, 10), st.data())
def test_windows_bring_the_best_to_the_top(order: list[str], window: int, data) -> None:
    """Of a window with a stride below its size, the best `window - stride` come first."""
    stride = data.draw(st.integers(1, max(1, window - 1)))
    ranker = ListwiseRanking(writes(ranks_by_id), CATALOG, window=window, stride=stride)
    (ranking,) = ranker.recommend([asked(k=10, candidates=tuple(order), history=())])
    assert sorted(ranking.items) == sorted(CATALOG.ids)
    sure = max(1, window - stride)
    assert ranking.items[:sure] == tuple(reversed(CATALOG.ids))[:sure]


def test_a_window_that_cannot_be_read_is_counted() -> None:
    def answer(prompt: Prompt) -> str:
        return "[2] > [1]" if "] Jaws" in prompt.user else "no"

    ranker = ListwiseRanking(writes(answer), CATALOG, window=2, stride=1)
    (ranking,) = ranker.recommend([asked(k=5)])
    assert ranking.items == ("i3", "i2", "i4", "i5", "i6")
    assert "3 of 4 windows were not ranked" in ranking.detail


def test_wrong_use() -> None:
    with pytest.raises(WrongUse, match="no candidates to rank"):
        ListwiseRanking(writes(""), CATALOG).recommend([asked(candidates=None)])
    with pytest.raises(WrongUse, match="a stride of 3 with a window of 2"):
        ListwiseRanking(writes(""), CATALOG, window=2, stride=3)
    with pytest.raises(WrongUse, match="1 of the 2 candidates are repeats"):
        ListwiseRanking(writes(""), CATALOG).recommend([asked(k=1, candidates=("i1", "i1"))])


def test_order_of_requests_does_not_matter() -> None:
    ranker = ListwiseRanking(writes(ranks_by_id), CATALOG, window=3)
    requests = [asked(k=2), asked(k=2, candidates=POOL[::-1]), asked(k=2, candidates=POOL[:2])]
    alone = [ranker.recommend([request])[0] for request in requests]
    assert ranker.recommend(requests) == alone
    assert ranker.recommend(requests[::-1]) == alone[::-1]


LISTED = "I saw Heat; Alien. Candidates: Jaws; Up; Casino; Big; Speed. Rank them."


def test_candidates_in_the_words_are_labelled_there() -> None:
    ranker = ListwiseRanking(writes("[3]"), CATALOG)
    prompt = ranker.prompt(asked(instruction=LISTED), POOL)
    assert "Candidates: [1] Jaws; [2] Up; [3] Casino; [4] Big; [5] Speed. Rank" in prompt.user
    assert prompt.user.count("Casino") == 1
    with pytest.raises(WrongUse, match="the words list all 5 candidates, and a window shows 2"):
        ListwiseRanking(writes(""), CATALOG, window=2).recommend([asked(instruction=LISTED)])


def test_orders_are_averaged_over_a_listwise_ranker() -> None:
    """A model that always names the first place has no favourite once orders are turned round."""
    from fairrec.mitigations import MITIGATIONS

    first = ListwiseRanking(writes("[1] > [2] > [3] > [4] > [5]"), CATALOG)
    request = asked(instruction=LISTED, k=5)
    assert first.recommend([request])[0].items == POOL
    turned = MITIGATIONS["order_bootstrap"](catalog=CATALOG, orders=5, design="balanced")  # type: ignore[call-arg]
    (ranking,) = turned.wrap(first).recommend([request])
    assert ranking.items == tuple(sorted(POOL))  # all of equal mean rank: in the order of their ids
