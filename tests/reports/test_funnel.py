"""The funnel: shares, and flags where a group differs from the neutral prompt."""

from __future__ import annotations

from fairrec.reports.funnel import funnel
from fairrec.results import Validity

NEUTRAL = Validity(None, None, 20, {"answered": 20}, recommended=400, off_catalogue=40)


def test_a_group_that_is_refused_more_is_flagged():
    refused = Validity("race", "black", 20, {"answered": 17, "refused": 3}, recommended=340,
                       off_catalogue=34)  # fmt: skip
    table = funnel([NEUTRAL, refused])
    assert table
    assert table.outcomes == ("answered", "refused")
    answered, refusals = table.rows[1].outcomes
    assert (answered.count, answered.percent, answered.flag) == (17, "85 %", "▼ −15 points")
    assert (refusals.count, refusals.percent, refusals.flag) == (3, "15 %", "▲ +15 points")
    assert not any(cell.flag for cell in table.rows[1].matches)
    assert table.flagged == (table.rows[1],)
    assert (table.asked, table.answered) == (40, 37)


def test_ten_points_are_flagged_and_nine_are_not():
    def flags(answered: int) -> int:
        group = Validity("a", "x", 100, {"answered": answered, "empty": 100 - answered})
        table = funnel([NEUTRAL, group])
        assert table
        return len(table.flagged)

    assert flags(90) == 1
    assert flags(91) == 0


def test_without_a_neutral_group_all_groups_are_the_reference():
    table = funnel(
        [Validity("a", "x", 10, {"answered": 10}), Validity("a", "y", 10, {"error": 10})]
    )
    assert table
    assert table.reference == "all groups together"
    assert len(table.flagged) == 2


def test_groups_without_probes_or_items_divide_nothing():
    table = funnel([Validity(None, None, 0, {}), Validity("a", "x", 0, {})])
    assert table
    assert not table.flagged
    assert table.rows[0].outcomes[0].percent == "–"
    assert funnel([]) is None
