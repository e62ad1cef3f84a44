"""FairCo: a controller that gives groups in the next list what earlier lists owe them.

Morik, Singh, Hong and Joachims, "Controlling Fairness and Bias in Dynamic Learning-to-Rank", SIGIR
2020, equation 17 (a proportional controller). Lists come one after another; list t is sorted by

    score + strength · err_g,    err_g = max_h E_h / γ_h - E_g / γ_g

where E_g is the exposure that group g has had in the lists before, in lists' worth of exposure, and
γ_g what it deserves. As the error is a sum over lists, a small strength is enough in the long run:
the unfairness of the mean exposure, max_g,h |Ē_g / γ_g - Ē_h / γ_h|, falls as 1 / t (their theorem
1) as long as candidates of every group keep coming.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.browsing import Browsing, parse_browsing
from fairrec.metrics.item_groups import ItemGroups
from fairrec.mitigations.rerankers.best_k import best_k
from fairrec.mitigations.rerankers.candidates import Candidates, Reranked
from fairrec.mitigations.rerankers.compiled import Compiled
from fairrec.mitigations.rerankers.group_targets import Target, group_targets
from fairrec.mitigations.rerankers.reranker import Batch, Reranker

Merit = Literal["relevance"] | Target
"""What groups deserve: the summed relevance of their candidates so far, or fixed shares."""


@dataclass
class ExposureGiven:
    """What a controller remembers.

    Attributes:
        exposure: By group, the exposure that it has had; one list gives 1 in all.
        relevance: By group, the summed scores of its candidates.
        lists: How many lists there were.
    """

    exposure: dict[str, float] = field(default_factory=dict)
    relevance: dict[str, float] = field(default_factory=dict)
    lists: int = 0

    def arrays(self, groups: ItemGroups) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return exposure and relevance in the order of the groups, shape (G,) each."""
        exposure = np.array([self.exposure.get(name, 0.0) for name in groups.names])
        return exposure, np.array([self.relevance.get(name, 0.0) for name in groups.names])

    def replace(
        self,
        groups: ItemGroups,
        exposure: NDArray[np.float64],
        relevance: NDArray[np.float64],
        lists: int,
    ) -> None:
        """Remember new sums, after so many more lists."""
        self.exposure.update(zip(groups.names, exposure.tolist(), strict=True))
        self.relevance.update(zip(groups.names, relevance.tolist(), strict=True))
        self.lists += lists

    def merge(self, other: ExposureGiven) -> None:
        """Add what another controller gave, in other lists."""
        for mine, theirs in (
            (self.exposure, other.exposure),
            (self.relevance, other.relevance),
        ):
            for name, amount in theirs.items():
                mine[name] = mine.get(name, 0.0) + amount
        self.lists += other.lists

    def to_json(self) -> str:
        """Return the sums as JSON."""
        return json.dumps(vars(self), sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> ExposureGiven:
        """Return what `to_json` wrote."""
        found = json.loads(text)
        return cls(dict(found["exposure"]), dict(found["relevance"]), int(found["lists"]))


def fairco(
    candidates: Candidates,
    groups: ItemGroups,
    *,
    k: int,
    strength: float = 0.01,
    merit: Merit = "catalogue",
    browsing: Browsing | None = None,
    given: ExposureGiven | None = None,
) -> Reranked:
    """Return the lists, each correcting what those before it left uneven.

    Args:
        candidates: m lists in the order in which they come; scores of at least 0 if merit is
            relevance.
        groups: One group an item. Those that deserve nothing, and "unknown", get no bonus.
        k: Places of a list.
        strength: λ of the controller, at least 0, in units of the score per list's worth of
            exposure; 0 leaves every list as it is.
        merit: What groups deserve.
        browsing: How lists are read; logarithmic where None. Its weights must not depend on
            relevance.
        given: What there was before; these lists are added to it.

    Returns:
        Places, and as shortfall zeros: nothing is promised of a single list.

    Raises:
        BadData: Some item is in several groups, or relevance is negative.
    """
    memory = ExposureGiven() if given is None else given
    exposure, relevance = memory.arrays(groups)
    by_relevance = isinstance(merit, str) and merit == "relevance"
    if by_relevance and candidates.scores[candidates.listed].min(initial=0.0) < 0:
        raise BadData(
            f"scores go down to {candidates.scores[candidates.listed].min():g}.",
            expected="relevance of at least 0, as merit.",
            do="scale scores to [0, 1], or let merit be 'catalogue' or 'equal'.",
        )
    shares = groups.known.astype(float) if by_relevance else group_targets(groups, merit)  # type: ignore[arg-type]
    weights = (browsing or Browsing("log2")).weights(k)
    places = _controlled(
        candidates.scores,
        candidates.group_codes(groups),
        shares,
        weights / weights.sum(),
        exposure,
        relevance,
        by_relevance,
        strength,
    )
    memory.replace(groups, exposure, relevance, len(candidates))
    return Reranked(places, np.zeros(len(candidates)))


@Compiled
def _controlled(
    scores: NDArray[np.float64],
    codes: NDArray[np.int64],
    shares: NDArray[np.float64],
    weights: NDArray[np.float64],
    exposure: NDArray[np.float64],
    relevance: NDArray[np.float64],
    by_relevance: bool,
    strength: float,
) -> NDArray[np.int64]:
    """Fill the places, and add to `exposure` and `relevance`."""
    m, c = scores.shape
    k, n_groups = len(weights), len(shares)
    places = np.full((m, k), -1)
    bonus = np.zeros(n_groups)
    values = np.empty(k)
    for row in range(m):
        for column in range(c):
            if codes[row, column] < 0:
                break
            relevance[codes[row, column]] += scores[row, column]
        whole = 0.0
        for g in range(n_groups):
            whole += relevance[g] if shares[g] > 0 else 0.0
        most = 0.0
        for g in range(n_groups):
            due = shares[g]
            if by_relevance and due > 0:
                due = relevance[g] / whole if whole > 0 else 0.0
            # Below zero: a group that deserves nothing so far.
            bonus[g] = exposure[g] / due if due > 0 else -1.0
            most = max(most, bonus[g])
        for g in range(n_groups):
            bonus[g] = strength * (most - bonus[g]) if bonus[g] >= 0 else 0.0
        n = best_k(scores[row], codes[row], 1.0, bonus, places[row], values)
        for place in range(n):
            exposure[codes[row, places[row, place]]] += weights[place]
    return places


@dataclass(frozen=True, kw_only=True, eq=False)
class FairCo(Reranker):
    """A controller that gives groups in the next list what earlier lists owe them.

    Attributes:
        weight: λ (see `fairco`); 0 is the identity.
        merit: "catalogue", "equal", "relevance" or shares by group.
        browsing: How lists are read, such as "log2" or "rbp:0.85".

    Raises:
        WrongUse: The weight is negative, or the browsing model is unknown.
    """

    name: ClassVar[str] = "fairco"
    strength: ClassVar[str] = "weight"

    weight: float = 0.01
    merit: Merit = "catalogue"
    browsing: str = "log2"

    def __post_init__(self) -> None:
        if not self.weight >= 0:
            raise WrongUse(f"the weight is {self.weight}.", expected="a number of at least 0.")
        parse_browsing(self.browsing)

    def start(self) -> ExposureGiven:
        """Return a memory of no lists."""
        return ExposureGiven()

    def rerank(self, batch: Batch, state: Any = None) -> Reranked:
        """Return the lists, in the order of the batch."""
        return fairco(
            batch.candidates,
            batch.groups,
            k=batch.k,
            strength=self.weight,
            merit=self.merit,
            browsing=parse_browsing(self.browsing),
            given=state,
        )
