"""Lists built place by place, where what an item adds depends on the groups that are there.

Calibration, xQuAD and FAR differ only in how much a group's next item is worth.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fairrec.metrics.item_groups import ItemGroups
from fairrec.mitigations.rerankers.candidates import Candidates, Places
from fairrec.mitigations.rerankers.compiled import Compiled

Gain = Literal["first", "share", "log"]


def greedy_places(
    candidates: Candidates,
    groups: ItemGroups,
    weights: NDArray[np.float64],
    *,
    k: int,
    relevance: float,
    gain: Gain,
    smoothing: float = 0.0,
) -> Places:
    """Return lists that grow by the candidate of the largest ``relevance · score + gain``.

    Args:
        candidates: m lists.
        groups: An item may be in several.
        weights: Shape (m, G): w, what each group is worth to each user.
        k: Places of a list.
        relevance: Weight of the score.
        gain: What item i adds, summed over its groups g; n is how many items the list has so far,
            n_g those of g, d_ig the item's part in g and D_g the sum of such parts in the list.
            "first": w_g if n_g is 0; "share": w_g (1 - n_g / n), or w_g for the first item;
            "log": what it adds to ``Σ_g w_g log((1 - smoothing) D_g / k + smoothing w_g)``, a
            monotone submodular function of the list.
        smoothing: See "log".

    Returns:
        Places in the order in which they were filled. Ties go to the higher score, then to the
        lower item number.
    """
    membership = groups.membership
    return _grown(
        candidates.scores,
        candidates.items,
        membership.indptr.astype(np.int64),
        membership.indices.astype(np.int64),
        membership.data.astype(np.float64),
        weights,
        k,
        relevance,
        get_args(Gain).index(gain),
        smoothing,
    )


@Compiled
def _grown(
    scores: NDArray[np.float64],
    items: NDArray[np.int64],
    starts: NDArray[np.int64],
    columns: NDArray[np.int64],
    parts: NDArray[np.float64],
    weights: NDArray[np.float64],
    k: int,
    relevance: float,
    gain: int,
    smoothing: float,
) -> NDArray[np.int64]:
    m, c = items.shape
    n_groups = weights.shape[1]
    places = np.full((m, k), -1)
    held = np.empty(n_groups)
    now = np.empty(n_groups)
    used = np.empty(c, dtype=np.bool_)
    for row in range(m):
        held[:] = 0.0
        used[:] = False
        for place in range(k):
            for g in range(n_groups):
                w = weights[row, g]
                if gain == 0:
                    now[g] = w if held[g] == 0 else 0.0
                elif gain == 1:
                    now[g] = w * (1 - held[g] / place) if place > 0 else w
                elif w > 0:
                    now[g] = np.log((1 - smoothing) * held[g] / k + smoothing * w)
            best, most = -1, -np.inf
            for column in range(c):
                item = items[row, column]
                if item < 0:
                    break
                if used[column]:
                    continue
                value = 0.0
                for entry in range(starts[item], starts[item + 1]):
                    g = columns[entry]
                    w = weights[row, g]
                    if gain < 2:
                        value += now[g]
                    elif w > 0:
                        grown = (held[g] + parts[entry]) / k
                        value += w * (np.log((1 - smoothing) * grown + smoothing * w) - now[g])
                value += relevance * scores[row, column]
                if value > most + 1e-12 * abs(most) or best < 0:
                    best, most = column, value
            if best < 0:
                break
            used[best] = True
            places[row, place] = best
            item = items[row, best]
            for entry in range(starts[item], starts[item + 1]):
                held[columns[entry]] += parts[entry] if gain == 2 else 1.0
    return places
