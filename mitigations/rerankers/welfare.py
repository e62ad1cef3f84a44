"""Welf: a policy that maximises a concave welfare of users and of items.

Do, Corbett-Davies, Atif and Usunier, "Two-sided Fairness in Rankings via Lorenz Dominance", NeurIPS
2021. With u_i the utility of user i and e_j the exposure of item j it maximises

    (1 - λ) mean_i ψ(u_i) + λ mean_j ψ(e_j),    ψ(x) = (x + smoothing)^α / α,  log at α = 0.

Where exposure is counted by group, e_j is a group's exposure over what it deserves, and the mean is
weighted by that: a group counts as much as its items.

The smaller α, the more the worst-off count. As ψ is concave and rises, no other policy is better
for the worse-off without being worse for somebody: its Lorenz curves are not dominated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.browsing import Browsing, parse_browsing
from fairrec.metrics.item_groups import ItemGroups
from fairrec.mitigations.rerankers.candidates import Candidates, Reranked
from fairrec.mitigations.rerankers.frank_wolfe import Policy, frank_wolfe
from fairrec.mitigations.rerankers.group_targets import group_targets
from fairrec.mitigations.rerankers.reranker import Batch, Reranker

Side = Literal["items", "groups"]
Values = NDArray[np.float64]


def entities_of(
    candidates: Candidates, groups: ItemGroups, side: Side
) -> tuple[NDArray[np.int64], Values]:
    """Return whose exposure each candidate's is, shape (m, c), and what each deserves, shape (J,).

    Items that are a candidate of some list deserve the same; groups by their items. What has
    no group, or is in "unknown", has no say.

    Raises:
        BadData: Scores are negative, or, of groups, some item is in several.
        WrongUse: The side is unknown.
    """
    scores = candidates.scores[candidates.listed]
    if scores.size and scores.min() < 0:
        raise BadData(
            f"scores go down to {scores.min():g}.",
            expected="utilities of at least 0.",
            do="scale scores to [0, 1] (scale='minmax').",
        )
    if side == "items":
        known, number = np.unique(candidates.items[candidates.listed], return_inverse=True)
        found = np.full(candidates.items.shape, -1)
        found[candidates.listed] = number
        return found, np.full(len(known), 1 / max(len(known), 1))
    if side != "groups":
        raise WrongUse(f"the side is {side!r}.", expected="'items' or 'groups'.")
    codes, shares = candidates.group_codes(groups), group_targets(groups, "catalogue")
    place = np.append(np.where(shares > 0, np.cumsum(shares > 0) - 1, -1), -1)  # END is last
    return place[codes], shares[shares > 0]


def welf(
    candidates: Candidates,
    groups: ItemGroups,
    *,
    k: int,
    strength: float = 0.5,
    alpha: float = 0.0,
    side: Side = "items",
    iterations: int = 30,
    browsing: Browsing | None = None,
    smoothing: float = 0.01,
) -> Policy:
    """Return the policy of most welfare; see the head of this file.

    Args:
        candidates: m lists; scores of at least 0 are utilities.
        groups: Used if exposure is counted by group.
        k: Places of a list.
        strength: λ in [0, 1]; at 0 every user gets the top k.
        alpha: At most 1.
        side: Whether exposure is counted by "items" or by "groups".
        iterations: Steps of Frank and Wolfe's method.
        browsing: How lists are read; logarithmic where None.
        smoothing: Above 0: keeps what has nothing from being worth everything.

    Raises:
        BadData: Scores are negative.
        WrongUse: A number is out of its range.
    """
    if not (0 <= strength <= 1 and alpha <= 1 and smoothing > 0 and iterations >= 0):
        raise WrongUse(
            f"λ is {strength}, alpha {alpha}, smoothing {smoothing}, iterations {iterations}.",
            expected="λ in [0, 1], alpha of at most 1, smoothing above 0, and no fewer than 0.",
        )
    entities, deserved = entities_of(candidates, groups, side)

    alike = np.full(len(candidates), 1 / max(len(candidates), 1))

    def psi(x: Values, parts: Values) -> float:
        y = np.maximum(x, 0.0) + smoothing
        return float((np.log(y) if alpha == 0 else y**alpha / alpha) @ parts)

    def slope(x: Values, parts: Values) -> Values:
        return (np.maximum(x, 0.0) + smoothing) ** (alpha - 1) * parts

    return frank_wolfe(
        candidates,
        entities,
        deserved,
        (browsing or Browsing("log2")).weights(k),
        lambda u, e: (1 - strength) * psi(u, alike) + strength * psi(e, deserved),
        lambda u, e, step: ((1 - strength) * slope(u, alike), strength * slope(e, deserved)),
        iterations if strength > 0 else 0,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Welf(Reranker):
    """A policy of most welfare for users and items; each request gets a draw from it.

    Attributes:
        weight: λ in [0, 1]; 0 is the identity.
        alpha: At most 1; the smaller, the more the worst-off count.
        side: "items" or "groups".
        iterations: Steps.
        browsing: How lists are read.

    Raises:
        WrongUse: A number is out of its range.
    """

    name: ClassVar[str] = "welf"
    strength: ClassVar[str] = "weight"

    weight: float = 0.5
    alpha: float = 0.0
    side: Side = "groups"
    iterations: int = 30
    browsing: str = "log2"

    def __post_init__(self) -> None:
        parse_browsing(self.browsing)
        if not (0 <= self.weight <= 1 and self.alpha <= 1 and self.iterations >= 0):
            raise WrongUse(
                f"the weight is {self.weight}, alpha {self.alpha}, steps {self.iterations}.",
                expected="a weight in [0, 1], alpha of at most 1, and no fewer than 0 steps.",
            )

    def rerank(self, batch: Batch, state: Any = None) -> Reranked:
        """Return a draw from the policy for every list."""
        policy = welf(
            batch.candidates,
            batch.groups,
            k=batch.k,
            strength=self.weight,
            alpha=self.alpha,
            side=self.side,
            iterations=self.iterations,
            browsing=parse_browsing(self.browsing),
        )
        return Reranked(policy.draw(batch.seeds), np.zeros(len(batch)))
