"""TaxRank: exposure as taxed income, from nothing taken to all alike.

Xu, Ye, Wang, Pang, Xu and Chua, "A Taxation Perspective for Fair Re-ranking", SIGIR 2024. With η_i
the summed relevance of item i, exposures e are to maximise

    Σ_i η_i e_i^(1 - t) / (1 - t),    log at t = 1,

for a tax rate t >= 0, with as many places as lists have and an item at most once a list: e_i is
η_i^(1/t) times a constant, capped. The larger t, the more alike exposures are. Lists are then drawn
with these expected exposures and high scores: chances of items in lists are found by optimal
transport with an entropy term (Sinkhorn's scaling), on the candidates alone, and lists drawn by
systematic sampling, which keeps them. At t = 0, where the paper gives the items of the largest η to
everybody, lists stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.item_lists import END
from fairrec.mitigations.rerankers.candidates import Candidates, Reranked
from fairrec.mitigations.rerankers.reranker import Batch, Reranker

Values = NDArray[np.float64]


def taxed_exposures(eta: Values, caps: Values, total: float, rate: float) -> Values:
    """Return e of the optimum: ``min(cap_i, c η_i^(1/t))`` with sum `total`; shape (n,).

    Args:
        eta: Shape (n,), at least 0.
        caps: Shape (n,): the most that each can have; with a sum of at least `total`.
        total: Places to give.
        rate: t, above 0.
    """
    logs = np.log(np.maximum(eta, 1e-300)) / rate
    wish = np.exp(np.clip(logs - logs.max(), -600, 0))
    low, high = 0.0, 1.0
    while np.minimum(caps, high * wish).sum() < total and high < 1e300:
        high *= 4
    for _ in range(200):
        middle = (low + high) / 2
        if np.minimum(caps, middle * wish).sum() < total:
            low = middle
        else:
            high = middle
    return np.minimum(caps, high * wish)


def listing_chances(
    candidates: Candidates, exposures: Values, k: int, *, sharpness: float = 20.0, rounds: int = 200
) -> Values:
    """Return the chance of every candidate to be in its list, shape (m, c).

    Rows sum to k (or to the number of candidates, if smaller), no chance is above 1, and items'
    sums come near `exposures`: rows are scaled last and hold exactly.

    Args:
        candidates: m lists.
        exposures: Shape (N,).
        k: Places of a list.
        sharpness: By how many e-folds a score of 1 is more likely than one of 0.
        rounds: Of scaling at most; it ends when one place in a million is out of its item.
    """
    listed = candidates.listed
    items = np.where(listed, candidates.items, 0)
    wanted = np.minimum(candidates.lengths, k).astype(np.float64)
    # Rows are scaled anyway, so each may start from its own best: nothing overflows.
    scores = np.where(listed, candidates.scores, 0.0)
    below = np.maximum(sharpness * (scores - scores[:, :1]), -600)
    chances = np.where(listed, np.exp(below), 0.0)
    factor = np.ones(candidates.n_items)
    for _ in range(rounds):
        now = _row_scaled(chances * factor[items], wanted)
        sums = np.bincount(items[listed], now[listed], candidates.n_items)
        if np.abs(sums - exposures).sum() <= 1e-6 * wanted.sum():
            break
        factor *= np.where(sums > 0, exposures / np.where(sums > 0, sums, 1.0), 1.0)
        factor /= max(factor.max(), 1e-300)
        factor = np.maximum(factor, 1e-200)
    return _row_scaled(chances * factor[items], wanted)


def _row_scaled(chances: Values, wanted: Values) -> Values:
    """Scale rows to their sums with no entry above 1: what is cut off goes to the others."""
    now = chances.copy()
    for _ in range(30):
        free = now < 1
        room = wanted - (~free).sum(axis=1)
        sums = np.where(free, now, 0.0).sum(axis=1)
        scale = np.divide(room, sums, out=np.ones_like(sums), where=sums > 0)
        now = np.where(free, now * scale[:, None], 1.0)
        if now.max(initial=0.0) <= 1 + 1e-12:
            break
        now = np.minimum(now, 1.0)
    return np.minimum(now, 1.0)


def taxrank(
    candidates: Candidates, *, k: int, seeds: tuple[int, ...], rate: float = 1.0
) -> Reranked:
    """Return lists drawn with taxed exposures; see the head of this file.

    Args:
        candidates: m lists, which are looked at together; scores in [0, 1].
        k: Places of a list.
        seeds: One a list.
        rate: t, at least 0; 0 leaves every list as it is.

    Returns:
        Places, each list sorted by score; shortfall is 0, for nothing is promised.

    Raises:
        BadData: A score is negative.
        WrongUse: The rate is negative.
    """
    if not rate >= 0:
        raise WrongUse(f"the tax rate is {rate}.", expected="a number of at least 0.")
    scores = np.where(candidates.listed, candidates.scores, 0.0)
    if scores.min(initial=0.0) < 0:
        raise BadData(
            f"scores go down to {scores.min():g}.",
            expected="relevance of at least 0.",
            do="scale scores to [0, 1] (scale='minmax').",
        )
    if rate == 0 or len(candidates) == 0:
        return Reranked(candidates.top(k), np.zeros(len(candidates)))
    items = candidates.items[candidates.listed]
    eta = np.bincount(items, scores[candidates.listed], candidates.n_items).astype(np.float64)
    caps = np.bincount(items, minlength=candidates.n_items).astype(np.float64)
    lengths = candidates.lengths
    wanted = np.minimum(lengths, k)
    total = float(wanted.sum())
    there = caps > 0
    exposures = np.zeros(candidates.n_items)
    exposures[there] = taxed_exposures(eta[there], caps[there], total, rate)
    chances = listing_chances(candidates, exposures, k)
    places = np.full((len(candidates), k), END)
    for row, seed in enumerate(seeds):
        # Systematic sampling: one point in every unit of the summed chances.
        edges = np.cumsum(chances[row])
        n = int(wanted[row])
        points = np.random.default_rng(seed).random() + np.arange(n)
        drawn = np.searchsorted(edges, np.minimum(points, edges[-1] - 1e-9), side="right")
        # No chance is above 1, so no candidate is hit twice; rounding can still make it so.
        distinct = np.unique(drawn)
        rest = np.setdiff1d(np.arange(lengths[row]), distinct)
        places[row, :n] = np.sort(np.concatenate([distinct, rest[: n - len(distinct)]]))
    return Reranked(places, np.zeros(len(candidates)))


@dataclass(frozen=True, kw_only=True, eq=False)
class TaxRank(Reranker):
    """Exposure as taxed income, from nothing taken to all alike.

    It is about single items: `column` plays no part.

    Attributes:
        rate: t, at least 0; 0 is the identity.

    Raises:
        WrongUse: The rate is negative.
    """

    name: ClassVar[str] = "taxrank"
    strength: ClassVar[str] = "rate"

    rate: float = 1.0

    def __post_init__(self) -> None:
        if not self.rate >= 0:
            raise WrongUse(f"the rate is {self.rate}.", expected="a number of at least 0.")

    def rerank(self, batch: Batch, state: Any = None) -> Reranked:
        """Return a draw for every list; see `taxrank`."""
        return taxrank(batch.candidates, k=batch.k, seeds=batch.seeds, rate=self.rate)
