"""What a trained prompt hides and what that costs, measured on users it was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import BadData
from fairrec.evidence.bootstrap import bootstrap_means
from fairrec.evidence.fresh_attack import FreshAttack, fresh_attack
from fairrec.evidence.leakage_sources import sources_of
from fairrec.metrics.utility import hit_rate, ndcg_at_k
from fairrec.mitigations.cfp.fair_prompt import CounterfactuallyFairPrompt
from fairrec.seeds import generator
from fairrec.types import Outcome, Request
from fairrec.users import User

NEGATIVES = 100
AT = 10


@dataclass(frozen=True)
class Change:
    """A number before and after, each with the ends of its interval.

    Attributes:
        before, after: Value, low, high.
        kept: After over before, with the ends of a paired interval.
    """

    before: tuple[float, float, float]
    after: tuple[float, float, float]
    kept: tuple[float, float, float]


@dataclass(frozen=True)
class Card:
    """What was measured.

    Attributes:
        prompt: Hash of the prefixes.
        users: How many users were measured on.
        attacks: By attribute and source ("embeddings" or "lists"), the attack before and after.
        utility: By metric, "hit@10" and "ndcg@10" of one held-out item among 100 that the user
            has never consumed.
    """

    prompt: str
    users: int
    attacks: Mapping[str, tuple[FreshAttack, FreshAttack]]
    utility: Mapping[str, Change]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)

    def to_markdown(self) -> str:
        """Return the card as a page."""
        lines = [
            "# Counterfactually fair prompt",
            "",
            f"Prefixes {self.prompt[:12]}; measured on {self.users} users that training did not "
            "see. Attackers (logistic regression, boosting, a perceptron) learned on one half of "
            "them and guessed the other half; the strongest counts. 0.5 is guessing.",
            "",
            "| hidden | recovered from | AUC before | AUC after |",
            "|---|---|---|---|",
        ]
        for name, (before, after) in self.attacks.items():
            attribute, source = name.rsplit(".", 1)
            lines.append(f"| {attribute} | {source} | {_shown(before)} | {_shown(after)} |")
        lines += ["", "| utility | before | after | kept |", "|---|---|---|---|"]
        for name, change in self.utility.items():
            parts = [_interval(part) for part in (change.before, change.after, change.kept)]
            lines.append(f"| {name} | {' | '.join(parts)} |")
        return "\n".join(lines) + "\n"


Ask = Callable[[User], Request]
"""How a user's list is asked for."""


def by_id(user: User) -> Request:
    """Return the request to a recommender that knows its users by their ids."""
    return Request(k=AT, slots={"user": user.id}, history=user.history)


def measure(
    prompt: CounterfactuallyFairPrompt,
    recommender: Any,
    users: Sequence[User],
    *,
    hide: Sequence[str] | None = None,
    ask: Ask = by_id,
    together: int = 256,
    seed: int = 0,
) -> Card:
    """Attack a recommender before and after, and measure its utility.

    Args:
        prompt: Trained.
        recommender: What it was trained for; it recommends, and scores items of its `catalog`.
        users: That training has not seen, with held-out items; at least 8.
        hide: Attributes; all by default.
        ask: Makes the request of a user.
        together: Users for whom items are scored in one call, each those of all of them; 1 where
            an item takes longer than a prompt.
        seed: Of the halves, the attackers and the held-out item that counts.

    Raises:
        BadData: There are too few users with held-out items.
    """
    sets = [prompt.attributes if hide is None else hide]
    return measure_each(prompt, recommender, users, sets, ask=ask, together=together, seed=seed)[0]


def measure_each(
    prompt: CounterfactuallyFairPrompt,
    recommender: Any,
    users: Sequence[User],
    sets: Sequence[Sequence[str]],
    *,
    ask: Ask = by_id,
    together: int = 256,
    seed: int = 0,
) -> list[Card]:
    """Return a card for each set of attributes; what was before is measured once."""
    people = [user for user in users if user.held_out and user.history]
    if len(people) < 8:
        raise BadData(
            f"{len(people)} user(s) have a history and held-out items.",
            expected="at least 8, better thousands: intervals come from them.",
        )
    measured = _Measured(people, ask, together, seed)
    before = _sources(recommender, measured)
    useful = _utility(recommender, measured)
    before_by: dict[str, FreshAttack] = {}
    cards = []
    for chosen in sets:
        wrapped = prompt.wrap(recommender, chosen)
        after = _sources(wrapped, measured)
        attacks = {}
        for attribute in wrapped.hide:
            for source in before:
                name = f"{attribute}.{source}"
                if name not in before_by:
                    before_by[name] = attacked(people, before[source], attribute, seed)
                found = attacked(people, after[source], attribute, seed)
                attacks[name] = (before_by[name], found)
        kept = _utility(wrapped, measured)
        utility = {
            name: _change(np.stack([useful[name], kept[name]], axis=1), seed) for name in useful
        }
        cards.append(Card(wrapped.description["prompt"], len(people), attacks, utility))
    return cards


@dataclass(frozen=True)
class _Measured:
    """Whom recommenders are measured on, and how."""

    users: Sequence[User]
    ask: Ask
    together: int
    seed: int


def attacked(users: Sequence[User], features: Any, attribute: str, seed: int = 0) -> FreshAttack:
    """Return how well an attribute is recovered from features, one row per user.

    Attackers learn on one half of the users, the same for all features, and guess the other.
    """
    values = np.array([user.profile.get(attribute, "") for user in users])
    _, labels = np.unique(values, return_inverse=True)
    order = generator(seed, "card").permutation(len(users))
    return fresh_attack(features, labels, order < len(users) // 2, seed=seed)


def _sources(recommender: Any, measured: _Measured) -> dict[str, Any]:
    users = measured.users
    rankings = recommender.recommend([measured.ask(user) for user in users])
    returned = {
        user.id: [ranking]
        for user, ranking in zip(users, rankings, strict=True)
        if ranking.outcome is Outcome.ANSWERED
    }
    if len(returned) < len(users):
        raise BadData(
            f"{len(users) - len(returned)} of {len(users)} user(s) got no list.",
            expected="an answer for every user, before and after.",
        )
    return {s.name: s.features for s in sources_of(returned) if s.name != "scores"}


def _utility(recommender: Any, measured: _Measured) -> dict[str, NDArray[np.float64]]:
    """Return, per user, the metrics of a held-out item among its negatives."""
    ids = recommender.catalog.ids
    place = {item: number for number, item in enumerate(ids)}
    hits = np.zeros((len(measured.users), AT), dtype=bool)
    for start in range(0, len(hits), measured.together):
        users = measured.users[start : start + measured.together]
        offered = [_offered(user, place, measured.seed) for user in users]
        pool = np.unique(np.concatenate(offered))
        rows = recommender.score([measured.ask(u) for u in users], [ids[n] for n in pool])
        for row, (items, scores) in enumerate(zip(offered, rows, strict=True), start):
            wanted, *negatives = scores[np.searchsorted(pool, items)]
            hits[row, int(np.sum(negatives > wanted)) :][:1] = True
    wanted_each = np.ones(len(hits))
    return {f"hit@{AT}": hit_rate(hits, wanted_each), f"ndcg@{AT}": ndcg_at_k(hits, wanted_each)}


def _offered(user: User, place: Mapping[str, int], seed: int) -> NDArray[np.intp]:
    """Return a held-out item of the user, and unseen ones, as places in the catalogue."""
    rng = generator(seed, "card negatives", user.id)
    wanted = place[user.held_out[int(rng.integers(len(user.held_out)))]]
    unseen = np.ones(len(place), dtype=bool)
    unseen[[place[i] for i in (*user.history, *user.held_out) if i in place]] = False
    return np.array([wanted, *rng.permutation(np.flatnonzero(unseen))[:NEGATIVES]])


def _change(pairs: NDArray[np.float64], seed: int) -> Change:
    draws = bootstrap_means(pairs, generator(seed, "card utility"), 2000)
    draws = np.column_stack([draws, draws[:, 1] / draws[:, 0].clip(1e-12)])
    means = pairs.mean(axis=0)
    values = [means[0], means[1], means[1] / max(means[0], 1e-12)]
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    parts = [(float(v), float(a), float(b)) for v, a, b in zip(values, low, high, strict=True)]
    return Change(*parts)


def _shown(attack: FreshAttack) -> str:
    return f"{_interval((attack.auc, attack.low, attack.high))} ({attack.strongest})"


def _interval(part: tuple[float, float, float]) -> str:
    return f"{part[0]:.3f} [{part[1]:.3f}, {part[2]:.3f}]"
