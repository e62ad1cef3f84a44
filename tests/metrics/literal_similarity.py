"""The formulas of the list similarities written out as literally and slowly as possible."""

from __future__ import annotations

import math
from collections.abc import Sequence

Items = Sequence[object]


def literal_jaccard(x: Items, y: Items, dialect: str) -> float:
    if not x or not y:
        return math.nan if dialect == "unit" else 0.0
    union = [v for i, v in enumerate([*x, *y]) if v not in [*x, *y][:i]]
    return len([v for v in union if v in x and v in y]) / len(union)


def literal_serp(x: Items, y: Items, k: int | None, dialect: str) -> float:
    K, x, y = _cut(x, y, k)
    if not x or not y:
        return math.nan if dialect == "unit" else 0.0
    total = 0.0
    for r, item in enumerate(x, start=1):
        for j, other in enumerate(y):
            if item == other and dialect == "fairllm":
                total += len(x) - r + 2
            elif item == other and other not in y[:j]:
                total += K - r + 2 if dialect == "langfair" else K - r + 1
    if dialect == "fairllm":
        return total / (2 * len(y) * (len(y) + 1))
    if dialect == "langfair":
        return total / (2 * K * (K + 1))
    if dialect == "paper":
        return total / (K * (K + 1) / 2)
    against_itself = [sum(K - r + 1 for r in range(1, len(z) + 1)) for z in (x, y)]
    return total / (against_itself[0] if k is None else max(against_itself))


def literal_prag(x: Items, y: Items, k: int | None, dialect: str) -> float:
    K, x, y = _cut(x, y, k)
    if not x or not y:
        return math.nan if dialect == "unit" else 0.0
    if dialect == "unit":
        x, y = ([v for i, v in enumerate(z) if v not in z[:i]] for z in (x, y))
        longest = len(x) if k is None else max(len(x), len(y))
        if longest == 1:
            return 1.0 if x == y else 0.0
        return _pairs(x, y, dialect) / (longest * (longest - 1) / 2)
    if len(x) == 1 and dialect != "paper":
        return 1.0 if x == y else 0.0
    if dialect == "fairllm":
        return _pairs(x, y, dialect) / (len(x) * (len(x) - 1) / 2)
    return _pairs(x, y, dialect) / (K * (K + 1))


def literal_rbo(x: Items, y: Items, p: float) -> float:
    """RBO_ext, Webber et al. 2010, eq. 32, with its own names: S, L, s, l, X_d."""
    x, y = ([v for i, v in enumerate(z) if v not in z[:i]] for z in (x, y))
    S, L = (x, y) if len(x) <= len(y) else (y, x)
    s, length = len(S), len(L)
    if s == 0:
        return math.nan

    def X(d: int) -> int:
        return sum(v in L[:d] for v in S[:d])

    first = sum(X(d) / d * p**d for d in range(1, length + 1))
    second = sum(X(s) * (d - s) / (s * d) * p**d for d in range(s + 1, length + 1))
    tail = ((X(length) - X(s)) / length + X(s) / s) * p**length
    return (1 - p) / p * (first + second) + tail


def _cut(x: Items, y: Items, k: int | None) -> tuple[int, list, list]:
    return (len(x), list(x), list(y)) if k is None else (k, list(x)[:k], list(y)[:k])


def _pairs(x: Items, y: Items, dialect: str) -> int:
    count = 0
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            one, two = ([place for place, item in enumerate(y) if item == v] for v in (x[i], x[j]))
            wins = -1 if dialect == "fairllm" else 0
            if one and (not two or one[wins] < two[wins]):
                count += 1
    return count
