"""FAR and PFAR: every group of items a first place, for those whose tastes are wide.

Liu, Guo, Sonboli, Burke and Zhang, "Personalized Fairness-aware Re-ranking for Microlending",
RecSys 2019. Place by place the item with the largest

    (1 - λ) P(v | u) + λ τ_u Σ_c P(c) 1[v in c] Π_i 1[i not in c]

is taken, i being the items that the list has already: a group counts once, when its first item
comes. P(c) is how much the group matters, and τ_u how much the user tolerates: 1 in FAR, and in
PFAR the entropy of the groups in the user's history, over its maximum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import WrongUse
from fairrec.metrics.concentration import shannon_entropy
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.item_lists import ItemLists
from fairrec.metrics.merit import historical_shares
from fairrec.mitigations.rerankers.candidates import Candidates, Reranked
from fairrec.mitigations.rerankers.greedy import greedy_places
from fairrec.mitigations.rerankers.group_targets import Target, group_targets
from fairrec.mitigations.rerankers.reranker import Batch, Reranker


def far(
    candidates: Candidates,
    groups: ItemGroups,
    *,
    k: int,
    strength: float = 0.5,
    importance: NDArray[np.float64] | None = None,
    tolerance: NDArray[np.float64] | None = None,
) -> Reranked:
    """Return lists that weigh relevance against groups that are not there yet.

    Args:
        candidates: m lists; scores in [0, 1] stand for P(v | u).
        groups: An item may be in several.
        k: Places of a list.
        strength: λ in [0, 1]; 0 leaves every list as it is.
        importance: Shape (G,): P(c), the same for all known groups where None.
        tolerance: Shape (m,): τ in [0, 1], 1 for everybody where None (FAR).

    Returns:
        Places; shortfall is 0, for nothing is promised.
    """
    given = group_targets(groups, "equal") if importance is None else importance
    tau = np.ones(len(candidates)) if tolerance is None else tolerance
    places = greedy_places(
        candidates,
        groups,
        strength * tau[:, None] * given[None, :],
        k=k,
        relevance=1 - strength,
        gain="first",
    )
    return Reranked(places, np.zeros(len(candidates)))


def profile_tolerance(histories: ItemLists, groups: ItemGroups) -> NDArray[np.float64]:
    """Return τ of PFAR: the entropy of a history's groups over log G, in [0, 1], shape (m,).

    "unknown" does not count; a user without a history tolerates nothing.
    """
    known = groups.known
    if known.sum() < 2:
        return np.zeros(len(histories))
    shares = np.nan_to_num(historical_shares(histories, groups))[:, known]
    return np.nan_to_num(shannon_entropy(shares, normalised=True))


@dataclass(frozen=True, kw_only=True, eq=False)
class FAR(Reranker):
    """Every group a first place, for those whose tastes are wide.

    Attributes:
        weight: λ in [0, 1]; 0 is the identity.
        importance: How much groups matter: "equal", "catalogue" or shares by group.
        personalised: Whether users tolerate as much as their histories are wide (PFAR).

    Raises:
        WrongUse: The weight is out of its range.
    """

    name: ClassVar[str] = "far"
    strength: ClassVar[str] = "weight"

    weight: float = 0.5
    importance: Target = "equal"
    personalised: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 1:
            raise WrongUse(f"the weight is {self.weight}.", expected="a number in [0, 1].")

    def rerank(self, batch: Batch, state: Any = None) -> Reranked:
        """Return the lists; see `far`."""
        return far(
            batch.candidates,
            batch.groups,
            k=batch.k,
            strength=self.weight,
            importance=group_targets(batch.groups, self.importance),
            tolerance=profile_tolerance(batch.histories, batch.groups)
            if self.personalised
            else None,
        )
