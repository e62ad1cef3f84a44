"""FairSync: every group gets its guaranteed number of places, at the least cost in score.

Xu, Chen, Xu, Shen, Zhang, Wang and Dong, "FairSync: Ensuring Amortized Group Exposure in
Distributed Recommendation Retrieval", WWW 2024. Over all lists the sum of scores is maximised with
at least M_g places for group g. Its dual has a price on every guarantee; lists are the k best by
score + price, and the prices are learnt by gradient steps, as in the paper. Prices alone meet
guarantees only nearly, so the places still lacking are then swapped in, the cheapest swap first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import WrongUse
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.item_lists import END
from fairrec.mitigations.rerankers.candidates import Candidates, Places, Reranked, in_order
from fairrec.mitigations.rerankers.frank_wolfe import sorted_top
from fairrec.mitigations.rerankers.group_targets import Target, group_targets
from fairrec.mitigations.rerankers.reranker import Batch, Reranker

_STEPS = 40


def fairsync(
    candidates: Candidates,
    groups: ItemGroups,
    *,
    k: int,
    alpha: float = 0.8,
    target: Target = "catalogue",
) -> Reranked:
    """Return lists in which group g has at least ⌊alpha γ_g · all places⌋ places.

    Args:
        candidates: m lists, which are looked at together.
        groups: One group an item.
        k: Places of a list.
        alpha: Part of its share γ that is guaranteed, in [0, 1]; 0 leaves every list as it is.
        target: γ.

    Returns:
        Places, each list sorted by score. The shortfall is the number of places that groups lack,
        divided evenly among the lists: above 0 only if candidates do not allow more.

    Raises:
        WrongUse: alpha is out of its range.
        BadData: Some item is in several groups.
    """
    if not 0 <= alpha <= 1:
        raise WrongUse(f"alpha is {alpha}.", expected="a number in [0, 1].")
    codes, shares = candidates.group_codes(groups), group_targets(groups, target)
    n_places = int(np.minimum(candidates.lengths, k).sum())
    wanted = np.floor(alpha * shares * n_places + 1e-9)
    best, ones = candidates.top(k), np.ones(len(candidates))
    lacking = np.maximum(wanted - _counts(codes, best, len(shares)), 0).sum()
    prices, held = np.zeros(len(shares)), best
    for step in range(1, _STEPS + 1):
        if lacking == 0:
            break
        gap = (wanted - _counts(codes, held, len(shares))) / max(n_places, 1)
        prices = np.maximum(prices + gap * 2 / np.sqrt(step), 0.0)
        held = sorted_top(candidates.scores, codes, ones, prices, k)
        missing = np.maximum(wanted - _counts(codes, held, len(shares)), 0).sum()
        if missing < lacking:
            best, lacking = held, missing
    places = in_order(best)
    lacks = _swapped(candidates, codes, wanted, places)
    return Reranked(in_order(places), np.full(len(candidates), lacks))


def _counts(codes: NDArray[np.int64], places: Places, n_groups: int) -> NDArray[np.float64]:
    held = np.take_along_axis(codes, places.clip(0), axis=1)[places != END]
    return np.bincount(held, minlength=n_groups).astype(np.float64)


def _swapped(
    candidates: Candidates, codes: NDArray[np.int64], wanted: NDArray[np.float64], places: Places
) -> float:
    """Swap in, list by list, what groups lack; return the places still lacking, per list."""
    m = len(candidates)
    rows = np.arange(m)
    while True:
        counts = _counts(codes, places, len(wanted))
        short = np.flatnonzero(counts < wanted)
        swapped = False
        for group in short:
            held = np.take_along_axis(codes, places.clip(0), axis=1)
            spare = np.append(counts > wanted, False)[held] & (places != END)
            listed = np.zeros(codes.shape, dtype=bool)
            inside = places != END
            listed[np.repeat(rows, inside.sum(axis=1)), places[inside]] = True
            # Candidates stand by score: the first that is not listed, and the last to spare.
            new = np.argmax((codes == group) & ~listed, axis=1)
            able = ((codes == group) & ~listed).any(axis=1) & spare.any(axis=1)
            old = places.shape[1] - 1 - np.argmax(spare[:, ::-1], axis=1)
            gone = places[rows, old]
            cost = np.where(
                able, candidates.scores[rows, gone.clip(0)] - candidates.scores[rows, new], np.inf
            )
            for row in np.argsort(cost, kind="stable")[: int(wanted[group] - counts[group])]:
                given = codes[row, gone[row]]
                if cost[row] == np.inf or counts[given] <= wanted[given]:
                    continue
                places[row, old[row]] = new[row]
                counts[given] -= 1
                counts[group] += 1
                swapped = True
        if not swapped:
            counts = _counts(codes, places, len(wanted))
            return float(np.maximum(wanted - counts, 0).sum()) / max(m, 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class FairSync(Reranker):
    """Every group gets its guaranteed number of places, at the least cost in score.

    Attributes:
        alpha: Part of its share that is guaranteed, in [0, 1]; 0 is the identity.
        target: What groups deserve.

    Raises:
        WrongUse: alpha is out of its range.
    """

    name: ClassVar[str] = "fairsync"
    strength: ClassVar[str] = "alpha"

    alpha: float = 0.8
    target: Target = "catalogue"

    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= 1:
            raise WrongUse(f"alpha is {self.alpha}.", expected="a number in [0, 1].")

    def rerank(self, batch: Batch, state: Any = None) -> Reranked:
        """Return the lists; see `fairsync`."""
        return fairsync(
            batch.candidates, batch.groups, k=batch.k, alpha=self.alpha, target=self.target
        )
