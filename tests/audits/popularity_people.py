"""A catalogue with popular items, people with histories, and recommenders for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from fairrec.audits.popularity import PopularityAudit
from fairrec.catalogs import Catalog
from fairrec.prompts import USER_TEMPLATES, Template
from fairrec.recommenders import as_recommender
from fairrec.results import AuditResult
from fairrec.running import run_audit
from fairrec.seeds import generator
from fairrec.types import Ranking, Request
from fairrec.users import User

MOVIELENS = Path(__file__).parents[2].parent / "shared" / "data" / "ml-latest-small"


N, USERS, HISTORY, K = 400, 80, 20, 10


IDS = tuple(f"i{i}" for i in range(N))


# Items come in twins, 2 j and 2 j + 1, of the same popularity; the last 40 nobody had.
POPULARITY = {f"i{i}": float(2_000 // (2 + i // 2)) for i in range(360)}


AMOUNTS = np.array([POPULARITY.get(item, 0.0) for item in IDS])


GROUP = np.random.default_rng(1).choice(["a", "a", "b"], N).astype(object)


CATALOG = Catalog(IDS, tuple(f"Title {item}" for item in IDS), {"maker": GROUP})


TOPIC = Template("Recommend {k} {value} films like {name}.")


def drawn(rng: np.random.Generator, weight: np.ndarray, n: int) -> list[int]:
    return rng.choice(len(weight), n, replace=False, p=weight / weight.sum()).tolist()


def audience(held_out: int = 0, without: int = 0, seed: int = 2) -> list[User]:
    """Users with histories of one of each pair of twins, as popular as chance has it."""
    users = []
    for number in range(USERS):
        rng = np.random.default_rng([seed, number])
        pairs = drawn(rng, AMOUNTS[:360:2] ** 0.5, HISTORY + held_out)
        history = () if number < without else tuple(f"i{2 * pair}" for pair in pairs[:HISTORY])
        profile = {"gender": ("female", "male")[number % 2]}
        later = tuple(f"i{2 * pair}" for pair in pairs[HISTORY:])
        users.append(User(f"u{number}", profile, history, None, later))
    return users


def audit(users: Sequence[User], **changes: object) -> PopularityAudit:
    settings = {"users": users, "k": K, "draws": 400, "column": "maker", **changes}
    return PopularityAudit(CATALOG, USER_TEMPLATES["movie"], POPULARITY, **settings)


def run(one: PopularityAudit, choose: Callable[[Request], Sequence[str] | Ranking]) -> AuditResult:
    return run_audit(one, as_recommender(choose, name="chosen", catalog=one.catalog))


def by_weight(weight: np.ndarray, seed: int = 0) -> Callable[[Request], list[str]]:
    """Lists are drawn without replacement, by weight of the item, anew when asked again."""

    def choose(request: Request) -> list[str]:
        asked = request.slots.get("user") or request.slots["name"]
        rng = generator(seed, "popularity test", asked, str(request.replicate))
        return [IDS[i] for i in drawn(rng, weight, request.k)]

    return choose


def twins(users: Sequence[User]) -> Callable[[Request], list[str]]:
    """Everybody gets the twins of the whole history."""
    histories = {user.id: user.history for user in users}
    return lambda request: [f"i{int(item[1:]) + 1}" for item in histories[request.slots["user"]]]


def value(result: AuditResult, id: str) -> float | None:
    return result.finding(f"popularity.{id}").estimate.value
