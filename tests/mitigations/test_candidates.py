"""Candidates stand best first, ties by item number, and nothing is lost or doubled."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fairrec.errors import BadData
from fairrec.metrics.item_groups import group_items
from fairrec.metrics.item_lists import END
from fairrec.mitigations.rerankers.candidates import candidate_lists
from fairrec.mitigations.rerankers.compiled import Compiled


@settings(deadline=None, max_examples=60)
@given(arrays(np.int64, (3, 6), elements=st.integers(0, 3)), st.randoms(use_true_random=False))
def test_every_list_is_sorted_by_score_then_item(scores: np.ndarray, random) -> None:  # type: ignore[no-untyped-def]
    items = np.array([random.sample(range(9), 6) for _ in range(3)])
    items[0, random.randrange(6)] = END
    found = candidate_lists(scores, items, 9)
    for row in range(3):
        expected = sorted(
            (-score, item)
            for score, item in zip(scores[row].tolist(), items[row].tolist(), strict=True)
            if item != END
        )
        listed = found.listed[row]
        assert list(zip(-found.scores[row][listed], found.items[row][listed], strict=True)) == (
            expected
        )
        assert (found.items[row][len(expected) :] == END).all()


def test_a_dense_matrix_has_every_item_but_what_is_minus_infinity() -> None:
    found = candidate_lists([[0.2, -np.inf, 0.9], [0.5, 0.5, 0.5]])
    assert found.items.tolist() == [[2, 0, END], [0, 1, 2]]
    assert found.n_items == 3
    assert found.lengths.tolist() == [2, 3]


def test_places_are_read_as_lists_and_scores() -> None:
    found = candidate_lists([[0.2, 0.9, 0.4]], [[7, 3, 5]], 8)
    places = found.top(4)
    assert places.tolist() == [[0, 1, 2, END]]
    assert found.lists(places).items.tolist() == [[3, 5, 7, END]]
    assert found.scores_at(places).tolist() == [[0.9, 0.4, 0.2, 0.0]]
    assert found.rows(slice(0, 1)).items.tolist() == found.items.tolist()


def test_groups_of_candidates() -> None:
    found = candidate_lists([[0.2, 0.9], [1.0, 0.0]], [[0, 2], [1, END]], 3)
    assert found.group_codes(group_items(["b", "a", "a"])).tolist() == [[0, 1], [0, END]]
    with pytest.raises(BadData, match="some items are in several groups"):
        found.group_codes(group_items(["b", "a|b", "a"]))


@pytest.mark.parametrize(
    ("scores", "items", "said"),
    [
        ([[1.0, 2.0]], [[3, 3]], "list 0 has item 3 twice"),
        ([[1.0, np.nan]], [[0, 1]], "no finite number"),
        ([[1.0, 2.0]], [[0, 9]], "candidates go from 0 to 9"),
        ([[1.0, 2.0]], [[0]], r"scores have the shape \(1, 2\) and items \(1, 1\)"),
    ],
)
def test_what_is_wrong_is_said(scores: list, items: list, said: str) -> None:
    with pytest.raises(BadData, match=said):
        candidate_lists(scores, items, 5)


def test_a_compiled_function_is_the_function_itself() -> None:
    @Compiled
    def total(values: np.ndarray) -> float:
        """Add up."""
        found = 0.0
        for value in values:
            found += value
        return found

    values = np.arange(5.0)
    assert total(values) == total.python(values) == 10.0
    assert total.__doc__ == "Add up."


def test_without_numba_python_does_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)  # importing it fails
    plain = Compiled(lambda values: float(values.sum()))
    assert plain(np.arange(5.0)) == 10.0
    assert plain._fast is plain.python
