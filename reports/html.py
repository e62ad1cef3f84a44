"""A result as one self-contained HTML page: no script, nothing loaded from anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from itertools import islice
from typing import Any

from fairrec.reports import wording
from fairrec.reports.figures import attribute_figure, value_figures
from fairrec.reports.funnel import DIFFERS_BY, funnel
from fairrec.reports.glossary import metric_name, statistic_name, terms_used
from fairrec.reports.item_figures import item_figures
from fairrec.reports.layouts import first_findings, layout, unit_of
from fairrec.reports.pairs import MOST_TEXT, worst_pairs
from fairrec.reports.svg import to_svg
from fairrec.reports.untrusted import clean
from fairrec.results import AuditResult, Finding

MOST_BYTES = 1_000_000
"""A page of this size or more shows fewer pairs, then fewer figures."""

MOST_ROWS = 400
"""Rows of a table; the JSON holds all."""

MOST_FIGURES = 16
"""Figures drawn from the tables of a result."""

MOST_ENTRIES = 40
"""Entries shown of one list or mapping of the provenance; the JSON holds all."""


def render_html(result: AuditResult) -> str:
    """Return the report as a single page: no script, no request, and under 1 MB.

    All text of the result is untrusted and escaped; control and direction-override
    characters are replaced, long texts are cut (the JSON form holds them whole).
    """
    from jinja2 import DictLoader, Environment, StrictUndefined
    from markupsafe import Markup

    folder = files("fairrec.reports.templates")
    pages = {
        name: (folder / name).read_text(encoding="utf-8")
        for name in ("report.html", "findings.html", "pairs.html", "method.html")
    }
    environment = Environment(
        loader=DictLoader(pages),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": wording.number,
        "interval": wording.interval,
        "p": wording.p_words,
        "clean": clean,
        "measure": wording.measure,
        "subject": wording.subject,
        "gate": wording.gate_words,
        "metric_name": metric_name,
    }
    template = environment.get_template("report.html")
    css = Markup((folder / "style.css").read_text(encoding="utf-8"))
    plots = [(title, note, Markup(svg)) for title, note, svg in _range_plots(result)]
    panels = [(title, Markup(svg)) for title, svg in _value_plots(result)]
    figures = [
        (title, note, Markup(to_svg(figure, f"item{i}")))
        for i, (title, note, figure) in enumerate(islice(item_figures(result), MOST_FIGURES))
    ]
    page = ""
    for pairs, most in ((3, MOST_FIGURES), (1, MOST_FIGURES), (0, MOST_FIGURES), (0, 4)):
        page = template.render(
            **_words(result, pairs),
            css=css,
            plots=plots,
            panels=panels,
            figures=figures[:most],
            most_rows=MOST_ROWS,
        )
        if len(page.encode()) < MOST_BYTES:
            break
    return page


def _words(result: AuditResult, pairs: int) -> dict[str, Any]:
    """Return all that the page says in words, with this many pairs per attribute."""
    main = _main_metric(result)
    ranges = [f for f in first_findings(result) if f.metric == main]
    return {
        "result": result,
        "sentence": wording.sentence(result),
        "symbols": wording.SYMBOLS,
        "headline": wording.headline_findings(result),
        "plotted_metric": main,
        "verdicts": list(dict.fromkeys(f.verdict for f in ranges)),
        "funnel": funnel(result.validity),
        "differs_by": f"{100 * DIFFERS_BY:.0f}",
        "pairs": worst_pairs(result, pairs) if pairs else [],
        "most_text": MOST_TEXT,
        "terms": terms_used(result.findings),
        "methods": _methods(result),
        "provenance": _entries(result.provenance),
        "layout": layout(result),
        "unit": unit_of(result.findings),
        "clusters": len({row.cluster for row in result.observations}),
    }


def _main_metric(result: AuditResult) -> str:
    """Return the metric that the plots show first: a gated one, or the first declared."""
    first = first_findings(result)
    gated = [f for f in first if f.verdict is not None]
    return next((f.metric for f in gated + first), "")


def _range_plots(result: AuditResult) -> Iterator[tuple[str, str, str]]:
    """Draw the layout's first findings, a figure per metric and statistic, the main ones first."""
    main = _main_metric(result)
    kinds: dict[tuple[str, str], list[Finding]] = {}
    for finding in first_findings(result):
        metric = "" if layout(result).by_metric else finding.metric
        kinds.setdefault((metric, finding.statistic), []).append(finding)
    for i, (kind, some) in enumerate(
        sorted(kinds.items(), key=lambda k: k[0][0] not in ("", main))
    ):
        rows = sorted(some, key=lambda f: -(f.estimate.value or 0))[:MOST_ENTRIES]
        if all(f.estimate.value is None for f in rows):
            continue
        gates = {wording.gate_words(f) for f in rows} - {""}
        note = f"gate: {next(iter(gates))}" if len(gates) == 1 else ""
        title = wording.measure(rows[0]) if kind[0] else statistic_name(kind[1], result.audit)
        over = "metric" if not kind[0] else "group" if rows[0].value else "attribute"
        yield f"{title} per {over}", note, to_svg(attribute_figure(rows), f"range{i}")


def _value_plots(result: AuditResult) -> Iterator[tuple[str, str]]:
    """Draw the values' means of the main metric, one panel per attribute, on one axis."""
    main, shown = _main_metric(result), layout(result)
    means = [
        f for f in result.findings if f.statistic == shown.by_value and f.metric == main and f.value
    ]
    if all(f.estimate.value is None for f in means):
        return
    repeats = (f for f in result.findings if f.statistic == shown.floor and f.metric == main)
    repeat = next((f.estimate for f in repeats), None)
    for i, (attribute, figure) in enumerate(islice(value_figures(means, repeat), MOST_ENTRIES)):
        yield clean(attribute, 80), to_svg(figure, f"value{i}")


def _methods(result: AuditResult) -> list[str]:
    """Return how the intervals were made, as the estimates say it themselves."""
    said = (f.estimate.method for f in result.findings if f.estimate.method)
    return [clean(method, 300) for method in dict.fromkeys(said)][:MOST_ENTRIES]


def _entries(content: Any, depth: int = 0) -> Any:
    """Return provenance as nested lists of (key, entry) and cleaned text, cut to a page's size."""
    if isinstance(content, Mapping) and content and depth < 6:
        items = list(content.items())
        entries = [
            (clean(key, 80), _entries(value, depth + 1)) for key, value in items[:MOST_ENTRIES]
        ]
        if len(items) > MOST_ENTRIES:
            entries.append(("…", f"and {len(items) - MOST_ENTRIES} more, see result.json"))
        return entries
    if isinstance(content, Sequence) and not isinstance(content, str):
        said = ", ".join(clean(part, 80) for part in content[:MOST_ENTRIES])
        more = len(content) - MOST_ENTRIES
        return said + (f" and {more} more, see result.json" if more > 0 else "") or "none"
    if content is None or content == "" or content == {}:
        return "none"
    return clean(content, 400)
