"""Figures of items: what the tables hold is what is drawn, told apart without its colours."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest
from example_result import HOSTILE, example_result
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer
from matplotlib.figure import Figure

from fairrec.reports import render_html, write_report
from fairrec.reports.drawing import LONGEST, label, plain, series, width_of
from fairrec.reports.html import MOST_BYTES
from fairrec.reports.item_figures import MOST_LAYERS, MOST_POINTS, MOST_ROWS, REST, item_figures
from fairrec.reports.svg import FAIL, INK, PASS, SERIES, UNDECIDED, svg_file, to_svg
from fairrec.results import AuditResult

Tables = dict[str, dict[str, tuple]]


def _table(columns: str, *rows: tuple) -> dict[str, tuple]:
    names = columns.split()
    return {name: tuple(row[i] for row in rows) for i, name in enumerate(names)}


def _tables() -> Tables:
    thirds = (0.0, 1 / 3, 2 / 3, 1.0)
    return {
        "lorenz": _table(
            "curve share_of_items share_of_exposure",
            *(("counts", x, x**2) for x in thirds),
            *(("exposure", x, x**5) for x in thirds),
        ),
        "group_exposure": _table(
            "group merit target exposure low high",
            ("Ava", "catalogue", 0.5, 0.7, 0.6, 0.8),
            ("Brix", "catalogue", 0.3, 0.2, 0.15, 0.25),
            ("unknown", "catalogue", 0.2, None, None, None),
            ("Ava", "interactions", 0.9, 0.7, 0.6, 0.8),
            ("Brix", "interactions", 0.1, 0.2, 0.15, 0.25),
        ),
        "group_by_position": _table(
            "rank group share",
            (1, "Ava", 0.75), (1, "Brix", 0.25), (2, "Ava", 0.5), (2, "Brix", 0.5),
            (3, "Ava", None), (3, "Brix", 0.5), (5, "Ava", 0.25), (5, "Brix", 0.75),
        ),
        "popularity_exposure": _table(
            "popularity exposure group",
            (10.0, 5.0, "Ava"), (100.0, 80.0, "Brix"), (1.0, 0.0, "Ava"), (None, 3.0, "Ava"),
        ),
        "popularity_fit": _table(
            "popularity exposure low high", (100.0, 70.0, 50.0, 90.0), (1.0, 0.5, 0.3, 0.9)
        ),
        "popularity_by_rank": _table(
            "rank popularity low high",
            (2, 300.0, 250.0, 350.0), (1, 500.0, 450.0, 550.0), (3, None, None, None),
            (4, 100.0, 90.0, 110.0),
        ),
        "position_curve": _table(
            "position accuracy low high",
            (0, 0.6, 0.5, 0.7), (5, 0.4, 0.3, 0.5), (10, None, None, None), (19, 0.5, 0.4, 0.6),
        ),
        "calibration": _table(
            "part source share low high",
            *itertools.chain.from_iterable(
                (("head", s, h, h - 0.05, h + 0.05), ("mid", s, 0.3, 0.25, 0.35),
                 ("tail", s, 0.7 - h, 0.65 - h, 0.75 - h))
                for s, h in (("history", 0.4), ("recommended", 0.6), ("relevant", 0.3))
            ),
        ),
        "by_group": _table(
            "group subject share low high",
            ("Ava", "hallucinated", 0.1, 0.05, 0.15), ("Brix", "hallucinated", 0.3, 0.2, 0.4),
            ("Ava", "repeated", 0.2, 0.1, 0.3), ("unknown", "repeated", None, None, None),
        ),
    }  # fmt: skip


def _result(tables: Tables) -> AuditResult:
    return AuditResult("exposure", "run", (), (), (), {}, {}, tables=tables)


def _drawn(tables: Tables) -> dict[str, Figure]:
    return {title: figure for title, _, figure in item_figures(_result(tables))}


def _only(name: str, tables: Tables | None = None) -> Figure:
    tables = tables or _tables()
    wanted = {key: table for key, table in tables.items() if key in (name, "popularity_fit")}
    return next(iter(_drawn(wanted).values()))


def _texts(figure: Figure) -> list[str]:
    root = ElementTree.fromstring(svg_file(figure))
    return ["".join(e.itertext()).strip() for e in root.iter() if e.tag.endswith("text")]


def test_every_table_has_its_figures_in_one_order() -> None:
    titles = list(_drawn(_tables()))
    assert [title.split()[0] for title in titles] == [
        "Inequality", "Exposure", "Exposure", "Groups", "Exposure", "Popularity", "Popularity",
        "Accuracy", "Share", "Share",
    ]  # fmt: skip
    assert titles == list(_drawn(dict(reversed(_tables().items()))))


@pytest.mark.parametrize(("title", "figure"), _drawn(_tables()).items())
def test_axes_are_labelled_and_nothing_lies_outside(title: str, figure: Figure) -> None:
    [axes] = figure.axes
    named = axes.get_xlabel(), axes.get_ylabel()
    assert any(named)
    if title.startswith("Popularity of"):  # its parts name themselves
        assert [t.get_text() for t in axes.get_xticklabels()] == ["head", "mid", "tail"]
    else:
        assert named[0]
    assert all(text in _texts(figure) for text in named if text)
    (left, right), (bottom, top) = sorted(axes.get_xlim()), sorted(axes.get_ylim())
    for line in axes.lines:
        if line.get_transform() == axes.transData:
            x, y = np.array(line.get_xdata(), float), np.array(line.get_ydata(), float)
            seen = np.isfinite(x) & np.isfinite(y)
            assert ((left <= x[seen]) & (x[seen] <= right)).all()
            assert ((bottom <= y[seen]) & (y[seen] <= top)).all()
    for bar in (b for c in axes.containers if isinstance(c, BarContainer) for b in c):
        if np.isfinite([bar.get_width(), bar.get_height()]).all():
            assert bar.get_y() + bar.get_height() <= top
            assert bar.get_x() + bar.get_width() <= right


@pytest.mark.parametrize("figure", _drawn(_tables()).values())
def test_all_text_lies_within_the_figure(figure: Figure) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    width, height = figure.bbox.size
    [axes] = figure.axes
    ticks = [
        tick.label1
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        if min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
    ]
    assert ticks
    legends = [text for legend in figure.legends for text in legend.get_texts()]
    for text in [*ticks, *legends, axes.xaxis.label, axes.yaxis.label]:
        if text.get_text():
            box = text.get_window_extent(renderer)
            assert box.x0 >= -1 and box.y0 >= -1, text.get_text()
            assert box.x1 <= width + 1 and box.y1 <= height + 1, text.get_text()


def test_lorenz_curves_and_the_diagonal_differ_in_line_and_marker() -> None:
    axes = _only("lorenz").axes[0]
    counts, _, diagonal = axes.lines
    assert diagonal.get_xydata().tolist() == [[0, 0], [1, 1]]
    assert counts.get_ydata().tolist() == [0, 1 / 9, 4 / 9, 1]
    styles = {(str(line._unscaled_dash_pattern), line.get_marker()) for line in axes.lines}
    assert len(styles) == 3
    assert axes.get_xlim() == (0, 1)
    assert {"counts", "exposure", "all alike"} <= set(_texts(_only("lorenz")))


def test_each_group_has_a_dot_with_its_interval_and_a_diamond() -> None:
    figures = _drawn({"group_exposure": _tables()["group_exposure"]})
    assert [title.rsplit(": ", 1)[1] for title in figures] == ["catalogue", "interactions"]
    figure = next(iter(figures.values()))
    axes = figure.axes[0]
    [target] = [line for line in axes.lines if line.get_marker() == "D"]
    [dots] = [line for line in axes.lines if line.get_marker() == "o"]
    intervals = [line for line in axes.lines if line.get_marker() == "|"]
    assert target.get_xdata().tolist() == [0.5, 0.3, 0.2]
    assert np.isnan(dots.get_xdata()).tolist() == [False, False, True]
    assert [list(line.get_xdata()) for line in intervals] == [[0.6, 0.8], [0.15, 0.25]]
    assert {"Ava", "Brix", "unknown", "not measured", "target"} <= set(_texts(figure))
    assert axes.get_xlim()[0] == 0 < 0.8 < axes.get_xlim()[1]
    # The first group stands at the top.
    assert axes.get_ylim()[0] > axes.get_ylim()[1]


def test_many_groups_show_those_furthest_from_their_target() -> None:
    rows = [(f"group {i}", "equal", 0.01, 0.01 + i / 1e5, 0.0, 0.2) for i in range(100)]
    table = _table("group merit target exposure low high", *rows)
    [(_, note, figure)] = item_figures(_result({"group_exposure": table}))
    shown = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    assert shown == [f"group {i}" for i in range(100 - MOST_ROWS, 100)]
    assert "Of 100 groups, 30 are shown: those furthest from their target." in note


def test_the_shares_of_a_rank_stand_upon_one_another_and_gaps_stay_open() -> None:
    figure = _only("group_by_position")
    axes = figure.axes[0]
    brix, ava = axes.collections  # the larger one is the lower layer
    assert axes.get_ylim() == (0, 1)
    assert axes.get_xlim() == (0.5, 5.5)
    ends = [path.get_extents() for path in brix.get_paths()]
    # Rank 3 lacks a share and rank 4 is not there: two shapes, from 0.5 to 2.5 and 4.5 to 5.5.
    assert [(box.x0, box.x1) for box in ends] == [(0.5, 2.5), (4.5, 5.5)]
    # From the lowest to the highest stair: 0.25 and 0.5, then 0.75.
    assert [(box.y0, box.y1) for box in ends] == [(0, 0.5), (0, 0.75)]
    assert [path.get_extents().y1 for path in ava.get_paths()] == [1.0, 1.0]
    assert ava.get_hatch() != brix.get_hatch()


def test_at_most_eight_groups_stand_upon_one_another() -> None:
    rows = [(rank, f"g{i}", (i + 1) / 78) for rank in (1, 2) for i in range(12)]
    [(_, note, figure)] = item_figures(
        _result({"group_by_position": _table("rank group share", *rows)})
    )
    axes = figure.axes[0]
    assert len(axes.collections) == MOST_LAYERS + 1
    [rest] = axes.collections[-1].get_paths()
    assert rest.get_extents().y0 == pytest.approx(1 - (1 + 2 + 3 + 4) / 78)
    assert rest.get_extents().y1 == pytest.approx(1)
    texts = _texts(figure)
    assert {"g11", "g4", REST} <= set(texts) and "g3" not in texts
    assert "Of 12 groups, 8 are shown" in note
    named = {(c.get_hatch(), to_hex(c.get_facecolor()[0])) for c in axes.collections}
    assert len(named) == MOST_LAYERS + 1


def test_the_scatter_is_logarithmic_and_shows_nought_at_its_end() -> None:
    figure = _only("popularity_exposure")
    axes = figure.axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    ava, brix = (line for line in axes.lines if line.get_linestyle() == "None")
    assert ava.get_marker() != brix.get_marker()
    assert ava.get_xdata().tolist() == [10, 1]
    assert brix.get_xydata().tolist() == [[100, 80]]
    [nought] = [
        place
        for place, text in zip(axes.get_yticks(), axes.get_yticklabels(), strict=True)
        if text.get_text() == "0"
    ]
    assert ava.get_ydata().tolist() == [5, nought]
    assert nought < 0.5
    assert "0" not in [text.get_text() for text in axes.get_xticklabels()]
    [curve] = [line for line in axes.lines if line.get_color() == INK and line.get_lw() == 1.8]
    assert curve.get_xydata().tolist() == [[1, 0.5], [100, 70]]
    assert len(axes.collections) == 1
    assert "fitted, with interval" in _texts(figure)


def test_a_scatter_of_many_items_is_thinned_and_its_groups_are_few() -> None:
    rows = [(float(i + 1), 2.0 * i, f"g{i % 9}") for i in range(5000)]
    figure = _only(
        "popularity_exposure",
        {"popularity_exposure": _table("popularity exposure group", *rows)},
    )
    lines = figure.axes[0].lines
    assert len(lines) == 5
    assert MOST_POINTS / 2 < sum(len(line.get_xdata()) for line in lines) <= MOST_POINTS
    assert len({line.get_marker() for line in lines}) == 5
    assert REST in _texts(figure)


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


_number = st.one_of(
    st.none(),
    st.floats(allow_nan=True, allow_infinity=True, width=32),
    st.sampled_from([0.0, 1.0, -1.0, 1e-300, 1e30]),
)
_text = st.one_of(st.none(), st.sampled_from(["a", "b", *HOSTILE]), st.text(max_size=30))


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


def _hostile(tables: Tables) -> Tables:
    names = {"Ava": HOSTILE[0], "Brix": "_$x^ <b>\u4e2d\u6587</b> &", "counts": HOSTILE[4]}
    names |= {"hallucinated": HOSTILE[-1], "catalogue": HOSTILE[10], "history": HOSTILE[1]}
    return {
        key: {column: tuple(names.get(x, x) for x in values) for column, values in table.items()}
        for key, table in tables.items()
    }


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
