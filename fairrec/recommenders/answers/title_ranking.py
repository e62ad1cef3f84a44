"""Turns titles in an answer's order into ranked catalogue items."""

from __future__ import annotations

from collections.abc import Iterable

from fairrec.catalogs.matching import TitleMatcher, without_description
from fairrec.catalogs.titles import normalise_title
from fairrec.types import Match, off_catalogue_id


def rank_matches(matches: Iterable[Match], k: int) -> tuple[tuple[str, ...], tuple[Match, ...]]:
    """Return the first `k` different items and the matches they were read from.

    Text that matches no item, or several, keeps its place under its `off_catalogue_id`. An
    item's later mentions leave the items but stay among the matches.
    """
    items: dict[str, None] = {}
    read: list[Match] = []
    for match in matches:
        read.append(match)
        items.setdefault(match.item_id or _stand_in(match.text))
        if len(items) == k:
            break
    return tuple(items), tuple(read)


def rank_titles(
    titles: Iterable[str], matcher: TitleMatcher, k: int
) -> tuple[tuple[str, ...], tuple[Match, ...]]:
    """Match titles to the catalogue and rank them; see `rank_matches`."""
    return rank_matches(map(matcher.match, titles), k)


def _stand_in(text: str) -> str:
    return off_catalogue_id(normalise_title(without_description(text)))
