"""MMR: relevance against similarity to what the list has already.

Carbonell and Goldstein, "The Use of MMR, Diversity-Based Reranking for Reordering Documents and
Producing Summaries", SIGIR 1998. Place by place the item with the largest

    (1 - λ) score_i - λ max_j similarity(i, j)

is taken, j being the items that the list has; that is the paper's formula, with its λ counted from
the other end, so that 0 is the identity. Similarity is that of the items' groups: Jaccard's, of the
groups that two items are in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import WrongUse
from fairrec.metrics.item_groups import ItemGroups
from fairrec.mitigations.rerankers.candidates import Candidates, Reranked
from fairrec.mitigations.rerankers.compiled import Compiled
from fairrec.mitigations.rerankers.reranker import Batch, Reranker


def mmr(candidates: Candidates, groups: ItemGroups, *, k: int, strength: float = 0.3) -> Reranked:
    """Return lists that weigh relevance against similarity.

    Args:
        candidates: m lists; scores in [0, 1], as similarities are.
        groups: An item may be in several.
        k: Places of a list.
        strength: λ in [0, 1]; 0 leaves every list as it is.

    Returns:
        Places; shortfall is 0, for nothing is promised.
    """
    membership = groups.membership
    places = _diverse(
        candidates.scores,
        candidates.items,
        membership.indptr.astype(np.int64),
        membership.indices.astype(np.int64),
        len(groups),
        k,
        strength,
    )
    return Reranked(places, np.zeros(len(candidates)))


@Compiled
def _diverse(
    scores: NDArray[np.float64],
    items: NDArray[np.int64],
    starts: NDArray[np.int64],
    columns: NDArray[np.int64],
    n_groups: int,
    k: int,
    strength: float,
) -> NDArray[np.int64]:
    m, c = items.shape
    places = np.full((m, k), -1)
    nearest = np.empty(c)
    used = np.empty(c, dtype=np.bool_)
    mine = np.zeros(n_groups, dtype=np.bool_)
    for row in range(m):
        nearest[:] = 0.0
        used[:] = False
        for place in range(k):
            best, most = -1, -np.inf
            for column in range(c):
                if items[row, column] < 0:
                    break
                if used[column]:
                    continue
                value = (1 - strength) * scores[row, column] - strength * nearest[column]
                if best < 0 or value > most + 1e-12 * abs(most):
                    best, most = column, value
            if best < 0:
                break
            used[best] = True
            places[row, place] = best
            item = items[row, best]
            for entry in range(starts[item], starts[item + 1]):
                mine[columns[entry]] = True
            size = starts[item + 1] - starts[item]
            for column in range(c):
                other = items[row, column]
                if other < 0:
                    break
                shared = 0
                for entry in range(starts[other], starts[other + 1]):
                    shared += mine[columns[entry]]
                whole = size + starts[other + 1] - starts[other] - shared
                nearest[column] = max(nearest[column], shared / whole)
            for entry in range(starts[item], starts[item + 1]):
                mine[columns[entry]] = False
    return places


@dataclass(frozen=True, kw_only=True, eq=False)
class MMR(Reranker):
    """Relevance against similarity to what the list has already.

    Attributes:
        weight: λ in [0, 1]; 0 is the identity.

    Raises:
        WrongUse: The weight is out of its range.
    """

    name: ClassVar[str] = "mmr"
    strength: ClassVar[str] = "weight"

    weight: float = 0.3

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 1:
            raise WrongUse(f"the weight is {self.weight}.", expected="a number in [0, 1].")

    def rerank(self, batch: Batch, state: Any = None) -> Reranked:
        """Return the lists; see `mmr`."""
        return mmr(batch.candidates, batch.groups, k=batch.k, strength=self.weight)
