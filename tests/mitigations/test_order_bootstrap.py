"""Shuffled candidates: truly different orders, in words and structure, merged without a trace."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairrec import as_recommender
from fairrec.catalogs import Catalog, films
from fairrec.errors import BadData, WrongUse
from fairrec.mitigations.prompting.order_bootstrap import (
    OrderBootstrap,
    different_orders,
    mean_ranks,
)
from fairrec.prompts import template
from fairrec.prompts.shown_titles import find_titles, reordered
from fairrec.types import Outcome, Ranking, Request, Usage

CATALOG = Catalog(
    tuple(f"i{n}" for n in range(8)),
    ("Heat", "Up", "Alien 3", "Alien", "M", "8½", "Se7en (1995)", "What? [Why.] $1 \\d+"),
)


def asked(items: list[str], separator: str = "; ", k: int = 3) -> Request:
    """Return a request whose words list the candidates in this order."""
    shown = separator.join(CATALOG.title(item) for item in items)
    words = f"I liked Heat; Up. Rank these: {shown}. Name the first {k}."
    return Request(k=k, instruction=words, candidates=tuple(items), history=("i0", "i1"))


ORDERS = st.permutations(["i2", "i3", "i4", "i5", "i6", "i7"])


@given(ORDERS, ORDERS)
@settings(deadline=None, max_examples=40)
def test_the_answer_does_not_depend_on_the_order_given(one: list[str], other: list[str]) -> None:
    mitigation = OrderBootstrap(catalog=CATALOG, orders=4)
    assert mitigation.expand(asked(one)) == mitigation.expand(asked(other))


@pytest.mark.parametrize("design", ["random", "balanced"])
@given(n=st.integers(1, 30), size=st.integers(2, 7), seed=st.integers(0, 5))
@settings(deadline=None, max_examples=60)
def test_the_orders_are_truly_different(design: str, n: int, size: int, seed: int) -> None:
    items = [f"x{i}" for i in range(size)]
    found = different_orders(items, n, seed, design=design)  # type: ignore[arg-type]
    assert len(set(found)) == len(found) == min(n, math.factorial(size))
    assert all(sorted(order) == items for order in found)
    assert found == different_orders(items[::-1], n, seed, design=design)  # type: ignore[arg-type]
    last = tuple(items[::-1])
    kept = different_orders(items, n, seed, design=design, first=last)  # type: ignore[arg-type]
    assert kept[0] == last and len(set(kept)) == len(found)


def test_another_seed_draws_other_orders() -> None:
    items = [f"x{i}" for i in range(10)]
    assert different_orders(items, 5, 0) != different_orders(items, 5, 1)


def test_orders_are_drawn_evenly() -> None:
    """Each candidate is first about as often: 4 standard errors of 800 draws."""
    items = [f"x{i}" for i in range(8)]
    first = [different_orders(items, 1, seed)[0][0] for seed in range(800)]
    counts = [first.count(item) for item in items]
    assert np.abs(np.array(counts) - 100).max() < 4 * math.sqrt(800 * 7 / 64)


def test_a_balanced_design_has_every_candidate_at_every_place() -> None:
    items = [f"x{i}" for i in range(7)]
    orders = different_orders(items, 7, 3, design="balanced")
    assert all(sorted(column) == items for column in zip(*orders, strict=True))
    half = different_orders([f"x{i}" for i in range(8)], 4, 3, design="balanced")
    quarters = {tuple(sorted(order.index(item) // 2 for order in half)) for item in half[0]}
    assert quarters == {(0, 1, 2, 3)}


@pytest.mark.parametrize("design", ["random", "balanced"])
def test_a_ranker_that_only_sees_the_order_is_left_with_no_preference(design: str) -> None:
    """It ranks as shown. Over all orders, and over a full balance, all mean ranks are equal."""
    copy_cat = as_recommender(lambda request: list(request.candidates or ()), name="as shown")
    items = ("i7", "i5", "i2") if design == "random" else ("i7", "i5", "i2", "i4", "i3")
    mitigation = OrderBootstrap(orders=len(items) if design == "balanced" else 6, design=design)  # type: ignore[arg-type]
    request = Request(k=len(items), candidates=items)
    asked_orders = [r.candidates or () for r in mitigation.expand(request)]
    assert len(set(mean_ranks(asked_orders, items).values())) == 1
    (found,) = mitigation.wrap(copy_cat).recommend([request])
    assert found.items == tuple(sorted(items))


def test_order_bias_averages_out_while_taste_stays() -> None:
    """A ranker of taste plus a bonus for early places: the bonus goes as orders grow."""
    items = [f"x{i}" for i in range(10)]
    taste = {item: place * 0.3 for place, item in enumerate(items)}  # x9 best

    def answer(shown: tuple[str, ...]) -> list[str]:
        bonus = {item: 2.0 * (place < 3) for place, item in enumerate(shown)}
        return sorted(shown, key=lambda item: -taste[item] - bonus[item])

    def wrong_pairs(orders: int, design: str) -> float:
        lost = 0
        for seed in range(40):
            shown = different_orders(items, orders, seed, design=design)  # type: ignore[arg-type]
            means = mean_ranks([answer(order) for order in shown], items)
            merged = sorted(items, key=lambda item: (means[item], item))
            lost += sum(taste[a] < taste[b] for a, b in itertools.combinations(merged, 2))
        return lost / 40

    once, often = wrong_pairs(1, "random"), wrong_pairs(10, "random")
    assert once > 6 and often < once / 2
    assert wrong_pairs(10, "balanced") < often


def test_every_way_of_listing_is_kept() -> None:
    items = ["i3", "i2", "i6", "i7"]
    order = ["i7", "i6", "i3", "i2"]
    for separator in ("; ", "\n", ", ", "\n- ", "', '", " | "):
        found = reordered(asked(items, separator), order, CATALOG)
        assert found == asked(order, separator)
    numbered = Request(
        k=1, instruction="1. Alien\n2. Alien 3\n10. M", candidates=("i3", "i2", "i4")
    )
    found = reordered(numbered, ["i4", "i3", "i2"], CATALOG)
    assert found.instruction == "1. M\n2. Alien\n10. Alien 3"
    lettered = Request(k=1, instruction="A) Alien B) M C) Up", candidates=("i3", "i4", "i1"))
    assert reordered(lettered, ["i1", "i4", "i3"], CATALOG).instruction == "A) Up B) M C) Alien"


@pytest.mark.parametrize("language", ["en", "de", "es", "zh"])
def test_the_embedded_template_is_reordered(language: str) -> None:
    catalog, words = films(), template("movie_candidates", language=language)
    items, order = catalog.ids[:40], catalog.ids[:40][::-1]

    def ask(shown: tuple[str, ...]) -> Request:
        listed = [("; ".join(map(catalog.title, some))) for some in (catalog.ids[50:60], shown)]
        text = words.instruction(k=5, history=listed[0], candidates=listed[1])
        return Request(k=5, instruction=text, candidates=shown)

    assert reordered(ask(items), order, catalog) == ask(order)


def test_titles_are_found_whole_and_in_their_order_only() -> None:
    assert find_titles("Uphill; Heat. Up; Heat.", ["Up", "Heat"]) == [[(14, 16), (18, 22)]]
    assert find_titles("Heat; Up", ["Up", "Heat"]) == []
    assert find_titles("Up; Heat, M", ["Up", "Heat", "M"]) == []
    assert find_titles("", ["Up"]) == find_titles("Up", []) == []


def test_words_that_do_not_show_the_candidates_once_are_refused() -> None:
    request = asked(["i2", "i3", "i4"])
    for words in ("Which film?", request.instruction * 2, request.instruction.replace("M", "N")):
        with pytest.raises(WrongUse, match="the instruction shows the 3 candidates"):
            OrderBootstrap(catalog=CATALOG).expand(replace(request, instruction=words))
    with pytest.raises(WrongUse, match="catalogue"):
        OrderBootstrap().expand(request)


def test_requests_without_an_order_are_asked_as_they_are() -> None:
    for request in (Request(k=3), Request(k=1, instruction="M", candidates=("i4",))):
        assert OrderBootstrap().expand(request) == [request]
    with pytest.raises(BadData, match="'a' twice"):
        OrderBootstrap().expand(Request(k=1, candidates=("a", "a")))


def test_the_given_order_can_be_one_of_them() -> None:
    request = asked(["i7", "i2", "i5", "i4", "i3"])
    for design in ("random", "balanced"):
        kept = OrderBootstrap(catalog=CATALOG, keep_given=True, design=design)  # type: ignore[arg-type]
        assert kept.expand(request)[0] == request
        assert len({r.candidates for r in kept.expand(request)}) == 3
    assert OrderBootstrap(orders=1, keep_given=True).expand(request) == [request]


def test_answers_are_merged_by_mean_rank() -> None:
    request = Request(k=2, candidates=("a", "b", "c"))
    answers = [
        Ranking(("a", "c"), usage=Usage(10, 1)),
        Ranking(("c", "a", "?x"), usage=Usage(5, 2)),
        Ranking(outcome=Outcome.REFUSED, detail="no"),
    ]
    (found,) = OrderBootstrap().combine([request], [answers])
    assert found.items == ("a", "c") and found.scores is None
    assert found.usage == Usage(15, 3)
    assert found.detail == "order_bootstrap: 2 of 3 orders were answered"
    # a: 1, 2 and c: 2, 1; b shares ranks 3 and 4 of the first and has rank 4 in the second.
    means = mean_ranks([("a", "c"), ("c", "a", "?x")], ("a", "b", "c"))
    assert means == {"a": 1.5, "b": 3.75, "c": 1.5, "?x": 3.25}
    # What no answer names is not made up.
    (found,) = OrderBootstrap().combine([replace(request, k=9)], [answers])
    assert found.items == ("a", "c", "?x")


def test_where_nothing_is_answered_the_outcome_stands() -> None:
    refused = Ranking(outcome=Outcome.REFUSED, detail="no")
    empty = Ranking(outcome=Outcome.EMPTY)
    assert OrderBootstrap().combine([Request(k=1)], [[refused, empty]]) == [refused]


def test_settings_are_checked_and_described() -> None:
    for wrong in ({"orders": 0}, {"design": "latin"}):
        with pytest.raises(WrongUse):
            OrderBootstrap(**wrong)
    described = OrderBootstrap(catalog=CATALOG, orders=5).description
    assert described["mitigation"] == "order_bootstrap" and described["orders"] == 5
    assert described["catalog"] == CATALOG.content_hash
