"""MMR, OFAiR, the grounding penalty and sample weights: identities, literal rules, directions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from turned_lists import CATALOG

from fairrec.catalogs import Catalog
from fairrec.errors import BadData, WrongUse
from fairrec.metrics.item_groups import group_items
from fairrec.metrics.item_lists import ItemLists
from fairrec.mitigations.rerankers.candidates import Candidates, candidate_lists
from fairrec.mitigations.rerankers.grounding_penalty import GroundingPenalty, grounding_penalty
from fairrec.mitigations.rerankers.mmr import MMR, _diverse, mmr
from fairrec.mitigations.rerankers.ofair import OFAiR, ofair
from fairrec.mitigations.reweighting import group_weights, sample_weights
from fairrec.types import Ranking, Request

LABELS = ["a", "b", "a|b", "c", "a|c", "b", "c", "a|b|c", "a", "b"]
GROUPS = group_items(LABELS)


def _lists(seed: int, m: int = 3) -> Candidates:
    scores = np.random.default_rng(seed).random((m, 10))
    scores[0, 3] = -np.inf
    return candidate_lists(scores)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.floats(0, 1))
def test_mmr_is_the_literal_rule(seed: int, lam: float) -> None:
    lists = _lists(seed)
    places = mmr(lists, GROUPS, k=6, strength=lam).places
    sets = [set(label.split("|")) for label in LABELS]
    for row in range(3):
        chosen: list[int] = []
        items = lists.items[row][lists.listed[row]]
        while len(chosen) < 6:
            value = {}
            for column, item in enumerate(items):
                if column in chosen:
                    continue
                near = [
                    len(sets[item] & sets[items[j]]) / len(sets[item] | sets[items[j]])
                    for j in chosen
                ]
                value[column] = (1 - lam) * lists.scores[row, column] - lam * max(near, default=0)
            chosen.append(max(value, key=lambda column: (round(value[column], 12), -column)))
        assert places[row].tolist() == chosen
    if lam == 0:
        assert (places == lists.top(6)).all()


def test_mmr_compiled_and_not_give_the_same() -> None:
    lists, m = _lists(1), GROUPS.membership
    arrays = (m.indptr.astype(np.int64), m.indices.astype(np.int64))
    rest = (len(GROUPS), 5, 0.4)
    fast = _diverse(lists.scores, lists.items, *arrays, *rest)
    assert (fast == _diverse.python(lists.scores, lists.items, *arrays, *rest)).all()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.floats(0, 1))
def test_ofair_is_the_literal_rule(seed: int, lam: float) -> None:
    rng = np.random.default_rng(seed)
    lists, tau = _lists(seed), rng.random((3, 2))
    protected = [rng.random(10) < 0.4, rng.random(10) < 0.3]
    places = ofair(lists, protected, tau, k=5, strength=lam).places
    for row in range(3):
        chosen: list[int] = []
        items = lists.items[row][lists.listed[row]]
        while len(chosen) < 5:
            value = {}
            for column, item in enumerate(items):
                if column in chosen:
                    continue
                gain = sum(
                    tau[row, f]
                    * flags[item]
                    * (1 - np.mean([flags[items[j]] for j in chosen]) if chosen else 1.0)
                    for f, flags in enumerate(protected)
                )
                value[column] = (1 - lam) * lists.scores[row, column] + lam * gain
            chosen.append(max(value, key=lambda column: (round(value[column], 12), -column)))
        assert places[row].tolist() == chosen


def test_ofair_takes_features_from_columns() -> None:
    catalog = Catalog(
        CATALOG.ids,
        CATALOG.titles,
        {"maker": CATALOG.column("maker"), "size": np.array(["s", "l", "l", "l", "l", "s"])},
    )
    ranking = Ranking(tuple("abcdef"), scores=(6.0, 5.0, 4.0, 3.0, 2.0, 1.0))
    wide, narrow = Request(k=2, history=("a", "d", "b", "f")), Request(k=2, history=("a", "b"))
    fair = OFAiR(catalog=catalog, column="maker", features={"maker": "Y", "size": "s"}, weight=0.95)
    assert fair.combine([wide], [[ranking]])[0].items[0] == "f", "protected in both"
    # Always the same maker, but both sizes: only the size counts.
    assert fair.combine([narrow], [[ranking]])[0].items == ("a", "b")
    plain = OFAiR(catalog=catalog, column="maker", weight=0.0)
    assert plain.combine([wide], [[ranking]])[0].items == ("a", "b")
    with pytest.raises(WrongUse, match="the protected group 'Z'"):
        OFAiR(catalog=catalog, column="maker", features={"maker": "Z"})


def test_the_penalty_moves_shares_towards_the_histories() -> None:
    rng = np.random.default_rng(2)
    groups = group_items(["a"] * 10 + ["b"] * 10)
    lists = candidate_lists(rng.random((200, 20)) + np.where(np.arange(20) < 10, 0.5, 0.0))
    history, shares = np.array([0.5, 0.5]), []
    for weight in (0.0, 0.3, 1.0):
        places = grounding_penalty(lists, groups, history, k=5, strength=weight).places
        shares.append(float((lists.lists(places).items < 10).mean()))
        if weight == 0:
            assert (places == lists.top(5)).all()
    assert shares == sorted(shares, reverse=True) and shares[2] < shares[0] - 0.1


def test_penalty_in_a_mitigation() -> None:
    ranking = Ranking(tuple("abcdef"), scores=(6.0, 5.5, 5.4, 5.3, 5.2, 0.0))
    fair = GroundingPenalty(catalog=CATALOG, column="maker", weight=3.0)
    (found,) = fair.combine([Request(k=2, history=("d", "e"))], [[ranking]])
    assert found.items == ("d", "e")
    (same,) = fair.combine([Request(k=2)], [[ranking]])
    assert same.items == ("a", "b")


def test_sample_weights_are_history_over_target_shares() -> None:
    histories = ItemLists(np.array([[0, 8, 1], [1, 5, 9], [0, 3, 6], [0, 1, 3]]), 10)
    targets = np.array([0, 8, 1, 0])
    weights = group_weights(histories, targets, GROUPS)
    assert weights == pytest.approx([(4 / 12) / (3 / 4), (5 / 12) / (1 / 4), 1.0])
    found = sample_weights(histories, targets, GROUPS)
    assert found.mean() == pytest.approx(1)
    assert found[2] / found[0] == pytest.approx(weights[1] / weights[0])
    # Weighted, the targets have the shares of the histories (of groups that are a target).
    mass = np.array([found[[0, 1, 3]].sum(), found[2]])
    assert mass / mass.sum() == pytest.approx([4 / 9, 5 / 9])
    assert sample_weights(histories, targets, GROUPS, limits=(1, 1)).tolist() == [1.0] * 4
    with pytest.raises(BadData, match="one position each"):
        sample_weights(histories, [0, 1], GROUPS)
    with pytest.raises(WrongUse, match="the limits are"):
        sample_weights(histories, targets, GROUPS, limits=(2, 1))


def test_what_is_wrong_is_said() -> None:
    for kind in (MMR, OFAiR):
        with pytest.raises(WrongUse, match="the weight is 2"):
            kind(catalog=CATALOG, column="maker", weight=2.0)
    with pytest.raises(WrongUse, match="the weight is -1"):
        GroundingPenalty(catalog=CATALOG, column="maker", weight=-1.0)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.floats(0, 20))
def test_the_penalty_keeps_the_order_within_a_group(seed: int, weight: float) -> None:
    groups = group_items(["a"] * 6 + ["b"] * 4)
    lists = candidate_lists(np.random.default_rng(seed).random((3, 10)))
    places = grounding_penalty(lists, groups, np.array([0.1, 0.9]), k=10, strength=weight).places
    chosen = lists.lists(places).items
    for row, some in zip(places, chosen, strict=True):
        for of in (some < 6, some >= 6):
            assert (np.diff(row[of]) > 0).all()
