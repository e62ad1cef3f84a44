"""Recommenders whose every property is known, for calibration: what they should be found to do.

A recommender has a score for each item of a pool, per user. A list is the top K of the scores
with Gumbel noise, which is a draw from the Plackett-Luce model. Stating a value moves the scores
by `effect` times a normal number per user, value and item; with 0 it changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fairrec.metrics.batched_similarity import SIMILARITIES

BLOCK = 2_000_000


@dataclass(frozen=True)
class Simulated:
    """A recommender and the audit it is asked by.

    Attributes:
        noise: Scale of the Gumbel noise; scores have the standard deviation 1.
        values: Values of the attribute.
        users: Users per audit.
        repeats: Repeats of the neutral prompt.
        k: Length of lists. Small ones make many ties.
        missing: Share of lists that are missing, at random.
        effect: How much stating a value moves the scores.
        pool: Items to choose from.
        metric: Similarity of lists.
    """

    noise: float
    values: int = 2
    users: int = 30
    repeats: int = 1
    k: int = 10
    missing: float = 0.0
    effect: float = 0.0
    pool: int = 40
    metric: str = "jaccard"

    def audits(self, rng: np.random.Generator, many: int) -> tuple[np.ndarray, np.ndarray]:
        """Return floors (many x users x repeats) and effects (many x users x values)."""
        rows = many * self.users
        per_row = (1 + self.repeats + self.values) * self.pool
        step = max(1, BLOCK // per_row)
        blocks = [self._rows(rng, min(step, rows - start)) for start in range(0, rows, step)]
        table = np.concatenate(blocks).reshape(many, self.users, -1)
        return table[:, :, : self.repeats], table[:, :, self.repeats :]

    def _rows(self, rng: np.random.Generator, rows: int) -> np.ndarray:
        """Return the similarities of users' reference lists to their other lists."""
        others = self.repeats + self.values
        scores = rng.normal(size=(rows, 1, self.pool)).astype(np.float32)
        scores = np.repeat(scores, 1 + others, axis=1)
        if self.effect:
            moved = rng.normal(size=(rows, self.values, self.pool))
            scores[:, 1 + self.repeats :] += self.effect * moved
        scores += self.noise * rng.gumbel(size=scores.shape)
        lists = np.argsort(-scores, axis=2)[:, :, : self.k]
        lists[rng.random((rows, 1 + others)) < self.missing] = -1
        reference = np.repeat(lists[:, :1], others, axis=1).reshape(-1, self.k)
        compared = lists[:, 1:].reshape(-1, self.k)
        return SIMILARITIES[self.metric](reference, compared).reshape(rows, others)


@dataclass(frozen=True)
class Answers:
    """Who gets an answer at all.

    Attributes:
        users: Users per audit.
        values: Values of the attribute.
        missing: Mean share of requests without an answer; it varies between users.
        paired: Whether every user is asked with every value, or with one alone.
        effect: By how much the first value's share of answers is smaller.
    """

    users: int
    values: int
    missing: float
    paired: bool = True
    effect: float = 0.0

    def table(self, rng: np.random.Generator) -> np.ndarray:
        """Return whether an answer came, users x values; NaN where nothing was asked."""
        refusing = np.minimum(rng.exponential(self.missing, (self.users, 1)), 0.7)
        shares = np.repeat(refusing, self.values, axis=1)
        shares[:, 0] += self.effect
        table = (rng.random(shares.shape) >= shares).astype(np.float64)
        if not self.paired:
            group = np.arange(self.users) % self.values
            table[np.arange(self.values) != group[:, None]] = np.nan
        return table
