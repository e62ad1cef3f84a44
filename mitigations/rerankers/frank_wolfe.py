"""The best policy for a welfare of users and items, ranking by ranking (Frank and Wolfe 1956).

A policy gives every user a lottery over rankings. A welfare is a concave function of the users'
utilities and the items' exposures, both linear in the policy. Each step asks for the rankings that
are best for its gradient, which is a sort of every list by

    a_i · score + b_j     (a_i the gradient for user i, b_j that for item j)

and mixes them in for as long as the slope rises. A welfare that is smooth never falls on the way.
One with kinks, which is smoothed, can: the best mix of all steps is the answer. Nothing larger
than lists by places by steps is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairrec.metrics.item_lists import END
from fairrec.mitigations.rerankers.best_k import best_of_lists
from fairrec.mitigations.rerankers.candidates import Candidates, Places

Values = NDArray[np.float64]
Welfare = Callable[[Values, Values], float]
Gradient = Callable[[Values, Values, int], tuple[Values, Values]]
_HALVINGS = 12


@dataclass(frozen=True, eq=False)
class Policy:
    """A lottery over rankings for every list.

    Attributes:
        rankings: Shape (s, m, k): places of the candidates, `END` past the end of a list.
        weights: Shape (s,): chances of the s rankings, the same for all lists.
        welfare: Shape (steps + 1,): the best objective so far, at the start and after every
            step; the last is this policy's.
        utilities: Shape (m,): each list's expected utility, over the most that it could be.
        exposures: Shape (J,): each item's (or group's) expected exposure; all alike would be 1.
    """

    rankings: NDArray[np.int64]
    weights: Values
    welfare: Values
    utilities: Values
    exposures: Values

    def draw(self, seeds: tuple[int, ...]) -> Places:
        """Return one ranking for every list, shape (m, k), by its seed."""
        edges = np.cumsum(self.weights)
        points = np.array([np.random.default_rng(seed).random() for seed in seeds]) * edges[-1]
        steps = np.minimum(np.searchsorted(edges, points), len(edges) - 1)
        return self.rankings[steps, np.arange(len(seeds))]


def lorenz(amounts: Values) -> Values:
    """Return the generalised Lorenz curve: the sum of the n least amounts, for every n.

    A policy whose curve is nowhere below another one's is better for every welfare that is
    concave and treats all alike (Shorrocks 1983; Do et al. 2021, section 2.2).
    """
    return np.cumsum(np.sort(amounts))


def frank_wolfe(
    candidates: Candidates,
    entities: NDArray[np.int64],
    deserved: Values,
    weights: Values,
    welfare: Welfare,
    gradient: Gradient,
    iterations: int,
) -> Policy:
    """Return the policy that the welfare likes best, after some steps from the lists' top k.

    Args:
        candidates: m lists; scores of at least 0.
        entities: Shape (m, c): whose exposure a candidate's is: its item's or its group's number
            in 0 to J - 1; -1 for nobody's.
        deserved: Shape (J,): the share of all exposure that is 1 for each.
        weights: Shape (k,): exposure of places.
        welfare: Of utilities, shape (m,), and exposures, shape (J,).
        gradient: Of the same and the number of the step, from 1; for both. It is that of a
            concave function: of the welfare, or of a smoother one that comes near it with time.
        iterations: Steps.
    """
    k, n_entities = len(weights), len(deserved)
    whole = float(weights.sum()) * len(candidates)

    def measured(places: Places) -> tuple[Values, Values]:
        gained = (candidates.scores_at(places) * weights).sum(axis=1)
        held = np.where(places == END, END, np.take_along_axis(entities, places.clip(0), axis=1))
        shown = np.broadcast_to(weights, held.shape)[held >= 0]
        given = np.bincount(held[held >= 0], shown, n_entities)
        return gained / best, given / (whole * deserved)

    top = candidates.top(k)
    most = (candidates.scores_at(top) * weights).sum(axis=1)
    best = np.where(most > 0, most, 1.0)
    u, e = measured(top)
    rankings, chances = [top], np.ones(1)
    trace = [welfare(u, e)]
    found = 1, chances, u, e
    for step in range(1, iterations + 1):
        by_user, by_entity = gradient(u, e, step)
        places = best_of_lists(
            candidates.scores, entities, by_user / best, by_entity / (whole * deserved), k
        )
        v, f = measured(places)
        share = _line_search(gradient, step, u, e, v - u, f - e)
        if share > 0:
            u, e = u + share * (v - u), e + share * (f - e)
            chances = np.append(chances * (1 - share), share)
            rankings.append(places)
        value = welfare(u, e)
        if value > trace[-1]:
            found = len(rankings), chances, u, e
        trace.append(max(value, trace[-1]))
    steps, chances, u, e = found
    return Policy(np.stack(rankings[:steps]), chances, np.array(trace), u, e)


def _line_search(
    gradient: Gradient, step: int, u: Values, e: Values, du: Values, de: Values
) -> float:
    """Return how much of (du, de) to go, in [0, 1]: as far as it is known to lead upwards.

    Along a line a concave function's slope falls: where it is still above 0, it has only risen.
    """
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        by_user, by_entity = gradient(u + middle * du, e + middle * de, step)
        if by_user @ du + by_entity @ de > 0:
            low = middle
        else:
            high = middle
    return low
