"""Sweeps and comparisons for readers: which strengths no other beats, and which way things went."""

from __future__ import annotations

import pytest

from fairrec.reports.comparison import comparison_rows
from fairrec.reports.sweep import sweep_csv, sweep_figure, sweep_markdown, sweep_points
from fairrec.results import AuditResult, Estimate, Finding
from fairrec.running.comparison import Change, Comparison

ID = "exposure.maker.exposure.parity_ratio"


def _comparison(fair: float, useful: float, direction: str) -> Comparison:
    """Before, the finding is 0.5 and NDCG 0.4; intervals reach 0.05 to either side."""

    def change(id: str, before: float, after: float, way: str) -> Change:
        gone = after - before
        return Change(
            id, before, after, Estimate(gone, gone - 0.05, gone + 0.05, direction=way, n=9)
        )

    estimate = Estimate(0.5, 0.4, 0.6, direction=direction)
    finding = Finding(ID, "exposure", "exposure", "parity_ratio", estimate, attribute="maker")
    result = AuditResult("exposure", "x", (finding,), (), (), {}, {})
    return Comparison(
        before=result,
        after=result,
        fairness=(change(ID, 0.5, fair, direction),),
        utility=(change("utility.ndcg", 0.4, useful, "higher"),),
        cost=(change("cost.seconds", 0.1, 0.1, "lower"),),
    )


@pytest.mark.parametrize(("direction", "sign"), [("higher", 1), ("lower", -1)])
def test_a_strength_is_best_if_none_beats_it_in_both(direction: str, sign: int) -> None:
    """0.1 gains fairness for a little utility; 0.2 is beaten by it; 0.3 by what was before."""
    steps = {0.0: (0.0, 0.4), 0.1: (0.2, 0.38), 0.2: (0.1, 0.37), 0.3: (-0.1, 0.3), 0.4: (0.3, 0.2)}
    sweep = {
        strength: _comparison(0.5 + sign * fair, useful, direction)
        for strength, (fair, useful) in steps.items()
    }
    best = {point.strength: point.best for point in sweep_points(sweep, ID)}
    assert best == {0.0: True, 0.1: True, 0.2: False, 0.3: False, 0.4: True}


def test_the_table_the_file_and_the_plot_say_the_same() -> None:
    sweep = {0.5: _comparison(0.7, 0.38, "higher")}
    text = sweep_markdown(sweep, ID, "fairco.weight")
    assert "| before | 0.500 |" in text
    assert "| 0.5 | 0.700 | 0.200 [0.150, 0.250] | 0.380 | −0.020 [−0.070, 0.030] |" in text
    assert f"0.5,{ID},0.5,0.7,0.19999999999999996" in sweep_csv(sweep, "weight")
    figure = sweep_figure(sweep, ID, "fairco.weight")
    assert "higher is fairer" in figure and "fairco.weight" in figure and "before" in figure


def test_changes_are_called_better_or_worse_by_their_whole_interval() -> None:
    said = {row[0]: row[4] for row in comparison_rows(_comparison(0.7, 0.3, "higher"))}
    assert said["NDCG on held-out items"] == "worse"
    assert said["seconds an answer"] == "not told from 0"
    assert next(way for name, way in said.items() if name.startswith("maker")) == "better"
    said = {row[0]: row[4] for row in comparison_rows(_comparison(0.7, 0.42, "lower"))}
    assert said["NDCG on held-out items"] == "not told from 0"
    assert next(way for name, way in said.items() if name.startswith("maker")) == "worse"
