"""Figures as SVG text for a page: no pixels, no clock, the page's own colours and fonts."""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, SOFT, GRID, BAND = "#1d2733", "#5b6775", "#d9dee4", "#e6ecf3"
PASS, FAIL, UNDECIDED, PAPER = "#00734f", "#b83a00", "#8a6100", "#fffffe"
SERIES = ("#1f5fa9", "#b4560f", "#75428f", "#20736d")
"""Colours of series: none is a verdict's."""

_VARIABLES = {
    INK: "--ink",
    SOFT: "--soft",
    GRID: "--grid",
    BAND: "--band",
    PASS: "--pass",
    FAIL: "--fail",
    UNDECIDED: "--undecided",
    PAPER: "--paper",
    **{colour: f"--series-{i}" for i, colour in enumerate(SERIES, 1)},
}

SETTINGS: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 9,
    # Text stays text: a third of the size, any script, and the page's own font.
    "svg.fonttype": "none",
    "svg.hashsalt": "fairrec",
    # Labels are untrusted: a "$" in them is a dollar sign.
    "text.parse_math": False,
    "hatch.linewidth": 0.9,
}


def to_svg(figure: Figure, name: str) -> str:
    """Return a figure as an ``<svg>`` element that follows the page into dark mode.

    The colours above become CSS variables with the colour as fallback. `name` keeps the
    element's ids apart from those of other figures on a page.
    """
    svg = _saved(figure, transparent=True)
    svg = svg[svg.index("<svg") :]
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', svg))
    svg = re.sub(r' id="([^"]*)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", svg)
    svg = re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", svg)
    # A variable works in a style only; the grounds of hatches are attributes.
    svg = re.sub(r' fill="(#[0-9a-f]{6})"', r' style="fill: \1"', svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(f" {colour}", f" var({variable}, {colour})")
    return re.sub(r"\n\s*", "\n", svg)


def svg_file(figure: Figure) -> str:
    """Return a figure as an SVG file for a paper or slides: light, and without variables."""
    return _saved(figure, facecolor="white")


def _saved(figure: Figure, **settings: Any) -> str:
    import matplotlib

    buffer = io.StringIO()
    with warnings.catch_warnings(), matplotlib.rc_context(SETTINGS):
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
        figure.savefig(buffer, format="svg", metadata=nothing, **settings)
    return re.sub(r"<metadata>.*?</metadata>", "", buffer.getvalue(), count=1, flags=re.DOTALL)
