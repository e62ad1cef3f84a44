"""Reads what somebody else's recommender returned: ids, titles, or an answer in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from fairrec.catalogs import Catalog, TitleMatcher
from fairrec.errors import WrongUse
from fairrec.recommenders.answers.cleaning import valid_text
from fairrec.recommenders.answers.parsing import parse_titles
from fairrec.recommenders.answers.title_ranking import rank_matches
from fairrec.types import Match, MatchKind, Outcome, Ranking


class ReturnedValues:
    """Makes rankings of returned values.

    Args:
        catalog: Whose ids or titles are returned; None takes every string for an id.
        who: What returned them, for messages.
    """

    def __init__(self, catalog: Catalog | None, who: str) -> None:
        self.catalog = catalog
        self.who = who
        self._matcher = None if catalog is None else TitleMatcher(catalog)

    @property
    def description(self) -> dict[str, Any]:
        """What decides how values are read, in plain JSON types."""
        return {
            "catalog": None if self.catalog is None else self.catalog.content_hash,
            "matcher": None if self._matcher is None else dict(self._matcher.description),
        }

    def read(self, returned: Any, k: int, scores: Sequence[float] | None = None) -> Ranking:
        """Return the ranking that a value says; see `fairrec.recommenders.as_recommender`.

        Args:
            returned: A list of ids or titles, an answer in words, a `Ranking` or None.
            k: Items that were asked for.
            scores: One per listed item, or None.

        Raises:
            WrongUse: It is something else.
        """
        if isinstance(returned, Ranking):
            return returned
        if returned is None:
            return Ranking(outcome=Outcome.EMPTY, detail=f"{self.who} returned None")
        if isinstance(returned, str):
            parsed = parse_titles(returned, k)
            items, matches = rank_matches(map(self._match, parsed.titles), k)
            return Ranking(
                items, parsed.outcome, None, matches, valid_text(returned), parsed.detail
            )
        names = self._names(returned)
        if not names:
            return Ranking(outcome=Outcome.EMPTY, detail=f"{self.who} returned no items")
        are_ids = self.catalog is None or all(item in self.catalog for item in names)
        matched = [self._id(name) if are_ids else self._match(name) for name in names]
        items, matches = rank_matches(matched, k)
        if scores is None or len(set(names)) < len(names) or len(items) < min(k, len(names)):
            return Ranking(items, matches=matches)
        return Ranking(items, scores=tuple(scores[: len(items)]), matches=matches)

    def _match(self, title: str) -> Match:
        return self._id(title) if self._matcher is None else self._matcher.match(title)

    def _id(self, item: str) -> Match:
        title = (
            item if self.catalog is None or item not in self.catalog else self.catalog.title(item)
        )
        return Match(title, MatchKind.EXACT, item)

    def _names(self, returned: Any) -> list[str]:
        is_list = hasattr(returned, "__len__") and hasattr(returned, "__iter__")
        if not is_list or isinstance(returned, bytes | Mapping | Set):
            raise self._wrong(f"{type(returned).__name__} ({returned!r:.80})")
        names = list(returned)
        for item in names:
            if not isinstance(item, str) or not item.strip():
                raise self._wrong(f"a list that holds {type(item).__name__} {item!r:.80}")
        return [str(item) for item in names]

    def _wrong(self, what: str) -> WrongUse:
        return WrongUse(
            f"{self.who} returned {what}.",
            expected="a list of item ids or titles, a string, a fairrec.Ranking or None.",
            do="return one of these; ids are strings, so str(id) turns numbers into ids.",
        )
