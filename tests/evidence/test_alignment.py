from itertools import permutations, product

import numpy as np
import pytest

from fairrec.evidence.alignment import alignment, alignment_test, share_estimate


def test_alignment_is_the_diagonal_less_the_rest():
    table = np.array([[0.8, 0.2, 0.1], [0.3, 0.9, 0.2], [0.1, 0.3, 0.7]])
    assert alignment(table[None])[0] == pytest.approx(0.8 - 1.2 / 6)


def test_all_ways_are_counted_when_they_are_few():
    tables = np.random.default_rng(0).random((4, 3, 3))
    ways = list(permutations(range(3)))
    sums = [
        sum(np.trace(table[list(way)]) for table, way in zip(tables, chosen, strict=True))
        for chosen in product(ways, repeat=4)
    ]
    expected = np.mean(np.array(sums) >= sum(np.trace(t) for t in tables) - 1e-9)
    test = alignment_test(tables, np.random.default_rng(0))
    assert test.exhaustive and test.draws == 6**4
    assert test.p_value == pytest.approx(expected)


def test_draws_come_near_the_exhaustive_answer():
    tables = np.random.default_rng(1).random((12, 2, 2)) + 0.08 * np.eye(2)
    exact = alignment_test(tables, np.random.default_rng(0), 5000)
    drawn = alignment_test(tables, np.random.default_rng(0), 4000)
    assert exact.exhaustive and not drawn.exhaustive
    assert drawn.p_value == pytest.approx(exact.p_value, abs=0.03)


def test_false_alarms_stay_at_the_level_although_one_statement_pulls_all_lists():
    rng = np.random.default_rng(2)
    p_values = []
    for _ in range(600):
        tables = rng.normal(0.4, 0.1, (25, 2, 2)) + np.array([[0.0, 0.3]])
        p_values.append(alignment_test(tables, rng, 400).p_value)
    assert 0.03 <= np.mean(np.array(p_values) <= 0.05) <= 0.075


def test_missing_clusters_are_left_out_and_counted():
    tables = np.random.default_rng(0).random((6, 2, 2)) + np.eye(2)
    tables[2, 0, 1] = np.nan
    rest = np.delete(tables, 2, axis=0)
    rng = np.random.default_rng
    assert alignment_test(tables, rng(0)).p_value == alignment_test(rest, rng(0)).p_value
    assert alignment_test(tables[[2]], rng(0)).reason == "no cluster has every list"
    assert share_estimate(alignment(tables), alignment(tables), rng(0)).n_missing == 1


def test_a_share_of_nothing_is_not_given():
    rng = np.random.default_rng(3)
    nothing = share_estimate(rng.normal(0.2, 0.1, 50), rng.normal(0, 1, 50), rng)
    assert nothing.value is None and "no effect" in nothing.reason
    half = rng.normal(1, 0.2, 200)
    share = share_estimate(half / 2 + rng.normal(0, 0.1, 200), half, rng)
    assert share.low < 0.5 < share.high and share.value == pytest.approx(0.5, abs=0.05)


def test_draws_without_any_effect_give_no_share_and_no_warning():
    part = np.zeros(4)
    whole = np.array([0.0, 0.3, 0.4, 0.5])
    share = share_estimate(part, whole, np.random.default_rng(0), level=0.5)
    assert share.value == 0.0 and share.low == 0.0
