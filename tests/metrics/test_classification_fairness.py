"""Rates by group: Fairlearn's numbers are the plain shares, where there is anything to share."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairrec.metrics.classification_fairness import (
    RATES,
    equalized_odds_gap,
    group_rates,
    rate_parts,
)

ROWS = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 1.0, np.nan]), st.sampled_from("abc")),
    min_size=1,
    max_size=30,
)


@settings(deadline=None, max_examples=60)
@given(ROWS, st.sampled_from(RATES))
def test_fairlearn_gives_the_plain_share_of_every_group_that_has_one(rows, rate):
    selected, relevant, groups = (np.array(column) for column in zip(*rows, strict=True))
    part, whole = rate_parts(rate, selected, relevant)
    plain = {
        str(g): part[groups == g].sum() / whole[groups == g].sum()
        for g in np.unique(groups)
        if whole[groups == g].any()
    }
    frame = group_rates(rate, selected, relevant, groups)
    assert ({} if frame is None else frame.by_group.to_dict()) == pytest.approx(plain)


def test_a_group_in_which_nothing_is_selected_has_no_predictive_value_instead_of_zero():
    selected = np.array([True, True, False, False])
    relevant = np.array([1.0, 0.0, 1.0, 0.0])
    frame = group_rates("positive_predictive_value", selected, relevant, list("aabb"))
    assert frame.by_group.to_dict() == {"a": 0.5}


def test_equalized_odds_is_the_larger_gap_and_not_a_number_where_one_is_lacking():
    selected = np.array([True, True, False, True, False, False])
    relevant = np.array([1.0, 0.0, 0.0, 1.0, 0.0, 0.0])
    assert equalized_odds_gap(selected, relevant, list("aaabbb")) == 0.5
    assert np.isnan(equalized_odds_gap(selected, np.array([1.0, 0, 0, 0, 0, 0]), list("aaabbb")))
