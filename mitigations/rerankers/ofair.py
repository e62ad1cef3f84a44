"""OFAiR: several sensitive features of items, each as far as the user's tastes are wide in it.

Sonboli, Eskandanian, Burke, Liu and Mobasher, "Opportunistic Multi-aspect Fairness through
Personalized Re-ranking", UMAP 2020. Place by place the item with the largest

    (1 - λ) score_i + λ Σ_f τ_uf (share of the list that is not protected in f, if i is)

is taken. A feature f has one protected group, and τ_uf, the user's tolerance, is the entropy of f
in the user's history over its maximum: whoever likes all sorts of items is given more of them. The
paper adds dissimilarity by MMR; here what a protected item adds falls as more of them are listed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from fairrec.errors import WrongUse
from fairrec.metrics.item_groups import ItemGroups, group_items
from fairrec.mitigations.rerankers.candidates import Candidates, Reranked
from fairrec.mitigations.rerankers.fa_ir import protected_items
from fairrec.mitigations.rerankers.far import profile_tolerance
from fairrec.mitigations.rerankers.greedy import greedy_places
from fairrec.mitigations.rerankers.reranker import Batch, Reranker


def ofair(
    candidates: Candidates,
    protected: Sequence[NDArray[np.bool_]],
    tolerance: NDArray[np.float64],
    *,
    k: int,
    strength: float = 0.5,
) -> Reranked:
    """Return lists that weigh relevance against protected items of several features.

    Args:
        candidates: m lists; scores in [0, 1].
        protected: For each of F features the protected items, shape (N,).
        tolerance: Shape (m, F), in [0, 1].
        k: Places of a list.
        strength: λ in [0, 1]; 0 leaves every list as it is.

    Returns:
        Places; shortfall is 0, for nothing is promised.
    """
    flags = np.column_stack([np.asarray(flag, dtype=np.float64) for flag in protected])
    # Parts must sum to 1: a last column, worth nothing, holds what is left of each item.
    parts = flags / np.maximum(flags.sum(axis=1, keepdims=True), 1)
    rest = 1 - parts.sum(axis=1, keepdims=True)
    names = (*(f"feature {f}" for f in range(flags.shape[1])), "none")
    members = csr_matrix(hstack([csr_matrix(parts), csr_matrix(rest)]))
    members.eliminate_zeros()
    weights = np.column_stack([strength * tolerance, np.zeros(len(candidates))])
    places = greedy_places(
        candidates,
        ItemGroups(names, members),
        weights,
        k=k,
        relevance=1 - strength,
        gain="share",
    )
    return Reranked(places, np.zeros(len(candidates)))


@dataclass(frozen=True, kw_only=True, eq=False)
class OFAiR(Reranker):
    """Several sensitive features of items, each as far as the user's tastes are wide in it.

    Attributes:
        weight: λ in [0, 1]; 0 is the identity.
        features: By column of the catalogue its protected group; `column` with its smallest
            group where empty.

    Raises:
        WrongUse: The weight is out of its range, or a column or group is unknown.
    """

    name: ClassVar[str] = "ofair"
    strength: ClassVar[str] = "weight"

    weight: float = 0.5
    features: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 1:
            raise WrongUse(f"the weight is {self.weight}.", expected="a number in [0, 1].")
        for groups, name in self._grouped:
            protected_items(groups, name)

    @cached_property
    def _grouped(self) -> list[tuple[ItemGroups, str | None]]:
        """Groups of every feature, items in the order of ids, and the protected one."""
        order = [self.catalog.index(item) for item in sorted(self.catalog.ids)]
        chosen: Mapping[str, str | None] = self.features or {self.column: None}
        return [
            (group_items(list(np.asarray(self.catalog.column(column))[order])), name)
            for column, name in chosen.items()
        ]

    def rerank(self, batch: Batch, state: Any = None) -> Reranked:
        """Return the lists; what is off the catalogue is protected in nothing."""
        n, known = batch.candidates.n_items, len(self.catalog)
        protected, tolerance = [], []
        for groups, name in self._grouped:
            flags = np.zeros(n, dtype=bool)
            flags[:known] = protected_items(groups, name)
            protected.append(flags)
            codes, starts = flags.astype(np.int64), np.arange(n + 1)
            sides = ItemGroups(
                ("other", "protected"), csr_matrix((np.ones(n), codes, starts), shape=(n, 2))
            )
            tolerance.append(profile_tolerance(batch.histories, sides))
        return ofair(
            batch.candidates,
            protected,
            np.column_stack(tolerance),
            k=batch.k,
            strength=self.weight,
        )
