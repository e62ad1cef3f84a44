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
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

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
GAP = f"exposure.{PART}.exposure.treatment_by_interactions_ratio"
LIFT = "popularity.items.popularity.lift"
SHARES = {"head": 0.2, "mid": 0.6, "tail": 0.2}
"""What the parts deserve: their shares of what people consume, by which they are cut."""

SETTINGS: dict[str, dict[str, Any]] = {
    "fa_ir": {"protected": "tail", "p": SHARES["tail"]},
    "multinomial_fa_ir": {"shares": {"mid": SHARES["mid"], "tail": SHARES["tail"]}},
    "fairco": {"merit": SHARES},
    "far": {"importance": SHARES},
    "ofair": {"features": {PART: "tail"}},
}
"""What rerankers are told beyond their defaults; those with a target have `SHARES` for it."""


class Row(NamedTuple):
    """What one reranker does.

    Attributes:
        name: Its name.
        ratio: Exposure for what people consumed, the worst-off part of the catalogue (head, mid
            or tail) over the best-off; 1 is equal treatment.
        lift: How much more popular lists are than histories; 0 is as popular.
        ndcg: Of held-out items.
        change: How much NDCG changed, with a paired interval.
        kept: Share of the items before that are still listed.
        milliseconds: Per answer.
    """

    name: str
    ratio: float
    lift: float
    ndcg: float
    change: str
    kept: float
    milliseconds: float


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
    print(f"{folder} is not there: made-up users of the embedded films take their place.")
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
) -> list[Row]:
    """Return one row for the recommender as it is, and one for each reranker around it."""
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
    audit = PopularityAudit(**shared, popularity=popularity)
    probes = exposure.plan()
    store = ResponseStore(None)
    before = ask(probes, recommender, store)
    judged = exposure.judge(probes, before)
    found: list[Row] = []
    for name, kind in sorted(MITIGATIONS.items()):
        if not issubclass(kind, Reranker) or (only and name not in only):
            continue
        column = kind.default_column or PART
        told = dict(SETTINGS.get(name, {}))
        if "target" in {field.name for field in fields(kind)}:
            told["target"] = SHARES
        wrapped = kind(catalog=catalog, column=column, depth=depth, **told).wrap(recommender)
        after = ask(probes, wrapped, store)
        changed = compare_answers(
            exposure, probes, before, after, (judged, exposure.judge(probes, after))
        )
        lifts = [
            audit.judge(probes, answers).finding(LIFT).estimate.value for answers in (before, after)
        ]
        if not found:
            found.append(_row("as it is", changed, lifts[0], before=True))
        found.append(_row(name, changed, lifts[1]))
    return found


def _row(name: str, changed: Comparison, lift: float | None, before: bool = False) -> Row:
    gap, ndcg = changed.change(GAP), changed.change("utility.ndcg")
    kept, time = changed.change("utility.items_kept"), changed.change("cost.seconds")
    side = "before" if before else "after"
    values = [getattr(change, side) or 0.0 for change in (gap, ndcg, kept, time)]
    e = ndcg.difference
    interval = "" if before else f"{e.value:+.3f} [{e.low:+.3f}, {e.high:+.3f}]"
    return Row(name, values[0], lift or 0.0, values[1], interval, values[2], 1e3 * values[3])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/ml-100k"))
    for name, default in (("users", 300), ("k", 10), ("depth", 100)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--only", nargs="*", default=[], help="Names of rerankers.")
    args = parser.parse_args()
    everybody, catalog = real_or_made_up(args.data)
    catalog, popularity = with_popularity(catalog, everybody)
    recommender = PureSVD(everybody, catalog)
    rows = table(
        everybody[: args.users], catalog, popularity, recommender, args.k, args.depth, args.only
    )
    print("| reranker | exposure ratio | popularity lift | NDCG | change | kept | ms |")
    print("|---|--:|--:|--:|---|--:|--:|")
    for row in rows:
        print(
            f"| {row.name} | {row.ratio:.3f} | {row.lift:+.2f} | {row.ndcg:.3f} | {row.change} "
            f"| {row.kept:.2f} | {row.milliseconds:.2f} |"
        )


if __name__ == "__main__":
    main()
