"""Transitions learnt from probes, posteriors by Bayes' rule, lists that lose the known bias."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fairrec import as_recommender
from fairrec.catalogs import Catalog
from fairrec.errors import BadData, WrongUse
from fairrec.mitigations.prompting.order_bootstrap import OrderBootstrap
from fairrec.mitigations.prompting.position_posterior import (
    confidence_of,
    posterior_of,
    ranked_by_posterior,
    transition_matrix,
)
from fairrec.mitigations.prompting.stella import StellaCalibration
from fairrec.recommenders.function import FunctionRecommender
from fairrec.seeds import generator
from fairrec.types import Outcome, Ranking, Request, content_hash

C = 5
IDS = tuple(f"i{n:03}" for n in range(60))
CATALOG = Catalog(IDS, tuple(f"Film {n:03}" for n in range(60)))
BIASED = np.array(
    [
        [0.90, 0.04, 0.02, 0.02, 0.02],
        [0.50, 0.44, 0.02, 0.02, 0.02],
        [0.60, 0.20, 0.16, 0.02, 0.02],
        [0.55, 0.20, 0.10, 0.13, 0.02],
        [0.50, 0.02, 0.02, 0.02, 0.44],
    ]
)
"""A model that likes the first place too much and overlooks the fourth."""


def biased(transitions: NDArray[np.float64] = BIASED) -> FunctionRecommender:
    """Return a model that names a place by the transitions, then the rest as shown."""

    def answer(request: Request) -> list[str]:
        shown = list(request.candidates or ())
        row = transitions[shown.index(request.slots["truth"])]
        rng = generator(0, request.slots["user"], *shown)
        first = shown[int(rng.choice(len(shown), p=row))]
        return [first, *(item for item in shown if item != first)]

    return as_recommender(answer, name="biased")


def asked(user: int, truth_at: int | None = None) -> tuple[Request, str]:
    rng = generator(7, "user", str(user))
    items = tuple(IDS[n] for n in rng.permutation(60)[:C])
    truth = items[int(rng.integers(C)) if truth_at is None else truth_at]
    slots = {"user": str(user), "truth": truth}
    return Request(k=C, candidates=items, slots=slots), truth


def fitted(model: FunctionRecommender, n: int = 150, **more: object) -> StellaCalibration:
    requests, truths = zip(*[asked(user) for user in range(n)], strict=True)
    return StellaCalibration(**more).fit(model, requests, truths)  # type: ignore[arg-type]


def test_probes_put_every_right_item_at_every_place() -> None:
    requests, truths = zip(*[asked(user) for user in range(4)], strict=True)
    probes, right = StellaCalibration().probes(requests, truths)
    assert len(probes) == 4 * C
    for number, (request, truth) in enumerate(zip(requests, truths, strict=True)):
        mine = probes[number * C : (number + 1) * C]
        shown = [probe.candidates or () for probe in mine]
        assert sorted(order.index(truth) for order in shown) == list(range(C))
        assert right[number * C : (number + 1) * C] == [truth] * C
        # The others stand in one and the same order, which the request does not decide.
        assert len({tuple(i for i in order if i != truth) for order in shown}) == 1
        turned = replace(request, candidates=(request.candidates or ())[::-1])
        assert (
            StellaCalibration().probes([turned], [truth])[0]
            == StellaCalibration().probes([request], [truth])[0]
        )
    fewer, right = StellaCalibration().probes(
        requests[:4] + requests[:1], truths[:4] + truths[:1], 2
    )
    at = [(probe.candidates or ()).index(truth) for probe, truth in zip(fewer, right, strict=True)]
    assert sorted(at) == sorted([*range(C)] * 2)


def test_probes_show_the_places_in_the_words() -> None:
    request, truth = asked(0)
    words = "; ".join(CATALOG.title(item) for item in request.candidates or ())
    request = replace(request, instruction=f"Rank these: {words}.")
    probes, _ = StellaCalibration(catalog=CATALOG).probes([request], [truth])
    for place, probe in enumerate(probes):
        shown = probe.instruction.removeprefix("Rank these: ").removesuffix(".").split("; ")
        assert shown[place] == CATALOG.title(truth)
        assert shown == [CATALOG.title(item) for item in probe.candidates or ()]


def test_transitions_are_found_again() -> None:
    """Each cell within 4 standard errors of 400 probes a row."""
    found = fitted(biased(), 400, smoothing=1e-6).transitions
    errors = np.sqrt(BIASED * (1 - BIASED) / 400)
    assert (np.abs(found - BIASED) < 4 * errors + 0.005).all()


@given(
    st.lists(st.lists(st.integers(0, 50), min_size=4, max_size=4), min_size=4, max_size=4),
    st.floats(0.01, 20),
)
@settings(deadline=None, max_examples=40)
def test_smoothing_is_dirichlets(counts: list[list[int]], smoothing: float) -> None:
    found = transition_matrix(counts, smoothing)
    for row, expected in zip(found, counts, strict=True):
        assert row.sum() == pytest.approx(1) and (row > 0).all()
        for cell, n in zip(row, expected, strict=True):
            assert cell == pytest.approx((n + smoothing / 4) / (sum(expected) + smoothing))


@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 3))
@settings(deadline=None, max_examples=60)
def test_the_posterior_is_bayes_rule(seed: int, n_orders: int, placed: int) -> None:
    """Literally: for each item, the product of what was seen if it were the right one."""
    rng = np.random.default_rng(seed)
    transitions = rng.dirichlet(np.ones(4), size=4)
    places = np.array([rng.permutation(4) for _ in range(n_orders)])
    left = np.ones(4, dtype=bool)
    left[rng.permutation(4)[:placed]] = False
    named = rng.choice(np.flatnonzero(left), n_orders)
    named[rng.random(n_orders) < 0.2] = -1
    likelihoods = []
    for item in range(4):
        likelihood = float(left[item])
        for order, first in zip(places, named, strict=True):
            if first >= 0 and left[item]:
                row = transitions[order[item]]
                could = sum(row[order[other]] for other in range(4) if left[other])
                likelihood *= row[order[first]] / could
        likelihoods.append(likelihood)
    found = posterior_of(transitions, places, named, left)
    assert found == pytest.approx(np.array(likelihoods) / sum(likelihoods), abs=1e-12)


def test_confidence_is_one_less_relative_entropy() -> None:
    assert confidence_of([0.25] * 4) == pytest.approx(0)
    assert confidence_of([0, 1, 0, 0]) == confidence_of([1.0]) == 1
    p = (0.7, 0.2, 0.1)
    assert confidence_of(p) == pytest.approx(1 + sum(x * math.log(x) for x in p) / math.log(3))


def test_ranking_by_hand() -> None:
    """Place 0 is named whatever stands there; being named at place 1 is real evidence."""
    transitions = np.array([[0.9, 0.05, 0.05], [0.5, 0.45, 0.05], [0.5, 0.05, 0.45]])
    places = np.array([[0, 1, 2], [2, 0, 1]])
    # Order 1 is 0, 1, 2 and 0 is named, order 2 is 1, 2, 0 and 2, at place 1, is named.
    # 0: .9 * .05, 1: .5 * .05, 2: .5 * .45.
    chosen, confidence = ranked_by_posterior(transitions, places, [[0, 1], [2]], [1.0, 2.0, 3.0], 3)
    assert chosen[0] == 2
    p = np.array([0.045, 0.025, 0.225]) / 0.295
    assert confidence == pytest.approx(confidence_of(p))
    # Then 0 is named in the first order, among 0 and 1; the second has named nobody else.
    assert chosen == [2, 0, 1]
    # The list ends where the answers do.
    assert ranked_by_posterior(transitions, places, [[2], [2]], [1.0, 2.0, 3.0], 3)[0] == [2]


def test_known_bias_is_taken_out() -> None:
    """The right item comes first more often than in one answer or in merged ones."""
    model = biased()
    learnt = fitted(model, orders=3)
    plain = OrderBootstrap(orders=3)
    hits = {"once": 0, "merged": 0, "stella": 0}
    requests, truths = zip(*[asked(user) for user in range(1_000, 1_500)], strict=True)
    for name, found in (
        ("once", model.recommend(requests)),
        ("merged", plain.wrap(model).recommend(requests)),
        ("stella", learnt.wrap(model).recommend(requests)),
    ):
        hits[name] = sum(r.items[0] == truth for r, truth in zip(found, truths, strict=True))
    # 500 users: a standard error of at most 11 hits.
    assert hits["stella"] > hits["merged"] + 30 and hits["stella"] > hits["once"] + 60


def test_the_answer_does_not_depend_on_the_order_given() -> None:
    learnt = fitted(biased())
    for user in range(5):
        request, _ = asked(user)
        turned = replace(request, candidates=(request.candidates or ())[::-1])
        assert learnt.expand(request) == learnt.expand(turned)
        answers = biased().recommend(learnt.expand(request))
        assert learnt.combine([request], [answers]) == learnt.combine([turned], [answers])


def test_where_transitions_say_nothing_the_answers_are_merged() -> None:
    """A model that names the first place always: every item is as likely, nothing is known."""
    blind = np.tile(np.eye(C)[0], (C, 1))
    model = biased(blind)
    learnt = fitted(model, 20)
    assert [sum(row) for row in learnt.counts] == [20] * C
    assert all(row[1:] == (0,) * (C - 1) for row in learnt.counts)
    requests = [replace(asked(user)[0], k=3) for user in range(20)]
    merged = OrderBootstrap(orders=3, seed=learnt.seed)
    assert [r.items for r in learnt.wrap(model).recommend(requests)] == [
        r.items for r in merged.wrap(model).recommend(requests)
    ]


def test_unsure_posteriors_are_left_alone() -> None:
    model = biased()
    sure, unsure = fitted(model, 60), fitted(model, 60, minimum_confidence=1.0)
    requests = [asked(user)[0] for user in range(40)]
    merged = [r.items for r in OrderBootstrap(orders=3).wrap(model).recommend(requests)]
    assert [r.items for r in unsure.wrap(model).recommend(requests)] == merged
    assert [r.items for r in sure.wrap(model).recommend(requests)] != merged


def test_combine_on_given_answers() -> None:
    counts = ((8, 1, 1), (4, 5, 1), (5, 1, 4))
    mitigation = StellaCalibration(counts=counts, orders=2)
    request = Request(k=2, candidates=("c", "a", "b"))
    first, second = (r.candidates or () for r in mitigation.expand(request))
    # Both name what stands last, once after something that is no candidate.
    answers = [Ranking(("?stray", first[2], first[0])), Ranking((second[2], second[1]))]
    (found,) = mitigation.combine([request], [answers])
    t = mitigation.transitions
    p = {x: t[first.index(x), 2] * t[second.index(x), 2] for x in "abc"}
    assert found.items[0] == max(p, key=lambda item: p[item])
    assert len(found.items) == 2 and "?stray" not in found.items and found.scores is None
    refused = Ranking(outcome=Outcome.REFUSED, detail="no")
    (found,) = mitigation.combine([request], [[refused, answers[1]]])
    assert found.items[0] == second[2] and "1 of 2 orders were answered" in found.detail
    assert mitigation.combine([request], [[refused, refused]]) == [refused]
    free = Request(k=2)
    assert mitigation.expand(free) == [free]
    assert mitigation.combine([free], [[answers[0]]]) == [answers[0]]


def test_answers_that_name_no_candidate_count_nowhere() -> None:
    request, truth = asked(0)
    probes, right = StellaCalibration().probes([request], [truth])
    stray, refused = Ranking(("?x",)), Ranking(outcome=Outcome.REFUSED)
    there = Ranking(("?x", (probes[2].candidates or ())[1]))
    learnt = StellaCalibration().learnt(probes, right, [stray, refused, there, stray, stray])
    assert np.argwhere(learnt.counts).tolist() == [[2, 1]] and np.sum(learnt.counts) == 1
    with pytest.raises(BadData, match="none of the 5 probing answers"):
        StellaCalibration().learnt(probes, right, [stray] * 5)


def test_what_was_learnt_is_frozen_and_described() -> None:
    learnt = fitted(biased(), 10)
    described = learnt.description
    assert described["mitigation"] == "stella"
    assert described["counts"] == [list(row) for row in learnt.counts]
    content_hash(described)
    assert fitted(biased(), 10).description == described
    assert learnt.transitions.sum(axis=1) == pytest.approx(np.ones(C))


def test_wrong_use_is_said() -> None:
    for wrong in (
        {"orders": 0},
        {"smoothing": 0.0},
        {"minimum_confidence": 1.5},
        {"counts": ((1, 2),)},
    ):
        with pytest.raises(WrongUse):
            StellaCalibration(**wrong)  # type: ignore[arg-type]
    with pytest.raises(WrongUse, match="transitions are nowhere yet"):
        StellaCalibration().expand(asked(0)[0])
    with pytest.raises(WrongUse, match="from 2 candidates"):
        StellaCalibration(counts=((1, 0), (0, 1))).expand(asked(0)[0])
    with pytest.raises(BadData, match="'x' of probing request 0 is no candidate"):
        StellaCalibration().probes([asked(0)[0]], ["x"])
    with pytest.raises(BadData, match=r"have \[2, 5\] candidates"):
        StellaCalibration().probes([asked(0)[0], Request(k=1, candidates=("a", "b"))], ["a", "a"])
