"""FA*IR: no prefix of a list has fewer protected items than chance would allow.

Zehlike, Bonchi, Castillo, Hajian, Megahed and Baeza-Yates, "FA*IR: A Fair Top-k Ranking
Algorithm", CIKM 2017, Algorithm 2. Of all lists that meet the table of minima it has the highest
score at every prefix. The table, its adjustment for many prefixes, and the rules that other
programs follow are in `fairrec.metrics.fa_ir`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fairrec.errors import WrongUse
from fairrec.metrics.fa_ir import Rule, adjusted_table, minimum_table
from fairrec.metrics.item_groups import ItemGroups
from fairrec.mitigations.rerankers.candidates import Candidates, Reranked
from fairrec.mitigations.rerankers.compiled import Compiled
from fairrec.mitigations.rerankers.reranker import Batch, Reranker


def fa_ir(
    candidates: Candidates, protected: ArrayLike, table: ArrayLike, *, k: int | None = None
) -> Reranked:
    """Return lists of which every prefix holds the least number of protected items.

    Each place takes the best candidate left, unless the table then lacks a protected one: then it
    takes the best protected candidate. Equal scores go by item number.

    Args:
        candidates: m lists.
        protected: Shape (N,): whether each item is protected.
        table: Shape (k,): least number in every prefix, as `minimum_table` gives it.
        k: Places of a list; the length of the table where None, and not above it.

    Returns:
        Places, and as shortfall the most protected items that any prefix lacks: 0 unless a list's
        candidates hold too few.

    Raises:
        WrongUse: Flags or table do not fit.

    >>> from fairrec.metrics.fa_ir import minimum_table
    >>> from fairrec.mitigations.rerankers.candidates import candidate_lists
    >>> lists = candidate_lists([[9, 8, 7, 6]])
    >>> fa_ir(lists, [False, False, False, True], [0, 1, 1]).places.tolist()
    [[0, 3, 1]]
    """
    flags, least = np.asarray(protected, dtype=bool), np.asarray(table, dtype=np.int64)
    k = len(least) if k is None else k
    if flags.shape != (candidates.n_items,) or least.ndim != 1 or not 1 <= k <= len(least):
        raise WrongUse(
            f"{flags.shape} flags, a table of {least.shape} and k = {k}.",
            expected=f"one flag for each of {candidates.n_items} items, and a number per place.",
        )
    places, shortfall = _filled(candidates.items, flags, least[:k])
    return Reranked(places, shortfall)


@Compiled
def _filled(
    items: NDArray[np.int64], protected: NDArray[np.bool_], least: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    m, c = items.shape
    k = len(least)
    places = np.full((m, k), -1)
    shortfall = np.zeros(m)
    for row in range(m):
        next_of = np.zeros(2, dtype=np.int64)  # of the others, of the protected
        listed = 0
        for place in range(k):
            for kind in range(2):
                while next_of[kind] < c:
                    item = items[row, next_of[kind]]
                    if item < 0:
                        next_of[kind] = c
                    elif protected[item] == (kind == 1):
                        break
                    else:
                        next_of[kind] += 1
            other, guarded = next_of
            if other == c and guarded == c:
                break
            take = guarded < c and (listed < least[place] or guarded < other)
            places[row, place] = guarded if take else other
            next_of[1 if take else 0] += 1
            if take:
                listed += 1
            shortfall[row] = max(shortfall[row], least[place] - listed)
    return places, shortfall


@dataclass(frozen=True, kw_only=True, eq=False)
class FAIR(Reranker):
    """FA*IR for one protected group.

    Attributes:
        protected: Name of the group; the known group with the fewest items of the catalogue
            where None.
        p: Share of places that it is to have, in (0, 1); its share of the catalogue where None.
            An item of several groups counts as protected if one of them is.
        alpha: Chance that a list made by chance would fail anywhere, in (0, 1); the smaller, the
            less is asked.
        adjusted: Whether alpha holds for all prefixes together, as it should; else for each.
        rule: How the adjustment is found (see `fairrec.metrics.fa_ir.adjusted_table`).

    Raises:
        WrongUse: A number is out of its range, or (from `rerank`) there is no such group.
    """

    name: ClassVar[str] = "fa_ir"
    strength: ClassVar[str] = "p"

    protected: str | None = None
    p: float | None = None
    alpha: float = 0.1
    adjusted: bool = True
    rule: Rule = "exact"

    def __post_init__(self) -> None:
        if not (0 < self.alpha < 1 and (self.p is None or 0 < self.p < 1)):
            raise WrongUse(
                f"p is {self.p} and alpha {self.alpha}.", expected="numbers between 0 and 1."
            )

    def rerank(self, batch: Batch, state: Any = None) -> Reranked:
        """Return the lists; see `fa_ir`."""
        flags = protected_items(batch.groups, self.protected)
        p = float(flags.mean()) if self.p is None else self.p
        if not 0 < p < 1:
            raise WrongUse(
                f"{p:.0%} of the items are protected.", expected="some, but not all of them."
            )
        if self.adjusted:
            table = adjusted_table(batch.k, p, self.alpha, self.rule).table
        else:
            table = minimum_table(batch.k, p, self.alpha)
        return fa_ir(batch.candidates, flags, table)


def protected_items(groups: ItemGroups, name: str | None) -> NDArray[np.bool_]:
    """Return which items are in a group, shape (N,).

    Args:
        groups: All groups.
        name: That group; None for the known one with the fewest items.

    Raises:
        WrongUse: There is no such group.
    """
    if name is None:
        sizes = np.where(groups.known & (groups.sizes > 0), groups.sizes, np.inf)
        column = int(np.argmin(sizes))
    elif name in groups.names:
        column = groups.names.index(name)
    else:
        raise WrongUse(
            f"the protected group {name!r} is none of the groups.",
            expected=f"one of {', '.join(groups.names[:10])}.",
        )
    return np.asarray(groups.membership[:, [column]].toarray()).ravel() > 0
