"""Tables that every figure of the items is drawn from."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ElementTree

from example_result import HOSTILE
from hypothesis import strategies as st
from matplotlib.figure import Figure

from fairrec.reports.item_figures import item_figures
from fairrec.reports.svg import svg_file
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


_number = st.one_of(
    st.none(),
    st.floats(allow_nan=True, allow_infinity=True, width=32),
    st.sampled_from([0.0, 1.0, -1.0, 1e-300, 1e30]),
)


_text = st.one_of(st.none(), st.sampled_from(["a", "b", *HOSTILE]), st.text(max_size=30))


def _hostile(tables: Tables) -> Tables:
    names = {"Ava": HOSTILE[0], "Brix": "_$x^ <b>\u4e2d\u6587</b> &", "counts": HOSTILE[4]}
    names |= {"hallucinated": HOSTILE[-1], "catalogue": HOSTILE[10], "history": HOSTILE[1]}
    return {
        key: {column: tuple(names.get(x, x) for x in values) for column, values in table.items()}
        for key, table in tables.items()
    }
