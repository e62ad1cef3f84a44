"""The figures: SVG that is the same every time and follows the page's colours."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from fairrec.reports.figures import attribute_figure, value_figures
from fairrec.reports.svg import to_svg
from fairrec.results import Estimate, Finding, Verdict


def _finding(attribute: str, value: str | None = None, **changes) -> Finding:
    estimate = changes.pop("estimate", Estimate(0.2, 0.1, 0.3))
    statistic = "mean" if value else "snsr"
    return Finding("id", "sensitivity", "jaccard", statistic, estimate, attribute, value, **changes)


def _texts(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg)
    return ["".join(e.itertext()).strip() for e in root.iter() if e.tag.endswith("text")]


def test_labels_are_text_and_colours_are_variables():
    svg = to_svg(attribute_figure([_finding("race"), _finding("中文 $x^")]), "a")
    assert {"race", "中文 $x^", "SNSR of Jaccard"} <= set(_texts(svg))
    assert "var(--ink, #1d2733)" in svg
    assert "<script" not in svg


def test_the_same_findings_give_the_same_svg():
    findings = [_finding("race", noise_floor=0.1), _finding("age", noise_floor=0.05)]
    assert to_svg(attribute_figure(findings), "a") == to_svg(attribute_figure(findings), "a")


def test_drawing_leaves_matplotlib_as_it_was():
    import matplotlib

    before = matplotlib.rcParams.copy()
    to_svg(attribute_figure([_finding("race")]), "a")
    assert matplotlib.rcParams.copy() == before


def test_drawing_does_not_need_pyplot():
    code = (
        "import sys; from fairrec.reports.figures import *; from fairrec.reports.svg import to_svg;"
        "f = Finding('id', 'a', 'jaccard', 'snsr', Estimate(0.5), 'race');"
        "to_svg(attribute_figure([f]), 'a'); print('matplotlib.pyplot' in sys.modules)"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "False"


def test_gate_and_noise_floor_are_drawn_on_the_axis():
    bare = attribute_figure([_finding("race")]).axes[0]
    gated = _finding("race", gate="x <= 0.7", verdict=Verdict.PASS, noise_floor=0.05)
    full = attribute_figure([gated]).axes[0]
    assert len(full.lines) == len(bare.lines) + 2
    assert full.get_xlim()[1] > 0.7 > bare.get_xlim()[1]


def test_verdicts_differ_in_shape():
    def shape(verdict: Verdict) -> str:
        axes = attribute_figure([_finding("race", verdict=verdict)]).axes[0]
        return str(axes.lines[-1].get_marker())

    assert len({shape(verdict) for verdict in Verdict}) == len(Verdict)


@pytest.mark.parametrize(
    "estimate",
    [
        Estimate(None, reason="nothing"),
        Estimate(0.5),
        Estimate(0.0, 0.0, 0.0),
        Estimate(0.5, 0.6, 0.7),
        Estimate(-1e9, -2e9, 1e9),
    ],
)
def test_odd_estimates_can_be_drawn(estimate):
    assert "<svg" in to_svg(attribute_figure([_finding("race", estimate=estimate)]), "a")
    [(_, figure)] = value_figures([_finding("race", "black", estimate=estimate)])
    assert "<svg" in to_svg(figure, "b")


def test_panels_share_one_axis_and_mark_the_repeat():
    findings = [
        _finding("race", "black", estimate=Estimate(0.2, 0.1, 0.3)),
        _finding("race", "white", estimate=Estimate(0.6, 0.5, 0.7)),
        _finding("age", "old", estimate=Estimate(0.9, 0.8, 0.95)),
    ]
    panels = dict(value_figures(findings, Estimate(0.98)))
    assert list(panels) == ["race", "age"]
    race, age = (panels[name].axes[0] for name in panels)
    assert race.get_xlim() == age.get_xlim()
    assert race.get_xlim()[0] <= 0.1
    assert race.get_xlim()[1] >= 0.98
    [band] = race.patches
    assert band.get_window_extent().width > 0
    assert not age.patches


def _rows(findings: list[Finding]) -> list[str]:
    return [t.get_text() for t in attribute_figure(findings).axes[0].get_yticklabels()]


def test_rows_are_called_what_differs_between_them():
    values = [_finding("studio", "Ava"), _finding("studio", "Brix")]
    assert _rows(values) == ["Ava", "Brix"]
    assert _rows([*values, _finding("genre", "Drama")])[::2] == ["studio Ava", "genre Drama"]
    metrics = [replace(_finding("titles"), metric=m) for m in ("hallucinated", "ambiguous")]
    assert _rows(metrics) == ["hallucinated", "ambiguous"]
    assert attribute_figure(metrics).axes[0].get_xlabel() == "SNSR"
    assert _rows([_finding("race")]) == ["race"]
