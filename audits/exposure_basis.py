"""What all findings about exposure are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.excess import finding_id
from fairrec.audits.exposure_sums import ExposureSums
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.concentration import shares
from fairrec.metrics.item_groups import ItemGroups
from fairrec.results import Estimate, Finding
from fairrec.seeds import generator

Values = NDArray[np.float64]


@dataclass(frozen=True)
class ExposureBasis:
    """Sums of exposure, and how findings are made of them.

    Attributes:
        sums: What was added up.
        column: What groups items.
        targets: Shares that the groups deserve, by name of the merit; the first is the main one.
        n, n_missing: Users (or topics) with and without a list.
        unit: What they are.
        audit, draws, level, seed: As everywhere.
        moved: By how much each group's share moves when the same is asked again, shape (G,); None
            where it was not.
        from_catalogue: Whether every item of the catalogue could have been chosen in any list.
    """

    sums: ExposureSums
    column: str
    targets: Mapping[str, Values]
    n: int
    n_missing: int = 0
    unit: str = "user"
    audit: str = "exposure"
    draws: int = 2_000
    level: float = 0.95
    seed: int = 0
    moved: Values | None = None
    from_catalogue: bool = True

    @property
    def item_groups(self) -> ItemGroups:
        """The groups, where there are any."""
        assert self.sums.groups is not None
        return self.sums.groups

    def metric(self, model: Browsing) -> str:
        """Return what findings under a browsing model are called."""
        return "exposure" if model == self.sums.browsing[0] else f"exposure_{model.kind}"

    def relevance(self, merit: str) -> Values | None:
        """Return the relevance of each group by bucket, shape (B, G), where that is the merit.

        Unlike other merits it was observed with the same users, and is as uncertain as they are.
        """
        return self.sums.lists.sums.get("merit") if merit == "relevance" else None

    def target(self, merit: str) -> Values:
        """Return the share that each group deserves, shape (G,); NaN where nobody does."""
        observed = self.relevance(merit)
        return self.targets[merit] if observed is None else shares(observed.sum(axis=0))

    def rng(self, *purpose: str) -> np.random.Generator:
        """Return the random numbers of one purpose."""
        return generator(self.seed, self.audit, self.column, *purpose)

    @property
    def common(self) -> dict[str, Any]:
        """What estimates are told of the users."""
        return {"n": self.n, "n_missing": self.n_missing, "unit": self.unit, "level": self.level}

    def usual_weights(self) -> Values:
        """Return the attention of the places of a list of the usual length, none if unknown."""
        model = self.sums.browsing[0]
        if not self.sums.n_lists or model.needs_relevance:
            return np.empty(0)
        return model.weights(round(self.sums.counts.sum() / self.sums.n_lists))

    def finding(
        self,
        attribute: str,
        value: str | None,
        metric: str,
        statistic: str,
        estimate: Estimate,
        floor: float | None = None,
    ) -> Finding:
        """Return a finding with its id."""
        return Finding(
            finding_id(self.audit, attribute, value, metric, statistic),
            audit=self.audit,
            metric=metric,
            statistic=statistic,
            attribute=attribute,
            value=value,
            estimate=estimate,
            noise_floor=floor,
        )
