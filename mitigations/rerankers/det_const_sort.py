"""DetConstSort: minima of every prefix, and the best candidates as far up as they may stand.

Geyik, Ambler and Kenthapadi, "Fairness-Aware Ranking in Search & Recommendation Systems with
Application to LinkedIn Talent Search", KDD 2019, Algorithm 3. With p the share that a group
deserves, its n-th item is due at the first place i with ⌊p i⌋ >= n. Items come in the order in
which they are due, the better ones first where several are due at once; each moves up past worse
ones that may still stand one place lower. So every minimum is met, with any number of groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fairrec.metrics.item_groups import ItemGroups
from fairrec.mitigations.rerankers.candidates import Candidates, Reranked
from fairrec.mitigations.rerankers.compiled import Compiled
from fairrec.mitigations.rerankers.det_greedy import det_shares
from fairrec.mitigations.rerankers.group_targets import Target
from fairrec.mitigations.rerankers.reranker import Batch, Reranker


def det_const_sort(
    candidates: Candidates, groups: ItemGroups, *, k: int, target: Target = "catalogue"
) -> Reranked:
    """Return lists of which every prefix of i places holds at least ⌊p i⌋ of every group.

    Args:
        candidates: m lists.
        groups: One group an item.
        k: Places of a list.
        target: Shares p; groups without one come when no other is left.

    Returns:
        Places, and as shortfall the most items of one group that a prefix lacks: above 0 only
        where the candidates hold too few of it.

    Raises:
        BadData: Some item is in several groups.
    """
    codes = candidates.group_codes(groups)
    places, shortfall = _sorted(codes, det_shares(groups, target), k)
    return Reranked(places, shortfall)


@Compiled
def _sorted(
    codes: NDArray[np.int64], shares: NDArray[np.float64], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    m, c = codes.shape
    n_groups = len(shares)
    places = np.full((m, k), -1)
    shortfall = np.zeros(m)
    following = np.empty(c, dtype=np.int64)
    head = np.empty(n_groups, dtype=np.int64)
    counts = np.empty(n_groups, dtype=np.int64)
    due = np.empty(k, dtype=np.int64)
    for row in range(m):
        head[:] = c
        counts[:] = 0
        for column in range(c - 1, -1, -1):
            g = codes[row, column]
            if g >= 0:
                following[column] = head[g]
                head[g] = column
        for i in range(k):
            # The group whose next item is due first; the better candidate of several.
            best, first = -1, np.inf
            for g in range(n_groups):
                if head[g] == c:
                    continue
                at = np.inf
                if shares[g] > 0:
                    at = np.ceil((counts[g] + 1) / shares[g] - 1e-9)
                if best < 0 or at < first or (at == first and head[g] < head[best]):
                    best, first = g, at
            if best < 0:
                break
            column, last = head[best], max(i, min(k, first) - 1)
            head[best] = following[column]
            counts[best] += 1
            place = i
            while place > 0 and places[row, place - 1] > column and due[place - 1] >= place:
                places[row, place] = places[row, place - 1]
                due[place] = due[place - 1]
                place -= 1
            places[row, place], due[place] = column, last
        counts[:] = 0
        for i in range(k):
            if places[row, i] < 0:
                break
            counts[codes[row, places[row, i]]] += 1
            for g in range(n_groups):
                lacks = np.floor(shares[g] * (i + 1) + 1e-9) - counts[g]
                shortfall[row] = max(shortfall[row], lacks)
    return places, shortfall


@dataclass(frozen=True, kw_only=True, eq=False)
class DetConstSort(Reranker):
    """Minima of every prefix, and the best candidates as far up as they may stand.

    Attributes:
        target: What groups deserve (see `det_const_sort`).
    """

    name: ClassVar[str] = "det_const_sort"

    target: Target = "catalogue"

    def rerank(self, batch: Batch, state: Any = None) -> Reranked:
        """Return the lists; see `det_const_sort`."""
        return det_const_sort(batch.candidates, batch.groups, k=batch.k, target=self.target)
