"""How alike two recommended lists are, and how unequal that is over groups.

Zhang, Bao, Zhang, Wang, Feng and He, "Is ChatGPT Fair for Recommendation? Evaluating Fairness
in Large Language Model Recommendation", RecSys 2023 (FaiRLLM). `x` is the list under test (an
attribute was stated), `y` the reference (nothing was stated); r is the 1-based place in `x`.

Four dialects of the same measures are in use, and their numbers cannot be compared:

"unit" (default)
    The paper's form rescaled so that identical lists score 1 and disjoint lists 0. Every value
    lies in [0, 1]. An empty or missing list is missing: the value is NaN.
"paper"
    Equations 3 and 4 as printed. PRAG* of identical lists is (K-1) / (2 (K+1)), not 1.
"fairllm"
    What the authors' program computes and their table shows. SERP* of identical lists is
    (K+3) / (4 (K+1)); an item named twice is counted twice.
"langfair"
    What the LangFair 0.8 package computes.

In the last three an empty list scores 0, as in the programs they come from.

K is the number of items in `x` unless `k` is given. A given `k` first cuts both lists to their
first k places and then stands for K, so that a short list cannot look like a full one; in
"fairllm", whose form has no K, it only cuts. Items are any hashable values.

`fairrec.metrics.batched_similarity` computes the same for many pairs at once.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fairrec.errors import WrongUse

Dialect = Literal["unit", "paper", "fairllm", "langfair"]
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)

Items = Sequence[Hashable] | None


def jaccard(x: Items, y: Items, dialect: Dialect = "unit") -> float:
    """Return |x ∩ y| / |x ∪ y| over distinct items (Zhang et al. 2023, eq. 2).

    In [0, 1]; 1 for equal sets, 0 for disjoint ones, whatever the order. The dialects differ
    only for an empty list: NaN in "unit", 0 in the others.

    Raises:
        WrongUse: The dialect is unknown.
    """
    x, y = _cut(x, y, None, dialect)
    if not x or not y:
        return missing_value(dialect)
    left, right = set(x), set(y)
    return len(left & right) / len(left | right)


def serp(x: Items, y: Items, k: int | None = None, dialect: Dialect = "unit") -> float:
    """Return SERP*, the overlap weighted by the place in `x` (Zhang et al. 2023, eq. 3).

    With m(v) the number of times that the item v of `x` stands in `y`, and sums over the
    places r of `x` (an item named twice has two places):

    - "paper": Σ (K-r+1) [m>0] / (K (K+1) / 2)
    - "unit": the same sum over the larger of Σ_{r<=|x|} (K-r+1) and, when `k` is given,
      Σ_{r<=|y|} (K-r+1): what the longer list scores against itself. Without `k`, "paper".
    - "fairllm": Σ (|x|-r+2) m / (2 |y| (|y|+1))
    - "langfair": Σ (K-r+2) [m>0] / (2 K (K+1))

    In [0, 1] except in "fairllm", where repeats and a short `y` lead beyond. Two lists of the
    same items in another order are identical to SERP*.

    Raises:
        WrongUse: The dialect is unknown or `k` is below 1.
    """
    x, y = _cut(x, y, k, dialect)
    if not x or not y:
        return missing_value(dialect)
    size = len(x) if k is None else k
    times = Counter(y)
    if dialect == "fairllm":
        total = sum((len(x) - place + 1) * times[item] for place, item in enumerate(x))
        return total / (2 * len(y) * (len(y) + 1))
    if dialect == "langfair":
        total = sum(size - place + 1 for place, item in enumerate(x) if item in times)
        return total / (2 * size * (size + 1))
    total = sum(size - place for place, item in enumerate(x) if item in times)
    if dialect == "paper":
        return total / (size * (size + 1) // 2)
    longest = len(x) if k is None else max(len(x), len(y))
    return total / (longest * (2 * size - longest + 1) // 2)


def prag(x: Items, y: Items, k: int | None = None, dialect: Dialect = "unit") -> float:
    """Return PRAG*, the agreement in pairwise order (Zhang et al. 2023, eq. 4).

    C counts the pairs of places in `x`, v1 before v2, with v1 in `y` and v2 either absent from
    `y` or behind v1 there. Of an item that `y` repeats, the first place counts, in "fairllm"
    the last.

    - "paper": C / (K (K+1))
    - "unit": repeats in either list are dropped (the first place stays), then C / (d (d-1) / 2)
      with d the number of items left in `x`, or in the longer list when `k` is given: what that
      list scores against itself. Where d = 1 there is no pair: 1 if the lists are equal, else 0.
    - "fairllm": C / (|x| (|x|-1) / 2); |x| = 1 gives 1 if x = y, else 0
    - "langfair": C / (K (K+1)); |x| = 1 as in "fairllm"

    In [0, 1]; 0 for disjoint lists.

    Raises:
        WrongUse: The dialect is unknown or `k` is below 1.
    """
    x, y = _cut(x, y, k, dialect)
    if not x or not y:
        return missing_value(dialect)
    size = len(x) if k is None else k
    if dialect == "unit":
        x, y = distinct(x), distinct(y)
        longest = len(x) if k is None else max(len(x), len(y))
        pairs = longest * (longest - 1) // 2
    else:
        pairs = len(x) * (len(x) - 1) // 2 if dialect == "fairllm" else size * (size + 1)
        longest = len(x)
    if longest == 1 and dialect != "paper":
        return float(x == y)
    return _ordered_pairs(x, y, last=dialect == "fairllm") / pairs


def rbo(x: Items, y: Items, p: float = 0.9) -> float:
    """Return extrapolated rank-biased overlap, RBO_ext, of two ranked lists.

    Webber, Moffat and Zobel, "A Similarity Measure for Indefinite Rankings", TOIS 28(4), 2010,
    eq. 32, which also holds for lists of uneven length. In [0, 1]; 1 when one list continues
    the other or equals it, 0 when they are disjoint, NaN when one is empty or missing. Repeats
    are dropped, the first place stays.

    Args:
        p: Persistence, in (0, 1): the larger, the more the lower places weigh. At 0.9 the first
            10 places carry 86 % of the weight.

    Raises:
        WrongUse: `p` is not in (0, 1).
    """
    check_persistence(p)
    x, y = _cut(x, y, None, "unit")
    shorter, longer = sorted((distinct(x), distinct(y)), key=len)
    if not shorter:
        return math.nan
    s, depth = len(shorter), len(longer)
    overlap = [0]
    for d in range(1, depth + 1):
        overlap.append(len(set(shorter[:d]) & set(longer[:d])))
    agreed = sum(p ** (d - 1) * overlap[d] / d for d in range(1, depth + 1))
    # Below the end of the shorter list, its agreement so far is taken to go on.
    agreed += sum(p ** (d - 1) * overlap[s] * (d - s) / (s * d) for d in range(s + 1, depth + 1))
    beyond = (overlap[depth] - overlap[s]) / depth + overlap[s] / s
    return min(1.0, (1 - p) * agreed + beyond * p**depth)


def snsr(values: ArrayLike) -> NDArray[np.float64]:
    """Return the sensitive-to-neutral similarity range: max - min (Zhang et al. 2023, eq. 1).

    Args:
        values: Mean similarity per attribute value along the last axis; NaN is left out.

    Returns:
        Values without the last axis (a scalar for one row), at least 0, 0 when all values are
        equal, NaN where fewer than two are present: nothing is compared.
    """
    values = np.asarray(values, dtype=np.float64)
    highest = np.fmax.reduce(values, axis=-1, initial=-np.inf)
    lowest = np.fmin.reduce(values, axis=-1, initial=np.inf)
    return _where_compared(values, highest - lowest)


def snsv(values: ArrayLike) -> NDArray[np.float64]:
    """Return the sensitive-to-neutral similarity variance (Zhang et al. 2023, eq. 1).

    In spite of its name it is the population standard deviation (ddof=0). Arguments and
    result as in `snsr`.
    """
    values = np.asarray(values, dtype=np.float64)
    present = ~np.isnan(values)
    count = np.maximum(present.sum(axis=-1), 1)
    # Measured from the lowest, so that equal values give exactly 0.
    lowest = np.fmin.reduce(values, axis=-1, keepdims=True, initial=np.inf)
    above = np.where(present, values - lowest, 0.0)
    mean = above.sum(axis=-1) / count
    squares = np.where(present, (above - mean[..., None]) ** 2, 0.0)
    return _where_compared(values, np.sqrt(squares.sum(axis=-1) / count))


def missing_value(dialect: Dialect) -> float:
    """Return what a pair with an empty list scores."""
    return math.nan if dialect == "unit" else 0.0


def distinct(items: Sequence[Hashable]) -> list[Hashable]:
    """Return the items in order, each at its first place only."""
    return list(dict.fromkeys(items))


def check_dialect(dialect: str, k: int | None) -> None:
    """Raise WrongUse unless the dialect is known and `k` is None or at least 1."""
    if dialect not in DIALECTS:
        accepted = ", ".join(f'"{name}"' for name in DIALECTS)
        raise WrongUse(
            f"the dialect is {dialect!r}.", expected=f"one of {accepted}.", do="name one of them."
        )
    if k is not None and k < 1:
        raise WrongUse(f"k is {k}.", expected="at least 1, or None for the length of x.")


def check_persistence(p: float) -> None:
    """Raise WrongUse unless `p` is in (0, 1)."""
    if not 0 < p < 1:
        raise WrongUse(f"p of RBO is {p}.", expected="a number between 0 and 1.", do="try 0.9.")


def _cut(x: Items, y: Items, k: int | None, dialect: str) -> tuple[list[Hashable], list[Hashable]]:
    check_dialect(dialect, k)
    return list(() if x is None else x)[:k], list(() if y is None else y)[:k]


def _ordered_pairs(x: list[Hashable], y: list[Hashable], *, last: bool) -> int:
    """Count the pairs of `x` that `y` has in the same order; absent items come after all."""
    place: dict[Hashable, int] = {}
    for j, item in enumerate(y):
        if last or item not in place:
            place[item] = j
    places = [place.get(item, len(y)) for item in x]
    return sum(a < b for i, a in enumerate(places) for b in places[i + 1 :])


def _where_compared(
    values: NDArray[np.float64], statistic: NDArray[np.float64]
) -> NDArray[np.float64]:
    compared = (~np.isnan(values)).sum(axis=-1) >= 2
    return np.where(compared, statistic, np.nan)[()]
