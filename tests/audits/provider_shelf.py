"""A shelf of items of many providers, and recommenders over it."""

from __future__ import annotations

import numpy as np

from fairrec.audits.provider import ProviderAudit
from fairrec.catalogs import Catalog
from fairrec.metrics.browsing import Browsing
from fairrec.prompts import Template
from fairrec.recommenders import as_recommender
from fairrec.seeds import generator
from fairrec.types import Outcome, Ranking, Request

TEMPLATE = Template("Recommend {k} {value} films like {name}.")


TOPICS = [f"topic {i}" for i in range(60)]


UNIFORM = Browsing("uniform")


def shelf(n: int = 300, providers: int = 30, **columns: list) -> Catalog:
    ids = [f"i{i}" for i in range(n)]
    named = {"provider": [f"p{i % providers:02}" for i in range(n)], **columns}
    return Catalog(
        tuple(ids),
        tuple(f"Title {i}" for i in ids),
        {name: np.array(values, dtype=object) for name, values in named.items()},
    )


def audit(catalog: Catalog, **changes: object) -> ProviderAudit:
    settings = {"topics": TOPICS, "column": "provider", "k": 10, "draws": 400, **changes}
    return ProviderAudit(catalog=catalog, template=TEMPLATE, **settings)


def drawing(catalog: Catalog, weight=None, seed: int = 0, missing: float = 0.0):
    """Lists are drawn without replacement, by weight of the item."""
    p = np.ones(len(catalog)) if weight is None else np.asarray(weight, dtype=float)

    def recommend(request: Request) -> Ranking | list[str]:
        asked = request.slots.get("name") or request.slots["user"]
        rng = generator(seed, "drawing", asked, str(request.replicate))
        if rng.random() < missing:
            return Ranking(outcome=Outcome.REFUSED)
        return [
            catalog.ids[i]
            for i in rng.choice(len(catalog), request.k, replace=False, p=p / p.sum())
        ]

    return as_recommender(recommend, name=f"drawing {seed}", catalog=catalog)


def number(result, id):
    return result.finding(id).estimate.value


def scored(order):
    """Ten candidates, each with a score; the list is in the order that is given."""

    def recommend(request: Request) -> Ranking:
        rng = generator(0, "scores", request.slots["user"])
        scores = dict(zip(request.candidates, rng.random(10).round(3) + 0.1, strict=True))
        items = order(scores, rng)
        return Ranking(tuple(items), scores=tuple(float(scores[item]) for item in items))

    return as_recommender(recommend, name="scored")
