"""Titles as MovieLens writes them, made into titles as people say them."""

from __future__ import annotations

import re

from fairrec.catalogs.titles import split_year

_MOVED_ARTICLE = re.compile(
    r"(.+\S)\s*, (the|a|an|le|la|les|l['’]|el|los|las|il|lo|gli|der|die|das)", re.I | re.S
)
_OTHER_TITLE = re.compile(r"(.*\S)\s*\(([^()]+)\)", re.S)


def film_title(text: str) -> tuple[str, str | None, int | None]:
    """Return a film's title, its other titles and its year; None where not stated.

    >>> film_title("City of Lost Children, The (Cité des enfants perdus, La) (1995)")
    ('The City of Lost Children', 'La Cité des enfants perdus', 1995)
    """
    title, year = split_year(" ".join(text.split()))
    others: list[str] = []
    while found := _OTHER_TITLE.fullmatch(title):
        title = found[1]
        others.insert(0, _with_article(found[2].removeprefix("a.k.a. ")))
    return _with_article(title), "; ".join(others) or None, year


def _with_article(title: str) -> str:
    """Put a moved article back: "Matrix, The" is The Matrix, "Avventura, L'" is L'Avventura."""
    moved = _MOVED_ARTICLE.fullmatch(title)
    if not moved:
        return title
    gap = "" if moved[2][-1] in "'’" else " "
    return f"{moved[2]}{gap}{moved[1]}"
