"""From scores to rankings: whatever scores items recommends the best of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.protocols import EmbedsUsers, ScoresItems
from fairrec.types import Outcome, Ranking, Request


def recommend_by_score(
    recommender: ScoresItems,
    catalog: Catalog,
    requests: Sequence[Request],
    *,
    seen: bool = False,
) -> list[Ranking]:
    """Score each request's candidates and return the best k, ties in the order of the candidates.

    Requests with the same candidates are scored in one call. A recommender that embeds users has
    their vectors in the rankings. A request with a score that is not finite, which is how a
    recommender says that it could not tell, is UNPARSABLE: its list would not be comparable.

    Args:
        recommender: What scores.
        catalog: The candidates of a request that names none.
        requests: What is asked.
        seen: Whether such a request may be answered with items of its history.

    Raises:
        WrongUse: A request asks for more items than it has candidates, names one twice, or names
            one that is not in the catalogue.
    """
    rankings: dict[int, Ranking] = {}
    pools: dict[tuple[str, ...], list[int]] = {}
    for i, request in enumerate(requests):
        pools.setdefault(candidates_of(request, catalog, seen=seen), []).append(i)
    for pool, places in pools.items():
        asked = [requests[i] for i in places]
        vectors: Sequence[NDArray[np.float64] | None] = [None] * len(asked)
        if isinstance(recommender, EmbedsUsers):
            vectors = list(recommender.embed_users(asked))
        scores = recommender.score(asked, pool)
        for i, row, vector in zip(places, scores, vectors, strict=True):
            rankings[i] = best(pool, row, requests[i].k)
            if vector is not None:
                rankings[i] = replace(rankings[i], embedding=tuple(vector.tolist()))
    return [rankings[i] for i in range(len(requests))]


def candidates_of(request: Request, catalog: Catalog, *, seen: bool = False) -> tuple[str, ...]:
    """Return a request's candidates, or all items (without its history unless `seen`).

    Raises:
        WrongUse: They are fewer than k, one is there twice, or one is not in the catalogue.
    """
    pool = request.candidates
    if pool is None:
        known = frozenset() if seen else frozenset(request.history)
        pool = tuple(item for item in catalog.ids if item not in known) if known else catalog.ids
    else:
        for item in pool:
            catalog.index(item)
    if request.k > len(pool):
        raise WrongUse(
            f"k is {request.k}, but there are {len(pool)} candidates.",
            expected="k of at most the number of candidates.",
            do="ask for fewer items or widen the pool.",
        )
    if len(set(pool)) < len(pool):
        raise WrongUse(
            f"{len(pool) - len(set(pool))} of the {len(pool)} candidates are repeats.",
            expected="each candidate once.",
            do="remove the repeats.",
        )
    return pool


def best(pool: Sequence[str], scores: NDArray[np.float64], k: int) -> Ranking:
    """Return the k items of the highest scores, ties in their order; see `recommend_by_score`."""
    if not np.isfinite(scores).all():
        unknown = int((~np.isfinite(scores)).sum())
        detail = f"{unknown} of {len(pool)} candidates could not be scored"
        return Ranking(outcome=Outcome.UNPARSABLE, detail=detail)
    order: list[int] = np.argsort(-scores, kind="stable")[:k].tolist()
    return Ranking(tuple(pool[i] for i in order), scores=tuple(scores[order].tolist()))
