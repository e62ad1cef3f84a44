import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairrec.errors import WrongUse
from fairrec.metrics.batched_similarity import encode_lists
from fairrec.metrics.rank_moves import batched_rank_moves

lists = st.lists(st.integers(0, 12), unique=True, min_size=0, max_size=8)


def by_hand(x, y, k):
    if not x or not y:
        return np.nan
    place = lambda item, items: items.index(item) if item in items else k  # noqa: E731
    union = set(x) | set(y)
    return sum(abs(place(i, x) - place(i, y)) for i in union) / len(union)


@given(st.lists(st.tuples(lists, lists), min_size=1, max_size=6), st.integers(8, 11))
def test_as_counted_by_hand(pairs, k):
    coded = encode_lists([x for x, _ in pairs] + [y for _, y in pairs])
    moves = batched_rank_moves(coded[: len(pairs)], coded[len(pairs) :], k)
    np.testing.assert_allclose(moves, [by_hand(x, y, k) for x, y in pairs])


def test_the_ends_of_the_range():
    coded = encode_lists(["abc", "abc", "def"])
    assert batched_rank_moves(coded[[0, 0]], coded[[1, 2]], 3).tolist() == [0, 2]


def test_lists_longer_than_k_are_refused():
    coded = encode_lists(["abc"])
    with pytest.raises(WrongUse, match="3 items, but k is 2"):
        batched_rank_moves(coded, coded, 2)
