from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fairrec.errors import WrongUse
from fairrec.metrics.item_lists import END, OFF
from fairrec.metrics.rank_difference import rkl, rnd, rrd

MEASURES = {"rnd": rnd, "rkl": rkl, "rrd": rrd}
FLAGS = hnp.arrays(np.int64, (1, 10), elements=st.integers(0, 1))


def kl(p, q):
    parts = zip((p, 1 - p), (q, 1 - q), strict=True)
    return sum(a * np.log(a / b) for a, b in parts if a > 0)


def ratio(a, b):
    return a / b if a and b else 0.0


def literal_sum(row, share, step, name):
    """Equations 1 to 3 without Z."""
    total = 0.0
    for i in range(step, len(row) + 1, step):
        c = sum(row[:i])
        distance = {
            "rnd": lambda c=c, i=i: abs(c / i - share),
            "rkl": lambda c=c, i=i: kl(c / i, share),
            "rrd": lambda c=c, i=i: abs(ratio(c, i - c) - ratio(share, 1 - share)),
        }[name]()
        total += distance / np.log2(i)
    return total


def all_orders(k, protected):
    for places in combinations(range(k), protected):
        yield [int(place in places) for place in range(k)]


@pytest.mark.parametrize("name", MEASURES)
@given(FLAGS, st.sampled_from([2, 3, 5]))
@settings(max_examples=15, deadline=None)
def test_the_worst_case_is_that_of_all_orders(name, flags, step):
    row = flags[0].tolist()
    found = MEASURES[name](flags, step=step)[0]
    if sum(row) in (0, len(row)):
        assert np.isnan(found)
        return
    share = sum(row) / len(row)
    worst = max(literal_sum(order, share, step, name) for order in all_orders(len(row), sum(row)))
    assert found == pytest.approx(literal_sum(row, share, step, name) / worst, abs=1e-12)
    assert -1e-12 <= found <= 1 + 1e-12


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_with_a_share_the_worst_case_is_that_of_all_lists(name, share):
    lists = list(product([0, 1], repeat=9))
    sums = np.array([literal_sum(row, share, 4, name) for row in lists])
    found = MEASURES[name](np.array(lists), share=share, step=4)
    np.testing.assert_allclose(found, sums / sums.max(), atol=1e-12)


def test_by_hand():
    # 20 places, 5 of them protected and all first: at 10 the share is 0.5, at 20 the whole's.
    first = np.array([[1] * 5 + [0] * 15])
    last = first[:, ::-1]
    spread = np.array([([0, 0, 1, 0] * 5)])
    # At 10 there can be 0 to 5 protected, so both ends are 0.25 from the whole's 0.25.
    assert rnd(first) == rnd(last) == 1.0
    assert rnd(spread) == pytest.approx(0.05 / 0.25)
    assert rkl(first)[0] < rkl(last)[0] == 1.0
    # Ratios 5 / 5 and 0 against 5 / 15: too many can lie further off than none.
    assert rrd(first) == 1.0
    assert rrd(last) == pytest.approx((1 / 3) / (2 / 3))


def test_lists_of_any_length_stand_side_by_side():
    row = [1, 0, 0, 1, 0, 0, 0, 1, 0, 0]
    short = [1, 0, 0, 0, 1, 0]
    both = np.array([row, short + [END] * 4, [END] * 10])
    found = rnd(both, step=3)
    assert found[0] == rnd(np.array([row]), step=3)[0]
    assert found[1] == rnd(np.array([short]), step=3)[0]
    assert np.isnan(found[2])
    assert np.isnan(rnd(both)[1])  # shorter than the first prefix of 10
    off = np.array([[OFF if x == 0 else x for x in row]])
    assert rkl(off, step=3)[0] == rkl(np.array([row]), step=3)[0]


def test_a_long_list_is_soon_done():
    rng = np.random.default_rng(0)
    flags = rng.random((3, 1_000)) < 0.3
    last, first = np.sort(flags, axis=1), -np.sort(-flags.astype(int), axis=1)
    for measure in MEASURES.values():
        assert (measure(flags) < measure(first)).all()
    # The smaller group is further from its share when it stands first than when it stands last.
    assert rnd(first) == pytest.approx(1.0)
    assert (rnd(flags) < 0.2).all()
    assert ((rnd(flags) < rnd(last)) & (rnd(last) < 1)).all()


def test_what_does_not_fit_is_said():
    with pytest.raises(WrongUse, match="step is 1"):
        rnd(np.ones((1, 20)), step=1)
    with pytest.raises(WrongUse, match="share 1"):
        rkl(np.ones((1, 20)), share=1.0)
