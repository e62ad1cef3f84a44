import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fairrec.metrics.source_bias import average_precision, relative_difference


def test_the_relative_difference_by_hand():
    assert relative_difference(0.3, 0.5) == pytest.approx(-50)
    assert relative_difference(0.5, 0.3) == pytest.approx(50)
    assert relative_difference(1, 0) == 200
    assert relative_difference([2, 2], [2, 6]).tolist() == [0, -100]
    assert np.isnan(relative_difference(0, 0))
    assert np.isnan(relative_difference(np.nan, 1))


@given(hnp.arrays(bool, (3, 6)), st.integers(1, 9))
def test_average_precision_is_its_definition(hits, n):
    n_relevant = np.maximum(hits.sum(axis=1), n).astype(float)
    for row, found, relevant in zip(
        hits, average_precision(hits, n_relevant), n_relevant, strict=True
    ):
        precisions = [row[: r + 1].mean() for r in range(6) if row[r]]
        assert found == pytest.approx(sum(precisions) / min(6, relevant))
        assert 0 <= found <= 1


def test_nothing_relevant_is_no_zero():
    hits = np.zeros((2, 3), dtype=bool)
    assert average_precision(hits, np.array([1.0, np.nan])) == pytest.approx(
        [0, np.nan], nan_ok=True
    )
    assert average_precision(np.ones((1, 3), dtype=bool), np.array([5.0])) == 1
