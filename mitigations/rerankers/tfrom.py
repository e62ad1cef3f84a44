"""TFROM: exposure that providers deserve, losses that users share.

Wu, Cao, Xu and Tan, "TFROM: A Two-sided Fairness-Aware Recommendation Model for Both Customers
and Providers", SIGIR 2021. Providers are the groups of items.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
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


@dataclass
class ProviderExposure:
    """What the online method remembers of the lists so far: sums, so that memories can be merged.

    Attributes:
        exposure: Exposure that each provider has had, by name.
        merit: What fair exposure is proportional to, by name.
        total: Exposure that all places so far have had.
        lists: Lists so far.
        loss: What they have lost in all: 1 - NDCG of each, added up.
    """

    exposure: dict[str, float] = field(default_factory=dict)
    merit: dict[str, float] = field(default_factory=dict)
    total: float = 0.0
    lists: int = 0
    loss: float = 0.0

    def merge(self, other: ProviderExposure) -> None:
        """Add what another one remembers, of other lists."""
        for mine, others in ((self.exposure, other.exposure), (self.merit, other.merit)):
            for name, value in others.items():
                mine[name] = mine.get(name, 0.0) + value
        self.total += other.total
        self.lists += other.lists
        self.loss += other.loss

    def to_json(self) -> str:
        """Return the memory as JSON."""
        return json.dumps(vars(self), sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> ProviderExposure:
        """Return what `to_json` wrote."""
        return cls(**json.loads(text))


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

    Where the text leaves room, and where ours differs: published code lets those with the
    *highest* NDCG choose first, at random at rank 1, which spreads losses; ours the lowest, equal
    ones in the order of the lists. It fills what is left from the provider with the least exposure,
    whatever that provider deserves.

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
    codes = _codes(candidates, groups)
    discounts = 1 / np.log2(np.arange(k) + 2)
    places = np.minimum(candidates.lengths, k)
    total = float((np.bincount(places, minlength=k + 1)[1:] * discounts.cumsum()).sum())
    merits = _merits(candidates, codes, len(groups), fairness)
    return Reranked(
        *_offline(
            codes, candidates.scores, places, total * merits / merits.sum(), discounts, balanced
        )
    )


def tfrom_online(
    candidates: Candidates,
    groups: ItemGroups,
    *,
    k: int,
    fairness: Fairness = "uniform",
    balanced: bool = True,
    state: ProviderExposure | None = None,
) -> Reranked:
    """Return lists one after another, each knowing those before it only.

    Fair exposure is a provider's part of the exposure of all lists so far, this one included. As in
    `tfrom_offline` each rank takes the best candidate whose provider has room. Places that are left
    go to the list's best candidates if it has lost more NDCG than lists before it on average, else
    to providers with most room: so losses stay close to each other, which the paper asks of the
    offline version only. With ``balanced=False`` they always go to the best candidates, as in
    the published code.

    Args:
        candidates: m lists, in the order in which they come.
        groups: One provider an item.
        k: Places of a list, at least 1.
        fairness: As in `tfrom_offline`, over the lists so far.
        balanced: Whether losses so far count.
        state: What is remembered of earlier lists; brought up to date.

    Returns:
        Places, and the shortfall, as in `tfrom_offline`.

    Raises:
        BadData: A score is below 0, or an item has several providers.
    """
    memory = state if state is not None else ProviderExposure()
    exposure = np.array([memory.exposure.get(name, 0.0) for name in groups.names])
    merits = np.array([memory.merit.get(name, 0.0) for name in groups.names])
    sums = np.array([memory.total, memory.lists, memory.loss])
    places, beyond = _online(
        _codes(candidates, groups),
        candidates.scores,
        np.minimum(candidates.lengths, k),
        exposure,
        merits,
        sums,
        1 / np.log2(np.arange(k) + 2),
        fairness == "quality",
        balanced,
    )
    memory.exposure.update(zip(groups.names, exposure.tolist(), strict=True))
    memory.merit.update(zip(groups.names, merits.tolist(), strict=True))
    memory.total, memory.lists, memory.loss = float(sums[0]), int(sums[1]), float(sums[2])
    return Reranked(places, beyond)


def _codes(candidates: Candidates, groups: ItemGroups) -> NDArray[np.int64]:
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
    quality = np.bincount(codes[listed], weights=candidates.scores[listed], minlength=n_groups)
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
            order = np.argsort(served, kind="mergesort")  # stable: equal ones as they stand
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
                if not taken[u, j] and room[codes[u, j]] > most:
                    most, best = room[codes[u, j]], j
            places[u, r] = best
            taken[u, best] = True
            room[codes[u, best]] -= discounts[r]
            beyond[u] += min(max(-1.0 - room[codes[u, best]], 0.0), discounts[r])
    return places, beyond


@Compiled
def _online(
    codes: NDArray[np.int64],
    scores: NDArray[np.float64],
    sizes: NDArray[np.int64],
    exposure: NDArray[np.float64],
    merits: NDArray[np.float64],
    sums: NDArray[np.float64],
    discounts: NDArray[np.float64],
    by_quality: bool,
    balanced: bool,
) -> tuple[Places, NDArray[np.float64]]:
    """Return places and the exposure beyond what is fair, list by list.

    Args:
        exposure: Shape (G,), `merits`, and `sums` (exposure of all places, lists, losses): of the
            lists so far; changed in place. All else as in `_offline`.
    """
    m = len(codes)
    k = len(discounts)
    places = np.full((m, k), END)
    beyond = np.zeros(m)
    for u in range(m):
        length = 0
        while length < codes.shape[1] and codes[u, length] != END:
            merits[codes[u, length]] += scores[u, length] if by_quality else 1.0
            length += 1
        ideal = 0.0
        for r in range(sizes[u]):
            sums[0] += discounts[r]
            ideal += scores[u, r] * discounts[r]
        deserved = merits.sum()
        room = -exposure
        if deserved > 0:
            room += sums[0] * merits / deserved
        taken = np.zeros(length, dtype=np.bool_)
        served = 0.0
        for r in range(sizes[u]):
            for j in range(length):
                if not taken[j] and room[codes[u, j]] + 1e-12 >= discounts[r]:
                    places[u, r] = j
                    taken[j] = True
                    room[codes[u, j]] -= discounts[r]
                    exposure[codes[u, j]] += discounts[r]
                    served += scores[u, j] * discounts[r]
                    break
        for r in range(sizes[u]):
            if places[u, r] != END:
                continue
            by_score = not balanced or (ideal - served) * sums[1] > sums[2] * ideal
            most, best = -np.inf, END
            for j in range(length):
                if not taken[j] and (by_score or room[codes[u, j]] > most):
                    most, best = room[codes[u, j]], j
                    if by_score:
                        break
            places[u, r] = best
            taken[best] = True
            room[codes[u, best]] -= discounts[r]
            exposure[codes[u, best]] += discounts[r]
            served += scores[u, best] * discounts[r]
            beyond[u] += min(max(-1.0 - room[codes[u, best]], 0.0), discounts[r])
        sums[1] += 1
        if ideal > 0:
            sums[2] += 1 - served / ideal
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


@dataclass(frozen=True, kw_only=True, eq=False)
class OnlineTFROM(TFROM):
    """Fair exposure for providers and losses shared by users, one list after another.

    See `tfrom_online`. Attributes as of `TFROM`.
    """

    name: ClassVar[str] = "tfrom_online"

    def start(self) -> ProviderExposure:
        return ProviderExposure()

    def rerank(self, batch: Batch, state: Any = None) -> Reranked:
        return tfrom_online(
            batch.candidates,
            batch.groups,
            k=batch.k,
            fairness=self.fairness,
            balanced=self.balanced,
            state=state,
        )
