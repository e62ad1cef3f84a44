"""GGF: a policy that maximises generalised Gini welfare, in which the worst-off weigh most.

Do and Usunier, "Optimizing Generalized Gini Indices for Fair Rankings", SIGIR 2022. With x in
rising order, the welfare of x is Σ_n w_n x_(n), for weights w that fall; w_n = (2 (N - n) + 1) / N²
makes it the mean times one less Gini's index. It maximises

    (1 - λ) g(utilities of users) + λ g(exposures of items).

Where amounts are equal the welfare has no gradient. It is smoothed by its Moreau envelope, whose
gradient is a projection on the permutahedron of w: a sort and an isotonic regression (Blondel,
Teboul, Berthet and Djolonga, ICML 2020). The smoothing falls as 1 / sqrt(step). The paper goes
2 / (step + 2) of the way to the next rankings; ours goes as far as the smoothed welfare rises, and
so at every step gains no less of it. The welfare itself can fall at a step: the best is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import WrongUse
from fairrec.metrics.browsing import Browsing, parse_browsing
from fairrec.metrics.item_groups import ItemGroups
from fairrec.mitigations.rerankers.candidates import Candidates, Reranked
from fairrec.mitigations.rerankers.compiled import Compiled
from fairrec.mitigations.rerankers.frank_wolfe import Policy, frank_wolfe
from fairrec.mitigations.rerankers.reranker import Batch, Reranker
from fairrec.mitigations.rerankers.welfare import Side, entities_of

Values = NDArray[np.float64]


def gini_weights(n: int) -> Values:
    """Return w of Gini's welfare, falling, with sum 1; shape (n,)."""
    return (2 * (n - np.arange(1, n + 1)) + 1) / n**2


def project_on_permutahedron(point: Values, weights: Values) -> Values:
    """Return the nearest convex mix of permutations of `weights`; shape (n,) to (n,).

    >>> project_on_permutahedron(np.array([9.0, 0.0]), np.array([0.75, 0.25])).tolist()
    [0.75, 0.25]
    """
    order = np.argsort(-point, kind="stable")
    falling = point[order]
    found = np.empty_like(falling)
    found[order] = falling - nearest_falling(falling - np.sort(weights)[::-1])
    return found


@Compiled
def nearest_falling(values: Values) -> Values:
    """Return the nearest values that do not rise: neighbours that do are pooled to their mean."""
    n = len(values)
    means, sizes = np.empty(n), np.empty(n, dtype=np.int64)
    pools = 0
    for i in range(n):
        mean, size = values[i], 1
        while pools > 0 and means[pools - 1] < mean:
            pools -= 1
            mean = (mean * size + means[pools] * sizes[pools]) / (size + sizes[pools])
            size += sizes[pools]
        means[pools], sizes[pools] = mean, size
        pools += 1
    return np.repeat(means[:pools], sizes[:pools])


def gini_welfare(
    candidates: Candidates,
    groups: ItemGroups,
    *,
    k: int,
    strength: float = 0.5,
    side: Side = "items",
    iterations: int = 50,
    browsing: Browsing | None = None,
    smoothing: float = 1.0,
) -> Policy:
    """Return the policy of most generalised Gini welfare; see the head of this file.

    Args:
        candidates: m lists; scores of at least 0 are utilities.
        groups: Used if exposure is counted by group.
        k: Places of a list.
        strength: λ in [0, 1]; at 0 with equal weights every user would get the top k. Gini's
            weights are not equal, so users who are worse off count more.
        side: Whether exposure is counted by "items" or by "groups"; all groups deserve the same.
        iterations: Steps of Frank and Wolfe's method.
        browsing: How lists are read; logarithmic where None.
        smoothing: Of the first step, above 0.

    Raises:
        BadData: Scores are negative.
        WrongUse: A number is out of its range.
    """
    if not (0 <= strength <= 1 and smoothing > 0 and iterations >= 0):
        raise WrongUse(
            f"λ is {strength}, smoothing {smoothing} and iterations {iterations}.",
            expected="λ in [0, 1], smoothing above 0, and no fewer than 0 steps.",
        )
    entities, deserved = entities_of(candidates, groups, side)
    deserved = np.full(len(deserved), 1 / len(deserved))
    of_lists, of_entities = gini_weights(len(candidates)), gini_weights(len(deserved))

    def worth(u: Values, e: Values) -> float:
        mine = float(np.sort(u) @ of_lists)
        return (1 - strength) * mine + strength * float(np.sort(e) @ of_entities)

    def smooth(x: Values, w: Values, step: int) -> Values:
        beta = smoothing * len(x) / np.sqrt(step)
        return project_on_permutahedron(-x / beta, w)

    return frank_wolfe(
        candidates,
        entities,
        deserved,
        (browsing or Browsing("log2")).weights(k),
        worth,
        lambda u, e, step: (
            (1 - strength) * smooth(u, of_lists, step),
            strength * smooth(e, of_entities, step),
        ),
        iterations if strength > 0 else 0,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class GiniWelfare(Reranker):
    """A policy of most generalised Gini welfare; each request gets a draw from it.

    Attributes:
        weight: λ in [0, 1]; 0 is the identity.
        side: "items", or "groups", which then deserve the same, however large.
        iterations: Steps.
        browsing: How lists are read.

    Raises:
        WrongUse: A number is out of its range.
    """

    name: ClassVar[str] = "ggf"
    strength: ClassVar[str] = "weight"

    weight: float = 0.5
    side: Side = "items"
    iterations: int = 50
    browsing: str = "log2"

    def __post_init__(self) -> None:
        parse_browsing(self.browsing)
        if not (0 <= self.weight <= 1 and self.iterations >= 0):
            raise WrongUse(
                f"the weight is {self.weight} and steps {self.iterations}.",
                expected="a weight in [0, 1], and no fewer than 0 steps.",
            )

    def rerank(self, batch: Batch, state: Any = None) -> Reranked:
        """Return a draw from the policy for every list."""
        policy = gini_welfare(
            batch.candidates,
            batch.groups,
            k=batch.k,
            strength=self.weight,
            side=self.side,
            iterations=self.iterations,
            browsing=parse_browsing(self.browsing),
        )
        return Reranked(policy.draw(batch.seeds), np.zeros(len(batch)))
