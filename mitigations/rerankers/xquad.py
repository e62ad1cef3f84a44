"""xQuAD for popularity: lists that hold what is less known, as far as the user has a taste for it.

Abdollahpouri, Burke and Mobasher, "Managing Popularity Bias in Recommender Systems with
Personalized Re-ranking", FLAIRS 2019, after xQuAD (Santos, Macdonald and Ounis 2010). Place by
place the item with the largest

    (1 - λ) P(v | u) + λ Σ_c P(c | u) 1[v in c] novelty(c),    c the head or the tail,

is taken; P(c | u) is the share of c in the user's history. Once the list has an item of c, the
"binary" novelty of c is 0; the "smooth" one is the share of the list that is not of c.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import WrongUse
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.item_lists import ItemLists
from fairrec.metrics.popularity_parts import split_by_interactions
from fairrec.mitigations.rerankers.calibrated import known_shares
from fairrec.mitigations.rerankers.candidates import Candidates, Reranked
from fairrec.mitigations.rerankers.greedy import greedy_places
from fairrec.mitigations.rerankers.reranker import Batch, Reranker

Novelty = Literal["smooth", "binary"]


def xquad(
    candidates: Candidates,
    groups: ItemGroups,
    interest: NDArray[np.float64],
    *,
    k: int,
    strength: float = 0.5,
    novelty: Novelty = "smooth",
) -> Reranked:
    """Return lists that weigh relevance against novelty of groups.

    Args:
        candidates: m lists; scores in [0, 1] stand for P(v | u).
        groups: Head and tail in the paper; any groups will do, and an item may be in several.
        interest: Shape (m, G): P(c | u).
        k: Places of a list.
        strength: λ in [0, 1]; 0 leaves every list as it is.
        novelty: "smooth" or "binary".

    Returns:
        Places; shortfall is 0, for nothing is promised.
    """
    places = greedy_places(
        candidates,
        groups,
        strength * interest,
        k=k,
        relevance=1 - strength,
        gain="share" if novelty == "smooth" else "first",
    )
    return Reranked(places, np.zeros(len(candidates)))


@dataclass(frozen=True, kw_only=True, eq=False)
class XQuAD(Reranker):
    """Less popular items, as far as the user has a taste for them.

    Attributes:
        column: A numeric column: how often each item was consumed; unknown counts as never. What
            is off the catalogue is neither head nor tail.
        weight: λ in [0, 1]; 0 is the identity.
        head_share: The head is the most popular items with this share of all interactions.
        novelty: "smooth" or "binary".

    Raises:
        WrongUse: A number is out of its range, or the column is no numbers.
    """

    name: ClassVar[str] = "xquad"
    strength: ClassVar[str] = "weight"
    default_column: ClassVar[str] = "interactions"

    weight: float = 0.5
    head_share: float = 0.8
    novelty: Novelty = "smooth"

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 1 or self.novelty not in ("smooth", "binary"):
            raise WrongUse(
                f"the weight is {self.weight} and novelty {self.novelty!r}.",
                expected="a weight in [0, 1], and 'smooth' or 'binary'.",
            )
        _ = self._labels

    @cached_property
    def _labels(self) -> list[Any]:
        """Head or tail of every item, in the order of ids; so the base groups by it."""
        counts = np.nan_to_num(self.catalog.numbers(self.column))
        parts = split_by_interactions(counts, (self.head_share,))
        by_item = dict(zip(self.catalog.ids, parts.codes.tolist(), strict=True))
        return [parts.names[by_item[item]] for item in sorted(self.catalog.ids)]

    def rerank(self, batch: Batch, state: Any = None) -> Reranked:
        """Return the lists; users without a history have the tastes of all taken together."""
        everybody = {"head": self.head_share, "tail": 1 - self.head_share}
        groups = batch.groups
        return xquad(
            batch.candidates,
            groups,
            tastes(batch.histories, groups, everybody),
            k=batch.k,
            strength=self.weight,
            novelty=self.novelty,
        )


def tastes(
    histories: ItemLists, groups: ItemGroups, everybody: Mapping[str, float]
) -> NDArray[np.float64]:
    """Return each history's share of every known group, shape (m, G); "unknown" has none.

    A history without any item of a known group has the shares of `everybody`.
    """
    shares = known_shares(histories, groups)
    others = np.array([everybody.get(name, 0.0) for name in groups.names])
    return np.where(np.isnan(shares), others, shares)
