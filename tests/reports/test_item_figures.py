"""Figures of items: what the tables hold is what is drawn, told apart without its colours."""

from __future__ import annotations

import numpy as np
import pytest
from item_tables import (
    _drawn,
    _only,
    _result,
    _table,
    _tables,
    _texts,
)
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer
from matplotlib.figure import Figure

from fairrec.reports.item_figures import MOST_LAYERS, MOST_POINTS, MOST_ROWS, REST, item_figures
from fairrec.reports.svg import INK


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
