"""Order bootstrap: the same candidates in several orders, and the answers merged.

A model that reads a list of candidates favours some places in it. Asked again and again with the
candidates in random orders, it favours other items each time; what is left after merging is what
it thinks of the items. Hou, Zhang, Lin, Lu, Xie, McAuley and Zhao, "Large Language Models are
Zero-Shot Rankers for Recommender Systems", ECIR 2024 (LLMRank), section 4: bootstrapping.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.mitigations.mitigation import Mitigation
from fairrec.mitigations.rank_aggregation import mean_ranks
from fairrec.prompts.shown_titles import check_distinct, reordered
from fairrec.seeds import generator
from fairrec.types import Outcome, Ranking, Request, Usage

Design = Literal["random", "balanced"]
Order = tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class OrderBootstrap(Mitigation):
    """Asks for the candidates in several different orders and merges the answers by mean rank.

    The orders depend on the candidates' ids and the seed alone. So, unless the given order is
    among them, the answer does not depend at all on the order in which the request has its
    candidates, and users who differ in an attribute alone see the same orders. Each costs one
    call. What is left of the bias is that of the orders that were drawn: an audit of position
    bias cannot see it, another seed shows it, and more orders make it smaller.

    An item's rank in an answer that leaves it out is the mean of the ranks that the left-out
    candidates share. Items of equal mean rank stand in the order of their ids. What is no
    candidate stays in the list at its mean rank. Answers that are not ANSWERED are left out of
    the mean, and said in the ranking's detail; where none is ANSWERED, the first is the answer.
    A request without candidates, or with a single one, is asked as it is.

    Attributes:
        catalog: The items, for the titles in the words; None where the words show ids.
        orders: Different orders to ask in; of few candidates all there are, where fewer.
        design: "random" draws the orders, as LLMRank does. "balanced" draws one and moves it on
            in equal steps, so that each candidate stands early as often as late: in as many
            orders as candidates, at every place exactly once. Neighbours then stay neighbours.
        keep_given: Whether the order of the request is one of the orders. The answer then
            depends on it.
        seed: Run seed of the draws.

    Raises:
        WrongUse: Fewer than 1 order or an unknown design. From `expand`: the words do not show
            the candidates (see `fairrec.prompts.shown_titles`).
    """

    name: ClassVar[str] = "order_bootstrap"
    strength: ClassVar[str] = "orders"

    catalog: Catalog | None = None
    orders: int = 3
    design: Design = "random"
    keep_given: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.orders < 1:
            raise WrongUse(f"order_bootstrap has {self.orders} orders.", expected="at least 1.")
        if self.design not in ("random", "balanced"):
            raise WrongUse(
                f"the design {self.design!r} is unknown.", expected="'random' or 'balanced'."
            )

    def expand(self, request: Request) -> list[Request]:
        """Return the request with its candidates in each order."""
        items = check_distinct(request)
        if len(items) < 2:
            return [request]
        given = request.candidates if self.keep_given else None
        orders = different_orders(items, self.orders, self.seed, design=self.design, first=given)
        return [reordered(request, order, self.catalog) for order in orders]

    def combine(
        self,
        requests: Sequence[Request],
        answers: Sequence[Sequence[Ranking]],
        state: Any = None,
    ) -> list[Ranking]:
        """Return the merged ranking of each request."""
        return [
            merged(request, rankings, self.name)
            for request, rankings in zip(requests, answers, strict=True)
        ]


def different_orders(
    items: Sequence[str],
    n: int,
    seed: int,
    *,
    design: Design = "random",
    first: Order | None = None,
) -> list[Order]:
    """Return n different orders of the items, or all there are where they are fewer.

    Args:
        items: At least one, none twice; in whatever order, the same orders come out.
        n: How many orders.
        seed: Run seed.
        design: See `OrderBootstrap`. "balanced" moves one draw on to as many orders as there are
            items; of more, the next draw follows.
        first: An order that is to be the first; "balanced" moves it on too.

    >>> different_orders(["a", "b"], 9, 0)
    [('a', 'b'), ('b', 'a')]
    """
    items = sorted(items)
    found: dict[Order, None] = {} if first is None else {first: None}
    if len(items) < 20 and math.factorial(len(items)) <= n:
        return list(found | dict.fromkeys(itertools.permutations(items)))
    rng = generator(seed, OrderBootstrap.name, *items)
    drawn = first if design == "balanced" else None
    while len(found) < n:
        drawn = drawn or tuple(items[place] for place in rng.permutation(len(items)))
        turns = min(n, len(items)) if design == "balanced" else 1
        for turn in range(turns):
            step = turn * len(items) // turns
            found.setdefault(drawn[step:] + drawn[:step])
        drawn = None
    return list(found)[:n]


def merged(request: Request, rankings: Sequence[Ranking], name: str) -> Ranking:
    """Return the answered rankings as one, by mean rank; see `OrderBootstrap`."""
    answered = [ranking for ranking in rankings if ranking.outcome is Outcome.ANSWERED]
    if len(rankings) == 1 or not answered:
        return rankings[0]
    means = mean_ranks([ranking.items for ranking in answered], request.candidates or ())
    items = tuple(sorted(means, key=lambda item: (means[item], item)))
    named = {item for ranking in answered for item in ranking.items}
    items = tuple(item for item in items if item in named)[: request.k]
    detail = ""
    if len(answered) < len(rankings):
        detail = f"{name}: {len(answered)} of {len(rankings)} orders were answered"
    return replace(
        answered[0],
        items=items,
        scores=None,
        matches=tuple(
            match
            for match in dict.fromkeys(m for r in answered for m in r.matches)
            if match.item_id is None or match.item_id in items
        ),
        text="",
        detail=detail,
        usage=_total([ranking.usage for ranking in rankings]),
        embedding=None,
    )


def _total(usages: Sequence[Usage | None]) -> Usage | None:
    known = [usage for usage in usages if usage is not None]
    if not known:
        return None
    return Usage(sum(u.prompt_tokens for u in known), sum(u.completion_tokens for u in known))
