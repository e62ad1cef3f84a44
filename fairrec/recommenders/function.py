"""Makes a recommender of a Python function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.recommenders.answers.cleaning import valid_text
from fairrec.recommenders.answers.returned_values import ReturnedValues
from fairrec.types import Outcome, Ranking, Request

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
      `fairrec.recommenders.answers.parsing.parse_titles`);
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
        self._values = ReturnedValues(catalog, f"the function {name!r}")

    @property
    def description(self) -> Mapping[str, Any]:
        """Name and version as given, and the catalogue; the function itself is not in it."""
        return {
            "recommender": "function",
            "name": self.name,
            "version": [VERSION, self.version],
            **self._values.description,
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
        return self._values.read(returned, request.k)
