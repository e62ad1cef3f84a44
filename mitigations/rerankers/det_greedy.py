"""DetGreedy, DetCons and DetRelaxed: every prefix holds its minimum of every group.

Geyik, Ambler and Kenthapadi, "Fairness-Aware Ranking in Search & Recommendation Systems with
Application to LinkedIn Talent Search", KDD 2019, Algorithms 1 and 2. With p the share that a group
deserves, the first i places are to hold ⌊p i⌋ to ⌈p i⌉ of it. Place by place, a group below its
minimum goes first; where none is, the three methods differ in whom they choose among those below
their maximum.

The published methods look at one place only and can end where two groups need the same place (with
four groups or more, as the authors say). Here a group is chosen only if all minima of later
prefixes can still be met, which takes a look at what is due by each of them; so minima are met
wherever the candidates allow. Where the published methods do not fail, the lists are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import WrongUse
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.merit import catalogue_shares
from fairrec.mitigations.rerankers.candidates import Candidates, Reranked
from fairrec.mitigations.rerankers.compiled import Compiled
from fairrec.mitigations.rerankers.group_targets import Target, group_targets
from fairrec.mitigations.rerankers.reranker import Batch, Reranker

Rule = Literal["greedy", "cons", "relaxed"]


def det_shares(groups: ItemGroups, target: Target) -> NDArray[np.float64]:
    """Return the share of every group, shape (G,).

    As `group_targets`, but "unknown" too has its share of the catalogue: a group without any would
    come after all others.
    """
    return catalogue_shares(groups) if target == "catalogue" else group_targets(groups, target)


def det_ranking(
    candidates: Candidates,
    groups: ItemGroups,
    *,
    k: int,
    rule: Rule = "greedy",
    target: Target = "catalogue",
) -> Reranked:
    """Return lists of which every prefix of i places holds at least ⌊p i⌋ of every group.

    Args:
        candidates: m lists.
        groups: One group an item.
        k: Places of a list.
        rule: Whom to choose where no minimum is due, among groups below ⌈p i⌉: "greedy" the best
            candidate; "cons" the group with the least ⌈p i⌉ / p; "relaxed" that with the least
            ⌈⌈p i⌉ / p⌉, the best candidate of several. Ties go to the better candidate.
        target: Shares p; groups without one come when no other is left.

    Returns:
        Places, and as shortfall the most items of one group that a prefix lacks: above 0 only
        where the candidates hold too few of it.

    Raises:
        BadData: Some item is in several groups.
        WrongUse: The rule is unknown.
    """
    if rule not in get_args(Rule):
        raise WrongUse(f"the rule is {rule!r}.", expected="'greedy', 'cons' or 'relaxed'.")
    codes, shares = candidates.group_codes(groups), det_shares(groups, target)
    places, shortfall = _ranked(codes, shares, k, get_args(Rule).index(rule))
    return Reranked(places, shortfall)


@Compiled
def _ranked(
    codes: NDArray[np.int64], shares: NDArray[np.float64], k: int, rule: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    m, c = codes.shape
    n_groups = len(shares)
    places = np.full((m, k), -1)
    shortfall = np.zeros(m)
    least = np.empty((k, n_groups), dtype=np.int64)
    most = np.empty((k, n_groups), dtype=np.int64)
    for i in range(k):
        for g in range(n_groups):
            least[i, g] = int(np.floor(shares[g] * (i + 1) + 1e-9))
            most[i, g] = int(np.ceil(shares[g] * (i + 1) - 1e-9))
    following = np.empty(c, dtype=np.int64)
    head = np.empty(n_groups, dtype=np.int64)
    held = np.empty(n_groups, dtype=np.int64)
    counts = np.empty(n_groups, dtype=np.int64)
    for row in range(m):
        head[:] = c
        held[:] = 0
        counts[:] = 0
        for column in range(c - 1, -1, -1):
            g = codes[row, column]
            if g >= 0:
                following[column] = head[g]
                head[g] = column
                held[g] += 1
        for i in range(k):
            # The first prefix all of whose places left are needed for minima that are due by then.
            tight = -1
            for j in range(i, k):
                due = 0
                for g in range(n_groups):
                    due += max(0, min(least[j, g], held[g]) - counts[g])
                if due >= j - i + 1:
                    tight = j
                    break
            best, below, value = -1, 0, np.inf
            for g in range(n_groups):
                if head[g] == c:
                    continue
                if tight >= 0 and min(least[tight, g], held[g]) <= counts[g]:
                    continue
                # 3: below its minimum, 2: below its maximum, 1: neither, 0: without a share.
                state = 3 if counts[g] < least[i, g] else (2 if counts[g] < most[i, g] else 1)
                if shares[g] == 0:
                    state = 0
                rank = float(head[g])
                if state == 2 and rule > 0:
                    ratio = most[i, g] / shares[g]
                    rank = ratio if rule == 1 else np.ceil(ratio - 1e-9)
                if best >= 0 and state < below:
                    continue
                closer = rank < value - 1e-12 or (rank <= value + 1e-12 and head[g] < head[best])
                if best < 0 or state > below or closer:
                    best, below, value = g, state, rank
            if best < 0:
                break
            places[row, i] = head[best]
            head[best] = following[head[best]]
            counts[best] += 1
            for g in range(n_groups):
                shortfall[row] = max(shortfall[row], least[i, g] - counts[g])
    return places, shortfall


@dataclass(frozen=True, kw_only=True, eq=False)
class DetGreedy(Reranker):
    """The best candidate, unless a group's minimum is due.

    Attributes:
        target: What groups deserve (see `det_ranking`).
    """

    name: ClassVar[str] = "det_greedy"
    rule: ClassVar[Rule] = "greedy"

    target: Target = "catalogue"

    def rerank(self, batch: Batch, state: Any = None) -> Reranked:
        """Return the lists; see `det_ranking`."""
        return det_ranking(
            batch.candidates, batch.groups, k=batch.k, rule=self.rule, target=self.target
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class DetCons(DetGreedy):
    """Where no minimum is due, the group whose next one is due first for what it may have."""

    name: ClassVar[str] = "det_cons"
    rule: ClassVar[Rule] = "cons"


@dataclass(frozen=True, kw_only=True, eq=False)
class DetRelaxed(DetGreedy):
    """As DetCons, but of groups that are due at the same place the best candidate."""

    name: ClassVar[str] = "det_relaxed"
    rule: ClassVar[Rule] = "relaxed"
