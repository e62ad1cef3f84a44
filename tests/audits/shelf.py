"""A small made-up catalogue and recommenders over it, for audits of the items' side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fairrec.catalogs import Catalog
from fairrec.prompts import Template
from fairrec.recommenders import as_recommender
from fairrec.results import AuditResult
from fairrec.running import run_audit
from fairrec.seeds import generator
from fairrec.types import Request
from fairrec.users import User

WORDS = Template("{statement} I like {history} {name}. Name {k} things.")
N = 120


def shelf(n: int = N, column: Sequence[Any] | None = None) -> Catalog:
    """Items of three makers: half of them big's, a third mid's, the rest small's."""
    makers = [("big", "big", "big", "mid", "mid", "small")[i % 6] for i in range(n)]
    values = np.array(makers if column is None else list(column), dtype=object)
    ids = tuple(f"i{i}" for i in range(n))
    return Catalog(ids, tuple(f"Thing {i}" for i in range(n)), {"maker": values})


def users(n: int, catalog: Catalog, held_out: bool = False) -> list[User]:
    """Users with a gender, five items of history and, if wanted, two they went on to like."""
    found = []
    for i in range(n):
        rng = generator(i, "history")
        items = [catalog.ids[j] for j in rng.permutation(len(catalog))[:7]]
        liked = tuple(items[5:]) if held_out else ()
        found.append(User(f"u{i}", {"gender": ("f", "m")[i % 2]}, tuple(items[:5]), held_out=liked))
    return found


def drawing(
    catalog: Catalog, weight: Callable[[Request], np.ndarray] | None = None, seed: int = 0
) -> Any:
    """Recommend k items drawn by weight, other ones whenever asked again."""

    def recommend(request: Request) -> list[str]:
        who = request.slots.get("user") or request.slots["name"]
        rng = generator(seed, "draw", who, str(request.replicate))
        w = np.ones(len(catalog)) if weight is None else weight(request)
        chosen = rng.choice(len(catalog), request.k, replace=False, p=w / w.sum())
        return [catalog.ids[i] for i in chosen]

    return as_recommender(recommend, name="drawing", catalog=catalog)


def of_maker(catalog: Catalog, maker: str, factor: float) -> np.ndarray:
    """Weights under which a maker's items are drawn so many times as often."""
    return np.where(catalog.column("maker") == maker, factor, 1.0)


def values(result: AuditResult) -> dict[str, float | None]:
    return {finding.id: finding.estimate.value for finding in result.findings}


__all__ = ["WORDS", "drawing", "of_maker", "run_audit", "shelf", "users", "values"]
