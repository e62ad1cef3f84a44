"""What a trained prompt hides and what that costs, measured on users it was not trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def measure(
    prompt: CounterfactuallyFairPrompt,
    recommender: Any,
    users: Sequence[User],
    *,
    hide: Sequence[str] | None = None,
    seed: int = 0,
) -> Card:
    """Attack a recommender before and after, and measure its utility.

    Args:
        prompt: Trained.
        recommender: What it was trained for; it recommends, and scores items of its `catalog`.
        users: That training has not seen, with held-out items; at least 8.
        hide: Attributes; all by default.
        seed: Of the halves, the attackers and the held-out item that counts.

    Raises:
        BadData: There are too few users with held-out items.
    """
    people = [user for user in users if user.held_out and user.history]
    if len(people) < 8:
        raise BadData(
            f"{len(people)} user(s) have a history and held-out items.",
            expected="at least 8, better thousands: intervals come from them.",
        )
    requests = [Request(k=AT, slots={"user": user.id}, history=user.history) for user in people]
    wrapped = prompt.wrap(recommender, hide)
    train = generator(seed, "card").permutation(len(people)) < len(people) // 2
    before, after = (_sources(r, requests, people) for r in (recommender, wrapped))
    attacks = {}
    for attribute in wrapped.hide:
        values = np.array([user.profile.get(attribute, "") for user in people])
        _, labels = np.unique(values, return_inverse=True)
        for source in before:
            attacks[f"{attribute}.{source}"] = (
                fresh_attack(before[source], labels, train, seed=seed),
                fresh_attack(after[source], labels, train, seed=seed),
            )
    found = [_utility(r, requests, people, seed) for r in (recommender, wrapped)]
    utility = {
        name: _change(np.stack([found[0][name], found[1][name]], axis=1), seed) for name in found[0]
    }
    return Card(wrapped.description["prompt"], len(people), attacks, utility)


def _sources(recommender: Any, requests: list[Request], users: list[User]) -> dict[str, Any]:
    rankings = recommender.recommend(requests)
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


def _utility(
    recommender: Any, requests: list[Request], users: list[User], seed: int
) -> dict[str, NDArray[np.float64]]:
    """Return, per user, the metrics of a held-out item among its negatives."""
    ids = recommender.catalog.ids
    place = {item: number for number, item in enumerate(ids)}
    hits = np.zeros((len(users), AT), dtype=bool)
    for start in range(0, len(users), 256):
        part = slice(start, start + 256)
        rows = recommender.score(requests[part], ids)
        for row, (user, scores) in enumerate(zip(users[part], rows, strict=True), start):
            rng = generator(seed, "card negatives", user.id)
            wanted = place[user.held_out[int(rng.integers(len(user.held_out)))]]
            unseen = np.ones(len(ids), dtype=bool)
            unseen[[place[i] for i in (*user.history, *user.held_out) if i in place]] = False
            negatives = rng.permutation(np.flatnonzero(unseen))[:NEGATIVES]
            rank = int((scores[negatives] > scores[wanted]).sum())
            hits[row, rank:][:1] = True
    wanted_each = np.ones(len(users))
    return {f"hit@{AT}": hit_rate(hits, wanted_each), f"ndcg@{AT}": ndcg_at_k(hits, wanted_each)}


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
