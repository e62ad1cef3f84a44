"""Findings on groups of users: how well each is served, and how far apart they are.

Numbers are those of Fairlearn's `MetricFrame` (Bird et al., "Fairlearn", Microsoft 2020); what
chance makes of them is told by `fairrec.evidence`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.excess import finding_id
from fairrec.audits.group_utility_coverage import coverage_size, coverage_values
from fairrec.evidence import PermutationTest, mean_estimates, snsr_estimate
from fairrec.evidence.groups import (
    extreme_estimate,
    group_mean,
    label_permutation_test,
    range_estimate,
    ratio_estimate,
)
from fairrec.metrics.inequality import f_statistic
from fairrec.results import Estimate, Finding

Values = NDArray[np.float64]
Members = Mapping[str, NDArray[np.intp]]
"""Rows of the users of each group, by name of the group."""

TOO_FEW = "fewer than two groups have enough users with a value"


def members_of(
    labels: Sequence[str | None], within: NDArray[np.bool_] | None = None
) -> dict[str, Any]:
    """Return the rows of the users of each group, the groups by name.

    Args:
        labels: Each user's group, None without one.
        within: Which users count at all, as booleans; all when None.
    """
    rows: dict[str, list[int]] = {}
    for row, label in enumerate(labels):
        if label is not None and (within is None or within[row]):
            rows.setdefault(label, []).append(row)
    return {label: np.array(rows[label], dtype=np.intp) for label in sorted(rows)}


@dataclass(frozen=True)
class GroupComparison:
    """Compares the groups of one attribute, those with enough users with one another.

    Attributes:
        audit, attribute: What findings are of.
        members: Rows of the users of each group.
        minimum: Users with a value that a group needs to be compared.
        rng: Source of the draws.
        draws: Bootstrap and permutation draws.
        level: Confidence level.
    """

    audit: str
    attribute: str
    members: Members
    minimum: int
    rng: np.random.Generator
    draws: int
    level: float = 0.95

    def compared(self, values: Values) -> dict[str, Values]:
        """Return the values of the groups in which enough users have one."""
        groups = {name: values[rows] for name, rows in self.members.items()}
        return {
            name: some
            for name, some in groups.items()
            if (~np.isnan(some)).sum() >= max(2, self.minimum)
        }

    def findings(self, metric: str, values: Values) -> list[Finding]:
        """Return what one measure of utility says of the groups; one value in [0, 1] per user."""
        kept = self.compared(values)
        frame = _frame(kept)
        found = [
            self._finding(
                metric, "mean", self._counted(group_mean(values[rows], level=self.level)), name
            )
            for name, rows in self.members.items()
        ]
        test = label_permutation_test(kept, self.rng, self.draws)
        difference = self._over(kept, values, range_estimate, frame, "difference")
        found.append(
            replace(
                self._finding(metric, "difference", difference),
                p_value=test.p_value,
                noise_floor=test.null_mean,
            )
        )
        ratio = self._over(kept, values, ratio_estimate, frame, "ratio")
        found.append(self._finding(metric, "ratio", ratio))
        for which in ("min", "max"):
            name, estimate = extreme_estimate(kept, which, level=self.level)
            estimate = replace(estimate, direction="higher" if which == "min" else "")
            estimate = self._numbered(estimate, frame, f"group_{which}")
            finding = self._finding(metric, which, self._of_all(estimate, values))
            found.append(replace(finding, value=name))
        found.append(self._f_finding(metric, kept, values))
        return found

    def within(self, metric: str, values: Values, control: str) -> list[Finding]:
        """Return difference and ratio among the users of one level of a control feature.

        Args:
            metric: Name of the measure.
            values: One value in [0, 1] per user.
            control: The level in words, such as "age=old"; `members` hold its users alone.
        """
        kept = self.compared(values)
        frame = _frame(kept)
        test = label_permutation_test(kept, self.rng, self.draws)
        difference = self._over(kept, values, range_estimate, frame, "difference")
        ratio = self._over(kept, values, ratio_estimate, frame, "ratio")
        return [
            replace(
                self._finding(metric, "difference", difference, control),
                p_value=test.p_value,
                noise_floor=test.null_mean,
            ),
            self._finding(metric, "ratio", ratio, control),
        ]

    def coverage(self, listed: Sequence[frozenset[str]], catalog_size: int) -> list[Finding]:
        """Return what the groups' lists cover of the catalogue.

        Args:
            listed: Each user's recommended items; empty without a list.
            catalog_size: Items in the catalogue.
        """
        answered = np.array([1.0 if items else np.nan for items in listed])
        kept = {name: self.members[name] for name in self.compared(answered)}
        of = coverage_size(kept, listed)
        values = coverage_values(kept, listed, catalog_size, of)
        groups = {name: values[rows] for name, rows in kept.items()}
        frame = _frame(groups)
        table = np.full((len(listed), len(self.members)), np.nan)
        for column, (name, rows) in enumerate(self.members.items()):
            if name in kept:
                table[rows, column] = values[rows]
        means = mean_estimates(table, self.rng, self.draws, level=self.level, unit="user")
        found = []
        for (name, rows), mean in zip(self.members.items(), means, strict=True):
            mean = replace(_cut(mean), n_missing=len(rows) - mean.n)
            if mean.value is None:
                mean = replace(mean, reason="too few users of the group have a list")
            elif mean.method:
                mean = replace(
                    mean, method=f"{mean.method}, at {of} list(s) a group, pseudo-values"
                )
            found.append(self._finding("coverage", "mean", mean, name))
        test = PermutationTest(None, None)
        difference = ratio = Estimate(None, reason=TOO_FEW, unit="user")
        if len(kept) > 1:
            test = label_permutation_test(groups, self.rng, self.draws)
            difference = snsr_estimate(table, self.rng, self.draws, level=self.level, unit="user")
            ratio = replace(
                difference,
                value=float(frame.ratio()),
                low=None,
                high=None,
                method="",
                reason="no interval is made of a ratio of coverages",
            )
        found.append(
            replace(
                self._finding(
                    "coverage",
                    "difference",
                    self._of_all(replace(_cut(difference), direction="lower"), answered),
                ),
                p_value=test.p_value,
                noise_floor=test.null_mean,
            )
        )
        ratio = self._of_all(replace(ratio, direction="higher"), answered)
        return [*found, self._finding("coverage", "ratio", ratio)]

    def _over(
        self,
        kept: Mapping[str, Values],
        values: Values,
        estimate: Callable[..., Estimate],
        frame: Any,
        number: str,
    ) -> Estimate:
        found = self._numbered(estimate(kept, level=self.level), frame, number)
        return self._of_all(found, values)

    def _numbered(self, estimate: Estimate, frame: Any, number: str) -> Estimate:
        """Return the estimate with Fairlearn's number; without two groups there is none."""
        if frame is None:
            return replace(estimate, value=None, low=None, high=None, reason=TOO_FEW)
        if estimate.value is None:
            return estimate
        return replace(estimate, value=float(getattr(frame, number)()))

    def _of_all(self, estimate: Estimate, values: Values) -> Estimate:
        """Return the estimate with every user of the attribute that it is not over as missing."""
        everyone = sum(map(len, self.members.values()))
        n = sum(int((~np.isnan(some)).sum()) for some in self.compared(values).values())
        return replace(self._counted(estimate), n=n, n_missing=everyone - n)

    def _counted(self, estimate: Estimate) -> Estimate:
        return replace(estimate, unit="user", level=self.level)

    def _f_finding(self, metric: str, kept: Mapping[str, Values], values: Values) -> Finding:
        known = [some[~np.isnan(some)] for some in kept.values()]
        f = float(f_statistic(known)) if len(known) > 1 else float("nan")
        if np.isnan(f):
            reason = TOO_FEW if len(known) < 2 else "users of a group are all alike"
            estimate = Estimate(None, reason=reason, direction="lower")
        else:
            reason = "a test statistic: it grows with the number of users; see the difference"
            estimate = Estimate(f, reason=reason, direction="lower")
        freedom = sum(map(len, known)) - len(known)
        return replace(
            self._finding(metric, "f_statistic", self._of_all(estimate, values)),
            # The mean of F where groups do not differ.
            noise_floor=None if estimate.value is None or freedom < 3 else freedom / (freedom - 2),
        )

    def _finding(
        self, metric: str, statistic: str, estimate: Estimate, value: str | None = None
    ) -> Finding:
        return Finding(
            id=finding_id(self.audit, self.attribute, value, metric, statistic),
            audit=self.audit,
            metric=metric,
            statistic=statistic,
            attribute=self.attribute,
            value=value,
            estimate=estimate,
        )


def _frame(groups: Mapping[str, Values]) -> Any:
    """Return Fairlearn's frame of the groups' means, None with fewer than two groups."""
    if len(groups) < 2:
        return None
    from fairlearn.metrics import MetricFrame, mean_prediction

    known = {name: values[~np.isnan(values)] for name, values in groups.items()}
    values = np.concatenate(list(known.values()))
    labels = np.repeat(list(known), [len(some) for some in known.values()])
    return MetricFrame(
        metrics=mean_prediction, y_true=values, y_pred=values, sensitive_features=labels
    )


def _cut(estimate: Estimate) -> Estimate:
    """Return the estimate of a share with its interval cut at 0 and 1."""
    if estimate.low is None or estimate.high is None:
        return estimate
    return replace(estimate, low=max(0.0, estimate.low), high=min(1.0, estimate.high))
