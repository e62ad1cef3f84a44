"""Pairs of lists that an audit compares, laid out as tables for the statistics.

A contrast is one kind of comparison, such as "neutral against stated gender". Its table has a
row per user, a layer per wording of the prompt and a column per stated value (or repeat).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairrec.metrics.batched_similarity import SIMILARITIES, encode_lists
from fairrec.metrics.rank_moves import batched_rank_moves
from fairrec.metrics.similarity import Dialect
from fairrec.types import Probe, Ranking

SIMILARITY_METRICS = ("jaccard", "serp", "prag", "rbo")
METRICS = (*SIMILARITY_METRICS, "rank_moves")
"""Similarities, in [0, 1], and rank moves, in places: 0 for equal lists."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A probe and the reference that its list is compared with, in one column of a contrast."""

    column: str
    probe: Probe
    reference: Probe


@dataclass(frozen=True)
class Contrast:
    """What a kind of comparison measured.

    Attributes:
        pairs: What was compared.
        columns: Names of the columns, in the order of the tables.
        values: By metric, one value per pair; NaN where either list is missing.
        tables: By metric, users x wordings x columns; NaN where nothing was asked or answered.
        asked: Users x columns, whether anything was asked.
    """

    pairs: Sequence[Pair]
    columns: tuple[str, ...]
    values: Mapping[str, NDArray[np.float64]]
    tables: Mapping[str, NDArray[np.float64]]
    asked: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ListComparison:
    """How lists are compared: K as asked for, form of SERP* and PRAG*, persistence of RBO."""

    k: int
    dialect: Dialect = "unit"
    rbo_p: float = 0.9

    def measure(
        self, lists: Sequence[Ranking], references: Sequence[Ranking]
    ) -> dict[str, NDArray[np.float64]]:
        """Return per metric one value a pair of lists; NaN where either is missing."""
        coded = encode_lists([r.items[: self.k] for r in (*lists, *references)])
        x, y = coded[: len(lists)], coded[len(lists) :]
        return {
            "jaccard": SIMILARITIES["jaccard"](x, y),
            "serp": SIMILARITIES["serp"](x, y, k=self.k, dialect=self.dialect),
            "prag": SIMILARITIES["prag"](x, y, k=self.k, dialect=self.dialect),
            "rbo": SIMILARITIES["rbo"](x, y, p=self.rbo_p),
            "rank_moves": batched_rank_moves(x, y, self.k),
        }


def wording(probe: Probe) -> str:
    """Return which wording of the prompt a probe uses."""
    return probe.request.slots.get("template", "")


def measured_contrasts(
    contrasts: Mapping[str, Sequence[Pair]],
    columns: Mapping[str, Sequence[str]],
    clusters: Sequence[str],
    rankings: Mapping[str, Ranking],
    comparison: ListComparison,
) -> dict[str, Contrast]:
    """Measure all pairs of all contrasts at once and lay them out as tables.

    Args:
        contrasts: Pairs by name of the contrast.
        columns: The columns of each contrast, in order; a pair's column is among them.
        clusters: The rows of every table, in order.
        rankings: Answers by probe id.
        comparison: How lists are compared.
    """
    pairs = [pair for some in contrasts.values() for pair in some]
    measured = comparison.measure(
        [rankings[pair.probe.id] for pair in pairs],
        [rankings[pair.reference.id] for pair in pairs],
    )
    rows = {cluster: row for row, cluster in enumerate(clusters)}
    layers = {name: layer for layer, name in enumerate(sorted({wording(p.probe) for p in pairs}))}
    found, start = {}, 0
    for name, some in contrasts.items():
        order = {column: place for place, column in enumerate(columns[name])}
        where = tuple(
            np.array([place(pair) for pair in some], dtype=np.intp)
            for place in (
                lambda pair: rows[pair.probe.cluster],
                lambda pair: layers[wording(pair.probe)],
                lambda pair, order=order: order[pair.column],
            )
        )
        values = {m: measured[m][start : start + len(some)] for m in METRICS}
        tables = {}
        for metric in METRICS:
            table = np.full((len(rows), max(len(layers), 1), len(order)), np.nan)
            table[where] = values[metric]
            tables[metric] = table
        asked = np.zeros((len(rows), len(order)), dtype=bool)
        asked[where[0], where[2]] = True
        found[name] = Contrast(some, tuple(columns[name]), values, tables, asked)
        start += len(some)
    return found


def mean_present(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Return the mean over what is present along an axis, NaN where nothing is."""
    present = ~np.isnan(values)
    count = present.sum(axis=axis)
    total = np.where(present, values, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def over_same_wordings(
    floor: NDArray[np.float64], effects: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return two tables averaged over the wordings that hold both, users x columns each.

    A wording in which a user lacks the floor or every effect would weigh on one side alone.
    """
    both = np.asarray(~np.isnan(floor).all(axis=2) & ~np.isnan(effects).all(axis=2))
    floor = np.where(both[:, :, None], floor, np.nan)
    effects = np.where(both[:, :, None], effects, np.nan)
    return mean_present(floor, 1), mean_present(effects, 1)


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Return different names in the order of their first mention."""
    return tuple(dict.fromkeys(names))


def finite(number: float) -> float | None:
    """Return a number for a result: None where it is missing."""
    return float(number) if np.isfinite(number) else None
