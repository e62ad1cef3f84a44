"""TFROM online: exposure that providers deserve, losses that users share; one list after another.

Wu, Cao, Xu and Tan, "TFROM: A Two-sided Fairness-Aware Recommendation Model for Both Customers
and Providers", SIGIR 2021. Providers are the groups of items.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.item_lists import END
from fairrec.mitigations.rerankers.candidates import Candidates, Places, Reranked
from fairrec.mitigations.rerankers.compiled import Compiled
from fairrec.mitigations.rerankers.reranker import Batch
from fairrec.mitigations.rerankers.tfrom import TFROM, Fairness, providers_of


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
    to providers with most room: so losses stay closer to each other. With ``balanced=False`` they
    always go to the best candidates, as in the published code.

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
        providers_of(candidates, groups),
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
