"""The cluster bootstrap draws whole rows, and its weights are those of drawing with replacement."""

from __future__ import annotations

import numpy as np
import pytest

from fairrec.evidence import bootstrap, bootstrap_means


def test_means_are_those_of_drawn_rows() -> None:
    # With two clusters a draw is one of three: (a, a), (a, b), (b, b) in the ratio 1 : 2 : 1.
    values = np.array([[0.0, 10.0], [1.0, np.nan]])
    means = bootstrap_means(values, np.random.default_rng(0), 4000)
    kinds, counts = np.unique(means[:, 0], return_counts=True)
    assert kinds.tolist() == [0.0, 0.5, 1.0]
    assert counts == pytest.approx([1000, 2000, 1000], rel=0.1)
    # The missing value is never drawn: its column has the other mean or none.
    assert (means[means[:, 0] < 1, 1] == 10).all()
    assert np.isnan(means[means[:, 0] == 1, 1]).all()


def test_spread_is_the_plug_in_standard_error() -> None:
    values = np.random.default_rng(1).normal(size=(30, 3))
    means = bootstrap_means(values, np.random.default_rng(2), 20_000)
    np.testing.assert_allclose(means.std(axis=0), values.std(axis=0) / np.sqrt(30), rtol=0.03)
    np.testing.assert_allclose(means.mean(axis=0), values.mean(axis=0), atol=0.01)
    # Rows stay together: columns are as correlated as in the data.
    np.testing.assert_allclose(np.corrcoef(means.T), np.corrcoef(values.T), atol=0.03)


def test_blocks_do_not_change_the_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).normal(size=(10, 2))
    whole = bootstrap_means(values, np.random.default_rng(3), 100)
    monkeypatch.setattr(bootstrap, "BLOCK", 70)
    np.testing.assert_allclose(bootstrap_means(values, np.random.default_rng(3), 100), whole)
