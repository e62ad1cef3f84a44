"""FairCo: unfairness falls as 1/t, at 0 nothing changes, and the memory is what it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from turned_lists import CATALOG

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.exposure import group_exposure, place_exposure
from fairrec.metrics.item_groups import group_items
from fairrec.mitigations.rerankers.candidates import Candidates, candidate_lists
from fairrec.mitigations.rerankers.fairco import ExposureGiven, FairCo, _controlled, fairco
from fairrec.types import Ranking, Request

GROUPS = group_items(["a"] * 15 + ["b"] * 10 + ["c"] * 5)
SHARES = np.array([0.5, 1 / 3, 1 / 6])


def _lists(seed: int, m: int) -> Candidates:
    """Group a has the best scores, c the worst."""
    rng = np.random.default_rng(seed)
    return candidate_lists(rng.random((m, 30)) + np.repeat([0.6, 0.3, 0.0], [15, 10, 5]))


def _unfairness(lists: Candidates, places: np.ndarray) -> np.ndarray:
    """The range of mean exposure per share after each list."""
    shown = lists.lists(places)
    exposure = group_exposure(shown, GROUPS, place_exposure(shown, Browsing("log2")))
    mean = exposure.cumsum(axis=0) / np.arange(1, len(places) + 1)[:, None]
    return np.ptp(mean / SHARES, axis=1)


def test_unfairness_falls_as_one_over_t() -> None:
    lists = _lists(0, 4000)
    plain = _unfairness(lists, lists.top(5))
    fair = _unfairness(lists, fairco(lists, GROUPS, k=5, strength=0.1).places)
    t = np.arange(1, 4001)
    slope = np.polyfit(np.log(t[100:]), np.log(fair[100:] + 1e-12), 1)[0]
    assert -1.3 < slope < -0.7
    assert (t * fair)[100:].max() < 3 * (t * fair)[100:1000].max()
    assert plain[-1] > 1 and fair[-1] < plain[-1] / 200


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.integers(1, 9), st.sampled_from([0.0, 0.05, 2.0]))
def test_it_is_the_literal_controller(seed: int, k: int, strength: float) -> None:
    lists = _lists(seed, 12)
    places = fairco(lists, GROUPS, k=k, strength=strength).places
    weights = Browsing("log2").weights(k)
    weights, exposure = weights / weights.sum(), np.zeros(3)
    codes = np.asarray(GROUPS.codes)
    for row in range(12):
        owed = exposure / SHARES
        value = lists.scores[row] + strength * (owed.max() - owed)[codes[lists.items[row]]]
        expected = np.argsort(-value, kind="stable")[:k]
        assert places[row].tolist() == expected.tolist()
        np.add.at(exposure, codes[lists.items[row][expected]], weights)
    if strength == 0:
        assert (places == lists.top(k)).all()


def test_merit_by_relevance_is_what_was_there_to_be_relevant() -> None:
    lists = _lists(3, 3000)
    given_ = ExposureGiven()
    fairco(lists, GROUPS, k=5, strength=0.2, merit="relevance", given=given_)
    exposure, relevance = given_.arrays(GROUPS)
    total = np.bincount(
        np.asarray(GROUPS.codes)[lists.items.ravel()], lists.scores.ravel(), minlength=3
    )
    assert relevance == pytest.approx(total)
    assert exposure.sum() == pytest.approx(3000)
    assert exposure / exposure.sum() == pytest.approx(total / total.sum(), abs=0.002)
    with pytest.raises(BadData, match="relevance of at least 0"):
        fairco(candidate_lists([[-1.0, 1.0]]), group_items(["a", "b"]), k=1, merit="relevance")


def test_memory_goes_on_is_saved_and_merges() -> None:
    lists = _lists(4, 60)
    whole, memory = ExposureGiven(), ExposureGiven()
    places = fairco(lists, GROUPS, k=4, strength=0.3, given=whole).places
    first = fairco(lists.rows(slice(0, 25)), GROUPS, k=4, strength=0.3, given=memory).places
    again = ExposureGiven.from_json(memory.to_json())
    rest = fairco(lists.rows(slice(25, None)), GROUPS, k=4, strength=0.3, given=again).places
    assert (np.vstack([first, rest]) == places).all()
    assert again.to_json() == whole.to_json()
    one, other = ExposureGiven({"a": 1.0}, {"a": 2.0}, 3), ExposureGiven({"b": 1.0}, {"a": 1.0}, 4)
    one.merge(other)
    assert one == ExposureGiven({"a": 1.0, "b": 1.0}, {"a": 3.0}, 7)


def test_compiled_and_not_give_the_same() -> None:
    lists = _lists(5, 10)
    codes, weights = lists.group_codes(GROUPS), np.array([0.5, 0.3, 0.2])
    for by_relevance in (False, True):
        sums = [np.zeros(3) for _ in range(4)]
        fast = _controlled(
            lists.scores, codes, SHARES, weights, sums[0], sums[1], by_relevance, 0.4
        )
        slow = _controlled.python(
            lists.scores, codes, SHARES, weights, sums[2], sums[3], by_relevance, 0.4
        )
        assert (fast == slow).all()
        assert sums[0] == pytest.approx(sums[2], abs=1e-12)


def test_a_wrapped_recommender_remembers_and_an_audit_does_not_move_it() -> None:
    controller = FairCo(catalog=CATALOG, column="maker", weight=20.0)
    ranking = Ranking(tuple("abcdef"), scores=(6.0, 5.0, 4.0, 3.0, 2.0, 1.0))

    class Same:
        description = {"recommender": "same"}  # noqa: RUF012

        def recommend(self, requests):  # type: ignore[no-untyped-def]
            return [ranking for _ in requests]

    wrapped = controller.wrap(Same())
    request = Request(k=2)
    audited = wrapped.combine([request], [[ranking]])  # type: ignore[attr-defined]
    (first,), (second,) = wrapped.recommend([request]), wrapped.recommend([request])
    assert audited[0].items == first.items == ("a", "b")
    assert second.items == ("d", "e")
    assert wrapped.state.lists == 2  # type: ignore[attr-defined]
    with pytest.raises(WrongUse, match="the weight is -1"):
        FairCo(catalog=CATALOG, column="maker", weight=-1)
