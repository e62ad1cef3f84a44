"""The k best candidates of a list by score and a bonus for their group: most controllers' step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fairrec.mitigations.rerankers.compiled import Compiled

Values = NDArray[np.float64]


@Compiled
def best_k(
    scores: Values,
    codes: NDArray[np.int64],
    scale: float,
    bonus: Values,
    places: NDArray[np.int64],
    values: Values,
) -> int:
    """Fill `places` with the columns of the largest ``scale · score + bonus``, best first.

    Args:
        scores: Shape (c,): -inf after the last candidate.
        codes: Shape (c,): whose bonus a candidate gets; -1 for none.
        scale: Of the scores.
        bonus: Shape (G,): -inf keeps a group's candidates out.
        places: Shape (k,): filled in place; what is not filled stays as it is.
        values: Shape (k,): room to work in.

    Returns:
        How many places were filled. Equal values stand in the order of the candidates.
    """
    n, k = 0, len(places)
    for column in range(len(scores)):
        if scores[column] == -np.inf:
            break
        value = scale * scores[column]
        if codes[column] >= 0:
            value += bonus[codes[column]]
        if value == -np.inf or (n == k and value <= values[k - 1]):
            continue
        place = n if n < k else k - 1
        while place > 0 and values[place - 1] < value:
            values[place], places[place] = values[place - 1], places[place - 1]
            place -= 1
        values[place], places[place] = value, column
        n = min(n + 1, k)
    return n


@Compiled
def best_of_lists(
    scores: Values, codes: NDArray[np.int64], scales: Values, bonus: Values, k: int
) -> NDArray[np.int64]:
    """Return the k best of every list, shape (m, k), -1 past its end; see `best_k`.

    Args:
        scores, codes: Shape (m, c).
        scales: Shape (m,).
        bonus: Shape (G,).
        k: Places of a list.
    """
    m = len(scores)
    places = np.full((m, k), -1)
    values = np.empty(k)
    for row in range(m):
        best_k(scores[row], codes[row], scales[row], bonus, places[row], values)
    return places
