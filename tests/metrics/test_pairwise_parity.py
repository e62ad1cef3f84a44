import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.item_lists import END, OFF
from fairrec.metrics.pairwise_parity import (
    attribute_rank_parity,
    favoured_pair_rates,
    pairwise_accuracy,
)

ORACLES = Path(__file__).parents[2].parent / "shared" / "oracles" / "item_metrics.json"
CODES = hnp.arrays(np.int64, (4, 8), elements=st.integers(OFF, 2)).map(
    lambda x: np.where((x == END).cumsum(axis=1) > 0, END, x)
)
RELEVANCE = hnp.arrays(np.int64, (4, 8), elements=st.integers(0, 3)).map(lambda x: x / 3)


def literal_rate(row, group):
    """Every pair of known items of different groups."""
    pairs = [
        above == group
        for place, above in enumerate(row)
        for below in row[place + 1 :]
        if above >= 0 and below >= 0 and above != below and group in (above, below)
    ]
    return np.mean(pairs) if pairs else np.nan


def literal_accuracy(row, relevance, group, versus):
    found = []
    for i, j in np.ndindex(len(row), len(row)):
        other = row[j] == versus if versus is not None else 0 <= row[j] != group
        if row[i] == group and other and relevance[i] > relevance[j]:
            found.append(i < j)
    return np.mean(found) if found else np.nan


def test_attribute_rank_parity_as_fairranktune_has_it():
    if not ORACLES.exists():
        pytest.skip("the shared oracles are not here")
    cases = {case["id"]: case for case in json.loads(ORACLES.read_text())["cases"]}
    case = cases["frt_ARP_attribute_rank_parity"]
    group, expected = case["inputs"]["item_group"], case["expected"]
    codes = np.array([["ABC".index(group[str(item)]) for item in case["inputs"]["ranking"]]])
    rates = favoured_pair_rates(codes, 3)
    assert rates[0] == pytest.approx([expected["by_group"][name] for name in "ABC"], abs=1e-9)
    assert attribute_rank_parity(rates)[0] == pytest.approx(expected["MaxMinDiff"], abs=1e-9)


@given(CODES)
def test_counting_gives_what_all_pairs_give(codes):
    expected = [[literal_rate(row.tolist(), g) for g in range(3)] for row in codes]
    np.testing.assert_allclose(favoured_pair_rates(codes, 3), expected, atol=1e-12)


@given(CODES, RELEVANCE, st.sampled_from([None, 0, 1, 2]))
def test_pairwise_accuracy_is_over_all_pairs(codes, relevance, versus):
    expected = [
        literal_accuracy(row.tolist(), r, 1, versus)
        for row, r in zip(codes, relevance, strict=True)
    ]
    np.testing.assert_allclose(pairwise_accuracy(codes, relevance, 1, versus), expected, atol=1e-12)


@given(CODES)
def test_rates_turn_round_with_the_list(codes):
    """Reversing a full list exchanges winning and losing."""
    full = np.where(codes == END, OFF, codes)
    rates = favoured_pair_rates(full, 3)
    np.testing.assert_allclose(favoured_pair_rates(full[:, ::-1], 3), 1 - rates, atol=1e-12)


def test_extremes_and_parity():
    codes = np.array([[0, 0, 1, 1], [0, 1, 1, 0], [0, 0, 0, 0], [OFF, OFF, END, END]])
    rates = favoured_pair_rates(codes, 2)
    assert rates[:2].tolist() == [[1, 0], [0.5, 0.5]]
    assert np.isnan(rates[2:]).all()
    assert attribute_rank_parity(rates).tolist()[:2] == [1, 0]
    assert np.isnan(attribute_rank_parity(rates)[2:]).all()


def test_off_the_catalogue_there_is_nobody_to_win_against():
    with_off = favoured_pair_rates(np.array([[OFF, 0, OFF, 1, 0, OFF]]), 2)
    np.testing.assert_array_equal(with_off, favoured_pair_rates(np.array([[0, 1, 0]]), 2))


def test_accuracy_between_and_within_groups():
    codes = np.array([[0, 1, 0, 1]])
    relevance = np.array([[1.0, 0.0, 0.0, 1.0]])
    assert pairwise_accuracy(codes, relevance, 0, 1) == 1  # its relevant item is first
    assert pairwise_accuracy(codes, relevance, 1, 0) == 0  # and the other's is last
    assert pairwise_accuracy(codes, relevance, 0, 0) == 1
    assert pairwise_accuracy(codes, relevance, 1, 1) == 0
    assert np.isnan(pairwise_accuracy(codes, np.zeros((1, 4)), 0, 1)).all()


def test_many_groups_and_long_lists_take_no_time():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 50, (20, 2_000))
    rates = favoured_pair_rates(codes, 50)
    assert rates.shape == (20, 50)
    assert np.abs(rates - 0.5).max() < 0.3


def test_what_does_not_fit_is_said():
    with pytest.raises(BadData, match="group 2"):
        favoured_pair_rates(np.array([[0, 2]]), 2)
    with pytest.raises(WrongUse, match="relevance has the shape"):
        pairwise_accuracy(np.array([[0, 1]]), np.zeros((1, 3)), 0)
