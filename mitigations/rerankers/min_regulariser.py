"""Min-regulariser: the further a group is ahead of the worst-off one, the more it loses.

The heuristic that P-MMF was compared with (Xu, Chen, Xu, Shen, Zhang, Wang and Dong, "P-MMF:
Provider Max-min Fairness Re-ranking in Recommender System", WWW 2023, section 5). Lists come one
after another, and each takes the k best by

    score + strength · (min_h E_h / γ_h - E_g / γ_g)

E_g is group g's share of all places that lists had before, and γ_g the share that it deserves. The
paper divides by the places of all lists to come as well, so that its first lists are hardly
changed; here only the past counts, and nobody needs to know how many lists will follow.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import WrongUse
from fairrec.metrics.item_groups import ItemGroups
from fairrec.mitigations.rerankers.best_k import best_k
from fairrec.mitigations.rerankers.candidates import Candidates, Places, Reranked
from fairrec.mitigations.rerankers.compiled import Compiled
from fairrec.mitigations.rerankers.group_targets import Target, group_targets
from fairrec.mitigations.rerankers.reranker import Batch, Reranker


@dataclass
class PlacesGiven:
    """How many places each group has had: what lists to come are weighed against.

    Attributes:
        places: By name of the group.
    """

    places: dict[str, float] = field(default_factory=dict)

    def counts(self, groups: ItemGroups) -> NDArray[np.float64]:
        """Return them in the order of the groups, shape (G,)."""
        return np.array([self.places.get(name, 0.0) for name in groups.names])

    def replace(self, groups: ItemGroups, counts: NDArray[np.float64]) -> None:
        """Remember new counts."""
        self.places.update(zip(groups.names, counts.tolist(), strict=True))

    def merge(self, other: PlacesGiven) -> None:
        """Add what another one counted, of other lists."""
        for name, count in other.places.items():
            self.places[name] = self.places.get(name, 0.0) + count

    def to_json(self) -> str:
        """Return the counts as JSON."""
        return json.dumps(self.places, sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> PlacesGiven:
        """Return what `to_json` wrote."""
        return cls({str(name): float(count) for name, count in json.loads(text).items()})


def min_regulariser(
    candidates: Candidates,
    groups: ItemGroups,
    *,
    k: int,
    strength: float = 0.1,
    target: Target = "catalogue",
    given: PlacesGiven | None = None,
) -> Reranked:
    """Return the k best of every list by score and regulariser, one list after another.

    Args:
        candidates: m lists, in the order in which they come.
        groups: One group an item. Those that deserve nothing, and "unknown", get no regulariser.
        k: Places of a list.
        strength: At least 0, in units of the score; 0 leaves every list as it is.
        target: What groups deserve.
        given: Places that groups had before; these lists are added to it.

    Returns:
        Places, each list sorted by score; shortfall is 0, for nothing is promised.

    Raises:
        BadData: Some item is in several groups.
    """
    memory = PlacesGiven() if given is None else given
    counts = memory.counts(groups)
    places = _regularised(
        candidates.scores,
        candidates.group_codes(groups),
        group_targets(groups, target),
        counts,
        k,
        strength,
    )
    memory.replace(groups, counts)
    return Reranked(places, np.zeros(len(candidates)))


@Compiled
def _regularised(
    scores: NDArray[np.float64],
    codes: NDArray[np.int64],
    shares: NDArray[np.float64],
    counts: NDArray[np.float64],
    k: int,
    strength: float,
) -> Places:
    """Fill the places and add to `counts`."""
    m = len(scores)
    n_groups = len(shares)
    places = np.full((m, k), -1)
    bonus = np.zeros(n_groups)
    chosen = np.empty(k, dtype=np.int64)
    values = np.empty(k)
    total = counts.sum()
    for row in range(m):
        worst = np.inf
        for g in range(n_groups):
            if shares[g] > 0:
                bonus[g] = counts[g] / (shares[g] * max(total, 1.0))
                worst = min(worst, bonus[g])
        for g in range(n_groups):
            bonus[g] = strength * (worst - bonus[g]) if shares[g] > 0 else 0.0
        n = best_k(scores[row], codes[row], 1.0, bonus, chosen, values)
        listed = np.sort(chosen[:n])  # candidates stand by score already
        for place in range(n):
            places[row, place] = listed[place]
            counts[codes[row, listed[place]]] += 1.0
        total += n
    return places


@dataclass(frozen=True, kw_only=True, eq=False)
class MinRegulariser(Reranker):
    """Lists one after another, each making up for what the worst-off group lacks.

    Attributes:
        weight: See `min_regulariser`; 0 is the identity.
        target: What groups deserve.

    Raises:
        WrongUse: The weight is negative.
    """

    name: ClassVar[str] = "min_regulariser"
    strength: ClassVar[str] = "weight"

    weight: float = 0.1
    target: Target = "catalogue"

    def __post_init__(self) -> None:
        if not self.weight >= 0:
            raise WrongUse(f"the weight is {self.weight}.", expected="a number of at least 0.")

    def start(self) -> PlacesGiven:
        """Return a memory of no places."""
        return PlacesGiven()

    def rerank(self, batch: Batch, state: Any = None) -> Reranked:
        """Return the lists, in the order of the batch."""
        return min_regulariser(
            batch.candidates,
            batch.groups,
            k=batch.k,
            strength=self.weight,
            target=self.target,
            given=state,
        )
