"""Makes a recommender of a Python function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

from fairrec.catalogs import Catalog, TitleMatcher
from fairrec.errors import WrongUse
from fairrec.recommenders.answer_cleaning import valid_text
from fairrec.recommenders.answer_parsing import parse_titles
from fairrec.recommenders.title_ranking import rank_matches
from fairrec.types import Match, MatchKind, Outcome, Ranking, Request

VERSION = 1
"""Raised when the same return value would be read differently."""


def as_recommender(
    function: Callable[[Request], Any],
    *,
    name: str,
    version: str = "1",
    catalog: Catalog | None = None,
) -> FunctionRecommender:
    """Make a recommender of a function that answers one request.

    The function may return

    - a list, tuple or array of strings, best first: item ids when every one of them is an id
      of the catalogue or there is no catalogue, else titles, matched to the catalogue;
    - a string: an answer in words, from which titles are read (see
      `fairrec.recommenders.answer_parsing.parse_titles`);
    - a `Ranking`, taken as it is;
    - None or nothing in the list: no answer (EMPTY).

    An exception in the function is the outcome ERROR of that request alone.

    Args:
        function: Called with one `Request` at a time.
        name: What to call the recommender in results.
        version: Change it whenever the function answers differently. Recorded answers are
            reused for the same name and version: what a function does cannot be read off it.
        catalog: Whose ids or titles the function returns.

    Raises:
        WrongUse: The name is blank. From `recommend`: the function returned something else.
    """
    if not name.strip():
        raise WrongUse(
            "a recommender was given a blank name.",
            expected="a name: recorded answers are found by it.",
            do='name it, such as as_recommender(f, name="my recommender").',
        )
    return FunctionRecommender(function, name, version, catalog)


class FunctionRecommender:
    """What `as_recommender` makes of a function."""

    def __init__(
        self,
        function: Callable[[Request], Any],
        name: str,
        version: str,
        catalog: Catalog | None,
    ) -> None:
        self.function = function
        self.name = name
        self.version = version
        self.catalog = catalog
        self._matcher = None if catalog is None else TitleMatcher(catalog)

    @property
    def description(self) -> Mapping[str, Any]:
        """Name and version as given, and the catalogue; the function itself is not in it."""
        return {
            "recommender": "function",
            "name": self.name,
            "version": [VERSION, self.version],
            "catalog": None if self.catalog is None else self.catalog.content_hash,
            "matcher": None if self._matcher is None else dict(self._matcher.description),
        }

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        """Call the function once per request and read what it returns."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Request) -> Ranking:
        try:
            returned = self.function(request)
        except Exception as error:
            detail = valid_text(f"{type(error).__name__}: {error}", 500)
            return Ranking(outcome=Outcome.ERROR, detail=detail)
        if isinstance(returned, Ranking):
            return returned
        if returned is None:
            return Ranking(outcome=Outcome.EMPTY, detail="the function returned None")
        if isinstance(returned, str):
            parsed = parse_titles(returned, request.k)
            items, matches = rank_matches(map(self._match, parsed.titles), request.k)
            return Ranking(
                items, parsed.outcome, None, matches, valid_text(returned), parsed.detail
            )
        names = self._names(returned)
        if not names:
            return Ranking(outcome=Outcome.EMPTY, detail="the function returned no items")
        are_ids = self.catalog is None or all(item in self.catalog for item in names)
        matched = map(self._id if are_ids else self._match, names)
        items, matches = rank_matches(matched, request.k)
        return Ranking(items, matches=matches)

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
            f"the function {self.name!r} returned {what}.",
            expected="a list of item ids or titles, a string, a fairrec.Ranking or None.",
            do="return one of these; ids are strings, so str(id) turns numbers into ids.",
        )
