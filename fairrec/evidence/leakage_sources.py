"""What a recommender returned to each user, as features: one row a user."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fairrec.types import Ranking

_HAS: dict[str, Callable[[Ranking], bool]] = {
    "lists": lambda ranking: True,
    "scores": lambda ranking: ranking.scores is not None,
    "embeddings": lambda ranking: ranking.embedding is not None,
}
"""What can be attacked, and whether an answered ranking has it."""


@dataclass(frozen=True, slots=True)
class Source:
    """Something to attack: its name, the n users who have it and n x m features of theirs.

    A user's rankings are averaged. Lists become a sparse row with 1 / log2(1 + place) for each
    item (the discount of DCG; off-catalogue text counts as an item). Scores become a row over
    all items: an item that was not listed gets the user's lowest score, since a list by score
    leaves out what scored no better. An embedding stands for itself; those of another length
    than most are left out.
    """

    name: str
    users: Sequence[str]
    features: Any


def sources_of(returned: Mapping[str, Sequence[Ranking]]) -> list[Source]:
    """Return what can be attacked: the sources that some ranking has, or all if there is none.

    Args:
        returned: Answered rankings by user.
    """
    rankings = [ranking for of in returned.values() for ranking in of]
    names = [name for name, has in _HAS.items() if not rankings or any(map(has, rankings))]
    return [Source(name, *_features(name, returned)) for name in names]


def _features(source: str, returned: Mapping[str, Sequence[Ranking]]) -> tuple[list[str], Any]:
    has = _HAS[source]
    kept = {user: [r for r in rankings if has(r)] for user, rankings in returned.items()}
    kept = {user: rankings for user, rankings in kept.items() if rankings}
    if source == "embeddings":
        return _embeddings(kept)
    items = sorted({item for rankings in kept.values() for r in rankings for item in r.items})
    column = {item: i for i, item in enumerate(items)}
    if source == "scores":
        return list(kept), np.array([_score_row(r, column) for r in kept.values()])
    return list(kept), _list_rows(list(kept.values()), column)


def _list_rows(lists: Sequence[Sequence[Ranking]], column: Mapping[str, int]) -> Any:
    from scipy.sparse import csr_array

    cells = [
        (row, column[item], 1 / np.log2(2 + place) / len(rankings))
        for row, rankings in enumerate(lists)
        for ranking in rankings
        for place, item in enumerate(ranking.items)
    ]
    rows, columns, weights = np.array(cells).reshape(-1, 3).T
    places = (rows.astype(np.intp), columns.astype(np.intp))
    return csr_array((weights, places), shape=(len(lists), len(column)))  # sums what repeats


def _score_row(rankings: Sequence[Ranking], column: Mapping[str, int]) -> np.ndarray:
    rows = []
    for ranking in rankings:
        scores = ranking.scores or ()
        row = np.full(len(column), min(scores))
        row[[column[item] for item in ranking.items]] = scores
        rows.append(row)
    return np.mean(rows, axis=0)


def _embeddings(kept: Mapping[str, Sequence[Ranking]]) -> tuple[list[str], np.ndarray]:
    lengths = Counter(len(r.embedding or ()) for rankings in kept.values() for r in rankings)
    usual = lengths.most_common(1)[0][0] if lengths else 0
    rows = {
        user: [r.embedding or () for r in rankings if len(r.embedding or ()) == usual]
        for user, rankings in kept.items()
    }
    rows = {user: np.mean(vectors, axis=0) for user, vectors in rows.items() if vectors}
    return list(rows), np.array(list(rows.values())).reshape(len(rows), usual)
