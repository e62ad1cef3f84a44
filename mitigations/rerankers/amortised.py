"""Amortised attention: over many lists, every item gets the attention that its relevance earns.

Biega, Gummadi and Weikum, "Equity of Attention: Amortizing Individual Fairness in Rankings", SIGIR
2018, section 4. Lists come one after another. With A_i and R_i the attention and the relevance that
item i has summed up, each list is the one that minimises

    Σ_i |A_i + attention of its place - (R_i + relevance in this list)|

among those whose quality, DCG over that of the best order, is at least θ. Attention and relevance
sum to 1 in every list. The paper solves an integer program; here a price on quality turns it into
an assignment of items to places, solved exactly, and the lowest price that keeps the quality is
found by bisection. The list is the program's optimum unless an optimum lies between two prices.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.browsing import Browsing, parse_browsing
from fairrec.metrics.item_lists import END
from fairrec.mitigations.rerankers.candidates import Candidates, Reranked
from fairrec.mitigations.rerankers.reranker import Batch, Reranker

Values = NDArray[np.float64]
_HALVINGS = 12


@dataclass
class Accounts:
    """What every item has had and earned, by its number in the catalogue.

    Attributes:
        balance: Attention less relevance; items that were never a candidate are left out.
        lists: How many lists there were.
    """

    balance: dict[int, float] = field(default_factory=dict)
    lists: int = 0

    def merge(self, other: Accounts) -> None:
        """Add what another one kept, of other lists."""
        for item, amount in other.balance.items():
            self.balance[item] = self.balance.get(item, 0.0) + amount
        self.lists += other.lists

    def to_json(self) -> str:
        """Return the accounts as JSON."""
        balance = {str(item): amount for item, amount in sorted(self.balance.items())}
        return json.dumps({"balance": balance, "lists": self.lists})

    @classmethod
    def from_json(cls, text: str) -> Accounts:
        """Return what `to_json` wrote."""
        found = json.loads(text)
        return cls({int(k): float(v) for k, v in found["balance"].items()}, int(found["lists"]))


def amortised(
    candidates: Candidates,
    *,
    k: int,
    quality: float = 0.8,
    browsing: Browsing | None = None,
    depth: int = 100,
    accounts: Accounts | None = None,
) -> Reranked:
    """Return the lists, each settling what the items are owed.

    Args:
        candidates: m lists in the order in which they come; scores of at least 0 are relevance.
        k: Places of a list.
        quality: θ in [0, 1]: the least DCG of a list, over that of its top k; 1 leaves every
            list as it is (up to the order of equal scores).
        browsing: Attention of places; logarithmic where None.
        depth: Best candidates of a list that can be placed.
        accounts: What there was before; these lists are added to it.

    Returns:
        Places; shortfall is 0: the quality is always kept.

    Raises:
        BadData: A score is negative.
        WrongUse: A number is out of its range.
    """
    if not 0 <= quality <= 1 or depth < 1:
        raise WrongUse(
            f"the quality is {quality} and the depth {depth}.",
            expected="a quality in [0, 1], and a depth of at least 1.",
        )
    scores = candidates.scores[candidates.listed]
    if scores.size and scores.min() < 0:
        raise BadData(
            f"scores go down to {scores.min():g}.",
            expected="relevance of at least 0.",
            do="scale scores to [0, 1] (scale='minmax').",
        )
    memory = Accounts() if accounts is None else accounts
    weights = (browsing or Browsing("log2")).weights(k)
    places = np.full((len(candidates), k), END)
    for row in range(len(candidates)):
        n = int(candidates.listed[row].sum())
        items, relevance = candidates.items[row, :n], candidates.scores[row, :n]
        earned = relevance / relevance.sum() if relevance.sum() > 0 else np.full(n, 1 / max(n, 1))
        owed = np.array([memory.balance.get(int(item), 0.0) for item in items]) - earned
        shown = min(n, k)
        if shown:
            attention = weights[:shown] / weights[:shown].sum()
            considered = slice(0, max(min(n, depth), shown))
            chosen = _settled(owed[considered], relevance[considered], attention, quality)
            places[row, :shown] = chosen
            owed[chosen] += attention
        memory.balance.update(zip(items.tolist(), owed.tolist(), strict=True))
    memory.lists += len(candidates)
    return Reranked(places, np.zeros(len(candidates)))


def _settled(
    owed: Values, relevance: Values, attention: Values, quality: float
) -> NDArray[np.int64]:
    """Return the best candidate of every place."""
    shown = len(attention)
    gain = np.outer(relevance, attention)
    best = float(gain[np.arange(shown), np.arange(shown)].sum())
    # What placing an item changes, against leaving it out.
    unfair = np.abs(owed[:, None] + attention) - np.abs(owed)[:, None]

    def placed(price: float) -> tuple[NDArray[np.int64], float]:
        rows, columns = linear_sum_assignment(unfair - price * gain)
        order = np.empty(shown, dtype=np.int64)
        order[columns] = rows
        return order, float(gain[order, np.arange(shown)].sum())

    order, reached = placed(0.0)
    if reached >= quality * best - 1e-12:
        return order
    low, high, kept = 0.0, 1.0 / max(best, 1e-12), np.arange(shown)
    for _ in range(60):
        order, reached = placed(high)
        if reached >= quality * best - 1e-12:
            kept = order
            break
        low, high = high, high * 4
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        order, reached = placed(middle)
        if reached >= quality * best - 1e-12:
            high, kept = middle, order
        else:
            low = middle
    return kept


@dataclass(frozen=True, kw_only=True, eq=False)
class AmortisedAttention(Reranker):
    """Over many lists, every item gets the attention that its relevance earns.

    It is about single items: `column` plays no part.

    Attributes:
        loss: Quality that a list may lose, 1 - θ, in [0, 1]; 0 is the identity.
        browsing: Attention of places.

    Raises:
        WrongUse: The loss is out of its range, or the browsing model is unknown.
    """

    name: ClassVar[str] = "amortised"
    strength: ClassVar[str] = "loss"

    loss: float = 0.2
    browsing: str = "log2"

    def __post_init__(self) -> None:
        parse_browsing(self.browsing)
        if not 0 <= self.loss <= 1:
            raise WrongUse(f"the loss is {self.loss}.", expected="a number in [0, 1].")

    def start(self) -> Accounts:
        """Return accounts of nothing."""
        return Accounts()

    def rerank(self, batch: Batch, state: Any = None) -> Reranked:
        """Return the lists, in the order of the batch."""
        found = amortised(
            batch.candidates,
            k=batch.k,
            quality=1 - self.loss,
            browsing=parse_browsing(self.browsing),
            accounts=state,
        )
        if state is not None:
            # Numbers beyond the catalogue are those of this batch alone.
            for item in [item for item in state.balance if item >= len(self.catalog)]:
                del state.balance[item]
        return found
