"""Where a list of titles stands in a request's words, and other titles in its place.

Words come ready made: as one line with semicolons, one title a line, numbered or lettered. What
stands between the titles and before them is left as it is, so every way of listing is kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from fairrec.catalogs import Catalog
from fairrec.errors import BadData, WrongUse
from fairrec.types import Request

_LONGEST_GAP = 12
"""Most characters between two titles of a list: a separator and a number or letter."""


class Span(NamedTuple):
    """Where one title stands: from `start` up to `end`."""

    start: int
    end: int


def titles_of(items: Sequence[str], catalog: Catalog | None) -> list[str]:
    """Return the titles of items; an item without one stands for itself, as in the audits."""
    return [catalog.title(i) if catalog is not None and i in catalog else i for i in items]


def find_titles(text: str, titles: Sequence[str]) -> list[list[Span]]:
    """Return every place where all the titles stand one after another in this order.

    Between neighbours stands one and the same separator, of at most 12 characters, in which only
    numbers and single letters change ("; ", a line end, "], [", line end and "2. ").

    >>> find_titles("I saw Up. Candidates: 1. Up 2. Heat", ["Up", "Heat"])
    [[Span(start=25, end=27), Span(start=31, end=35)]]
    """
    if not titles:
        return []
    whole = [re.compile(rf"(?<!\w){re.escape(t)}(?!\w)") for t in titles]
    starts = (Span(*match.span()) for match in whole[0].finditer(text))
    found = []
    for first in starts:
        if len(titles) == 1:
            found.append([first])
            continue
        for length in range(1, _LONGEST_GAP + 1):
            gap = _as_pattern(text[first.end : first.end + length])
            spans = _follow(text, first, gap, whole[1:])
            if spans:
                found.append(spans)
                break
    return found


def reordered(request: Request, order: Sequence[str], catalog: Catalog | None) -> Request:
    """Return the request with its candidates in another order, in its words too.

    Args:
        request: With candidates; without an instruction only these are reordered.
        order: The same candidates.
        catalog: For the titles in the words; None if ids stand there.

    Raises:
        WrongUse: The words do not show the candidates exactly once, in their order.
    """
    order = tuple(order)
    assert request.candidates is not None
    if order == request.candidates or not request.instruction:
        return replace(request, candidates=order)
    shown = titles_of(request.candidates, catalog)
    found = find_titles(request.instruction, shown)
    if len(found) != 1:
        raise WrongUse(
            f"the instruction shows the {len(shown)} candidates, {shown[0]!r} first, in "
            f"{len(found)} places.",
            expected="all their titles one after another, in the order of request.candidates, "
            "once.",
            do="give the catalogue that the titles come from, and a template with {candidates}; "
            "where the order is not shown, it needs no mitigation.",
        )
    words = with_titles(request.instruction, found[0], titles_of(order, catalog))
    return replace(request, candidates=order, instruction=words)


def with_titles(text: str, spans: Sequence[Span], titles: Sequence[str]) -> str:
    """Return the text with each span replaced by the title of the same number."""
    parts, end = [], 0
    for span, title in zip(spans, titles, strict=True):
        parts += [text[end : span.start], title]
        end = span.end
    return "".join([*parts, text[end:]])


def check_distinct(request: Request) -> tuple[str, ...]:
    """Return the candidates in the order of their ids.

    Raises:
        BadData: One is there twice.
    """
    ordered = tuple(sorted(request.candidates or ()))
    twice = [a for a, b in pairwise(ordered) if a == b]
    if twice:
        raise BadData(
            f"a request has the candidate {twice[0]!r} twice.",
            expected="every candidate once.",
            do="remove the repeats.",
        )
    return ordered


def _as_pattern(gap: str) -> re.Pattern[str]:
    """Return what matches a gap with any other number or single letter in it."""
    pieces = re.split(r"(\d+|(?<![^\W\d_])[^\W\d_](?![^\W\d_]))", gap)
    return re.compile(
        "".join(
            re.escape(piece) if number % 2 == 0 else r"(?:\d+|[^\W\d_])"
            for number, piece in enumerate(pieces)
        )
    )


def _follow(
    text: str, first: Span, gap: re.Pattern[str], titles: Sequence[re.Pattern[str]]
) -> list[Span] | None:
    spans = [first]
    for title in titles:
        between = gap.match(text, spans[-1].end)
        match = title.match(text, between.end()) if between else None
        if match is None:
            return None
        spans.append(Span(*match.span()))
    return spans
