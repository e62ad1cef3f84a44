"""Figures of tables that are empty, large, hostile or odd."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest
from example_result import example_result
from hypothesis import given, settings
from hypothesis import strategies as st
from item_tables import (
    _drawn,
    _hostile,
    _number,
    _only,
    _table,
    _tables,
    _text,
    _texts,
)
from matplotlib.container import BarContainer

from fairrec.reports import render_html, write_report
from fairrec.reports.drawing import LONGEST, label, plain, series, width_of
from fairrec.reports.html import MOST_BYTES
from fairrec.reports.svg import FAIL, PASS, SERIES, UNDECIDED, svg_file, to_svg


def test_curves_have_gaps_where_nothing_was_measured() -> None:
    figure = _only("popularity_by_rank")
    [line] = figure.axes[0].lines
    assert line.get_xdata().tolist() == [1, 2, 3, 4]
    assert np.isnan(line.get_ydata()).tolist() == [False, False, True, False]
    axes = _only("position_curve").axes[0]
    curve, *intervals = axes.lines
    assert np.isnan(curve.get_ydata()).tolist() == [False, False, True, False]
    assert [list(line.get_ydata()) for line in intervals] == [[0.5, 0.7], [0.3, 0.5], [0.4, 0.6]]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["0", "5", "10", "19"]
    assert axes.get_ylim()[0] == 0


def test_bars_of_parts_differ_in_hatch_and_have_intervals() -> None:
    axes = _only("calibration").axes[0]
    bars = [c for c in axes.containers if isinstance(c, BarContainer)]
    heights = [[bar.get_height() for bar in group] for group in bars]
    np.testing.assert_allclose(heights, [[0.4, 0.3, 0.3], [0.6, 0.3, 0.1], [0.3, 0.3, 0.4]])
    assert len({group[0].get_hatch() for group in bars}) == 3
    assert sum(line.get_marker() == "_" for line in axes.lines) == 9
    assert {"history", "recommended", "relevant"} <= set(_texts(_only("calibration")))


def test_shares_by_group_come_subject_by_subject_in_the_order_of_the_table() -> None:
    figures = _drawn({"by_group": _tables()["by_group"]})
    hallucinated, repeated = figures.values()
    axes = hallucinated.axes[0]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["Ava", "Brix"]
    assert [bar.get_width() for bar in axes.patches] == [0.1, 0.3]
    assert "not measured" in _texts(repeated)
    assert hallucinated.axes[0].get_xlabel() == "share"
    never = _table("group subject share low high", ("Ava", "ambiguous", 0.0, 0.0, 0.1))
    assert _drawn({"by_group": never}) == {}  # a figure of nothing but 0 shows nothing


def test_eight_series_differ_without_colour_and_no_colour_is_a_verdicts() -> None:
    looks = [series(number) for number in range(8)]
    assert len({look.marker for look in looks}) == 8
    assert len({look.hatch for look in looks}) == 8
    assert len({(str(look.line), look.marker) for look in looks}) == 8
    assert len({str(look.line) for look in looks[:4]}) == 4
    assert not {PASS, FAIL, UNDECIDED} & set(SERIES)


@pytest.mark.parametrize("name", _tables())
def test_empty_tables_draw_nothing_and_one_row_draws(name: str) -> None:
    table = _tables()[name]
    assert _drawn({name: dict.fromkeys(table, ())}) == {}
    assert _drawn({name: dict.fromkeys(table, (None,))}) == {}
    assert _drawn({name: {next(iter(table)): (1.0,)}}) == {}
    if name != "popularity_fit":
        one = _drawn({name: {column: values[:1] for column, values in table.items()}})
        assert [to_svg(figure, "a")[:4] for figure in one.values()] == ["<svg"]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_a_table_holds_can_be_drawn(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(list(_tables())))
    texts = {"curve", "group", "merit", "part", "source", "subject"}
    n = data.draw(st.integers(0, 6))
    table = {
        column: tuple(data.draw(_text if column in texts else _number) for _ in range(n))
        for column in _tables()[name]
    }
    for figure in _drawn(_tables() | {name: table}).values():
        ElementTree.fromstring(svg_file(figure))


def test_hostile_names_are_shown_as_text() -> None:
    figures = _drawn(_hostile(_tables()))
    for figure in figures.values():
        svg = to_svg(figure, "a")
        assert "<script" not in svg and "<img" not in svg and "<b>" not in svg
        assert "\x1b" not in svg and "\u202e" not in svg
        ElementTree.fromstring(svg)
    shown = _texts(_only("group_by_position", _hostile(_tables())))
    assert label("_$x^ <b>\u4e2d\u6587</b> &") in shown
    page = render_html(replace(example_result(3, draws=10), tables=_hostile(_tables())))
    assert "<script" not in page and "onerror=alert" not in page.replace(" onerror", "")
    assert page.count("<figure") >= len(figures)


def test_labels_are_cut_by_their_width() -> None:
    assert label("a" * LONGEST) == "a" * LONGEST
    assert label("a" * 23) == "a" * 21 + "…"
    assert width_of(label("\u4e2d" * 30)) <= width_of("a" * LONGEST)
    assert label("two\n lines") == "two lines"
    assert label(" ") == "–"


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (0.001, "0.001"), (0.5, "0.5"), (1000, "1,000"), (10_000, "10⁴"), (2e6, "2·10⁶"),
     (1e-5, "10⁻⁵"), (-3, "−3")],
)  # fmt: skip
def test_ticks_are_plain_text(number: float, text: str) -> None:
    assert plain(number) == text


def test_the_page_shows_the_figures_in_the_colours_of_its_mode() -> None:
    result = replace(example_result(3, draws=10), tables=_tables())
    page = render_html(result)
    assert page.index('id="plots"') < page.index('id="figures"') < page.index('id="funnel"')
    assert '<a href="#figures">Figures</a>' in page
    section = page[page.index('id="figures"') : page.index('id="funnel"')]
    assert section.count("<svg") == len(_drawn(_tables()))
    assert "var(--series-1, #1f5fa9)" in section
    # The ground of a hatch is a style too: an attribute would stay light in dark mode.
    assert 'fill="#' not in section
    assert page.count("--series-4:") == 3
    assert 'id="figures"' not in render_html(replace(result, tables={}))


def test_the_same_tables_give_the_same_page() -> None:
    result = replace(example_result(3, draws=10), tables=_tables())
    assert render_html(result) == render_html(result)


def test_a_page_with_the_largest_tables_stays_small() -> None:
    groups, ranks = [f"distributor number {i}" for i in range(400)], range(1, 201)
    lines = [f"curve {i}" for i in range(20)]
    x = np.linspace(0, 1, 200)
    tables = _tables() | {
        "lorenz": _table(
            "curve share_of_items share_of_exposure",
            *((name, float(a), float(a**3)) for name in lines for a in x),
        ),
        "group_exposure": _table(
            "group merit target exposure low high",
            *((g, f"m{m}", 0.0025, 0.003, 0.002, 0.004) for m in range(9) for g in groups),
        ),
        "group_by_position": _table(
            "rank group share", *((r, g, 0.0025) for r in ranks for g in groups)
        ),
        "popularity_exposure": _table(
            "popularity exposure group",
            *((float(i + 1), float(i**1.3), groups[i % 9]) for i in range(2000)),
        ),
        "by_group": _table(
            "group subject share low high",
            *((g, f"s{s}", 0.1, 0.05, 0.15) for s in range(9) for g in groups),
        ),
    }
    page = render_html(replace(example_result(20, draws=20), tables=tables))
    assert len(page.encode()) < MOST_BYTES
    assert "Inequality of exposure" in page


def test_figures_are_written_as_files(tmp_path) -> None:
    result = replace(example_result(3, draws=10), tables=_hostile(_tables()))
    files = write_report(result, tmp_path / "run")[3:]
    assert len(files) == len(_drawn(_tables()))
    assert files[0].name == "01-inequality-of-exposure-lorenz-curve.svg"
    assert all(file.parent == tmp_path / "run" / "figures" for file in files)
    for file in files:
        content = file.read_text("utf-8")
        assert "var(--" not in content  # what reads SVG files knows no variables
        ElementTree.fromstring(content)
