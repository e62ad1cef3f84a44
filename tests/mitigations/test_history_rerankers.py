"""Calibrated, xQuAD, FAR and PFAR: the identity at 0, literal rules, and what they promise."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from turned_lists import CATALOG

from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.metrics.calibration import calibration_kl, group_distribution
from fairrec.metrics.item_groups import group_items
from fairrec.metrics.item_lists import END, ItemLists
from fairrec.mitigations.rerankers.calibrated import Calibrated, calibrated, known_shares
from fairrec.mitigations.rerankers.candidates import Candidates, candidate_lists
from fairrec.mitigations.rerankers.far import FAR, far, profile_tolerance
from fairrec.mitigations.rerankers.greedy import _grown
from fairrec.mitigations.rerankers.xquad import XQuAD, xquad
from fairrec.types import Ranking, Request

GENRES = group_items(["a", "b", "c", "a|b", "b|c", "a|c", "a|b|c", "a", "b", "c", "a|b", "c"])
PARTS = group_items(["head"] * 8 + ["tail"] * 12)


def _profiles(rng: np.random.Generator, m: int, n: int) -> np.ndarray:
    return rng.dirichlet(np.ones(n) * 0.5, m)


def _objective(lists: Candidates, row: int, chosen: list[int], p: np.ndarray, lam: float) -> float:
    shown = ItemLists(lists.items[row][chosen][None], lists.n_items)
    kl = calibration_kl(p, group_distribution(shown, GENRES), 0.01)[0]
    return (1 - lam) * float(lists.scores[row][chosen].sum()) - lam * float(kl)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 4), st.floats(0.05, 1.0))
def test_calibrated_is_within_1_less_1_over_e_of_the_best_list(
    seed: int, k: int, lam: float
) -> None:
    rng = np.random.default_rng(seed)
    lists, p = candidate_lists(rng.random((1, 12))), _profiles(rng, 1, 3)
    chosen = calibrated(lists, GENRES, p, k=k, strength=lam).places[0].tolist()
    found = _objective(lists, 0, chosen, p[0], lam)
    best = max(_objective(lists, 0, list(some), p[0], lam) for some in combinations(range(12), k))
    # The empty list: q is 0, so q̃ is α p, and KL is log(1/α) for every p.
    empty = -lam * np.log(1 / 0.01)
    assert found - empty >= (1 - 1 / np.e) * (best - empty) - 1e-9
    assert found <= best + 1e-9


def test_divergence_from_the_profile_falls_with_strength() -> None:
    rng = np.random.default_rng(1)
    lists, p = candidate_lists(rng.random((200, 12))), _profiles(rng, 200, 3)
    means = []
    for lam in (0.0, 0.2, 0.5, 0.8, 1.0):
        places = calibrated(lists, GENRES, p, k=5, strength=lam).places
        q = group_distribution(lists.lists(places), GENRES)
        means.append(float(calibration_kl(p, q, 0.01).mean()))
        if lam == 0:
            assert (places == lists.top(5)).all()
    assert means == sorted(means, reverse=True)
    assert means[-1] < means[0] / 3


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from(["smooth", "binary"]), st.floats(0, 1))
def test_xquad_is_the_literal_rule(seed: int, novelty: str, lam: float) -> None:
    rng = np.random.default_rng(seed)
    lists, interest = candidate_lists(rng.random((2, 20))), _profiles(rng, 2, 2)
    places = xquad(lists, PARTS, interest, k=7, strength=lam, novelty=novelty).places  # type: ignore[arg-type]
    codes = np.asarray(PARTS.codes)
    for row in range(2):
        chosen: list[int] = []
        while len(chosen) < 7:
            values = {}
            for column in range(20):
                if column in chosen:
                    continue
                c = codes[lists.items[row, column]]
                same = [codes[lists.items[row, other]] == c for other in chosen]
                new = 1 - float(np.mean(same)) if chosen else 1.0
                if novelty == "binary":
                    new = float(not any(same))
                score = lists.scores[row, column]
                values[column] = (1 - lam) * score + lam * interest[row, c] * new
            chosen.append(max(values, key=lambda column: (values[column], -column)))
        assert places[row].tolist() == chosen


def test_the_tail_grows_with_strength() -> None:
    rng = np.random.default_rng(2)
    lists = candidate_lists(rng.random((300, 20)) + np.where(np.arange(20) < 8, 0.5, 0))
    interest = _profiles(rng, 300, 2)
    shares = []
    for lam in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        places = xquad(lists, PARTS, interest, k=6, strength=lam).places
        shares.append(float((lists.lists(places).items >= 8).mean()))
        if lam == 0:
            assert (places == lists.top(6)).all()
    assert shares == sorted(shares)
    assert shares[-1] > shares[0] + 0.2


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.floats(0, 1))
def test_far_is_the_literal_rule(seed: int, lam: float) -> None:
    rng = np.random.default_rng(seed)
    lists, tau = candidate_lists(rng.random((2, 12))), rng.random(2)
    places = far(lists, GENRES, k=6, strength=lam, tolerance=tau).places
    member = GENRES.membership.toarray() > 0
    for row in range(2):
        chosen: list[int] = []
        while len(chosen) < 6:
            covered = member[lists.items[row][chosen]].any(axis=0)
            bonus = (member[lists.items[row]] & ~covered).sum(axis=1) / 3
            value = (1 - lam) * lists.scores[row] + lam * tau[row] * bonus
            value[chosen] = -np.inf
            chosen.append(int(np.argmax(value.round(12))))
        assert places[row].tolist() == chosen
    if lam == 0:
        assert (places == lists.top(6)).all()


def test_tolerance_is_how_wide_a_history_is() -> None:
    histories = ItemLists(np.array([[0, 1, 2], [0, 7, 0], [END, END, END]]), 12)
    assert profile_tolerance(histories, GENRES) == pytest.approx([1.0, 0.0, 0.0])
    assert known_shares(histories, GENRES)[0] == pytest.approx([1 / 3] * 3)
    assert np.isnan(known_shares(histories, GENRES)[2]).all()


@pytest.mark.parametrize("gain", [0, 1, 2])
def test_compiled_and_not_give_the_same(gain: int) -> None:
    rng = np.random.default_rng(3)
    lists = candidate_lists(rng.random((6, 12)))
    m = GENRES.membership
    arrays = (m.indptr.astype(np.int64), m.indices.astype(np.int64), m.data)
    rest = (_profiles(rng, 6, 3), 5, 0.7, gain, 0.01)
    fast = _grown(lists.scores, lists.items, *arrays, *rest)
    assert (fast == _grown.python(lists.scores, lists.items, *arrays, *rest)).all()


def test_in_mitigations() -> None:
    ranking = Ranking(tuple("abcdef"), scores=(6.0, 5.0, 4.0, 3.0, 2.0, 1.0))
    request = Request(k=2, history=("d", "e", "f"))
    (found,) = Calibrated(catalog=CATALOG, column="maker", weight=1.0).combine(
        [request], [[ranking]]
    )
    assert found.items == ("d", "e")
    (found,) = Calibrated(catalog=CATALOG, column="maker", weight=1.0).combine(
        [Request(k=2)], [[ranking]]
    )
    assert found.items == ("a", "b"), "nothing is known of the user"
    wide = Request(k=2, history=("a", "d"))
    for weight, expected in ((0.0, ("a", "b")), (0.9, ("a", "d"))):
        kind = FAR(catalog=CATALOG, column="maker", weight=weight)
        assert kind.combine([wide], [[ranking]])[0].items == expected
    counts = Catalog(CATALOG.ids, CATALOG.titles, {"n": np.array([90.0, 50, 40, 2, 2, 1])})
    for weight, expected in ((0.0, ("a", "b")), (1.0, ("d", "a"))):
        kind = XQuAD(catalog=counts, column="n", weight=weight)
        (found,) = kind.combine([request], [[ranking]])
        assert found.items == expected
    (found,) = XQuAD(catalog=counts, column="n", weight=0.9).combine(
        [Request(k=6)], [[Ranking(("a", "?made up", "d"))]]
    )
    assert {*found.items} == {"a", "?made up", "d"}
    with pytest.raises(WrongUse, match="the weight is 2"):
        XQuAD(catalog=counts, column="n", weight=2)
    with pytest.raises(WrongUse):
        XQuAD(catalog=CATALOG, column="maker")


def test_what_is_off_the_catalogue_is_to_nobodys_taste() -> None:
    counts = Catalog(CATALOG.ids, CATALOG.titles, {"n": np.array([90.0, 50, 40, 2, 2, 1])})
    ranking = Ranking(("a", "b", "?x", "?y", "d"), scores=(5.0, 4.0, 3.0, 2.0, 1.0))
    kind = XQuAD(catalog=counts, column="n", weight=0.9)
    for history, same_as in ((("?p", "?q"), ()), (("a", "?p", "?q"), ("a",))):
        (found,) = kind.combine([Request(k=3, history=history)], [[ranking]])
        (expected,) = kind.combine([Request(k=3, history=same_as)], [[ranking]])
        assert found.items == expected.items
        assert not {"?x", "?y"} & set(found.items[:2])
