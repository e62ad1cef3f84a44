"""From sums of exposure to findings: how unequal it is among items, and among groups of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from fairrec.audits.exposure_basis import ExposureBasis
from fairrec.audits.exposure_disparities import disparity_findings, impact_findings
from fairrec.audits.exposure_items import item_findings
from fairrec.audits.exposure_representation import chance_lists, chance_mean, list_measures
from fairrec.audits.exposure_shares import group_shares, share_findings
from fairrec.audits.exposure_tables import Table, exposure_tables
from fairrec.errors import WrongUse
from fairrec.evidence.sums import function_estimates
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.group_exposure import mean_exposure
from fairrec.results import Estimate, Finding


class ExposureJudge(ExposureBasis):
    """Turns sums into findings; made of the same as `ExposureBasis`."""

    def items(self) -> list[Finding]:
        """Return how concentrated exposure is on few items."""
        return list(item_findings(self))

    def groups(self) -> list[Finding]:
        """Return each group's share of exposure and how unequal groups are, model by model."""
        found: list[Finding] = []
        for model, estimates in zip(self.sums.browsing, self._shares, strict=False):
            found += share_findings(self, model, estimates)
            found += disparity_findings(self, model)
        return [*found, *impact_findings(self), self._awrf()] if found else []

    def tables(self) -> dict[str, Table]:
        """Return the columns of the figures."""
        return exposure_tables(self, self._shares[0] if self._shares else ())

    @cached_property
    def _shares(self) -> list[list[Estimate]]:
        """Every model's shares of the groups; none without groups or lists."""
        if self.sums.groups is None or not self.sums.n_lists:
            return []
        return [group_shares(self, model) for model in self.sums.browsing]

    def _awrf(self) -> Finding:
        sums, counts = self.sums.lists.sums["awrf"], self.sums.lists.counts["awrf"]
        (estimate,) = function_estimates(
            np.column_stack([sums, counts]),
            lambda x: mean_exposure(x[..., 0], x[..., 1])[..., None],
            self.rng("awrf"),
            self.draws,
            direction="lower",
            bounds=(0, 1),
            undefined="undefined: no list holds an item with a known group",
            **self.common,
        )
        return self.finding(self.column, None, "awrf", "mean", estimate, self._awrf_by_chance())

    def _awrf_by_chance(self) -> float | None:
        """Return the mean AWRF of random lists: short ones cannot have the target's shares."""
        weights = self.usual_weights()
        if not len(weights) or not self.from_catalogue:
            return None
        rng, n_items = self.rng("chance of lists"), len(self.sums.counts)
        floor = list_measures(*chance_lists(rng, n_items, weights), self.item_groups)["awrf"]
        mean = float(chance_mean(floor))
        return None if np.isnan(mean) else mean


def check_different(browsing: Sequence[Browsing]) -> None:
    """Check that findings can be told apart: they go by the kind of the browsing model.

    Raises:
        WrongUse: Two models are of one kind.
    """
    kinds = [model.kind for model in browsing]
    if len(set(kinds)) < len(kinds):
        raise WrongUse(
            f"browsing models are {', '.join(map(str, browsing))}.",
            expected="models of different kinds.",
            do="compare two of one kind in runs of their own.",
        )
