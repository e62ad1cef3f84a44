"""TFROM: exposure that providers deserve, losses that users share; all lists at once.

Wu, Cao, Xu and Tan, "TFROM: A Two-sided Fairness-Aware Recommendation Model for Both Customers
and Providers", SIGIR 2021. Providers are the groups of items.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.item_lists import END
from fairrec.mitigations.rerankers.candidates import Candidates, Places, Reranked
from fairrec.mitigations.rerankers.compiled import Compiled
from fairrec.mitigations.rerankers.reranker import Batch, Reranker

Fairness = Literal["uniform", "quality"]


def tfrom_offline(
    candidates: Candidates,
    groups: ItemGroups,
    *,
    k: int,
    fairness: Fairness = "uniform",
    balanced: bool = True,
) -> Reranked:
    """Return lists that share exposure fairly among providers, and losses among users.

    The place at rank r is worth an exposure of ``1 / log2(r + 1)``. Of the exposure E of all
    places a provider deserves ``E · q_g / Σ q``, where q_g counts its candidates over all lists
    ("uniform": on a dense matrix, its part of the items) or adds up their scores ("quality").

    Rank by rank, each list takes its best candidate whose provider still has room for the exposure
    of that rank. Those with the lowest NDCG so far choose first. Places that nobody has room for
    are then filled by rank: from the provider with most room left, by its best candidate.

    Ours differs from the published code in two points. It lets those with the *highest* NDCG
    choose first (at random at rank 1); measured, losses then mostly differ more than with no order
    at all. And it fills what is left from the provider with the least exposure, whatever that
    provider deserves.

    Args:
        candidates: m lists; scores are at least 0.
        groups: One provider an item. "unknown" is a provider as all others.
        k: Places of a list, at least 1.
        fairness: What a provider's exposure is to be proportional to.
        balanced: Whether the worst served choose first; else always in the order of the lists.

    Returns:
        Places, and the shortfall: the exposure at a list's places that went to providers more than
        the exposure of one first place beyond what they deserve (nearer than that whole places
        cannot always come).

    Raises:
        BadData: A score is below 0, or an item has several providers.
    """
    codes = providers_of(candidates, groups)
    discounts = 1 / np.log2(np.arange(k) + 2)
    places = np.minimum(candidates.lengths, k)
    total = float((np.bincount(places, minlength=k + 1)[1:] * discounts.cumsum()).sum())
    merits = _merits(candidates, codes, len(groups), fairness)
    fair = total * merits / max(merits.sum(), 1e-300)
    return Reranked(*_offline(codes, candidates.scores, places, fair, discounts, balanced))


def providers_of(candidates: Candidates, groups: ItemGroups) -> NDArray[np.int64]:
    """Return the provider of every candidate, (m, c); raise BadData for scores below 0."""
    if (candidates.scores[candidates.listed] < 0).any():
        raise BadData(
            "a candidate's score is below 0.",
            expected="gains of at least 0: NDCG is made of them.",
            do='scale scores, such as by scale="minmax".',
        )
    return candidates.group_codes(groups)


def _merits(
    candidates: Candidates, codes: NDArray[np.int64], n_groups: int, fairness: Fairness
) -> NDArray[np.float64]:
    """Return what providers deserve, in parts of any size; shape (G,)."""
    listed = candidates.listed
    counts = np.bincount(codes[listed], minlength=n_groups).astype(np.float64)
    if fairness == "uniform":
        return counts
    scores = candidates.scores[listed]
    quality = np.bincount(codes[listed], scores, n_groups).astype(np.float64)
    return quality if quality.sum() > 0 else counts


@Compiled
def _offline(
    codes: NDArray[np.int64],
    scores: NDArray[np.float64],
    sizes: NDArray[np.int64],
    fair: NDArray[np.float64],
    discounts: NDArray[np.float64],
    balanced: bool,
) -> tuple[Places, NDArray[np.float64]]:
    """Return places and the exposure beyond what is fair.

    Args:
        codes: Shape (m, c): providers of the candidates.
        scores: Shape (m, c), falling along a row.
        sizes: Places of each list, at most its candidates.
        fair: Shape (G,): exposure that providers deserve.
        discounts: Shape (k,): exposure of each rank.
        balanced: Whether those with the lowest NDCG choose first.
    """
    m = len(codes)
    k = len(discounts)
    room = fair.copy()
    places = np.full((m, k), END)
    taken = np.zeros(codes.shape, dtype=np.bool_)
    ideal = np.zeros(m)
    for u in range(m):
        for r in range(sizes[u]):
            ideal[u] += scores[u, r] * discounts[r]
    served = np.zeros(m)
    order = np.arange(m)
    for r in range(k):
        if balanced:
            # Stable, and equal but for their last bits is equal: such ones as they stand.
            order = np.argsort(np.round(served, 12), kind="mergesort")
        for u in order:
            if r >= sizes[u]:
                continue
            for j in range(codes.shape[1]):
                if codes[u, j] == END:
                    break
                if not taken[u, j] and room[codes[u, j]] + 1e-12 >= discounts[r]:
                    places[u, r] = j
                    taken[u, j] = True
                    room[codes[u, j]] -= discounts[r]
                    if ideal[u] > 0:
                        served[u] += scores[u, j] * discounts[r] / ideal[u]
                    break
    beyond = np.zeros(m)
    for r in range(k):
        for u in range(m):
            if r >= sizes[u] or places[u, r] != END:
                continue
            most, best = -np.inf, END
            for j in range(codes.shape[1]):
                if codes[u, j] == END:
                    break
                # Equal room may differ in its last bits; then the better candidate goes first.
                if not taken[u, j] and room[codes[u, j]] > most + 1e-12:
                    most, best = room[codes[u, j]], j
            places[u, r] = best
            taken[u, best] = True
            room[codes[u, best]] -= discounts[r]
            beyond[u] += min(max(-1.0 - room[codes[u, best]], 0.0), discounts[r])
    return places, beyond


@dataclass(frozen=True, kw_only=True, eq=False)
class TFROM(Reranker):
    """Fair exposure for providers and losses shared by users, over all lists at once.

    See `tfrom_offline`.

    Attributes:
        fairness: "uniform" by providers' numbers of candidates, "quality" by their scores.
        balanced: Whether the worst served users choose first.
    """

    name: ClassVar[str] = "tfrom"

    fairness: Fairness = "uniform"
    balanced: bool = True

    def __post_init__(self) -> None:
        if self.fairness not in ("uniform", "quality"):
            raise WrongUse(f"fairness is {self.fairness!r}.", expected='"uniform" or "quality".')

    def rerank(self, batch: Batch, state: Any = None) -> Reranked:
        return tfrom_offline(
            batch.candidates,
            batch.groups,
            k=batch.k,
            fairness=self.fairness,
            balanced=self.balanced,
        )
