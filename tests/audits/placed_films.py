"""Films to rank, and rankers that are swayed by their order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fairrec.audits.position_bias import PositionBiasAudit
from fairrec.audits.position_bias_orders import true_item
from fairrec.catalogs import Catalog
from fairrec.prompts import Template
from fairrec.recommenders import as_recommender
from fairrec.results import AuditResult, Estimate
from fairrec.seeds import generator
from fairrec.types import Request
from fairrec.users import User

IDS = tuple(f"m{i}" for i in range(100))


CATALOG = Catalog(IDS, tuple(f"Film {i}" for i in range(100)))


WORDS = Template("{statement} Rank {k} of these: {candidates}")


LLMRANK = Path(__file__).parents[2].parent / "shared/data/llmrank"


def people(n: int = 40, size: int = 20, seed: int = 0) -> list[User]:
    rng = np.random.default_rng(seed)
    found = []
    for number in range(n):
        some = tuple(IDS[i] for i in rng.choice(len(IDS), size, replace=False))
        found.append(User(f"u{number}", candidates=some, held_out=(some[int(rng.integers(size))],)))
    return found


def ranker(  # type: ignore[no-untyped-def]
    weight: float, noise: float = 0.0, *, knows: Sequence[User] = (), seed: int = 0
):
    """Ranks by taste, by the place in the prompt (as far as `weight` says) and by noise.

    The true items of the users that it knows are liked more.
    """
    truth = {user.id: true_item(user) for user in knows}

    def rank(request: Request) -> list[str]:
        shown = request.candidates or ()
        user = request.slots["user"]
        rng = generator(seed, "taste", user)
        taste = {item: rng.normal() for item in sorted(shown)}
        again = generator(seed, "noise", user, *shown, str(request.replicate))
        place = np.linspace(1.7, -1.7, len(shown))
        scores = [
            (1 - weight) * (taste[item] + (item == truth.get(user)))
            + weight * place[i]
            + noise * again.normal()
            for i, item in enumerate(shown)
        ]
        return [shown[i] for i in np.argsort(-np.array(scores), kind="stable")][: request.k]

    return as_recommender(rank, name=f"ranker {weight} {noise} {len(truth)} {seed}")


def audit(users: Sequence[User], **changes: object) -> PositionBiasAudit:
    settings = {"users": users, "catalog": CATALOG, "template": WORDS, "k": 20, "draws": 500}
    return PositionBiasAudit(**{**settings, **changes})  # type: ignore[arg-type]


def value(result: AuditResult, name: str) -> float:
    found = result.finding(f"position_bias.{name}").estimate.value
    assert found is not None
    return found


def p(result: AuditResult, name: str) -> float:
    found = result.finding(f"position_bias.{name}").p_value
    assert found is not None
    return found


def holds(estimate: Estimate, number: float) -> bool:
    assert estimate.low is not None and estimate.high is not None
    return estimate.low <= number <= estimate.high
