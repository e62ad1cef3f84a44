"""What all rerankers share: a recommender's rankings to candidates, and places to rankings.

A reranker asks the original for more than k items where it can (`depth`), reorders them and
keeps k. What it is given to choose from, it never leaves: no item comes from elsewhere.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from fairrec.catalogs import Catalog
from fairrec.errors import BadData, WrongUse
from fairrec.metrics.item_groups import UNKNOWN, ItemGroups, group_items
from fairrec.metrics.item_lists import END, ItemLists
from fairrec.mitigations.mitigation import Mitigation
from fairrec.mitigations.rerankers.candidates import Candidates, Reranked, candidate_lists
from fairrec.seeds import derive_seed
from fairrec.types import Outcome, Ranking, Request, content_hash, request_content

Scale = Literal["minmax", "softmax", "ranks", "none"]


@dataclass(frozen=True, eq=False)
class Batch:
    """Lists to rerank together.

    Attributes:
        candidates: m lists of candidates; item numbers are those of `groups`.
        k: Items a list may have.
        groups: The groups of all items; what is off the catalogue is "unknown".
        histories: Shape (m, h): what each user had consumed, oldest first.
        seeds: One a list, from the run's seed and the request alone.
    """

    candidates: Candidates
    k: int
    groups: ItemGroups
    histories: ItemLists
    seeds: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.candidates)


@dataclass(frozen=True, kw_only=True, eq=False)
class Reranker(Mitigation):
    """Base of the rerankers.

    Attributes:
        catalog: The items, with the column that groups them.
        column: Column of the catalogue whose values are the groups (as in the exposure audit).
        depth: Candidates to ask the original for, in the words too. None takes all of a request's
            candidates and leaves the words, for other words would change what a language model
            thinks of them; of a recommender that chooses freely it takes k, so that only the
            order changes.
        scale: How an original's scores become relevance: "minmax" to [0, 1] a list, "softmax",
            "ranks" (1 / log2(rank + 1)) or "none". Ranks are also taken of a list without scores,
            or with scores that do not fall along it.
        strict: Whether a target that the candidates cannot meet is an error; else the
            nearest list is given and its shortfall stands in the ranking's `detail`.
        seed: Run seed of methods that draw.
    """

    default_column: ClassVar[str] = ""
    """The column that a command takes when none is named; "" for the audit's own."""

    catalog: Catalog
    column: str
    depth: int | None = None
    scale: Scale = "minmax"
    strict: bool = False
    seed: int = 0

    @abstractmethod
    def rerank(self, batch: Batch, state: Any = None) -> Reranked:
        """Return the places of every list; see `Reranked`."""

    def expand(self, request: Request) -> list[Request]:
        """Return the request for `depth` items.

        Raises:
            WrongUse: `depth` is set and the instruction does not say k in exactly one place.
        """
        if self.depth is not None:
            return [_asking_for(request, self.depth)]
        return [replace(request, k=len(request.candidates or ()) or request.k)]

    def combine(
        self,
        requests: Sequence[Request],
        answers: Sequence[Sequence[Ranking]],
        state: Any = None,
    ) -> list[Ranking]:
        """Rerank the answered lists together, those of one k at a time.

        Raises:
            BadData: With `strict`, a list cannot meet its target.
        """
        found = [ranking for ranking, *_ in answers]
        by_k: dict[int, list[int]] = {}
        for place, (request, ranking) in enumerate(zip(requests, found, strict=True)):
            if ranking.outcome is Outcome.ANSWERED:
                by_k.setdefault(request.k, []).append(place)
        for k, places in by_k.items():
            batch, names = self._batch([requests[p] for p in places], [found[p] for p in places], k)
            reranked = self.rerank(batch, state)
            if self.strict:
                self._check_met(reranked)
            lists = batch.candidates.lists(reranked.places).items
            for row, place in enumerate(places):
                items = tuple(names[number] for number in lists[row] if number != END)
                short = float(reranked.shortfall[row])
                found[place] = self._reordered(found[place], items, short)
        return found

    @cached_property
    def _numbers(self) -> dict[str, int]:
        # In the order of ids, so that ties fall by id.
        return {item: number for number, item in enumerate(sorted(self.catalog.ids))}

    @cached_property
    def _labels(self) -> list[Any]:
        label = dict(zip(self.catalog.ids, self.catalog.column(self.column), strict=True))
        return [label[item] for item in sorted(self.catalog.ids)]

    @cached_property
    def _known_groups(self) -> ItemGroups:
        return group_items(self._labels)

    def _groups(self, strange: int) -> ItemGroups:
        """Return the groups of the catalogue and of so many items off it, which are "unknown"."""
        groups = self._known_groups
        if not strange:
            return groups
        names = groups.names if UNKNOWN in groups.names else (*groups.names, UNKNOWN)
        member = groups.membership
        columns = np.concatenate([member.indices, np.full(strange, len(names) - 1)])
        starts = np.concatenate([member.indptr, len(member.indices) + 1 + np.arange(strange)])
        parts = np.concatenate([member.data, np.ones(strange)])
        shape = (len(starts) - 1, len(names))
        return ItemGroups(names, csr_matrix((parts, columns, starts), shape=shape))

    def _batch(
        self, requests: list[Request], rankings: list[Ranking], k: int
    ) -> tuple[Batch, list[str]]:
        """Return the lists to rerank, and the item id of every number."""
        numbers = self._numbers
        named = {i for r in rankings for i in r.items} | {i for r in requests for i in r.history}
        strange = sorted(item for item in named if item not in numbers)
        if strange:
            numbers = numbers | {item: len(numbers) + n for n, item in enumerate(strange)}
        items = np.full((len(rankings), max(len(r.items) for r in rankings)), END)
        scores = np.zeros(items.shape)
        for row, ranking in enumerate(rankings):
            n = len(ranking.items)
            items[row, :n] = [numbers[item] for item in ranking.items]
            scores[row, :n] = _relevance(ranking, self.scale)
        histories = np.full((len(requests), max([1, *(len(r.history) for r in requests)])), END)
        for row, request in enumerate(requests):
            histories[row, : len(request.history)] = [numbers[item] for item in request.history]
        batch = Batch(
            candidates=candidate_lists(scores, items, len(numbers)),
            k=k,
            groups=self._groups(len(strange)),
            histories=ItemLists(histories, len(numbers)),
            seeds=tuple(
                derive_seed(self.seed, self.name, content_hash(request_content(request)))
                for request in requests
            ),
        )
        return batch, list(numbers)

    def _check_met(self, reranked: Reranked) -> None:
        short = np.flatnonzero(reranked.shortfall > 0)
        if len(short):
            raise BadData(
                f"{self.name}: {len(short)} of {len(reranked.shortfall)} lists cannot meet their "
                f"target; the first is short by {reranked.shortfall[short[0]]:g}.",
                expected="candidates that can meet it, under strict=True.",
                do="ask for more candidates (depth), lower the target, or set strict=False.",
            )

    def _reordered(self, ranking: Ranking, items: tuple[str, ...], shortfall: float) -> Ranking:
        """Return the ranking with these items; its scores and matches go with them."""
        kept = set(items)
        detail = ranking.detail
        if shortfall > 0:
            short = f"{self.name}: short of its target by {shortfall:g}"
            detail = f"{detail}; {short}" if detail else short
        scores = ranking.scores
        if scores is not None:
            of = dict(zip(ranking.items, scores, strict=True))
            scores = tuple(of[item] for item in items)
        return replace(
            ranking,
            items=items,
            scores=scores,
            matches=tuple(m for m in ranking.matches if m.item_id is None or m.item_id in kept),
            detail=detail,
        )


def _relevance(ranking: Ranking, scale: Scale) -> NDArray[np.float64]:
    scores = np.array(ranking.scores or ())
    # Scores that rise along a list say that another mitigation has ordered it: its order counts.
    if ranking.scores is None or scale == "ranks" or (np.diff(scores) > 0).any():
        return 1 / np.log2(np.arange(len(ranking.items)) + 2)
    if scale == "none":
        return scores
    if scale == "softmax":
        weights = np.exp(scores - scores.max())
        return weights / weights.sum()
    span = scores.max() - scores.min()
    return np.ones(len(scores)) if span == 0 else (scores - scores.min()) / span


def _asking_for(request: Request, k: int) -> Request:
    """Return the request for `k` items, in numbers and in words."""
    if k == request.k:
        return request
    words, told = re.subn(rf"\b{request.k}\b", str(k), request.instruction)
    if request.instruction and told != 1:
        raise WrongUse(
            f"the instruction says {request.k}, the number of items, {told} times.",
            expected="exactly once, to ask for more candidates in its place.",
            do="leave depth unset to reorder what is there, or word the template otherwise.",
        )
    return replace(request, k=k, instruction=words)
