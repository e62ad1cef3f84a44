"""FairSync: every group gets its guaranteed number of places, at the least cost in score.

Xu, Chen, Xu, Shen, Zhang, Wang and Dong, "FairSync: Ensuring Amortized Group Exposure in
Distributed Recommendation Retrieval", WWW 2024. Over all lists the sum of scores is maximised with
at least M_g places for group g. Its dual has a price on every guarantee; lists are the k best by
score + price, and the prices are learnt by gradient steps, as in the paper. Prices alone meet
guarantees only nearly, so the places still lacking are then swapped in, the cheapest swap first;
where no list can swap directly, a place is passed on through other groups, list by list. These are
the augmenting paths of a flow from lists to groups, so nothing is lacking that could be had.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import WrongUse
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.item_lists import END
from fairrec.mitigations.rerankers.best_k import best_of_lists
from fairrec.mitigations.rerankers.candidates import Candidates, Places, Reranked, in_order
from fairrec.mitigations.rerankers.group_targets import Target, group_targets
from fairrec.mitigations.rerankers.reranker import Batch, Reranker

Mask = NDArray[np.bool_]
Values = NDArray[np.float64]

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
        held = best_of_lists(candidates.scores, codes, ones, prices, k)
        missing = np.maximum(wanted - _counts(codes, held, len(shares)), 0).sum()
        if missing < lacking:
            best, lacking = held, missing
    lacks = 0.0
    if lacking > 0:
        listed = _listed(best, codes.shape[1])
        lacks = _filled(candidates.scores, codes, wanted, listed)
        best = _places(listed, k)
    return Reranked(in_order(best), np.full(len(candidates), lacks / max(len(candidates), 1)))


def _counts(codes: NDArray[np.int64], places: Places, n_groups: int) -> NDArray[np.float64]:
    held = np.take_along_axis(codes, places.clip(0), axis=1)[places != END]
    return np.bincount(held, minlength=n_groups).astype(np.float64)


def _listed(places: Places, width: int) -> Mask:
    """Return which candidates stand at the places, shape (m, c)."""
    listed = np.zeros((len(places), width), dtype=bool)
    inside = places != END
    listed[np.repeat(np.arange(len(places)), inside.sum(axis=1)), places[inside]] = True
    return listed


def _places(listed: Mask, k: int) -> Places:
    """Return the places of what is listed, the inverse of `_listed`."""
    places = np.full((len(listed), k), END)
    rows, columns = np.nonzero(listed)
    places[rows, (np.cumsum(listed, axis=1) - 1)[listed]] = columns
    return places


def _filled(scores: Values, codes: NDArray[np.int64], wanted: Values, listed: Mask) -> float:
    """Give groups in `listed` what they lack; return the places that remain lacking."""
    while True:
        counts = np.bincount(codes[listed], minlength=len(wanted)).astype(np.float64)
        if (counts >= wanted).all():
            return 0.0
        if not _swapped(scores, codes, wanted, listed, counts) and not _passed_on(
            scores, codes, wanted, listed, counts
        ):
            return float(np.maximum(wanted - counts, 0).sum())


def _swapped(
    scores: Values, codes: NDArray[np.int64], wanted: Values, listed: Mask, counts: Values
) -> bool:
    """Swap in, list by list, what groups lack; return whether anything was."""
    width, found = listed.shape[1], False
    for group in np.flatnonzero(counts < wanted):
        # Past the end of a list the code is END, which reads the last entry: listed is False there.
        spare, more = listed & (counts > wanted)[codes], (codes == group) & ~listed
        # Candidates stand by score: the last to spare, and the first that is not listed.
        old, new = width - 1 - np.argmax(spare[:, ::-1], axis=1), np.argmax(more, axis=1)
        able = np.flatnonzero(spare.any(axis=1) & more.any(axis=1))
        cost = scores[able, old[able]] - scores[able, new[able]]
        for row in able[np.argsort(cost, kind="stable")][: int(wanted[group] - counts[group])]:
            given = codes[row, old[row]]
            if counts[given] <= wanted[given]:
                continue
            listed[row, old[row]], listed[row, new[row]] = False, True
            counts[given] -= 1
            counts[group] += 1
            found = True
    return found


def _passed_on(
    scores: Values, codes: NDArray[np.int64], wanted: Values, listed: Mask, counts: Values
) -> bool:
    """Give one place to a group that lacks it, by the fewest swaps; return whether it could be.

    Each group on the way gains a place in one list and gives one in another.
    """
    n_groups, (m, width) = len(wanted), listed.shape
    rows = np.arange(m)
    last, first = np.zeros((2, n_groups, m), dtype=np.int64)
    loss, gain = np.full((n_groups, m), np.inf), np.full((n_groups, m), -np.inf)
    for group in range(n_groups):
        held, other = (codes == group) & listed, (codes == group) & ~listed
        last[group] = width - 1 - np.argmax(held[:, ::-1], axis=1)
        first[group] = np.argmax(other, axis=1)
        loss[group] = np.where(held.any(axis=1), scores[rows, last[group]], np.inf)
        gain[group] = np.where(other.any(axis=1), scores[rows, first[group]], -np.inf)
    # Of giver and taker: the cheapest swap, and the list that has it.
    costs = np.array([(loss - of).min(axis=1) for of in gain]).T
    where = np.array([(loss - of).argmin(axis=1) for of in gain]).T
    before = np.full(n_groups, END)
    spent = np.where(counts > wanted, 0.0, np.inf)
    while True:
        through = spent[:, None] + costs
        least = through.min(axis=0)
        reached = np.flatnonzero(np.isinf(spent) & np.isfinite(least))
        if len(reached) == 0:
            return False
        before[reached], spent[reached] = through.argmin(axis=0)[reached], least[reached]
        lacking = reached[counts[reached] < wanted[reached]]
        if len(lacking):
            break
    group = int(lacking[np.argmin(spent[lacking])])
    while before[group] != END:
        giver = int(before[group])
        row = where[giver, group]
        listed[row, last[giver, row]], listed[row, first[group, row]] = False, True
        group = giver
    return True


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
