"""Every reranker on one recommender: what fairness they bring, and what it costs.

    python examples/rerank_movielens.py [--data ../shared/data/ml-100k] [--users 200] [--k 10]

A small recommender (PureSVD: Cremonesi, Koren, Turrin 2010) is trained on a data set of real users
(MovieLens 100K, see docs/datasets.md), or on made-up users of the embedded films. It is audited for
exposure and popularity, wrapped in each reranker as its settings come, and audited again. The
original is asked once: all rerankers work on its recorded answers.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import svds

from fairrec.audits import ExposureAudit, PopularityAudit
from fairrec.catalogs import Catalog, films
from fairrec.datasets import leave_last_out, read_dataset, synthetic_users
from fairrec.metrics.popularity_parts import split_by_interactions
from fairrec.mitigations import MITIGATIONS
from fairrec.mitigations.rerankers.reranker import Reranker
from fairrec.prompts import template
from fairrec.running import ResponseStore, ask
from fairrec.running.comparison import Comparison, compare_answers
from fairrec.types import Ranking, Request
from fairrec.users import User

PART = "popularity_part"
GAP, LIFT = f"exposure.{PART}.exposure.total_variation", "popularity.items.popularity.lift"
NUMERIC = {"xquad"}  # their column is how popular an item is, not a group


class PureSVD:
    """Ranks what a user has not seen by the k-rank approximation of who has seen what."""

    def __init__(self, users: Sequence[User], catalog: Catalog, factors: int = 30) -> None:
        rows, columns = zip(
            *((row, catalog.index(i)) for row, user in enumerate(users) for i in user.history),
            strict=True,
        )
        seen = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(users), len(catalog)))
        _, _, self.items = svds(seen, k=min(factors, min(seen.shape) - 1), random_state=0)
        self.catalog = catalog
        self.description = {"recommender": "PureSVD", "factors": factors, "users": len(users)}

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        return [self._rank(request) for request in requests]

    def _rank(self, request: Request) -> Ranking:
        seen = np.array([self.catalog.index(item) for item in request.history])
        scores = self.items[:, seen].sum(axis=1) @ self.items
        scores[seen] = -np.inf
        best = np.argsort(-scores, kind="stable")[: request.k]
        return Ranking(
            tuple(self.catalog.ids[n] for n in best), scores=tuple(scores[best].tolist())
        )


def real_or_made_up(folder: Path) -> tuple[list[User], Catalog]:
    """Return users with held-out items, and the catalogue."""
    if folder.is_dir():
        dataset = read_dataset(folder)
        return leave_last_out(dataset, 5), dataset.catalog
    print(f"{folder} is not there: made-up users of the embedded films take the place of real ones.")
    catalog = films()
    made = synthetic_users(catalog, 300, {"gender": ["female", "male"]}, 0, history=20)
    return [
        User(user.id, user.profile, user.history[:-5], held_out=user.history[-5:]) for user in made
    ], catalog


def with_popularity(catalog: Catalog, users: Sequence[User]) -> tuple[Catalog, dict[str, float]]:
    """Return the catalogue with the columns `interactions` and head, mid or tail."""
    counts = np.zeros(len(catalog))
    for user in users:
        for item in user.history:
            counts[catalog.index(item)] += 1
    parts = split_by_interactions(counts, (0.2, 0.8))
    names = np.array([parts.names[code] for code in parts.codes], dtype=object)
    columns = {**catalog.columns, "interactions": counts, PART: names}
    popularity = dict(zip(catalog.ids, counts.tolist(), strict=True))
    return Catalog(catalog.ids, catalog.titles, columns), popularity


def table(
    users: Sequence[User],
    catalog: Catalog,
    popularity: Mapping[str, float],
    recommender: PureSVD,
    k: int,
    depth: int,
    only: Sequence[str] = (),
) -> dict[str, tuple[Comparison, Comparison]]:
    """Return the comparisons of exposure and of popularity by mitigation."""
    shared: dict[str, Any] = {
        "catalog": catalog,
        "template": template("movie_user"),
        "users": users,
        "k": k,
        "repeats": 0,
        "draws": 200,
    }
    exposure = ExposureAudit(
        **shared, column=PART, merit=("interactions",), interactions=popularity
    )
    audits = (exposure, PopularityAudit(**shared, popularity=popularity))
    probes = exposure.plan()
    store = ResponseStore(None)
    before = ask(probes, recommender, store)
    judged = [audit.judge(probes, before) for audit in audits]
    found = {}
    for name, kind in sorted(MITIGATIONS.items()):
        if not issubclass(kind, Reranker) or (only and name not in only):
            continue
        column = "interactions" if name in NUMERIC else PART
        wrapped = kind(catalog=catalog, column=column, depth=depth).wrap(recommender)
        after = ask(probes, wrapped, store)
        found[name] = tuple(
            compare_answers(audit, probes, before, after, (early, audit.judge(probes, after)))
            for audit, early in zip(audits, judged, strict=True)
        )
    return found  # type: ignore[return-value]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/ml-100k"))
    for name, default in (("users", 200), ("k", 10), ("depth", 100)):
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    everybody, catalog = real_or_made_up(args.data)
    catalog, popularity = with_popularity(catalog, everybody)
    recommender = PureSVD(everybody, catalog)
    found = table(
        everybody[: args.users], catalog, popularity, recommender, args.k, args.depth
    )
    print(found)


if __name__ == "__main__":
    main()
