"""Multinomial FA*IR: the chance is the multinomial's, and every prefix passes where it can."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multinomial
from turned_lists import CATALOG

from fairrec.errors import WrongUse
from fairrec.metrics.fa_ir import minimum_table
from fairrec.metrics.item_groups import group_items
from fairrec.mitigations.rerankers.candidates import candidate_lists
from fairrec.mitigations.rerankers.fa_ir import fa_ir
from fairrec.mitigations.rerankers.multinomial_fa_ir import (
    MultinomialFAIR,
    chance_of_at_most,
    multinomial_fa_ir,
)
from fairrec.types import Ranking, Request

GROUPS = group_items(["a"] * 20 + ["b"] * 15 + ["c"] * 15)
SHARES = {"b": 0.3, "c": 0.2}


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 8), st.lists(st.integers(0, 4), min_size=1, max_size=3))
def test_the_chance_is_the_multinomials(places: int, counts: list[int]) -> None:
    p = (0.3, 0.25, 0.2)[: len(counts)]
    direct = sum(
        multinomial.pmf([places - sum(x), *x], places, [1 - sum(p), *p])
        for x in product(*(range(count + 1) for count in counts))
        if sum(x) <= places
    )
    assert chance_of_at_most(tuple(counts), places, p) == pytest.approx(direct, abs=1e-12)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 20), st.floats(0.02, 0.3))
def test_every_prefix_passes(seed: int, k: int, alpha: float) -> None:
    rng = np.random.default_rng(seed)
    lists = candidate_lists(rng.random((3, 50)) + np.repeat([0.6, 0.3, 0.0], [20, 15, 15]))
    places, failing = multinomial_fa_ir(lists, GROUPS, SHARES, k=k, alpha=alpha)
    codes = np.asarray(GROUPS.codes)[lists.lists(places).items]
    assert (failing == 0).all()
    for row in codes:
        for prefix in range(1, k + 1):
            counts = tuple(int((row[:prefix] == g).sum()) for g in (1, 2))
            assert chance_of_at_most(counts, prefix, (0.3, 0.2)) > alpha
    assert all(len(set(row.tolist())) == k for row in places)


def test_with_one_group_it_is_fa_ir() -> None:
    rng = np.random.default_rng(1)
    groups = group_items(["a"] * 25 + ["b"] * 25)
    lists = candidate_lists(rng.random((20, 50)) + np.where(np.arange(50) < 25, 0.5, 0))
    found = multinomial_fa_ir(lists, groups, {"b": 0.4}, k=15, alpha=0.1).places
    # The table asks for the least count with P(X <= count) >= alpha; at no prefix is it equal.
    table = minimum_table(15, 0.4, 0.1)
    assert (found == fa_ir(lists, np.arange(50) >= 25, table).places).all()


def test_in_a_mitigation_and_what_is_wrong() -> None:
    ranking = Ranking(tuple("abcdef"), scores=(6.0, 5.0, 4.0, 3.0, 2.0, 1.0))
    fair = MultinomialFAIR(catalog=CATALOG, column="maker", shares={"Y": 0.9}, alpha=0.3)
    (found,) = fair.combine([Request(k=3)], [[ranking]])
    assert len({*found.items} & {*"def"}) >= 2
    for shares in ({"Z": 0.2}, {"Y": 1.0}, {"Y": 0.0}):
        bad = MultinomialFAIR(catalog=CATALOG, column="maker", shares=shares)
        with pytest.raises(WrongUse):
            bad.combine([Request(k=3)], [[ranking]])
    assert MultinomialFAIR(catalog=CATALOG, column="maker").combine([Request(k=2)], [[ranking]])
