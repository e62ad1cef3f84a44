"""From sums of popularity to findings: what lists hold of the head and the tail, and where."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.excess import finding_id
from fairrec.audits.popularity_sums import PopularitySums
from fairrec.evidence.sums import function_estimates
from fairrec.metrics.concentration import shares
from fairrec.metrics.diversity_ratios import div_ratio, over_recommendation_ratio
from fairrec.metrics.popularity_parts import pop_reo, pop_rsp
from fairrec.results import Estimate, Finding
from fairrec.seeds import generator

Values = NDArray[np.float64]
Table = Mapping[str, tuple[float | str | None, ...]]

SHOWN = 2_000
"""Items in the figure of popularity and exposure."""


@dataclass(frozen=True)
class PopularityJudge:
    """Turns sums into findings.

    Attributes:
        sums: What was added up.
        n, n_missing: Users (or topics) with and without a list.
        unit: What they are.
        audit, draws, level, seed: As everywhere.
    """

    sums: PopularitySums
    n: int
    n_missing: int = 0
    unit: str = "user"
    audit: str = "popularity"
    draws: int = 2_000
    level: float = 0.95
    seed: int = 0

    def findings(self) -> list[Finding]:
        """Return how popular lists are; floors are what choosing items at random would give."""
        return [*self._means(), *self._parts(), *self._inequality(), *self._variety()]

    def _means(self) -> Iterable[Finding]:
        popularity = self.sums.popularity
        interactions = float(popularity.sum())
        random = self.sums.by_item
        for name in (*random, "aclt"):
            if name not in self.sums.lists.sums:
                continue
            estimate = self._mean(name)
            floor = None
            if name in random and not np.isnan(random[name]).all():
                floor = float(np.nanmean(random[name]))
            yield self._finding(None, name, "mean", estimate, floor)
            if name == "arp" and interactions > 0:
                share = self._mean(name, 1 / interactions)
                floor = None if floor is None else floor / interactions
                yield self._finding(None, "arp", "normalised", share, floor)

    def _parts(self) -> Iterable[Finding]:
        if "parts" not in self.sums.lists.sums:
            return
        parts = self.sums.parts
        catalogue = parts.groups.sizes / parts.groups.sizes.sum()
        for name, estimate, random in zip(
            parts.names, self.part_estimates(), catalogue.tolist(), strict=True
        ):
            yield self._finding(name, "part", "share", estimate, random)
            if name == parts.names[-1]:
                yield self._finding(None, "aplt", "mean", estimate, random)

    def part_estimates(self) -> list[Estimate]:
        """Return the mean share of every part in lists."""
        sums, counts = self.sums.lists.sums["parts"], self.sums.lists.counts["parts"]
        return self._of(
            np.hstack([sums, counts[:, :1]]),
            lambda x: _over(x[..., :-1], x[..., -1:]),
            "parts",
            bounds=(0.0, 1.0),
        )

    def _inequality(self) -> Iterable[Finding]:
        sums, sizes = self.sums.lists.sums, self.sums.parts.groups.sizes
        if "part_counts" in sums:
            size = len(sizes)
            chances = self.sums.lists.counts["part_counts"] * sizes
            (estimate,) = self._of(
                np.hstack([sums["part_counts"], sums.get("part_chances", chances)]),
                lambda x: pop_rsp(x[..., :size], x[..., size:])[..., None],
                "pop_rsp",
                direction="lower",
                bounds=(0.0, np.inf),
            )
            yield self._finding(None, "pop_rsp", "value", estimate)
        if "part_hits" in sums:
            size = len(sizes)
            (estimate,) = self._of(
                np.hstack([sums["part_hits"], sums["part_relevant"]]),
                lambda x: pop_reo(x[..., :size], x[..., size:])[..., None],
                "pop_reo",
                direction="lower",
                bounds=(0.0, np.inf),
                undefined="undefined: nothing relevant was found, or a part has nothing relevant",
            )
            yield self._finding(None, "pop_reo", "value", estimate)

    def _variety(self) -> Iterable[Finding]:
        counts = self.sums.counts
        why = f"it depends on how many lists there are: compare equally many {self.unit}s"
        for name, measure, better in (
            ("div_ratio", div_ratio, "higher"),
            ("or_ratio", over_recommendation_ratio, "lower"),
        ):
            value = float(measure(counts))
            estimate = Estimate(
                None if np.isnan(value) else value,
                reason=f"no {self.unit} has a value" if np.isnan(value) else why,
                direction=better,
                **self._common(),
            )
            yield self._finding(None, name, "value", estimate)

    def tables(self) -> dict[str, Table]:
        """Return the columns of the figures."""
        found: dict[str, Table] = {}
        if not self.sums.n_lists:
            return found
        found["popularity_by_rank"] = self._by_rank()
        found["popularity_exposure"] = self._items()
        found["calibration"] = self._calibration()
        return found

    def _by_rank(self) -> Table:
        sums, counts = self.sums.lists.sums["places"], self.sums.lists.counts["places"]
        k = sums.shape[1]
        estimates = self._of(
            np.hstack([sums, counts]), lambda x: _over(x[..., :k], x[..., k:]), "places"
        )
        return {
            "rank": tuple(float(rank) for rank in range(1, k + 1)),
            "popularity": tuple(e.value for e in estimates),
            "low": tuple(e.low for e in estimates),
            "high": tuple(e.high for e in estimates),
        }

    def _items(self) -> Table:
        popularity, counts = self.sums.popularity, self.sums.counts
        order = np.argsort(-popularity, kind="stable")
        if len(order) > SHOWN:  # one of each stratum of equally many items by popularity
            rng = generator(self.seed, self.audit, "items shown")
            order = np.array([rng.choice(some) for some in np.array_split(order, SHOWN)])
        names = np.array(self.sums.parts.names)[self.sums.parts.codes[order]]
        return {
            "popularity": tuple(popularity[order].tolist()),
            "exposure": tuple(counts[order].tolist()),
            "group": tuple(names.tolist()),
        }

    def _calibration(self) -> Table:
        sizes = self.sums.parts.groups.sizes
        names = self.sums.parts.names
        estimates = self.part_estimates()
        rows: list[tuple[float | str | None, ...]] = [
            (name, "catalogue", float(share), None, None)
            for name, share in zip(names, sizes / sizes.sum(), strict=True)
        ]
        rows += [
            (name, "recommended", e.value, e.low, e.high)
            for name, e in zip(names, estimates, strict=True)
        ]
        if self.sums.popularity.sum() > 0:
            consumed = shares(self.sums.parts.groups.totals(self.sums.popularity))
            rows += [
                (name, "interactions", float(share), None, None)
                for name, share in zip(names, consumed, strict=True)
            ]
        return dict(
            zip(("part", "source", "share", "low", "high"), zip(*rows, strict=True), strict=True)
        )

    def _mean(self, name: str, factor: float = 1.0) -> Estimate:
        sums, counts = self.sums.lists.sums[name], self.sums.lists.counts[name]
        (estimate,) = self._of(
            np.column_stack([sums * factor, counts]),
            lambda x: _over(x[..., :1], x[..., 1:]),
            name,
            undefined="undefined: no listed item was ever consumed",
        )
        return estimate

    def _of(
        self, sums: Values, function: Callable[[Values], Values], purpose: str, **how: Any
    ) -> list[Estimate]:
        return function_estimates(
            sums,
            function,
            generator(self.seed, self.audit, purpose),
            self.draws,
            **self._common(),
            **how,
        )

    def _common(self) -> dict[str, Any]:
        return {"n": self.n, "n_missing": self.n_missing, "unit": self.unit, "level": self.level}

    def _finding(
        self,
        value: str | None,
        metric: str,
        statistic: str,
        estimate: Estimate,
        floor: float | None = None,
    ) -> Finding:
        return Finding(
            finding_id(self.audit, "items", value, metric, statistic),
            audit=self.audit,
            metric=metric,
            statistic=statistic,
            attribute="items",
            value=value,
            estimate=estimate,
            noise_floor=floor,
        )


def _over(above: Values, below: Values) -> Values:
    x, y = np.broadcast_arrays(above, below)
    return np.where(y > 0, x / np.where(y > 0, y, 1.0), np.nan)
