import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from fairrec.errors import WrongUse
from fairrec.metrics.utility import (
    UTILITIES,
    hit_rate,
    ndcg_at_k,
    precision,
    recall,
    reciprocal_rank,
    relevance_matrix,
)
from fairrec.types import Outcome, Ranking

LISTS = [Ranking(("a", "b", "c")), Ranking(("x", "a")), Ranking(outcome=Outcome.REFUSED)]
LIKED = [{"b", "c", "z"}, {"q"}, {"a"}]


def test_by_hand():
    hits, n = relevance_matrix(LISTS, LIKED, 3)
    assert hits.tolist() == [[False, True, True], [False] * 3, [False] * 3]
    assert n[:2].tolist() == [3, 1] and np.isnan(n[2])
    ideal = 1 + 1 / np.log2(3) + 1 / 2
    np.testing.assert_allclose(ndcg_at_k(hits, n), [(1 / np.log2(3) + 1 / 2) / ideal, 0, np.nan])
    np.testing.assert_allclose(hit_rate(hits, n), [1, 0, np.nan])
    np.testing.assert_allclose(recall(hits, n), [2 / 3, 0, np.nan])
    np.testing.assert_allclose(precision(hits, n), [2 / 3, 0, np.nan])
    np.testing.assert_allclose(reciprocal_rank(hits, n), [1 / 2, 0, np.nan])


def test_without_ground_truth_nothing_is_known():
    for measure in UTILITIES.values():
        assert np.isnan(measure(*relevance_matrix(LISTS[:1], [()], 3))).all()


@given(st.integers(2, 8), st.data())
def test_ndcg_is_scikit_learn_s(k, data):
    catalogue = list("abcdefghij")
    ranked = data.draw(st.permutations(catalogue))
    liked = data.draw(st.sets(st.sampled_from(catalogue), min_size=1))
    hits, n = relevance_matrix([Ranking(tuple(ranked))], [liked], k)
    truth = [[float(item in liked) for item in catalogue]]
    scores = [[-float(ranked.index(item)) for item in catalogue]]
    assert ndcg_at_k(hits, n)[0] == pytest.approx(ndcg_score(truth, scores, k=k))
    for measure in UTILITIES.values():
        assert 0 <= measure(hits, n)[0] <= 1


def test_the_best_list_has_all_of_it():
    hits, n = relevance_matrix([Ranking(("a", "b"))], [{"a", "b"}], 2)
    assert all(measure(hits, n)[0] == 1 for measure in UTILITIES.values())


def test_wrong_use_is_refused():
    with pytest.raises(WrongUse, match="k is 0"):
        relevance_matrix(LISTS, LIKED, 0)
    with pytest.raises(WrongUse, match="3 lists and 1 sets"):
        relevance_matrix(LISTS, LIKED[:1], 3)
