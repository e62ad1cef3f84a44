"""Answers to candidates in several orders, as numbers.

A candidate is a number of its user's own: its place among the user's candidates in alphabetical
order, so that lists of one user can be compared. What an answer names beyond the candidates is
counted, and left out of the order of the candidates that it names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.position_bias_orders import true_item
from fairrec.metrics.batched_similarity import PADDING
from fairrec.metrics.rank_correlation import list_ranks
from fairrec.metrics.utility import hit_rate, ndcg_at_k, reciprocal_rank, relevance_matrix
from fairrec.types import Arm, Outcome, Probe, Ranking
from fairrec.users import User

Table = NDArray[np.float64]
DESIGN = "design"
PLACED, SHUFFLED = "placed", "shuffled"
POSITION, ORDER = "position", "order"

ACCURACIES = ("hit_at_1", "ndcg", "reciprocal_rank")


@dataclass(frozen=True)
class Asked:
    """The probes of the audit's two parts that can be judged.

    Attributes:
        placed: Probe by row of its user and place of the true item.
        shuffled: Probe by row of its user, order and replicate.
        positions: Places of the true item, ascending.
        orders: Names of the orders; the first is asked again.
        replicates: How often the first order is asked, at least once.
        left: Probes that fit neither part.
    """

    placed: Mapping[tuple[int, int], Probe]
    shuffled: Mapping[tuple[int, str, int], Probe]
    positions: tuple[int, ...]
    orders: tuple[str, ...]
    replicates: int
    left: int

    @property
    def probes(self) -> list[Probe]:
        """All of them, those with the true item in chosen places first."""
        return [*self.placed.values(), *self.shuffled.values()]


def asked_orders(users: Sequence[User], probes: Sequence[Probe], positions: Sequence[int]) -> Asked:
    """Sort probes by what they are there for; what does not belong to the design is counted.

    Where the true item stands is read off the candidates themselves.
    """
    row = {user.id: place for place, user in enumerate(users)}
    truth = [true_item(user) for user in users]
    placed: dict[tuple[int, int], Probe] = {}
    shuffled: dict[tuple[int, str, int], Probe] = {}
    left = 0
    for probe in probes:
        request = probe.request
        user, shown, slots = row.get(probe.cluster), request.candidates or (), request.slots
        whole = user is not None and sorted(shown) == sorted(users[user].candidates or ())
        if user is None or not whole:
            left += 1
        elif slots.get(DESIGN) == SHUFFLED and ORDER in slots:
            shuffled[user, slots[ORDER], request.replicate] = probe
        elif (
            slots.get(DESIGN) == PLACED
            and probe.arm is not Arm.REPEAT
            and (position := shown.index(str(truth[user]))) in positions
        ):
            placed[user, position] = probe
        else:
            left += 1
    orders = dict.fromkeys(order for _, order, _ in shuffled)
    again = {order for _, order, replicate in shuffled if replicate}
    return Asked(
        placed,
        shuffled,
        tuple(sorted(positions)),
        tuple(sorted(orders, key=lambda order: (order not in again, len(order), order))),
        max((replicate for *_, replicate in shuffled), default=0) + 1,
        left,
    )


def accuracies(
    users: Sequence[User], asked: Asked, rankings: Mapping[str, Ranking], k: int
) -> tuple[dict[str, Table], Table]:
    """Return accuracy by where the true item stood, and which of the answers came.

    Returns:
        Users x positions, by name of the measure and for the answers (1 or 0); NaN where there is
        no answer, and where nothing was asked.
    """
    cells = list(asked.placed)
    lists = [rankings[probe.id] for probe in asked.placed.values()]
    truth = [(str(true_item(users[user])),) for user, _ in cells]
    hits, relevant = relevance_matrix(lists, truth, k)
    values = (
        hit_rate(hits[:, :1], relevant),
        ndcg_at_k(hits, relevant),
        reciprocal_rank(hits, relevant),
    )
    rows = [user for user, _ in cells]
    columns = [asked.positions.index(position) for _, position in cells]

    def table(column: Table) -> Table:
        found = np.full((len(users), len(asked.positions)), np.nan)
        found[rows, columns] = column
        return found

    answered = [float(ranking.outcome is Outcome.ANSWERED) for ranking in lists]
    return dict(zip(ACCURACIES, map(table, values), strict=True)), table(np.array(answered))


@dataclass(frozen=True)
class Listed:
    """What came back for candidates in random orders.

    Attributes:
        lists: Shape (n users, S orders + repeats of the first, most candidates): the candidates
            that an answer names, best first, -1 after its end; empty without any.
        shown: Shape (n, S, most candidates): the candidates as they were shown.
        sizes: Shape (n,): candidates of each user.
        n_orders: S.
    """

    lists: NDArray[np.int64]
    shown: NDArray[np.int64]
    sizes: NDArray[np.int64]
    n_orders: int

    @cached_property
    def ranks(self) -> Table:
        """Rank of each candidate in each answer; see `list_ranks`."""
        return self._ranks(self.lists)

    @cached_property
    def shown_ranks(self) -> Table:
        """Place of each candidate in each order, cut to the length of each answer.

        Shape (n, S, S, candidates): in the order of the third axis, as far as the answer of the
        second goes. An answer that copies the order it was shown so equals it, short or whole.
        """
        lengths = (self.lists[:, : self.n_orders] >= 0).sum(axis=2)
        shape = (len(self.lists), self.n_orders, *self.shown.shape[1:])
        shown = np.broadcast_to(self.shown[:, None], shape)
        within = np.arange(self.shown.shape[2]) < lengths[:, :, None, None]
        return self._ranks(np.where(within, shown, PADDING))

    def _ranks(self, lists: NDArray[np.int64]) -> Table:
        rows = lists.reshape(-1, lists.shape[-1])
        sizes = np.repeat(self.sizes, len(rows) // max(len(lists), 1))
        return list_ranks(rows, sizes).reshape(lists.shape)


def listed_orders(users: Sequence[User], asked: Asked, rankings: Mapping[str, Ranking]) -> Listed:
    """Return the answers to the shuffled orders, those to the first order again at the end."""
    most = max(len(user.candidates or ()) for user in users)
    n_orders = len(asked.orders)
    lists = np.full((len(users), n_orders + asked.replicates - 1, most), PADDING)
    shown = np.full((len(users), n_orders, most), PADDING)
    number = [{item: i for i, item in enumerate(sorted(user.candidates or ()))} for user in users]
    for (user, order, replicate), probe in asked.shuffled.items():
        codes = number[user]
        column = asked.orders.index(order)
        shown[user, column, : len(codes)] = [codes[i] for i in probe.request.candidates or ()]
        if replicate and column:
            continue  # only repeats of one order are a noise floor
        some = [codes[i] for i in named(rankings[probe.id]) if i in codes]
        place = n_orders + replicate - 1 if replicate else column
        lists[user, place, : len(some)] = some
    sizes = np.array([len(user.candidates or ()) for user in users])
    return Listed(lists, shown, sizes, n_orders)


def named(ranking: Ranking) -> tuple[str, ...]:
    """Return what an answer names; nothing without an answer."""
    return ranking.items if ranking.outcome is Outcome.ANSWERED else ()


def strayed(probe: Probe, ranking: Ranking) -> tuple[float, float]:
    """Return the share of an answer's items that are no candidates, and of candidates left out.

    An answer to k of N candidates can name k of them: what is left out is counted of these. Both
    are NaN without an answer.
    """
    listed = named(ranking)
    if not listed:
        return np.nan, np.nan
    candidates = frozenset(probe.request.candidates or ())
    inside = sum(item in candidates for item in listed)
    could = min(probe.request.k, len(candidates))
    return 1 - inside / len(listed), max(0.0, 1 - inside / could)
