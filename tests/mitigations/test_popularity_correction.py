"""Corrected scores: exact formulas, strength 0 the identity, and scores that stay scores."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fairrec import as_recommender
from fairrec.catalogs import Catalog
from fairrec.errors import BadData, WrongUse
from fairrec.mitigations.popularity_correction import (
    PopularityCorrection,
    PriorCorrection,
    ScoreCorrection,
)
from fairrec.protocols import ScoresItems
from fairrec.seeds import generator
from fairrec.types import Outcome, Ranking, Request

IDS = tuple(f"i{n}" for n in range(8))
VOTES = np.array([900.0, 400.0, 100.0, 0.0, np.nan, 10.0, 30.0, 5.0])
CATALOG = Catalog(IDS, IDS, {"votes": VOTES, "genre": np.array(["x"] * 8, dtype=object)})


class LogLinear:
    """Log-probabilities of items: popularity, plus a taste that the words decide."""

    score_kind = "log-probability"

    def __init__(self, pull: float = 1.0) -> None:
        self.pull = pull
        self.asked: list[Request] = []

    @property
    def description(self) -> Mapping[str, Any]:
        return {"recommender": "log-linear", "pull": self.pull}

    def logs(self, request: Request) -> dict[str, float]:
        votes = np.nan_to_num(VOTES, nan=50.0) + 1
        taste = generator(0, *request.history).normal(size=8) if request.history else np.zeros(8)
        raw = self.pull * np.log(votes) + taste
        return dict(zip(IDS, (raw - math.log(np.exp(raw).sum())).tolist(), strict=True))

    def score(self, requests: Sequence[Request], items: Sequence[str]) -> list[NDArray[np.float64]]:
        return [np.array([self.logs(r)[item] for item in items]) for r in requests]

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        self.asked += requests
        found = []
        for request in requests:
            logs = self.logs(request)
            items = sorted(request.candidates or IDS, key=lambda item: -logs[item])[: request.k]
            found.append(Ranking(tuple(items), scores=tuple(logs[item] for item in items)))
        return found


def popularity(weight: float = 1.0, **more: Any) -> PopularityCorrection:
    return PopularityCorrection(catalog=CATALOG, popularity="votes", weight=weight, **more)


def users(n: int = 12, k: int = 3) -> list[Request]:
    return [
        Request(k=k, instruction=f"the best {k}", history=(f"h{u}",), candidates=IDS[u % 3 :])
        for u in range(n)
    ]


@pytest.mark.parametrize("mitigation", [popularity(0.0), PriorCorrection(weight=0.0)])
def test_weight_0_is_the_identity(mitigation: ScoreCorrection) -> None:
    model = LogLinear()
    assert mitigation.wrap(model).recommend(users()) == model.recommend(users())
    tied = Ranking(("b", "a", "c"), scores=(1.0, 1.0, 0.0))
    answers = [tied] * len(mitigation.expand(Request(k=2)))
    (found,) = mitigation.combine([Request(k=2)], [answers])
    assert found.items == ("b", "a")


@given(
    weight=st.floats(0, 5),
    smoothing=st.floats(0.01, 100),
    scores=st.lists(st.floats(-50, 50), min_size=8, max_size=8),
)
@settings(deadline=None, max_examples=50)
def test_the_popularity_formula(weight: float, smoothing: float, scores: list[float]) -> None:
    total = sum(v + smoothing for v in VOTES if not math.isnan(v))
    logs = [math.log((v + smoothing) / total) for v in VOTES if not math.isnan(v)]
    mean = sum(logs) / 7
    expected = []
    for score, votes in zip(scores, VOTES, strict=True):
        log = mean if math.isnan(votes) else math.log((votes + smoothing) / total)
        expected.append(score - weight * log)
    mitigation = popularity(weight, smoothing=smoothing)
    found = mitigation.combine_scores(Request(k=1), IDS, [np.array(scores)])
    assert found == pytest.approx(expected, abs=1e-9)
    assert mitigation.combine_scores(Request(k=1), ["?new"], [np.zeros(1)]) == pytest.approx(
        [-weight * mean], abs=1e-9
    )


def test_weight_1_takes_all_popularity_out_of_a_popularity_model() -> None:
    """The model knows nothing but popularity; what is left is the same for every known item."""
    known = tuple(item for item in IDS if item != "i4")
    (scores,) = popularity().wrap(LogLinear()).score([Request(k=1)], known)  # type: ignore[attr-defined]
    assert scores == pytest.approx(np.full(7, scores[0]), abs=1e-9)


def test_mean_popularity_falls_with_the_weight() -> None:
    model, requests = LogLinear(), users(40)
    lifts = []
    for weight in (0.0, 0.25, 0.5, 1.0, 2.0):
        found = popularity(weight).wrap(model).recommend(requests)
        logs, unknown = popularity()._log_popularity
        lifts.append(np.mean([logs.get(item, unknown) for r in found for item in r.items]))
    assert all(a > b for a, b in itertools.pairwise(lifts))


def test_weight_1_leaves_what_the_user_adds_to_the_prior() -> None:
    """log p(i | u) - log p(i): of this model its taste, whatever the popularity."""
    for pull in (0.0, 1.0, 4.0):
        model = LogLinear(pull)
        for request, found in zip(
            users(), PriorCorrection().wrap(model).recommend(users()), strict=True
        ):
            taste = dict(zip(IDS, generator(0, *request.history).normal(size=8), strict=True))
            best = sorted(request.candidates or (), key=lambda item: -taste[item])[:3]
            assert found.items == tuple(best)
            assert found.scores is not None
            expected = [taste[item] - taste[best[0]] for item in best]
            assert np.array(found.scores) - found.scores[0] == pytest.approx(expected, abs=1e-9)


def test_nobody_is_asked_for_once_for_each_set_of_candidates() -> None:
    model = LogLinear()
    shuffled = [
        Request(k=2, instruction="x", history=("h",), candidates=IDS),
        Request(k=2, instruction="y", history=("g",), candidates=IDS[::-1]),
    ]
    PriorCorrection().wrap(model).recommend([*users(12), *shuffled])
    nobody = [request for request in model.asked if not request.history]
    assert len(nobody) == 3 and len(model.asked) == 14 + 3
    assert {request.instruction for request in nobody} == {"Please recommend something to me."}
    assert all(not request.profile and not request.slots for request in nobody)
    (_, silent) = PriorCorrection().expand(Request(k=2, candidates=IDS, profile={"age": "old"}))
    assert silent == Request(k=8, candidates=IDS)


@pytest.mark.parametrize("mitigation", [popularity(0.7), PriorCorrection(weight=0.7)])
def test_what_scored_items_still_does_and_agrees_with_the_ranking(
    mitigation: ScoreCorrection,
) -> None:
    wrapped = mitigation.wrap(LogLinear())
    assert isinstance(wrapped, ScoresItems)
    requests = users(6)
    for request, ranking in zip(requests, wrapped.recommend(requests), strict=True):
        candidates = request.candidates or ()
        (scores,) = wrapped.score([request], candidates)
        best = np.argsort(-scores)[: request.k]
        assert ranking.items == tuple(candidates[place] for place in best)
        assert ranking.scores == pytest.approx(scores[best])


def test_all_candidates_are_asked_for_in_the_same_words() -> None:
    request = Request(k=3, instruction="the best 3", candidates=IDS)
    (asked,) = popularity().expand(request)
    assert (asked.k, asked.instruction) == (8, "the best 3")
    free = Request(k=3)
    assert popularity().expand(free) == [free]
    assert [r.k for r in PriorCorrection(depth=20).expand(free)] == [20, 20]


def test_missing_answers_are_no_zeros() -> None:
    there = Ranking(("a",), scores=(1.0,))
    refused = Ranking(outcome=Outcome.REFUSED, detail="no")
    for answers in ([refused, there], [there, refused]):
        assert PriorCorrection().combine([Request(k=1)], [answers]) == [refused]
    with pytest.raises(BadData, match=r"1 item\(s\), 'b' first, have no score"):
        both = Ranking(("a", "b"), scores=(1.0, 0.5))
        PriorCorrection().combine([Request(k=1)], [[both, there]])
    silent = as_recommender(lambda request: ["i1"], name="no scores")
    with pytest.raises(WrongUse, match="the recommender gives none"):
        popularity().wrap(silent).recommend([Request(k=1)])


def test_settings_are_checked() -> None:
    for wrong in ({"weight": -1.0}, {"weight": math.nan}, {"smoothing": 0.0}, {"depth": 0}):
        with pytest.raises(WrongUse):
            popularity(**wrong)
    for column in ("genre", "plays"):
        with pytest.raises(WrongUse):
            PopularityCorrection(catalog=CATALOG, popularity=column)
    for votes in ([-1.0, 2.0], [np.nan, np.nan], [np.inf, 1.0]):
        catalog = Catalog(("a", "b"), ("A", "B"), {"votes": np.array(votes)})
        with pytest.raises(BadData, match="holds no popularity"):
            PopularityCorrection(catalog=catalog, popularity="votes")


def test_description() -> None:
    assert popularity(0.5).description == {
        "mitigation": "popularity_correction",
        "version": 1,
        "weight": 0.5,
        "depth": None,
        "catalog": CATALOG.content_hash,
        "popularity": "votes",
        "smoothing": 1.0,
    }
    assert PriorCorrection().description["mitigation"] == "prior_correction"
