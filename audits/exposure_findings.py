"""From sums of exposure to findings: how unequal it is among items, and among groups of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.excess import finding_id
from fairrec.audits.exposure_chance import AT_RANDOM, by_chance, random_lists
from fairrec.audits.exposure_sums import ExposureSums
from fairrec.audits.families import adjusted
from fairrec.errors import WrongUse
from fairrec.evidence.group_shares import share_estimates, share_p_values, shifted
from fairrec.evidence.groupings import random_groupings, upper_p
from fairrec.evidence.sums import function_estimates, jackknife_estimate, spread_estimate
from fairrec.metrics.attention import awrf
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.concentration import (
    bottom_share,
    catalogue_coverage,
    effective_number,
    herfindahl,
    lorenz_curve,
    shannon_entropy,
    shares,
)
from fairrec.metrics.exposure import group_exposure
from fairrec.metrics.group_exposure import group_disparity, mean_exposure, treatment
from fairrec.metrics.inequality import gini
from fairrec.metrics.item_lists import ItemLists
from fairrec.metrics.merit import catalogue_shares
from fairrec.results import Estimate, Finding
from fairrec.seeds import generator

Values = NDArray[np.float64]
Table = Mapping[str, tuple[float | str | None, ...]]

POINTS = 200
"""Points of a Lorenz curve."""

CELLS = 20_000_000
"""Items times random groupings that are looked at."""

LISTS = 500
"""Random lists that the floor of AWRF is the mean of."""


def _evenness(amounts: Values) -> Values:
    return shannon_entropy(amounts, normalised=True)


CONCENTRATION: dict[str, tuple[Callable[[Values], Values], str]] = {
    "gini": (gini, "lower"),
    "gini_sample": (lambda x: gini(x, "sample"), "lower"),
    "normalised_entropy": (_evenness, "higher"),
    "coverage": (catalogue_coverage, "higher"),
    "hhi": (herfindahl, "lower"),
    "effective_number": (effective_number, "higher"),
    "bottom_half_share": (bottom_share, "higher"),
}
"""Statistics of the exposure of all items, and which are fairer."""


@dataclass(frozen=True)
class ExposureJudge:
    """Turns sums into findings.

    Attributes:
        sums: What was added up.
        column: What groups items.
        targets: Shares that the groups deserve, by name of the merit; the first is the main one.
        n, n_missing: Users (or topics) with and without a list.
        unit: What they are.
        audit, draws, level, seed: As everywhere.
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

    def items(self) -> list[Finding]:
        """Return how concentrated exposure is on few items.

        The noise floor is what recommending items at random would give with as many lists: few
        lists reach few items, whoever chooses them.
        """
        total = self.sums.items.total
        chance = by_chance(self._rng("chance"), len(total), self.sums.n_lists, self._weights())
        findings = []
        every = [measure for measure, _ in CONCENTRATION.values()]
        without = self.sums.items.left_out(
            lambda x: np.stack([measure(x) for measure in every], axis=-1)
        )
        for left_out, (name, (measure, better)) in zip(
            without.T, CONCENTRATION.items(), strict=True
        ):
            value = float(measure(total)) if total.sum() > 0 else float("nan")
            most = float(len(total)) if name == "effective_number" else 1.0
            estimate = jackknife_estimate(
                value, left_out, bounds=(0.0, most), direction=better, **self._common()
            )
            floor = None if chance is None else float(np.mean([measure(row) for row in chance]))
            findings.append(self._finding("items", None, "exposure", name, estimate, floor))
        return [*findings, *self._off_catalogue()]

    def groups(self) -> list[Finding]:
        """Return each group's share of exposure and how unequal groups are, model by model."""
        if self.sums.groups is None:
            return []
        found: list[Finding] = []
        for place, model in enumerate(self.sums.browsing):
            metric = "exposure" if place == 0 else f"exposure_{model.kind}"
            sums = self.sums.lists.sums.get(f"groups {place}")
            if sums is None:
                return []
            found += self._shares(metric, sums)
            found += self._disparities(metric, sums)
        return [*found, *self._impact(), *self._awrf()]

    def _shares(self, metric: str, sums: Values) -> list[Finding]:
        groups = self.sums.groups
        assert groups is not None
        estimates = self._share_estimates(metric)
        squared = float(self._squared(metric).sum())
        found = [
            self._finding(self.column, name, metric, "share", estimate)
            for name, estimate in zip(groups.names, estimates, strict=True)
        ]
        for merit, target in self.targets.items():
            if np.isnan(target).any():
                continue
            p_values = share_p_values(sums, squared, target)
            tested = []
            for name, estimate, less, p in zip(
                groups.names, estimates, target.tolist(), p_values.tolist(), strict=True
            ):
                off = shifted(estimate, less)
                finding = self._finding(self.column, name, metric, f"share_less_{merit}", off)
                known = off.value is not None and not np.isnan(p)
                tested.append(replace(finding, p_value=p if known else None))
            found += adjusted(tested, f"{metric}: shares of {self.column} less {merit}")
        return found

    def _share_estimates(self, metric: str) -> list[Estimate]:
        """Return the groups' shares under a model, by the metric that it goes by."""
        place = self._place(metric)
        return share_estimates(
            self.sums.lists.sums[f"groups {place}"],
            float(self._squared(metric).sum()),
            self._rng("shares", metric),
            self.draws,
            **self._common(),
        )

    def _squared(self, metric: str) -> Values:
        return self.sums.lists.sums[f"squared {self._place(metric)}"]

    def _place(self, metric: str) -> int:
        """Return which browsing model a metric goes by."""
        kinds = [f"exposure_{model.kind}" for model in self.sums.browsing]
        return 0 if metric == "exposure" else kinds.index(metric, 1)

    def _disparities(self, metric: str, sums: Values) -> Iterable[Finding]:
        """Yield forms for all groups together: per item, and per merit."""
        groups = self.sums.groups
        assert groups is not None
        known = groups.known
        bases = {"parity": groups.sizes}
        bases |= {f"treatment_by_{m}": t for m, t in self.targets.items() if m != "catalogue"}
        for base, merit in bases.items():
            if np.isnan(merit[known]).any() or known.sum() < 2:
                continue

            def relative(x: Values, per: Values = merit) -> Values:
                """Exposure per merit over that of all groups together: 1 is parity."""
                held = x[..., known]
                whole = held.sum(axis=-1, keepdims=True) / per[known].sum()
                return treatment(treatment(held, per[known]), whole)

            def logs(x: Values, of: Callable[[Values], Values] = relative) -> Values:
                values = of(x)
                some = values > 0
                return np.where(some, np.log(np.where(some, values, 1.0)), np.nan)

            spread = {
                "range": spread_estimate(
                    sums, relative, self._rng(base, "range"), self.draws, **self._common()
                ),
                "sd": spread_estimate(
                    sums, relative, self._rng(base, "sd"), self.draws, spread="sd", **self._common()
                ),
                "log_ratio": spread_estimate(
                    sums,
                    logs,
                    self._rng(base, "log"),
                    self.draws,
                    undefined="undefined: fewer than two groups have any exposure",
                    **self._common(),
                ),
            }
            p_value, floor = self._of_chance(relative, metric) if base == "parity" else (None, None)
            yield self._finding(
                self.column,
                None,
                metric,
                f"{base}_ratio",
                _ratio(spread["log_ratio"], sums, relative),
            )
            yield replace(
                self._finding(
                    self.column, None, metric, f"{base}_difference", spread["range"], floor
                ),
                p_value=p_value,
            )
            yield self._finding(self.column, None, metric, f"{base}_log_ratio", spread["log_ratio"])
            yield self._finding(
                self.column, None, metric, f"{base}_l2", _mapped(spread["sd"], known.sum() ** 0.5)
            )
            yield self._finding(
                self.column, None, metric, f"{base}_variance", _mapped(spread["sd"], 1.0, 2)
            )

    def _of_chance(
        self, relative: Callable[[Values], Values], metric: str
    ) -> tuple[float | None, float | None]:
        """Return the p-value and mean of the range under random groupings of the items."""
        groups = self.sums.groups
        amounts = self.sums.items.total
        assert groups is not None
        draws = int(min(self.draws, CELLS // max(len(amounts), 1)))
        if metric != "exposure" or draws < AT_RANDOM or amounts.sum() == 0:
            return None, None
        rng = self._rng("groupings")
        blocks = random_groupings(amounts, groups.membership, rng, draws)
        null = np.concatenate([group_disparity(relative(block), "difference") for block in blocks])
        seen = float(group_disparity(relative(groups.totals(amounts)), "difference"))
        return upper_p(null, seen), float(np.nanmean(null))

    def _impact(self) -> Iterable[Finding]:
        """Yield relevance met per relevance there is, where relevance is known."""
        groups, sums = self.sums.groups, self.sums.lists.sums
        if groups is None or "impact" not in sums:
            return
        known = groups.known
        half = len(groups)
        table = np.hstack([sums["impact"], sums["merit"]])

        def logs(x: Values) -> Values:
            values = treatment(x[..., :half][..., known], x[..., half:][..., known])
            some = values > 0
            return np.where(some, np.log(np.where(some, values, 1.0)), np.nan)

        estimate = spread_estimate(
            table,
            logs,
            self._rng("impact"),
            self.draws,
            undefined="undefined: fewer than two groups have relevant items that were shown",
            **self._common(),
        )
        yield self._finding(self.column, None, "exposure", "impact_log_ratio", estimate)

    def _awrf(self) -> Iterable[Finding]:
        sums, counts = self.sums.lists.sums["awrf"], self.sums.lists.counts["awrf"]
        (estimate,) = function_estimates(
            np.column_stack([sums, counts]),
            lambda x: mean_exposure(x[..., 0], x[..., 1])[..., None],
            self._rng("awrf"),
            self.draws,
            direction="lower",
            bounds=(0, 1),
            undefined="undefined: no list holds an item with a known group",
            **self._common(),
        )
        yield self._finding(self.column, None, "awrf", "mean", estimate, self._awrf_by_chance())

    def _awrf_by_chance(self) -> float | None:
        """Return the mean AWRF of random lists: short ones cannot have the target's shares."""
        groups, weights = self.sums.groups, self._weights()
        if groups is None or not len(weights):
            return None
        n_items = len(self.sums.counts)
        length = min(len(weights), n_items)
        items = random_lists(self._rng("chance of lists"), n_items, LISTS, length)
        lists = ItemLists(items, n_items)
        given = group_exposure(lists, groups, np.tile(weights[:length], (LISTS, 1)))
        values = awrf(given, catalogue_shares(groups), known=groups.known)
        return None if np.isnan(values).all() else float(np.nanmean(values))

    def _off_catalogue(self) -> Iterable[Finding]:
        sums = self.sums.lists.sums
        if "off 0" not in sums:
            return
        (estimate,) = function_estimates(
            np.column_stack([sums["off 0"], sums["all 0"]]),
            lambda x: treatment(x[..., 0], x[..., 1])[..., None],
            self._rng("off"),
            self.draws,
            direction="lower",
            bounds=(0, 1),
            **self._common(),
        )
        yield self._finding("items", None, "exposure", "off_catalogue_share", estimate)

    def tables(self) -> dict[str, Table]:
        """Return the columns of the figures."""
        total, groups = self.sums.items.total, self.sums.groups
        found: dict[str, Table] = {}
        if total.sum() > 0:
            items, held = lorenz_curve(total, POINTS)
            found["lorenz"] = {
                "curve": ("exposure of items",) * len(items),
                "share_of_items": tuple(items.tolist()),
                "share_of_exposure": tuple(held.tolist()),
            }
        if groups is not None and self.sums.by_rank.sum() > 0:
            found["group_exposure"] = self._group_table()
            found["group_by_position"] = self._rank_table()
        return found

    def _group_table(self) -> Table:
        groups = self.sums.groups
        assert groups is not None
        estimates = self._share_estimates("exposure")
        rows = [
            (name, merit, float(deserved), e.value, e.low, e.high)
            for merit, target in self.targets.items()
            if not np.isnan(target).any()
            for name, deserved, e in zip(groups.names, target, estimates, strict=True)
        ]
        names = ("group", "merit", "target", "exposure", "low", "high")
        return dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}

    def _rank_table(self) -> Table:
        groups, by_rank = self.sums.groups, shares(self.sums.by_rank)
        assert groups is not None
        rows = [
            (float(rank + 1), name, float(share))
            for rank, row in enumerate(by_rank)
            if not np.isnan(row).any()
            for name, share in zip(groups.names, row, strict=True)
        ]
        return dict(zip(("rank", "group", "share"), zip(*rows, strict=True), strict=True))

    def _weights(self) -> Values:
        """Return the attention of the places of a list of the usual length."""
        model = self.sums.browsing[0]
        if not self.sums.n_lists or model.needs_relevance:
            return np.empty(0)
        return model.weights(round(self.sums.counts.sum() / self.sums.n_lists))

    def _rng(self, *purpose: str) -> np.random.Generator:
        return generator(self.seed, self.audit, self.column, *purpose)

    def _common(self) -> dict[str, Any]:
        return {"n": self.n, "n_missing": self.n_missing, "unit": self.unit, "level": self.level}

    def _finding(
        self,
        attribute: str,
        value: str | None,
        metric: str,
        statistic: str,
        estimate: Estimate,
        floor: float | None = None,
    ) -> Finding:
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


def _ratio(log: Estimate, sums: Values, relative: Callable[[Values], Values]) -> Estimate:
    """Return lowest over highest, from its logarithm; 0 where a group has nothing."""
    value = float(group_disparity(relative(sums.sum(axis=0)), "min_max_ratio"))
    if np.isnan(value) or log.value is None or value == 0:
        reason = log.reason if np.isnan(value) else "a group has no exposure: nothing to resample"
        shown = None if np.isnan(value) else value
        return replace(
            log, value=shown, low=None, high=None, method="", direction="higher", reason=reason
        )
    low, high = log.low, log.high
    return replace(
        log,
        value=float(np.exp(-log.value)),
        low=None if high is None else float(np.exp(-high)),
        high=None if low is None else float(np.exp(-low)),
        direction="higher",
    )


def _mapped(estimate: Estimate, factor: float, power: int = 1) -> Estimate:
    """Return an estimate times a factor, or to a power."""
    value, low, high = (
        None if x is None else float(factor * x**power)
        for x in (estimate.value, estimate.low, estimate.high)
    )
    return replace(estimate, value=value, low=low, high=high)
