"""Findings of the position bias audit: accuracy by place, and what the shown order decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from fairrec.audits.excess import finding_id
from fairrec.audits.families import adjusted
from fairrec.audits.position_bias_answers import Listed, Table
from fairrec.evidence import exceedance_test, excess_estimate, mean_estimate
from fairrec.evidence.differences import paired_test
from fairrec.evidence.groups import group_mean
from fairrec.evidence.pairing import pairing_test
from fairrec.evidence.permutation import PermutationTest, permutation_test
from fairrec.evidence.rates import rate_gap_estimate
from fairrec.evidence.sums import function_estimates
from fairrec.metrics.batched_similarity import batched_jaccard, batched_rbo
from fairrec.metrics.order_variance import rank_variance
from fairrec.metrics.rank_correlation import displacement, kendall_tau_b, spearman
from fairrec.results import Estimate, Finding
from fairrec.seeds import generator

RANK_MEASURES = {"kendall": kendall_tau_b, "spearman": spearman, "displacement": displacement}
UNRELATED = {"kendall": 0.0, "spearman": 0.0, "displacement": 1.0}
"""What the measures are on average where the answer has nothing to do with the order shown."""


@dataclass(frozen=True)
class PositionJudge:
    """Turns accuracies and orders into findings.

    Attributes:
        audit: Name of the audit.
        draws: Bootstrap and permutation draws.
        level: Confidence level.
        seed: Run seed.
        top: First ranks whose items are compared by Jaccard's index.
    """

    audit: str
    draws: int
    level: float
    seed: int
    top: int

    def accuracy(
        self,
        tables: Mapping[str, Table],
        positions: Sequence[int],
        sizes: Table,
    ) -> list[Finding]:
        """Return the accuracy at each position, how far positions differ, and the slope.

        Args:
            tables: By measure, users x positions, in [0, 1]; NaN where missing.
            positions: Places of the true item, from 0.
            sizes: Candidates of each user.
        """
        found, tested = [], []
        share = np.array(positions) / np.maximum(sizes - 1, 1)[:, None]
        for metric, table in tables.items():
            for column, position in enumerate(positions):
                estimate = group_mean(table[:, column], level=self.level)
                found.append(self._finding("position", metric, "mean", estimate, str(position)))
            asked = np.where(np.isnan(table), np.nan, 1.0)
            gap = rate_gap_estimate(
                table, asked, self._rng("range", metric), self.draws, level=self.level
            )
            test = permutation_test(table, "snsr", self._rng("permuted", metric), self.draws)
            tested.append(
                replace(
                    self._finding("position", metric, "range", gap),
                    p_value=test.p_value,
                    noise_floor=test.null_mean,
                )
            )
            slopes = _slopes(table, share)
            tested.append(
                replace(
                    self._finding("position", metric, "slope", self._mean(slopes, metric)),
                    p_value=paired_test(slopes),
                    noise_floor=0.0,
                )
            )
        for statistic in ("range", "slope"):
            some = [finding for finding in tested if finding.statistic == statistic]
            found += adjusted(some, f"{statistic} of accuracy over positions, by measure")
        return found

    def copied(self, listed: Listed) -> list[Finding]:
        """Return how far answers follow the order that candidates were shown in."""
        answers = listed.ranks[:, : listed.n_orders]
        shown = listed.shown_ranks
        found = []
        for name, measure in RANK_MEASURES.items():
            fit = measure(answers[:, :, None], shown)
            own = np.einsum("nss->ns", fit)
            estimate = self._mean(_row_means(own), "copied", name)
            test = pairing_test(fit, self._rng("pairing", name), self.draws)
            found.append(
                replace(
                    self._finding("shown_order", name, "mean", estimate),
                    p_value=test.p_value,
                    noise_floor=UNRELATED[name],
                )
            )
        return adjusted(found, "answers following the order shown, by measure")

    def sensitivity(self, listed: Listed) -> tuple[list[Finding], dict[str, Table]]:
        """Return how far the order shown changes answers, beyond what asking again does.

        Also the similarities to the answer to the first order, of the other orders, by measure.
        """
        n_orders = listed.n_orders
        across = list(combinations(range(n_orders), 2))
        again = list(combinations([0, *range(n_orders, listed.lists.shape[1])], 2))
        # Pairs with the first answer come first; these alone are comparable with its repeats.
        first, repeats = n_orders - 1, listed.lists.shape[1] - n_orders
        shown, tested = [], []
        effects: dict[str, Table] = {}
        for metric in ("rbo", "kendall", "jaccard"):
            orders, same = (self._similar(metric, listed, pairs) for pairs in (across, again))
            effects[metric] = orders[:, :first]
            noise = _row_means(same)
            for statistic, values in (
                ("across_orders", _row_means(orders)),
                ("across_repeats", noise),
            ):
                estimate = self._mean(values, statistic, metric)
                finding = self._finding("order", metric, statistic, estimate)
                known = noise[~np.isnan(noise)]
                if statistic == "across_orders" and len(known):
                    finding = replace(finding, noise_floor=float(known.mean()))
                shown.append(finding)
            estimate = excess_estimate(
                same[:, :repeats],
                orders[:, :first],
                self._rng("excess", metric),
                self.draws,
                level=self.level,
                bound=2.0 if metric == "kendall" else 1.0,
            )
            test = exceedance_test(
                same[:, :repeats], orders[:, :first], self._rng("exceedance", metric), self.draws
            )
            tested.append(
                replace(
                    self._finding("order", metric, "order_excess", estimate),
                    p_value=test.p_value,
                    noise_floor=0.0,
                )
            )
        orders, same = (self._similar("spearman", listed, pairs) for pairs in (across, again))
        test = exceedance_test(
            same[:, :repeats], orders[:, :first], self._rng("exceedance", "spearman"), self.draws
        )
        share, noise_share = self._variance(listed, _row_means(same), test)
        return [
            *shown,
            *adjusted([*tested, share], "answers changing with the order beyond noise, by measure"),
            noise_share,
        ], effects

    def strays(self, shares: Mapping[str, Table]) -> list[Finding]:
        """Return what answers name beyond the candidates, and which candidates they leave out."""
        return [
            self._finding(
                "items",
                metric,
                "share",
                group_mean(values, level=self.level, direction="lower"),
            )
            for metric, values in shares.items()
        ]

    def _variance(
        self, listed: Listed, same: Table, exceeds: PermutationTest
    ) -> tuple[Finding, Finding]:
        """Return the shares of the variance of ranks that the order and that noise decide."""
        parts = rank_variance(listed.ranks[:, : listed.n_orders])
        # As short as the answers, orders are the most that answers could differ by the order.
        own = np.einsum("nssi->nsi", listed.shown_ranks)
        possible = rank_variance(np.where(np.isnan(listed.ranks[:, : len(own[0])]), np.nan, own))
        kept = same * parts.total
        table = np.column_stack(
            [kept - parts.shared, parts.total - kept, possible.total - possible.shared]
        )
        known = ~np.isnan(table).any(axis=1)
        rows = table[known]
        n = len(rows)

        def shares(sums: Table) -> Table:
            whole = sums[..., 2:]
            there = np.abs(whole) > 1e-12
            return np.where(there, sums[..., :2] / np.where(there, whole, 1.0), np.nan)

        estimates = function_estimates(
            rows if n else np.zeros((1, 3)),
            shares,
            self._rng("variance"),
            self.draws,
            n=n,
            n_missing=len(table) - n,
            level=self.level,
            direction="lower",
            undefined="no user’s candidates were ranked in orders that differ",
        )
        order, noise = (
            self._share(estimate, rows[:, place], rows[:, 2])
            for place, estimate in enumerate(estimates)
        )
        alarmed = exceeds.p_value is not None and exceeds.p_value <= (1 - self.level) / 2
        if order.low and not alarmed:
            order = replace(order, low=0.0, method=f"{order.method}, lower end by permutations")
        return (
            replace(
                self._finding("order", "rank_variance", "order_share", order),
                p_value=exceeds.p_value,
                noise_floor=0.0,
            ),
            self._finding("order", "rank_variance", "noise_share", replace(noise, direction="")),
        )

    def _share(self, estimate: Estimate, part: Table, whole: Table) -> Estimate:
        """Return a share within [0, 1]; where users are all alike, with exact limits.

        As in `excess_estimate`: the bootstrap sees no spread and would claim certainty.
        """
        if estimate.value is None or estimate.low is None or estimate.high is None:
            return estimate
        value, low, high = (
            float(np.clip(x, 0.0, 1.0)) for x in (estimate.value, estimate.low, estimate.high)
        )
        estimate = replace(estimate, value=value, low=low, high=high)
        if np.abs(part - value * whole).max() > 1e-9:
            return estimate
        rest = ((1 - self.level) / 2) ** (1 / len(part))
        return replace(
            estimate,
            low=value * rest,
            high=1 - (1 - value) * rest,
            method="exact limits of the mean, all users being alike",
        )

    def _similar(self, metric: str, listed: Listed, pairs: Sequence[tuple[int, int]]) -> Table:
        """Return the similarity of pairs of each user's answers, users x pairs."""
        a, b = (np.array([pair[side] for pair in pairs], dtype=np.intp) for side in (0, 1))
        lists = listed.lists
        if metric in RANK_MEASURES:
            return RANK_MEASURES[metric](listed.ranks[:, a], listed.ranks[:, b])
        x, y = (lists[:, side].reshape(-1, lists.shape[2]) for side in (a, b))
        if metric == "rbo":
            found = batched_rbo(x, y)
        else:
            found = batched_jaccard(x[:, : self.top], y[:, : self.top])
        return found.reshape(len(lists), len(pairs))

    def _mean(self, values: Table, *purpose: str) -> Estimate:
        """Return a mean over users; where they are all alike nothing is known of their spread."""
        estimate = mean_estimate(
            values,
            self._rng("mean", *purpose),
            self.draws,
            level=self.level,
            unit="user",
            direction="higher" if purpose[0].startswith("across") else "",
        )
        known = values[~np.isnan(values)]
        if len(known) > 1 and np.ptp(known) <= 1e-12:
            reason = "all users are alike: nothing is known of their spread"
            return replace(estimate, low=None, high=None, method="", reason=reason)
        return estimate

    def _finding(
        self,
        about: str,
        metric: str,
        statistic: str,
        estimate: Estimate,
        value: str | None = None,
    ) -> Finding:
        return Finding(
            id=finding_id(self.audit, about, value, metric, statistic),
            audit=self.audit,
            metric=metric,
            statistic=statistic,
            attribute=about,
            value=value,
            estimate=estimate,
        )

    def _rng(self, *purpose: str) -> np.random.Generator:
        return generator(self.seed, self.audit, *purpose)


def _slopes(table: Table, share: Table) -> Table:
    """Return each user's least-squares slope over the whole list; NaN with fewer than two places.

    Args:
        table: Users x positions, NaN where missing.
        share: Where each position lies, from 0 (first) to 1 (last), in the same shape.
    """
    there = ~np.isnan(table)
    count = np.maximum(there.sum(axis=1, keepdims=True), 1)
    x = np.where(there, share, 0.0)
    x = np.where(there, x - x.sum(axis=1, keepdims=True) / count, 0.0)
    spread = (x * x).sum(axis=1)
    known = spread > 0
    return np.where(
        known, (x * np.nan_to_num(table)).sum(axis=1) / np.where(known, spread, 1.0) + 0.0, np.nan
    )


def _row_means(table: Table) -> Table:
    """Return the mean of the present values of each row, NaN where there is none."""
    counts = (~np.isnan(table)).sum(axis=1)
    return np.where(counts > 0, np.nansum(table, axis=1) / np.maximum(counts, 1), np.nan)
