"""Findings on scored candidates: who is selected, and what a statement does to a score."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.contrasts import mean_present
from fairrec.audits.excess import finding_id
from fairrec.audits.families import adjusted
from fairrec.audits.missingness import worst_case_finding
from fairrec.audits.scoring_answers import ScoredAnswers, ScoredPairs, user_shares
from fairrec.evidence import (
    exceedance_test,
    excess_estimate,
    mean_estimate,
    mean_estimates,
    permutation_test,
    snsr_estimate,
)
from fairrec.evidence.differences import paired_test
from fairrec.evidence.rates import (
    rate_equivalence_p,
    rate_estimates,
    rate_gap_estimate,
    rate_gap_test,
    rate_ratio_estimate,
)
from fairrec.metrics.classification_fairness import equalized_odds_gap, group_rates
from fairrec.results import Estimate, Finding
from fairrec.seeds import generator
from fairrec.types import Arm

GAPS = {
    "selection_rate": "statistical_parity_gap",
    "true_positive_rate": "equal_opportunity_gap",
    "false_positive_rate": "predictive_equality_gap",
    "positive_predictive_value": "predictive_parity_gap",
}
"""What the gap of each rate is called."""

_Told = tuple[str, Finding]
"""A finding and the family of its test."""

_NO_TEST = ""


@dataclass(frozen=True)
class ScoringJudge:
    """Turns scored answers into findings.

    Attributes:
        audit: Name of the audit.
        threshold: Score from which on a candidate is selected.
        k: Places that count besides, or None.
        margin: Gap of a rate that counts as none.
        draws: Bootstrap and permutation draws.
        seed: Run seed.
    """

    audit: str
    threshold: float
    k: int | None
    margin: float
    draws: int
    seed: int

    def findings(self, answers: ScoredAnswers) -> list[Finding]:
        """Return all findings: tests first, a family holding all attributes of one statistic."""
        families: dict[str, list[Finding]] = {}
        plain: list[Finding] = []
        told = [
            *(
                one
                for k in ([None] if self.k is None else [None, self.k])
                for name in answers.values
                for one in self._rates(name, answers.pairs(name), k)
            ),
            *(one for name in answers.values for one in self._scores(name, answers)),
            *(one for name in answers.values for one in self._beyond_noise(name, answers)),
        ]
        for family, found in told:
            (families.setdefault(family, []) if family else plain).append(found)
        return [
            *(found for family, some in families.items() for found in adjusted(some, family)),
            *plain,
            self._repeats(answers),
            *(self._worst_case(name, answers) for name in answers.values),
        ]

    def _rates(self, name: str, pairs: ScoredPairs, k: int | None) -> Iterable[_Told]:
        ending = "" if k is None else f"_at_{k}"
        selected = pairs.selected(self.threshold, k)
        unknown = _why_unlabelled(pairs)
        gaps: dict[str, Finding] = {}
        for rate, statistic in GAPS.items():
            parts, wholes = pairs.rate(rate, self.threshold, k)
            metric = f"{rate}{ending}"
            rng = self._rng("rates", name, metric)
            undefined = unknown if rate != "selection_rate" else ""
            for value, share in zip(pairs.values, rate_estimates(parts, wholes), strict=True):
                shown = _undefined(share, undefined)
                yield _NO_TEST, self._finding(name, metric, "rate", shown, value=value)
            gap = _undefined(rate_gap_estimate(parts, wholes, rng, self.draws), undefined)
            found = self._finding(name, metric, statistic, gap)
            frame = group_rates(rate, selected, pairs.relevant, pairs.labels)
            if gap.value is not None:
                test = rate_gap_test(parts, wholes, rng, self.draws)
                found = replace(
                    found,
                    estimate=replace(gap, value=float(frame.difference())),
                    p_value=test.p_value,
                    noise_floor=test.null_mean,
                    margin=self.margin,
                    p_equivalent=rate_equivalence_p(parts, wholes, self.margin),
                )
            gaps[rate] = found
            yield f"{statistic.replace('_', ' ')}{ending} over attributes", found
            if rate == "selection_rate":
                ratio = rate_ratio_estimate(parts, wholes, rng, self.draws)
                if ratio.value is not None:
                    ratio = replace(ratio, value=float(frame.ratio()))
                yield _NO_TEST, self._finding(name, metric, "ratio", ratio)
        odds = self._equalized_odds(name, pairs, k, gaps, f"equalized_odds{ending}")
        yield f"equalized odds{ending} over attributes", odds

    def _equalized_odds(
        self, name: str, pairs: ScoredPairs, k: int | None, gaps: dict[str, Finding], metric: str
    ) -> Finding:
        """The larger of two gaps, with limits and a p-value that allow for there being two."""
        two = [gaps["true_positive_rate"], gaps["false_positive_rate"]]
        known = [found.estimate for found in two if found.estimate.value is not None]
        value = (
            equalized_odds_gap(pairs.selected(self.threshold, k), pairs.relevant, pairs.labels)
            if len(known) == 2
            else float("nan")
        )
        if np.isnan(value):
            reason = _why_unlabelled(pairs) or "a value lacks relevant or irrelevant candidates"
            estimate = _undefined(two[0].estimate, reason)
            return self._finding(name, metric, "difference", estimate)
        # For the lower end both gaps must hold at once, for the upper end only the larger one.
        strict = [
            rate_gap_estimate(
                *pairs.rate(rate, self.threshold, k),
                self._rng("odds", name, metric, rate),
                self.draws,
                level=(1 + known[0].level) / 2,
            )
            for rate in ("true_positive_rate", "false_positive_rate")
        ]
        larger = max(known, key=lambda estimate: estimate.value or 0.0)
        lows = [estimate.low for estimate in strict if estimate.low is not None]
        highs = [estimate.high for estimate in known if estimate.high is not None]
        if len(lows) == len(highs) == 2:
            estimate = replace(larger, value=value, low=max(lows), high=max(highs))
        else:
            reason = next(estimate.reason for estimate in known if estimate.low is None)
            estimate = replace(larger, value=value, low=None, high=None, method="", reason=reason)
        p_values = [found.p_value for found in two if found.p_value is not None]
        floors = [found.noise_floor for found in two if found.noise_floor is not None]
        return replace(
            self._finding(name, metric, "difference", estimate),
            p_value=min(1.0, 2 * min(p_values)) if len(p_values) == 2 else None,
            noise_floor=max(floors, default=None),
        )

    def _scores(self, name: str, answers: ScoredAnswers) -> Iterable[_Told]:
        """Mean scores, how far apart they are, and what a statement adds to the neutral ones."""
        pairs = answers.pairs(name)
        scored = pairs.table(np.ones_like(pairs.score))
        means = user_shares(pairs.table(pairs.score), scored)
        rng = self._rng("scores", name)
        test = permutation_test(means, "snsr", rng, self.draws)
        yield (
            "range of scores over attributes",
            replace(
                self._finding(
                    name, "score", "range", snsr_estimate(means, rng, self.draws, unit="user")
                ),
                p_value=test.p_value,
                noise_floor=test.null_mean,
            ),
        )
        yield from self._by_value(name, answers, means, "score", "mean")
        changes = answers.stated_changes(name)
        for column, (_, found) in enumerate(
            self._by_value(name, answers, changes, "score", "score_difference")
        ):
            p_value = paired_test(changes[:, column])
            yield (
                "changes of score over attributes and values",
                replace(found, p_value=p_value, noise_floor=0.0),
            )
        absolute = answers.stated_changes(name, absolute=True)
        yield from self._by_value(name, answers, absolute, "score_change", "mean", "lower")

    def _by_value(
        self,
        name: str,
        answers: ScoredAnswers,
        table: NDArray[np.float64],
        metric: str,
        statistic: str,
        direction: str = "",
    ) -> Iterable[_Told]:
        rng = self._rng("means", name, metric, statistic)
        estimates = mean_estimates(table, rng, self.draws, unit="user", direction=direction)
        for value, estimate in zip(answers.values[name], estimates, strict=True):
            yield _NO_TEST, self._finding(name, metric, statistic, estimate, value=value)

    def _beyond_noise(self, name: str, answers: ScoredAnswers) -> Iterable[_Told]:
        """By how much stating a value changes scores more than asking again does."""
        if not any(scored.probe.arm is Arm.REPEAT for scored in answers.used):
            return
        floor = answers.repeat_changes()
        effects = answers.stated_changes(name, absolute=True)
        scores = [score for s in answers.used for score, _ in s.scores.values()]
        # The largest change there can be: no scale is declared, so the scores that were seen.
        bound = float(np.ptp([self.threshold, *scores])) or 1.0
        for value, some in [
            (None, effects),
            *zip(answers.values[name], np.split(effects, effects.shape[1], axis=1), strict=True),
        ]:
            rng = self._rng("excess", name, str(value))
            # Changes are distances and the evidence takes similarities, hence the signs.
            estimate = excess_estimate(-floor, -some, rng, self.draws, bound=bound)
            test = exceedance_test(-floor, -some, rng, self.draws)
            family = "stated excess of score change" + (
                " over attributes" if value is None else f" by value of {name}"
            )
            yield (
                family,
                replace(
                    self._finding(name, "score_change", "stated_excess", estimate, value=value),
                    p_value=test.p_value,
                    noise_floor=0.0,
                ),
            )

    def _repeats(self, answers: ScoredAnswers) -> Finding:
        means = mean_present(answers.repeat_changes(), 1)
        estimate = mean_estimate(
            means, self._rng("repeat"), self.draws, unit="user", direction="lower"
        )
        return Finding(
            id=finding_id(self.audit, "neutral", None, "score_change", "repeat"),
            audit=self.audit,
            metric="score_change",
            statistic="repeat",
            estimate=estimate,
        )

    def _worst_case(self, name: str, answers: ScoredAnswers) -> Finding:
        """What the missing scores could hide: a user who lacks any counts as unknown."""
        asked, lacking = answers.gaps(name)
        parts, wholes = answers.pairs(name).rate("selection_rate", self.threshold, None)
        shares = np.where(lacking, np.nan, user_shares(parts, wholes))
        rng = self._rng("worst case", name)
        return worst_case_finding(
            self.audit, name, "selection_rate", shares, rng, self.draws, asked=asked
        )

    def _finding(
        self, name: str, metric: str, statistic: str, estimate: Estimate, value: str | None = None
    ) -> Finding:
        return Finding(
            id=finding_id(self.audit, name, value, metric, statistic),
            audit=self.audit,
            metric=metric,
            statistic=statistic,
            attribute=name,
            value=value,
            estimate=estimate,
        )

    def _rng(self, *purpose: str) -> np.random.Generator:
        return generator(self.seed, self.audit, *purpose)


def _undefined(estimate: Estimate, reason: str) -> Estimate:
    """Return the estimate without a value where there is a reason for it to have none."""
    if not reason:
        return estimate
    return replace(estimate, value=None, low=None, high=None, method="", reason=reason)


def _why_unlabelled(pairs: ScoredPairs) -> str:
    """Say why rates among the relevant and irrelevant mean nothing, "" where they do."""
    known = pairs.relevant[~np.isnan(pairs.relevant)]
    if not len(known):
        return "no scored user has held-out items: what is relevant is not known"
    if known.all():
        return "every scored candidate is relevant"
    return "" if known.any() else "no scored candidate is relevant"
