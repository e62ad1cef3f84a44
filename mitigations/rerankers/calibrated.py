"""Calibrated recommendations: lists with the user's own mix of genres, or any other groups.

Steck, "Calibrated Recommendations", RecSys 2018, equation 7. With p the shares of groups in the
user's history and q those in the list, the list is to maximise

    (1 - λ) Σ score - λ KL(p || (1 - α) q + α p).

It is built greedily. Of lists of exactly k items, with q = Σ_i d_i / k over the list's items, the
objective is a monotone submodular function less a constant, so the greedy list's gain over the
empty one is at least 1 - 1/e of the best one's (Nemhauser, Wolsey and Fisher 1978), as long as
scores are not negative. Steck divides by the length so far; here each step divides by k, to which
the guarantee belongs. Both are the same objective for the whole list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import WrongUse
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.item_lists import ItemLists
from fairrec.metrics.merit import historical_shares
from fairrec.mitigations.rerankers.candidates import Candidates, Reranked
from fairrec.mitigations.rerankers.greedy import greedy_places
from fairrec.mitigations.rerankers.reranker import Batch, Reranker


def calibrated(
    candidates: Candidates,
    groups: ItemGroups,
    profile: NDArray[np.float64],
    *,
    k: int,
    strength: float = 0.5,
    alpha: float = 0.01,
) -> Reranked:
    """Return lists that weigh scores against calibration.

    Args:
        candidates: m lists.
        groups: An item may be in several, by parts.
        profile: Shape (m, G): p; NaN for a user of whom nothing is known, whose list stays.
        k: Places of a list.
        strength: λ in [0, 1]; 0 leaves every list as it is.
        alpha: Smoothing in (0, 1); 0.01 in the paper.

    Returns:
        Places in the order in which they were filled; shortfall is 0, for nothing is promised.
    """
    p = np.nan_to_num(profile)
    # Divided by λ the objective has p itself for weights; λ = 0 leaves the scores alone.
    places = greedy_places(
        candidates,
        groups,
        p if strength > 0 else np.zeros_like(p),
        k=k,
        relevance=(1 - strength) / strength if strength > 0 else 1.0,
        gain="log",
        smoothing=alpha,
    )
    unknown = np.asarray(np.isnan(profile).any(axis=1))
    places = np.where(unknown[:, None], candidates.top(k), places)
    return Reranked(places, np.zeros(len(candidates)))


def known_shares(histories: ItemLists, groups: ItemGroups) -> NDArray[np.float64]:
    """Return the shares of the groups in every history, "unknown" left out; shape (m, G).

    NaN for a history without any item of a known group.
    """
    shares = np.nan_to_num(historical_shares(histories, groups)) * groups.known
    total = shares.sum(axis=1, keepdims=True)
    return np.where(total > 0, shares / np.where(total > 0, total, 1.0), np.nan)


@dataclass(frozen=True, kw_only=True, eq=False)
class Calibrated(Reranker):
    """Lists with the mix of groups that the user's history has.

    Attributes:
        weight: λ in [0, 1]; 0 is the identity.
        alpha: Smoothing, in (0, 1).

    Raises:
        WrongUse: A number is out of its range.
    """

    name: ClassVar[str] = "calibrated"
    strength: ClassVar[str] = "weight"

    weight: float = 0.5
    alpha: float = 0.01

    def __post_init__(self) -> None:
        if not (0 <= self.weight <= 1 and 0 < self.alpha < 1):
            raise WrongUse(
                f"the weight is {self.weight} and alpha {self.alpha}.",
                expected="a weight in [0, 1] and a smoothing between 0 and 1.",
            )

    def rerank(self, batch: Batch, state: Any = None) -> Reranked:
        """Return the lists; those of users without a history stay as they are."""
        return calibrated(
            batch.candidates,
            batch.groups,
            known_shares(batch.histories, batch.groups),
            k=batch.k,
            strength=self.weight,
            alpha=self.alpha,
        )
