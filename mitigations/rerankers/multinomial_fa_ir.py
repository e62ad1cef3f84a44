"""Multinomial FA*IR: several protected groups at once.

Zehlike, Sühr, Baeza-Yates, Bonchi, Castillo and Hajian, "Fair Top-k Ranking with Multiple Protected
Groups", Information Processing & Management 59, 2022. If every place were given to the groups with
the chances p, the counts of a prefix would be multinomial. A prefix passes if the chance of having
at most as many of every protected group at once is above alpha. There are many ways to pass; the
paper walks a tree of them. Here the list itself decides: a place takes the best candidate left,
unless the prefix then fails, and else the best candidate of the group whose item raises that chance
most. Later prefixes are looked at one by one as they come.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from scipy.stats import binom

from fairrec.errors import WrongUse
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.item_lists import END
from fairrec.mitigations.rerankers.candidates import Candidates, Reranked
from fairrec.mitigations.rerankers.reranker import Batch, Reranker


@lru_cache(maxsize=100_000)
def chance_of_at_most(counts: tuple[int, ...], places: int, p: tuple[float, ...]) -> float:
    """Return the chance that a multinomial prefix has at most so many of every protected group.

    ``P(X_1 <= c_1, ..., X_G <= c_G)`` with X ~ Multinomial(places, (1 - Σ p, p)), by taking one
    group after another: given the first's count, the others are multinomial in what is left.

    Args:
        counts: One per protected group.
        places: Length of the prefix.
        p: Chances of the protected groups, each in (0, 1), with a sum of at most 1.

    >>> round(chance_of_at_most((1,), 4, (0.5,)), 4)
    0.3125
    """
    if len(counts) == 1:
        return float(binom.cdf(counts[0], places, min(p[0], 1.0)))
    rest = tuple(min(chance / (1 - p[0]), 1.0) for chance in p[1:])
    return sum(
        float(binom.pmf(x, places, p[0])) * chance_of_at_most(counts[1:], places - x, rest)
        for x in range(min(counts[0], places) + 1)
    )


def multinomial_fa_ir(
    candidates: Candidates,
    groups: ItemGroups,
    shares: Mapping[str, float],
    *,
    k: int,
    alpha: float = 0.1,
) -> Reranked:
    """Return lists of which every prefix passes the test, as far as candidates allow.

    Args:
        candidates: m lists.
        groups: One group an item.
        shares: p by protected group.
        k: Places of a list.
        alpha: Level of the test of each prefix, in (0, 1).

    Returns:
        Places, and as shortfall the number of prefixes that fail.

    Raises:
        WrongUse: A group is unknown, or numbers are out of their range.
        BadData: Some item is in several groups.
    """
    unknown = sorted(set(shares) - set(groups.names))
    if unknown or not shares or not all(p > 0 for p in shares.values()) or not 0 < alpha < 1:
        raise WrongUse(
            f"shares are {dict(shares)}, alpha {alpha}.",
            expected=f"shares above 0 of some of {', '.join(groups.names[:10])}, alpha in (0, 1).",
        )
    if sum(shares.values()) >= 1:
        raise WrongUse(
            f"shares of protected groups sum to {sum(shares.values()):g}.",
            expected="less than 1: the rest is for those who are not protected.",
        )
    chances = tuple(shares.values())
    numbers = {groups.names.index(name): place for place, name in enumerate(shares)}
    codes = candidates.group_codes(groups)
    places = np.full((len(candidates), k), END)
    failing = np.zeros(len(candidates))
    for row, listed in enumerate(codes):
        heads: dict[int, list[int]] = {}
        for column in np.flatnonzero(listed != END)[::-1].tolist():
            heads.setdefault(numbers.get(int(listed[column]), -1), []).append(column)
        counts = [0] * len(chances)
        for place in range(k):
            left = {g: columns[-1] for g, columns in heads.items() if columns}
            if not left:
                break

            def passing(g: int, place: int = place, counts: list[int] = counts) -> float:
                after = tuple(count + (g == i) for i, count in enumerate(counts))
                return chance_of_at_most(after, place + 1, chances)

            best = min(left, key=left.__getitem__)
            if passing(best) <= alpha:
                best = max(left, key=lambda g: (passing(g), -left[g]))
                failing[row] += passing(best) <= alpha
            places[row, place] = heads[best].pop()
            if best >= 0:
                counts[best] += 1
    return Reranked(places, failing)


@dataclass(frozen=True, kw_only=True, eq=False)
class MultinomialFAIR(Reranker):
    """FA*IR for several protected groups.

    Attributes:
        shares: p by protected group; where None, all known groups but the largest, with their
            shares of the catalogue.
        alpha: Level of the test of each prefix; many prefixes are tested, so a list made by
            chance fails more often than that.

    Raises:
        WrongUse: alpha is out of its range; from `rerank`, a group is unknown.
    """

    name: ClassVar[str] = "multinomial_fa_ir"

    shares: Mapping[str, float] | None = None
    alpha: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise WrongUse(f"alpha is {self.alpha}.", expected="a number in (0, 1).")

    def rerank(self, batch: Batch, state: Any = None) -> Reranked:
        """Return the lists; see `multinomial_fa_ir`."""
        shares = self.shares
        if shares is None:
            groups = batch.groups
            part = dict(zip(groups.names, groups.sizes / groups.sizes.sum(), strict=True))
            known = [n for n, there in zip(groups.names, groups.known, strict=True) if there]
            largest = max(known, key=lambda name: part[name])
            shares = {n: float(part[n]) for n in known if n != largest and part[n] > 0}
        if not shares:
            return Reranked(batch.candidates.top(batch.k), np.zeros(len(batch)))
        return multinomial_fa_ir(
            batch.candidates, batch.groups, shares, k=batch.k, alpha=self.alpha
        )
