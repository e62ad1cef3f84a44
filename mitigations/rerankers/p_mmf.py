"""P-MMF: scores, and the exposure of the group that is worst off.

Xu, Chen, Xu, Shen, Zhang, Wang and Dong, "P-MMF: Provider Max-min Fairness Re-ranking in
Recommender System", WWW 2023. Over all lists it maximises

    mean score of a place + λ min_g E_g / γ_g

E_g being group g's share of the places and γ_g what it deserves. The minimum is that over weights w
>= 0 with sum λ of Σ_g w_g E_g / γ_g. So each list takes the k best by score + w_g / γ_g, and a step
against the gradient, w_g ← w_g + η (1 - E_g / γ_g), is projected back. With caps a group that
has had all its places takes no more, and its price may be above what it is worth: w_g < 0.

Differences: the projection, on {w : Σ max(w, 0) <= λ}, is exact and takes a sort (Duchi,
Shalev-Shwartz, Singer and Chandra, ICML 2008) where the published program calls a solver; steps
shrink with the gradients seen so far (AdaGrad), so that neither the number of lists nor a learning
rate need be known; and without caps, the default here, λ = 0 is the identity.
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
from fairrec.mitigations.rerankers.candidates import Candidates, Reranked
from fairrec.mitigations.rerankers.compiled import Compiled
from fairrec.mitigations.rerankers.group_targets import Target, group_targets
from fairrec.mitigations.rerankers.reranker import Batch, Reranker


@dataclass
class Prices:
    """What P-MMF remembers: w by group, and where its steps stand.

    Attributes:
        weights: w by group.
        gradient: The smoothed gradient by group.
        places: Places that each group has had.
        steepness: Sum of all squared gradients, which shortens the steps.
        lists: How many lists there were.
    """

    weights: dict[str, float] = field(default_factory=dict)
    gradient: dict[str, float] = field(default_factory=dict)
    places: dict[str, float] = field(default_factory=dict)
    steepness: float = 0.0
    lists: int = 0

    def table(self, groups: ItemGroups) -> NDArray[np.float64]:
        """Return weights, gradient and places in the order of the groups, shape (3, G)."""
        kept = (self.weights, self.gradient, self.places)
        return np.array([[some.get(name, 0.0) for name in groups.names] for some in kept])

    def replace(
        self, groups: ItemGroups, table: NDArray[np.float64], steepness: float, lists: int
    ) -> None:
        """Remember a new table, after so many more lists."""
        for some, row in zip((self.weights, self.gradient, self.places), table, strict=True):
            some.update(zip(groups.names, row.tolist(), strict=True))
        self.steepness = steepness
        self.lists += lists

    def merge(self, other: Prices) -> None:
        """Join what another one learnt of other lists: prices are averaged by lists."""
        mine = self.lists / max(self.lists + other.lists, 1)
        for a, b in ((self.weights, other.weights), (self.gradient, other.gradient)):
            for name in {*a, *b}:
                a[name] = mine * a.get(name, 0.0) + (1 - mine) * b.get(name, 0.0)
        for name, count in other.places.items():
            self.places[name] = self.places.get(name, 0.0) + count
        self.steepness += other.steepness
        self.lists += other.lists

    def to_json(self) -> str:
        """Return all of it as JSON."""
        return json.dumps(vars(self), sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Prices:
        """Return what `to_json` wrote."""
        return cls(**json.loads(text))


def p_mmf(
    candidates: Candidates,
    groups: ItemGroups,
    *,
    k: int,
    strength: float = 0.1,
    target: Target = "catalogue",
    cap: float | None = None,
    momentum: float = 0.5,
    passes: int = 1,
    prices: Prices | None = None,
) -> Reranked:
    """Return the lists, in the order in which they come; see the head of this file.

    Args:
        candidates: m lists.
        groups: One group an item. Those that deserve nothing, and "unknown", have no weight.
        k: Places of a list.
        strength: λ, at least 0, in units of the score.
        target: γ.
        cap: The most places that a group may have, as a multiple of γ times all places of these
            lists, at least 1; None sets no limit.
        momentum: Weight of the newest gradient, in (0, 1]; the rest is the one before.
        passes: How often prices are learnt from the lists before they are used, less one; 1 is
            online, and more need all lists to be there.
        prices: What was learnt before; these lists are added to it.

    Returns:
        Places, each list sorted by score; as shortfall how many places a list lacks because all
        groups of its candidates were at their caps.

    Raises:
        BadData: Some item is in several groups.
        WrongUse: A number is out of its range.
    """
    if not (strength >= 0 and (cap is None or cap >= 1) and 0 < momentum <= 1 and passes >= 1):
        raise WrongUse(
            f"λ is {strength}, the cap {cap}, momentum {momentum} and passes {passes}.",
            expected="λ of at least 0, a cap of at least 1, momentum in (0, 1], 1 pass or more.",
        )
    memory = Prices() if prices is None else prices
    table, shares = memory.table(groups), group_targets(groups, target)
    limits = np.full(len(shares), np.inf)
    if cap is not None:
        limits = np.where(shares > 0, np.ceil(cap * shares * k * len(candidates)), np.inf)
    codes = candidates.group_codes(groups)
    places, steepness = np.empty((0, k), dtype=np.int64), memory.steepness
    for number in range(passes):
        had = table[2].copy()
        places, steepness = _priced(
            candidates.scores, codes, shares, limits, table, k, strength, momentum, steepness
        )
        if number < passes - 1:
            table[2] = had
    memory.replace(groups, table, steepness, len(candidates))
    wanted = np.minimum(candidates.lengths, k)
    return Reranked(places, (wanted - (places >= 0).sum(axis=1)).astype(np.float64))


def project(weights: NDArray[np.float64], total: float) -> NDArray[np.float64]:
    """Return the nearest point of {w : Σ max(w, 0) <= total}; shape (G,) to (G,).

    Negative parts stay; if the others sum to more than `total` they go to the simplex of that
    size: each loses the same, down to 0.

    >>> project(np.array([3.0, 1.0, -2.0]), 2.0).tolist()
    [2.0, 0.0, -2.0]
    """
    found = np.array(weights, dtype=np.float64)
    _project(found, total)
    return found


@Compiled
def _project(w: NDArray[np.float64], total: float) -> None:
    whole = 0.0
    for g in range(len(w)):
        whole += max(w[g], 0.0)
    if whole <= total:
        return
    falling = np.sort(w)[::-1]
    above, less = 0.0, 0.0
    for n in range(len(w)):
        above += falling[n]
        if falling[n] - (above - total) / (n + 1) <= 0:
            break
        less = (above - total) / (n + 1)
    for g in range(len(w)):
        if w[g] > 0:
            w[g] = max(w[g] - less, 0.0)


@Compiled
def _priced(
    scores: NDArray[np.float64],
    codes: NDArray[np.int64],
    shares: NDArray[np.float64],
    limits: NDArray[np.float64],
    table: NDArray[np.float64],
    k: int,
    strength: float,
    momentum: float,
    steepness: float,
) -> tuple[NDArray[np.int64], float]:
    """Fill the places and move the table on."""
    m = len(scores)
    n_groups = len(shares)
    weights, gradient, had = table[0], table[1], table[2]
    places = np.full((m, k), -1)
    bonus = np.zeros(n_groups)
    chosen = np.empty(k, dtype=np.int64)
    values = np.empty(k)
    given = np.empty(n_groups)
    for row in range(m):
        for g in range(n_groups):
            bonus[g] = weights[g] / shares[g] if shares[g] > 0 else 0.0
            if had[g] >= limits[g]:
                bonus[g] = -np.inf
        n = best_k(scores[row], codes[row], 1.0, bonus, chosen, values)
        listed = np.sort(chosen[:n])
        given[:] = 0.0
        for place in range(n):
            places[row, place] = listed[place]
            given[codes[row, listed[place]]] += 1.0
        square = 0.0
        for g in range(n_groups):
            had[g] += given[g]
            if shares[g] > 0:
                now = 1 - given[g] / (max(n, 1) * shares[g])
                gradient[g] = momentum * now + (1 - momentum) * gradient[g]
                square += gradient[g] ** 2
        steepness += square
        if strength == 0 or steepness == 0:
            continue
        step = strength / np.sqrt(steepness)
        for g in range(n_groups):
            if shares[g] > 0:
                weights[g] += step * gradient[g]
                if limits[g] == np.inf:
                    weights[g] = max(weights[g], 0.0)
        _project(weights, strength)
    return places, steepness


@dataclass(frozen=True, kw_only=True, eq=False)
class PMMF(Reranker):
    """Scores, and the exposure of the group that is worst off.

    Attributes:
        weight: λ; 0 is the identity.
        target: What groups deserve.
        momentum: Weight of the newest gradient, in (0, 1].

    Raises:
        WrongUse: A number is out of its range.
    """

    name: ClassVar[str] = "p_mmf"
    strength: ClassVar[str] = "weight"

    weight: float = 0.1
    target: Target = "catalogue"
    momentum: float = 0.5

    def __post_init__(self) -> None:
        if not (self.weight >= 0 and 0 < self.momentum <= 1):
            raise WrongUse(
                f"the weight is {self.weight} and momentum {self.momentum}.",
                expected="a weight of at least 0 and momentum in (0, 1].",
            )

    def start(self) -> Prices:
        """Return a memory of no lists."""
        return Prices()

    def rerank(self, batch: Batch, state: Any = None) -> Reranked:
        """Return the lists; all of them are learnt from first where there is no memory."""
        return p_mmf(
            batch.candidates,
            batch.groups,
            k=batch.k,
            strength=self.weight,
            target=self.target,
            momentum=self.momentum,
            passes=1 if state is not None else 2,
            prices=state,
        )
