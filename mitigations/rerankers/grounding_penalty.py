"""Grounding penalty: groups that are recommended beyond what people consume lose score.

Jiang, Bao, Zhang, Wang, Feng and He, "Item-side Fairness of Large Language Model-based
Recommendation System", WWW 2024, section 4.2 (IFairLRS reranking). When what
a model generated is grounded in items, an item's distance to it grows with how much its group is
over-recommended; as a score that is

    score · (1 - λ (recommended share of g - share of g in the histories)),

the shares being those of the lists without a penalty. Groups that are recommended too little gain.
The factor is at least 0 here, so that no group's order is ever turned round. "unknown" is left out
of both shares, and its items keep their scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import WrongUse
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.item_lists import END, ItemLists
from fairrec.metrics.merit import group_counts
from fairrec.mitigations.rerankers.candidates import Candidates, Reranked
from fairrec.mitigations.rerankers.reranker import Batch, Reranker


def grounding_penalty(
    candidates: Candidates,
    groups: ItemGroups,
    history: NDArray[np.float64],
    *,
    k: int,
    strength: float = 1.0,
) -> Reranked:
    """Return the lists by penalised score.

    Args:
        candidates: m lists, which are looked at together; scores of at least 0.
        groups: An item may be in several; its penalty is theirs, by its parts.
        history: Shape (G,): share of every known group in what people consumed.
        k: Places of a list.
        strength: λ, at least 0; 0 leaves every list as it is.

    Returns:
        Places; shortfall is 0, for nothing is promised.
    """
    shown = candidates.lists(candidates.top(k))
    excess = np.where(groups.known, _known_shares(shown, groups) - history, 0.0)
    by_item = np.maximum(1 - strength * np.asarray(groups.membership @ excess).ravel(), 0.0)
    scores = (
        np.where(candidates.listed, np.where(candidates.listed, candidates.scores, 0.0), 0.0)
        * by_item[candidates.items]
    )
    scores[~candidates.listed] = -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    found = np.full((len(candidates), k), END)
    found[:, : order.shape[1]] = order
    found[np.arange(k)[None, :] >= candidates.lengths[:, None]] = END
    return Reranked(found, np.zeros(len(candidates)))


def _known_shares(lists: ItemLists, groups: ItemGroups) -> NDArray[np.float64]:
    """Return the share of every known group in all lists together, shape (G,); 0 without any."""
    counts = group_counts(lists, groups).sum(axis=0) * groups.known
    return counts / max(counts.sum(), 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class GroundingPenalty(Reranker):
    """Groups that are recommended beyond what people consume lose score.

    Attributes:
        weight: λ, at least 0; 0 is the identity.

    Raises:
        WrongUse: The weight is negative.
    """

    name: ClassVar[str] = "grounding_penalty"
    strength: ClassVar[str] = "weight"

    weight: float = 1.0

    def __post_init__(self) -> None:
        if not self.weight >= 0:
            raise WrongUse(f"the weight is {self.weight}.", expected="a number of at least 0.")

    def rerank(self, batch: Batch, state: Any = None) -> Reranked:
        """Return the lists; without any history nothing is known to be too much."""
        history = _known_shares(batch.histories, batch.groups)
        if history.sum() == 0:
            return Reranked(batch.candidates.top(batch.k), np.zeros(len(batch)))
        return grounding_penalty(
            batch.candidates,
            batch.groups,
            history,
            k=batch.k,
            strength=self.weight,
        )
