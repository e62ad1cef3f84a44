import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.fa_ir import (
    adjusted_alpha,
    adjusted_table,
    fail_probability,
    mean_prefix_p,
    minimum_table,
    prefix_p,
    prefix_test,
    protected_flags,
    smallest_prefix_p,
)
from fairrec.metrics.item_lists import END, OFF

ORACLES = Path(__file__).parents[2].parent / "shared" / "oracles" / "item_metrics.json"
SETTINGS = ["10_0.2_0.15", "30_0.3_0.05", "20_0.5_0.1", "15_0.6_0.01"]


@pytest.fixture(scope="module")
def cases():
    if not ORACLES.exists():
        pytest.skip("the shared oracles are not here")
    return {case["id"]: case for case in json.loads(ORACLES.read_text())["cases"]}


def literal_fail_probability(table, p):
    """Every one of the 2^k lists."""
    k = len(table)
    failed = 0.0
    for flags in product([0, 1], repeat=k):
        if (np.cumsum(flags) < table).any():
            failed += p ** sum(flags) * (1 - p) ** (k - sum(flags))
    return failed


@pytest.mark.parametrize("name", SETTINGS)
def test_tables_as_fairsearch_has_them(cases, name):
    plain = cases[f"fair_mtable_unadjusted_{name}"]
    k, p, alpha = (plain["inputs"][key] for key in ("k", "p", "alpha"))
    assert minimum_table(k, p, alpha).tolist() == plain["expected"]
    failing = cases[f"fair_failprob_unadjusted_{name}"]
    assert fail_probability(failing["inputs"]["mtable"], p) == pytest.approx(
        failing["expected"], abs=1e-9
    )
    adjusted = cases[f"fair_mtable_adjusted_{name}"]["expected"]
    found = adjusted_table(k, p, alpha, "closest")
    assert found.table.tolist() == adjusted["mtable"]
    assert found.alpha == pytest.approx(adjusted["alpha_c"], abs=1e-9)
    assert found.fail_probability == pytest.approx(adjusted["fail_prob"], abs=1e-9)


@pytest.mark.parametrize("name", SETTINGS)
def test_tables_as_lenskit_has_them(cases, name):
    case = cases[f"lenskit_FAIR_adjust_{name}"]
    k, p, alpha = (case["inputs"][key] for key in ("k", "p", "alpha"))
    found = adjusted_table(k, p, alpha, "bisection")
    assert found.alpha == pytest.approx(case["expected"]["alpha_c"], abs=1e-9)
    assert found.table.tolist() == case["expected"]["m"]
    assert found.fail_probability == pytest.approx(
        case["expected"]["fail_prob_at_alpha_c"], abs=1e-9
    )
    assert fail_probability(minimum_table(k, p, alpha), p) == pytest.approx(
        case["expected"]["fail_prob_unadjusted"], abs=1e-9
    )


def test_the_last_block_counts():
    # The published program says 0.1152 and 0.0156: it leaves out where the table rises last.
    assert fail_probability(minimum_table(20, 0.25, 0.1), 0.25) == pytest.approx(0.1469, abs=5e-5)
    assert fail_probability(minimum_table(15, 0.6, 0.01), 0.6) == pytest.approx(
        0.01886866584371205, abs=1e-12
    )


@given(st.integers(1, 10), st.floats(0.05, 0.95), st.floats(0.001, 0.6))
@settings(max_examples=30, deadline=None)
def test_the_fail_probability_is_that_of_all_lists(k, p, alpha):
    table = minimum_table(k, p, alpha)
    assert fail_probability(table, p) == pytest.approx(
        literal_fail_probability(table, p), abs=1e-12
    )


def test_the_fail_probability_is_that_of_drawn_lists():
    rng = np.random.default_rng(0)
    table = minimum_table(20, 0.25, 0.1)
    drawn = rng.random((200_000, 20)) < 0.25
    failed = 1 - prefix_test(drawn, table).mean()
    assert failed == pytest.approx(fail_probability(table, 0.25), abs=5 * np.sqrt(0.13 / 200_000))


@given(st.integers(1, 14), st.floats(0.05, 0.95), st.floats(0.01, 0.5))
@settings(max_examples=40, deadline=None)
def test_the_exact_rule_is_the_strictest_table_that_keeps_alpha(k, p, alpha):
    found = adjusted_table(k, p, alpha)
    assert found.fail_probability <= alpha
    assert found.table.tolist() == minimum_table(k, p, found.alpha).tolist()
    assert found.fail_probability == pytest.approx(fail_probability(found.table, p))
    # No level on a fine grid gives a larger chance that is still at most alpha.
    levels = np.concatenate(
        [np.linspace(0, 0.999, 400), binom.cdf(np.arange(k), k, p) * (1 - 1e-9)]
    )
    for level in levels:
        other = fail_probability(minimum_table(k, p, float(level)), p)
        assert other <= found.fail_probability + 1e-12 or other > alpha


@pytest.mark.parametrize("name", SETTINGS)
def test_the_exact_rule_is_no_worse_than_the_published_ones(name):
    k, p, alpha = (float(part) for part in name.split("_"))
    exact = adjusted_table(int(k), p, alpha).fail_probability
    for rule in ("closest", "bisection"):
        other = adjusted_table(int(k), p, alpha, rule).fail_probability
        assert exact >= other or other > alpha
    # Bisection can promise what it does not keep: 0.0523 where 0.05 was wanted.
    assert adjusted_table(30, 0.3, 0.05, "bisection").fail_probability > 0.05
    assert adjusted_table(30, 0.3, 0.05).fail_probability <= 0.05


def test_long_lists_have_a_table():
    found = adjusted_table(200, 0.4, 0.1)
    assert 0.09 < found.fail_probability <= 0.1
    assert adjusted_alpha(200, 0.4, 0.1) == found.alpha


def test_the_mean_over_prefixes_as_published(cases):
    case = cases["rfm_FAIR_avg_prefix"]
    inputs, expected = case["inputs"], case["expected"]
    codes = np.array(
        [["FMU".index(inputs["group"][str(i)]) for i in row] for row in inputs["recs"].values()]
    )
    freq = inputs["group_freq"]
    p = freq["F"] / (freq["F"] + freq["M"])  # unknown groups are left out of the share
    found = mean_prefix_p(protected_flags(codes, "FMU".index(inputs["protected"])), p)
    assert found == pytest.approx(expected["per_user"], abs=1e-9)
    assert found.mean() == pytest.approx(expected["mean"], abs=1e-9)


def test_prefixes_end_with_the_list_and_off_places_are_not_protected():
    flags = np.array([[1, 0, END], [OFF, 1, 0], [END, END, END], [0, 1, 0]])
    p = prefix_p(flags, 0.3)
    assert p[0] == pytest.approx([1.0, binom.cdf(1, 2, 0.3), np.nan], nan_ok=True)
    assert p[1].tolist() == p[3].tolist()
    assert np.isnan(p[2]).all()
    assert smallest_prefix_p(flags, 0.3)[1] == pytest.approx(0.7)
    assert np.isnan(smallest_prefix_p(flags, 0.3)[2])
    assert np.isnan(mean_prefix_p(flags, 0.3)[2])
    assert prefix_test(flags, [0, 1, 2]).tolist()[:2] == [1, 0]
    assert np.isnan(prefix_test(flags, [0, 1, 2])[2])


def test_flags_keep_what_ended_and_what_is_off():
    codes = np.array([[2, 0, OFF, END], [0, 0, 2, 1]])
    assert protected_flags(codes, 0).tolist() == [[0, 1, OFF, END], [1, 1, 0, 0]]
    assert np.isnan(prefix_p(protected_flags(codes, 0), 0.5)[0, 3])


def test_a_prefix_test_fails_where_the_smallest_p_value_is_too_small():
    rng = np.random.default_rng(1)
    flags = rng.random((500, 20)) < 0.35
    alpha = adjusted_alpha(20, 0.5, 0.1)
    met = prefix_test(flags, minimum_table(20, 0.5, alpha))
    np.testing.assert_array_equal(met == 1, smallest_prefix_p(flags, 0.5) >= alpha)
    assert 0 < met.mean() < 1


def test_what_does_not_fit_is_said():
    with pytest.raises(WrongUse, match="p is 1"):
        minimum_table(10, 1.0, 0.1)
    with pytest.raises(WrongUse, match="rule"):
        adjusted_table(10, 0.5, 0.1, "median")
    with pytest.raises(WrongUse, match="alpha is 0"):
        adjusted_alpha(10, 0.5, 0.0)
    with pytest.raises(WrongUse, match="2 places for lists of 3"):
        prefix_test(np.ones((1, 3)), [0, 1])
    with pytest.raises(BadData, match="minima"):
        fail_probability([0, 2, 1], 0.5)
    with pytest.raises(BadData, match="minima"):
        fail_probability([2], 0.5)
