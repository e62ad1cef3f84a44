"""Fairness of exposure: a lottery over rankings in which groups get what they are owed.

Singh and Joachims, "Fairness of Exposure in Rankings", KDD 2018. No single ranking can be fair to
groups of exposure that falls with the place; the mean of many can. Each request is answered with
one ranking, drawn by its seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import WrongUse
from fairrec.metrics.browsing import Browsing, parse_browsing
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.item_lists import END
from fairrec.mitigations.rerankers.birkhoff import Lottery, birkhoff
from fairrec.mitigations.rerankers.candidates import Candidates, Reranked
from fairrec.mitigations.rerankers.exposure_constraints import Constraint, constraint_rows
from fairrec.mitigations.rerankers.exposure_dual import exposure_dual
from fairrec.mitigations.rerankers.exposure_lp import exposure_lp
from fairrec.mitigations.rerankers.reranker import Batch, Reranker

Solver = Literal["dual", "highs"]


def fair_lottery(
    relevance: NDArray[np.float64],
    codes: NDArray[np.int64],
    weights: NDArray[np.float64],
    *,
    constraint: Constraint = "treatment",
    strength: float = 1.0,
    solver: Solver = "dual",
) -> tuple[Lottery, float]:
    """Return the lottery over rankings of one list's candidates, and what it misses.

    Args:
        relevance: Shape (n,), at least 0.
        codes: Shape (n,): groups; -1 for candidates that no constraint is about.
        weights: Shape (k,), k <= n: exposure of places.
        constraint: "parity", "treatment" or "impact" (see `exposure_constraints`).
        strength: In [0, 1]: the part of the best ranking's inequality that goes; 0 is that
            ranking.
        solver: "dual", or "highs" with a Birkhoff decomposition.
    """
    rows = constraint_rows(relevance, codes, constraint)
    best = np.argsort(-relevance, kind="stable")[: len(weights)]
    wanted = (1 - strength) * (rows[:, best] @ weights)
    if solver == "dual":
        solution = exposure_dual(relevance, rows, weights, wanted)
        return solution.lottery, solution.missed
    marginals, missed = exposure_lp(relevance, rows, weights, wanted)
    return birkhoff(marginals, 1e-6), missed


def fair_exposure(
    candidates: Candidates,
    groups: ItemGroups,
    *,
    k: int,
    seeds: tuple[int, ...],
    constraint: Constraint = "treatment",
    strength: float = 1.0,
    browsing: Browsing | None = None,
    solver: Solver = "dual",
) -> Reranked:
    """Return one draw of every list's lottery; see `fair_lottery`.

    Args:
        candidates: m lists; scores of at least 0 are relevance.
        groups: One group an item; "unknown" is in no constraint.
        k: Places of a list.
        seeds: One a list.
        constraint, strength, solver: See `fair_lottery`.
        browsing: How lists are read; logarithmic where None.

    Returns:
        Places, and as shortfall by how much the constraints cannot be met, in sum.
    """
    codes = candidates.group_codes(groups)
    known = np.append(groups.known, False)  # END is the last
    codes = np.where(known[codes], codes, -1)
    weights = (browsing or Browsing("log2")).weights(k)
    places = np.full((len(candidates), k), END)
    shortfall = np.zeros(len(candidates))
    for row, seed in enumerate(seeds):
        n = int(candidates.listed[row].sum())
        lottery, shortfall[row] = fair_lottery(
            candidates.scores[row, :n],
            codes[row, :n],
            weights[: min(n, k)],
            constraint=constraint,
            strength=strength,
            solver=solver,
        )
        places[row, : min(n, k)] = lottery.draw(seed)
    return Reranked(places, np.where(shortfall > 1e-9, shortfall, 0.0))


@dataclass(frozen=True, kw_only=True, eq=False)
class ExposureLP(Reranker):
    """A lottery over rankings in which groups get the exposure that they are owed.

    Attributes:
        constraint: "parity", "treatment" or "impact".
        weight: The part of the inequality that goes, in [0, 1]; 0 is the identity.
        browsing: How lists are read, such as "log2" or "rbp:0.85".
        solver: "dual", or "highs" for the linear program as it is in the paper.

    Raises:
        WrongUse: A setting is out of its range.
    """

    name: ClassVar[str] = "exposure_lp"
    strength: ClassVar[str] = "weight"

    constraint: Constraint = "treatment"
    weight: float = 1.0
    browsing: str = "log2"
    solver: Solver = "dual"

    def __post_init__(self) -> None:
        constraint_rows(np.ones(1), np.zeros(1, dtype=np.int64), self.constraint)
        parse_browsing(self.browsing).weights(1)  # a model that needs relevance has none
        if not 0 <= self.weight <= 1 or self.solver not in ("dual", "highs"):
            raise WrongUse(
                f"the weight is {self.weight} and the solver {self.solver!r}.",
                expected="a weight in [0, 1], and 'dual' or 'highs'.",
            )

    def rerank(self, batch: Batch, state: Any = None) -> Reranked:
        """Return one ranking of every list; see `fair_exposure`."""
        return fair_exposure(
            batch.candidates,
            batch.groups,
            k=batch.k,
            seeds=batch.seeds,
            constraint=self.constraint,
            strength=self.weight,
            browsing=parse_browsing(self.browsing),
            solver=self.solver,
        )
