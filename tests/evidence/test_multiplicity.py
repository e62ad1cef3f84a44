"""Adjusted p-values, worked out by hand."""

from __future__ import annotations

import pytest

from fairrec.evidence import benjamini_hochberg, holm


def test_holm() -> None:
    # Sorted 0.01 0.02 0.04: times 3, 2, 1, never falling: 0.03 0.04 0.04.
    assert holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_benjamini_hochberg() -> None:
    # Sorted 0.01 0.02 0.04: times 3/1, 3/2, 3/3: 0.03 0.03 0.04.
    assert benjamini_hochberg([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.03])


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_tests_that_were_not_made_stay_none_and_do_not_count(adjust) -> None:
    assert adjust([None, 0.02, None]) == [None, 0.02, None]
    assert adjust([None]) == [None]
    assert adjust([]) == []
    assert all(type(p) is float for p in adjust([0.1, 0.2]))
