"""Item indexing: the short codes of tokens that stand for items.

Wenyue Hua, Shuyuan Xu, Yingqiang Ge and Yongfeng Zhang, "How to Index Item IDs for
Recommendation Foundation Models", SIGIR-AP 2023. Codes of all items have the same length, so no
code is the beginning of another and none needs an end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import WrongUse
from fairrec.seeds import generator

Indexing = Literal["random", "sequential", "collaborative"]


def item_codes(
    histories: Sequence[NDArray[np.intp]],
    n_items: int,
    how: Indexing = "collaborative",
    *,
    branching: int = 64,
    seed: int = 0,
) -> NDArray[np.intp]:
    """Return a code for every item.

    Args:
        histories: Per user, the numbers of the items they consumed, in order.
        n_items: Items; numbers are below it.
        how: "random": numbers in any order; "sequential": in the order in which the histories
            name them, so that what one user consumed one after another is alike;
            "collaborative": items that the same users consumed share the first tokens (see
            `collaborative_codes`).
        branching: Tokens per place of a code, at least 2; a power of 2 for "collaborative".
        seed: Of "random".

    Returns:
        n_items x length whole numbers from 0 to branching - 1; all rows differ.

    Raises:
        WrongUse: `how` is unknown, there are no items, or the branching does not do.
    """
    if how not in _WAYS or n_items < 1 or branching < 2:
        raise WrongUse(
            f"the indexing {how!r} of {n_items} items with {branching} tokens a place.",
            expected=f"one of {', '.join(_WAYS)}, at least 1 item and 2 tokens.",
        )
    return _WAYS[how](histories, n_items, branching, seed)


def _random(
    histories: Sequence[NDArray[np.intp]], n_items: int, branching: int, seed: int
) -> NDArray[np.intp]:
    numbers = generator(seed, "item codes").permutation(n_items)
    return _digits(numbers, n_items, branching)


def _sequential(
    histories: Sequence[NDArray[np.intp]], n_items: int, branching: int, seed: int
) -> NDArray[np.intp]:
    named = np.concatenate([*histories, np.arange(n_items)]).astype(np.intp)
    items, first = np.unique(named, return_index=True)
    numbers = np.empty(n_items, dtype=np.intp)
    numbers[items[np.argsort(first)]] = np.arange(n_items)
    return _digits(numbers, n_items, branching)


def _digits(numbers: NDArray[np.intp], n_items: int, branching: int) -> NDArray[np.intp]:
    places = _places(n_items, branching)
    powers = branching ** np.arange(places - 1, -1, -1)
    return numbers[:, None] // powers % branching


def _places(n_items: int, branching: int) -> int:
    places = 1
    while branching**places < n_items:
        places += 1
    return places


def collaborative_codes(
    histories: Sequence[NDArray[np.intp]], n_items: int, branching: int, seed: int = 0
) -> NDArray[np.intp]:
    """Return codes in which items that the same users consumed begin alike.

    As in Hua et al. (2023), section 4.3, the graph of co-consumption is cut spectrally, again
    and again. Theirs finds clusters by k-means, whose sizes differ by far, and so do the lengths
    of codes; here each cut halves: along the direction in which the items' spectral vectors
    (eigenvectors of the normalised co-consumption; Shi and Malik 2000) differ most. In the last
    place items are numbered by how many users consumed them, so that its tokens have a meaning
    that all clusters share.

    Raises:
        WrongUse: The branching is no power of 2.
    """
    halvings = int(branching).bit_length() - 1
    if 2**halvings != branching:
        raise WrongUse(
            f"a branching of {branching}.",
            expected="a power of 2: clusters are halved.",
        )
    counts = np.bincount(np.concatenate([*histories, []]).astype(np.intp), minlength=n_items)
    vectors = _spectral_vectors(histories, n_items, counts)
    places = _places(n_items, branching)
    codes = np.zeros((n_items, places), dtype=np.intp)
    clusters = np.zeros(n_items, dtype=np.intp)
    for place in range(places - 1):
        inside = np.zeros(n_items, dtype=np.intp)
        for _ in range(halvings):
            halves = _halved(vectors, clusters * branching + inside)
            inside = inside * 2 + halves
        codes[:, place] = inside
        clusters = clusters * branching + inside
    for cluster in np.unique(clusters):
        members = np.flatnonzero(clusters == cluster)
        codes[members[np.argsort(-counts[members], kind="stable")], -1] = np.arange(len(members))
    return codes


def _spectral_vectors(
    histories: Sequence[NDArray[np.intp]], n_items: int, counts: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the leading eigenvectors of D^-1/2 A D^-1/2 as rows of items.

    A = B'B counts the users who consumed both; with B scaled by the degrees, they are the right
    singular vectors of B, and A is never made.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import svds

    rows = np.repeat(np.arange(len(histories)), [len(h) for h in histories])
    columns = np.concatenate([*histories, []]).astype(np.intp)
    consumed: Any = csr_array(
        (np.ones(len(rows)), (rows, columns)), shape=(len(histories), n_items)
    )
    lengths = np.maximum([len(h) for h in histories], 1)
    degrees = np.maximum(consumed.T @ lengths, 1)
    scaled: Any = consumed / np.sqrt(degrees)
    n = min(32, min(scaled.shape) - 1)
    if n < 1 or not len(rows):
        return np.zeros((n_items, 1))
    decompose: Any = svds  # its stubs lack random_state
    _, values, vectors = decompose(scaled, k=n, random_state=0)
    return (vectors * values[:, None]).T


def _halved(vectors: NDArray[np.float64], clusters: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return for each item the half of its cluster, 0 or 1, that it falls into."""
    halves = np.zeros(len(vectors), dtype=np.intp)
    for cluster in np.unique(clusters):
        members = np.flatnonzero(clusters == cluster)
        if len(members) < 2:
            continue
        spread = vectors[members] - vectors[members].mean(axis=0)
        direction = np.linalg.svd(spread, full_matrices=False)[2][0]
        along = spread @ (direction * np.sign(direction[np.abs(direction).argmax()]))
        halves[members[np.argsort(along, kind="stable")[len(members) // 2 :]]] = 1
    return halves


def _collaborative(
    histories: Sequence[NDArray[np.intp]], n_items: int, branching: int, seed: int
) -> NDArray[np.intp]:
    return collaborative_codes(histories, n_items, branching)


_WAYS: dict[str, Callable[..., NDArray[np.intp]]] = {
    "random": _random,
    "sequential": _sequential,
    "collaborative": _collaborative,
}
