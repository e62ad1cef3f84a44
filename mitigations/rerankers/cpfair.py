"""CPFair: users and items at once, the gap between groups of either side in one objective.

Naghiaei, Rahmani and Deldjoo, "CPFair: Personalized Consumer and Producer Fairness Re-ranking for
Recommender Systems", SIGIR 2022, equation 4. Over all lists it maximises

    mean utility - λ_users |U_active - U_others| - λ_items Σ_g |E_g - γ_g|

U being the mean utility of a group of users (those with the longest histories, and the rest), E_g
group g's share of the places and γ_g what it deserves. Prices on the gaps are learnt by a
subgradient method, each list being sorted by what it is worth at these prices, and the lists of
the best objective are kept; so it is never worse than the top k. The paper solves a mixed-integer
program, or its greedy form; with prices any number of groups is as fast as two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import BadData, WrongUse
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.item_lists import END
from fairrec.mitigations.rerankers.best_k import best_of_lists
from fairrec.mitigations.rerankers.candidates import Candidates, Places, Reranked, in_order
from fairrec.mitigations.rerankers.group_targets import Target, group_targets
from fairrec.mitigations.rerankers.reranker import Batch, Reranker

Values = NDArray[np.float64]


class Gaps(NamedTuple):
    """What CPFair weighs.

    Attributes:
        utility: Mean utility of a list: the sum of its scores over that of its top k.
        users: Mean utility of the active users less that of the others.
        items: Σ_g |E_g - γ_g|, from 0 to 2.
    """

    utility: float
    users: float
    items: float


def gaps(
    candidates: Candidates,
    codes: NDArray[np.int64],
    shares: Values,
    active: NDArray[np.bool_],
    places: Places,
) -> Gaps:
    """Return the three parts of the objective for some lists.

    Args:
        candidates: m lists.
        codes: Shape (m, c): groups of the candidates.
        shares: Shape (G,): γ; groups without a share do not count.
        active: Shape (m,).
        places: Shape (m, k).
    """
    most = candidates.scores_at(candidates.top(places.shape[1])).sum(axis=1)
    utility = candidates.scores_at(places).sum(axis=1) / np.where(most > 0, most, 1.0)
    mixed = active.any() and not active.all()
    users = float(utility[active].mean() - utility[~active].mean()) if mixed else 0.0
    held = np.take_along_axis(codes, places.clip(0), axis=1)[places != END]
    given = np.bincount(held, minlength=len(shares)) * (shares > 0)
    share = given / max(given.sum(), 1)
    return Gaps(float(utility.mean()), users, float(np.abs(share - shares).sum()))


def cpfair(
    candidates: Candidates,
    groups: ItemGroups,
    active: NDArray[np.bool_],
    *,
    k: int,
    users: float = 0.5,
    items: float = 0.5,
    target: Target = "catalogue",
    iterations: int = 40,
) -> Reranked:
    """Return the lists of the best objective; see the head of this file.

    Args:
        candidates: m lists; scores of at least 0.
        groups: One group an item.
        active: Shape (m,): whether each list's user is one of the active ones.
        k: Places of a list.
        users, items: λ of either side, at least 0; with both 0 every list stays as it is.
        target: γ.
        iterations: Steps.

    Returns:
        Places; shortfall is 0, for nothing is promised.

    Raises:
        WrongUse: A number is out of its range, or active does not fit the lists.
        BadData: A score is negative, or some item is in several groups.
    """
    if users < 0 or items < 0 or iterations < 0 or active.shape != (len(candidates),):
        raise WrongUse(
            f"λ are {users} and {items}, with {active.shape} flags for {len(candidates)} lists.",
            expected="numbers of at least 0, and a flag for every list.",
        )
    if candidates.scores[candidates.listed].min(initial=0.0) < 0:
        raise BadData(
            "some scores are negative.",
            expected="relevance of at least 0, of which a list's utility is a share.",
            do="scale scores to [0, 1] (scale='minmax').",
        )
    m, codes, shares = (
        len(candidates),
        candidates.group_codes(groups),
        group_targets(groups, target),
    )
    most = candidates.scores_at(candidates.top(k)).sum(axis=1)
    scale = np.where(most > 0, most, 1.0)
    # A user's utility counts 1 / m, less the price of the gap that it widens.
    side = np.where(active, 1 / max(active.sum(), 1), -1 / max((~active).sum(), 1))
    mixed = active.any() and not active.all()
    n_places = max(int(np.minimum(candidates.lengths, k).sum()), 1)

    def worth(places: Places) -> tuple[float, Gaps]:
        found = gaps(candidates, codes, shares, active, places)
        return found.utility - users * abs(found.users) - items * found.items, found

    best = candidates.top(k)
    value, found = worth(best)
    price_users, price_items, held = 0.0, np.zeros(len(shares)), best
    for step in range(1, iterations + 1):
        # Prices above about 1, a whole list's utility, are never needed: steps stop growing there.
        size = 1 / np.sqrt(step)
        move = size * min(users, 1.0) * found.users
        price_users = np.clip(price_users + move, -users, users)
        given = np.bincount(
            np.take_along_axis(codes, held.clip(0), axis=1)[held != END], minlength=len(shares)
        ) * (shares > 0)
        over = given / max(given.sum(), 1) - shares
        price_items = np.clip(price_items + size * min(items, 1.0) * over, -items, items)
        by_list = 1 / m - (price_users * side if mixed else 0.0)
        # Nobody is worth less than nothing: a list sorted upside down helps nobody.
        by_list = np.maximum(by_list, 0.05 / m) / scale
        held = best_of_lists(candidates.scores, codes, by_list, -price_items / n_places, k)
        held = in_order(held)
        objective, found = worth(held)
        if objective > value:
            best, value = held, objective
    return Reranked(best, np.zeros(m))


@dataclass(frozen=True, kw_only=True, eq=False)
class CPFair(Reranker):
    """Smaller gaps between groups of users and between groups of items.

    Attributes:
        weight: λ of items; 0 with `users` 0 is the identity.
        users: λ of users.
        active_share: Users with the longest histories, this share of them, are the active ones.
        target: What groups of items deserve.

    Raises:
        WrongUse: A number is out of its range.
    """

    name: ClassVar[str] = "cpfair"
    strength: ClassVar[str] = "weight"

    weight: float = 0.5
    users: float = 0.0
    active_share: float = 0.05
    target: Target = "catalogue"

    def __post_init__(self) -> None:
        if self.weight < 0 or self.users < 0 or not 0 < self.active_share < 1:
            raise WrongUse(
                f"λ are {self.weight} and {self.users}, the active share {self.active_share}.",
                expected="λ of at least 0, and a share in (0, 1).",
            )

    def rerank(self, batch: Batch, state: Any = None) -> Reranked:
        """Return the lists; the users of a batch are told apart by how long their histories are."""
        lengths = batch.histories.lengths
        return cpfair(
            batch.candidates,
            batch.groups,
            lengths > np.quantile(lengths, 1 - self.active_share),
            k=batch.k,
            users=self.users,
            items=self.weight,
            target=self.target,
        )
