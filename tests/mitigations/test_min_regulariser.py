"""Min-regulariser: the identity at 0, the literal rule otherwise, and a memory that merges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from turned_lists import CATALOG

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.item_groups import group_items
from fairrec.metrics.item_lists import END
from fairrec.mitigations.rerankers.candidates import Candidates, candidate_lists
from fairrec.mitigations.rerankers.group_targets import group_targets
from fairrec.mitigations.rerankers.min_regulariser import (
    MinRegulariser,
    PlacesGiven,
    _regularised,
    min_regulariser,
)
from fairrec.types import Ranking, Request

GROUPS = group_items(["a"] * 12 + ["b"] * 6 + [None] * 2)


def _lists(seed: int, m: int = 40) -> Candidates:
    rng = np.random.default_rng(seed)
    scores = rng.random((m, 20)) + np.where(np.arange(20) < 12, 0.4, 0.0)
    scores[rng.random(scores.shape) < 0.1] = -np.inf
    return candidate_lists(scores)


def _literal(lists: Candidates, k: int, strength: float) -> list[list[int]]:
    codes, shares = GROUPS.codes, group_targets(GROUPS, "catalogue")
    counts, found = np.zeros(3), []
    for items, scores in zip(lists.items, lists.scores, strict=True):
        share = counts / max(counts.sum(), 1)
        worst = min(share[g] / shares[g] for g in (0, 1))
        rated = []
        for place, (item, score) in enumerate(zip(items, scores, strict=True)):
            if item != END:
                g = codes[item]
                extra = strength * (worst - share[g] / shares[g]) if shares[g] else 0.0
                rated.append((-(score + extra), place))
        listed = sorted(place for _, place in sorted(rated)[:k])
        found.append(listed)
        for place in listed:
            counts[codes[items[place]]] += 1
    return found


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.integers(1, 25), st.sampled_from([0.0, 0.1, 1.0, 30.0]))
def test_it_is_the_literal_rule(seed: int, k: int, strength: float) -> None:
    lists = _lists(seed)
    places = min_regulariser(lists, GROUPS, k=k, strength=strength).places
    found = [[int(p) for p in row if p != END] for row in places]
    assert found == _literal(lists, k, strength)
    if strength == 0:
        assert (places == lists.top(k)).all()


def test_compiled_and_not_give_the_same() -> None:
    lists = _lists(5)
    shares, codes = group_targets(GROUPS, "equal"), lists.group_codes(GROUPS)
    one, other = np.zeros(3), np.zeros(3)
    fast = _regularised(lists.scores, codes, shares, one, 6, 0.5)
    slow = _regularised.python(lists.scores, codes, shares, other, 6, 0.5)
    assert (fast == slow).all()
    assert (one == other).all()


def test_the_worst_off_group_gains_with_strength() -> None:
    lists = _lists(7, 400)
    shares = []
    for strength in (0.0, 0.2, 1.0, 5.0):
        given = PlacesGiven()
        min_regulariser(lists, GROUPS, k=5, strength=strength, given=given)
        counts = given.counts(GROUPS)
        shares.append(counts[1] / counts.sum())
    assert shares == sorted(shares)
    # At large strengths groups get about what they deserve of each other: 1 to 2.
    assert counts[1] / counts[0] == pytest.approx(0.5, rel=0.15)


def test_memory_goes_on_and_merges() -> None:
    lists = _lists(9)
    whole = min_regulariser(lists, GROUPS, k=5, strength=1.0).places
    given = PlacesGiven()
    first = min_regulariser(lists.rows(slice(0, 15)), GROUPS, k=5, strength=1.0, given=given)
    again = PlacesGiven.from_json(given.to_json())
    rest = min_regulariser(lists.rows(slice(15, None)), GROUPS, k=5, strength=1.0, given=again)
    assert (np.vstack([first.places, rest.places]) == whole).all()
    one, other = PlacesGiven({"a": 2.0}), PlacesGiven({"a": 1.0, "b": 4.0})
    one.merge(other)
    assert one.places == {"a": 3.0, "b": 4.0}


def test_in_a_mitigation() -> None:
    regulariser = MinRegulariser(catalog=CATALOG, column="maker", weight=10.0)
    ranking = Ranking(tuple("abcdef"), scores=(6.0, 5.0, 4.0, 3.0, 2.0, 1.0))
    first, second = regulariser.combine([Request(k=2)] * 2, [[ranking]] * 2)
    assert first.items == ("a", "b")
    assert second.items == ("d", "e")
    with pytest.raises(WrongUse, match="the weight is -1"):
        MinRegulariser(catalog=CATALOG, column="maker", weight=-1)


def test_targets() -> None:
    assert group_targets(GROUPS, "catalogue").tolist() == [2 / 3, 1 / 3, 0]
    assert group_targets(GROUPS, "equal").tolist() == [0.5, 0.5, 0]
    assert group_targets(GROUPS, {"b": 3, "a": 1}).tolist() == [0.25, 0.75, 0]
    with pytest.raises(BadData, match="'c', which is no group"):
        group_targets(GROUPS, {"c": 1})
    with pytest.raises(WrongUse, match="shares of at least 0"):
        group_targets(GROUPS, {"a": 0})
    with pytest.raises(WrongUse, match="the target is 'most'"):
        group_targets(GROUPS, "most")  # type: ignore[arg-type]
