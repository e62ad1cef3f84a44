"""FA*IR: every prefix meets the table, and no list that does is better."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from turned_lists import CATALOG

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.fa_ir import adjusted_table, minimum_table
from fairrec.metrics.item_groups import group_items
from fairrec.metrics.item_lists import END
from fairrec.mitigations.rerankers.candidates import candidate_lists
from fairrec.mitigations.rerankers.fa_ir import FAIR, _filled, fa_ir, protected_items
from fairrec.types import Ranking, Request

ORACLES = Path(__file__).parents[2].parent / "shared" / "oracles" / "item_metrics.json"


def test_the_published_program_gives_the_same_list() -> None:
    if not ORACLES.is_file():
        pytest.skip("the oracles are not there")
    cases = {case["id"]: case for case in json.loads(ORACLES.read_text("utf-8"))["cases"]}
    case = cases["fair_rerank_20_0.25_0.1"]
    given = case["inputs"]
    table = adjusted_table(given["k"], given["p"], given["alpha"], "closest").table
    lists = candidate_lists([given["score"]])
    assert fa_ir(lists, given["protected"], table).places[0].tolist() == case["expected"]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 15), st.floats(0.1, 0.9), st.floats(0.01, 0.4))
def test_every_prefix_meets_the_table_where_candidates_allow(
    seed: int, k: int, p: float, alpha: float
) -> None:
    rng = np.random.default_rng(seed)
    lists = candidate_lists(rng.normal(size=(8, 30)))
    protected = rng.random(30) < rng.random()
    table = minimum_table(k, p, alpha)
    places, shortfall = fa_ir(lists, protected, table)
    flags = np.where(places == END, END, protected[lists.lists(places).items])
    counts = (flags == 1).cumsum(axis=1)
    # As many as the table asks for, or all there are.
    assert (counts >= np.minimum(table, protected.sum())).all()
    assert (shortfall == np.maximum(table - counts, 0).max(axis=1)).all()
    if protected.sum() >= table[-1]:
        assert (shortfall == 0).all()
    for row in places:
        assert len(set(row.tolist())) == k


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_no_list_that_meets_the_table_is_better_at_any_prefix(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    scores, protected = rng.integers(0, 4, 6).astype(float), rng.random(6) < 0.5
    table = minimum_table(k, 0.6, 0.3)
    if protected.sum() < table[-1]:
        return
    lists = candidate_lists([scores])
    (places,) = fa_ir(lists, protected, table).places
    found = np.cumsum(lists.scores[0][places])
    for order in permutations(range(6), k):
        listed = list(order)
        if (np.cumsum(protected[listed]) >= table).all():
            assert (np.cumsum(scores[listed]) <= found + 1e-9).all() or (
                np.cumsum(scores[listed])[-1] <= found[-1] + 1e-9
            )


def test_compiled_and_not_give_the_same() -> None:
    rng = np.random.default_rng(2)
    items = candidate_lists(rng.random((20, 12))).items.copy()
    items[3, 5:] = END
    protected, least = rng.random(12) < 0.4, minimum_table(8, 0.5, 0.2)
    for fast, slow in zip(
        _filled(items, protected, least), _filled.python(items, protected, least), strict=True
    ):
        assert (fast == slow).all()


def test_nothing_asked_is_the_identity_and_ties_go_by_item() -> None:
    lists = candidate_lists([[1.0, 2.0, 2.0, 0.0]])
    none = np.zeros(4, dtype=bool)
    assert (fa_ir(lists, none, np.zeros(3, dtype=int)).places == lists.top(3)).all()
    assert lists.lists(fa_ir(lists, none, np.zeros(3, dtype=int)).places).items.tolist() == [
        [1, 2, 0]
    ]


def test_in_a_mitigation() -> None:
    ranking = Ranking(tuple("abcdef"), scores=(6.0, 5.0, 4.0, 3.0, 2.0, 1.0))
    fair = FAIR(catalog=CATALOG, column="maker", protected="Y", p=0.8, alpha=0.4)
    (found,) = fair.combine([Request(k=3)], [[ranking]])
    table = adjusted_table(3, 0.8, 0.4).table
    protected = np.cumsum([item in "def" for item in found.items])
    assert (protected >= table).all() and table[-1] > 0
    strict = FAIR(catalog=CATALOG, column="maker", protected="Y", p=0.9, alpha=0.4, strict=True)
    with pytest.raises(BadData, match="cannot meet their target"):
        strict.combine([Request(k=3)], [[Ranking(("a", "b", "c"))]])


def test_who_is_protected_and_what_is_wrong() -> None:
    groups = group_items(["a", "a", "b", None, "c|b"])
    assert protected_items(groups, "b").tolist() == [False, False, True, False, True]
    assert protected_items(groups, None).tolist() == [False, False, False, False, True]
    with pytest.raises(WrongUse, match="the protected group 'z' is none"):
        protected_items(groups, "z")
    with pytest.raises(WrongUse, match=r"p is 1\.5"):
        FAIR(catalog=CATALOG, column="maker", p=1.5)
    with pytest.raises(WrongUse, match="one flag for each of 3 items"):
        fa_ir(candidate_lists([[1.0, 2.0, 3.0]]), [True], [0])
