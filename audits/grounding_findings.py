"""Findings of the grounding audit: how often titles are wrong, where, for whom, of what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from fairrec.audits.excess import finding_id
from fairrec.audits.families import adjusted
from fairrec.audits.grounding_pieces import KINDS, Pieces, rank_bands
from fairrec.evidence.groups import (
    comparable,
    group_mean,
    label_permutation_test,
    range_estimate,
)
from fairrec.evidence.permutation import PermutationTest
from fairrec.evidence.rates import rate_estimates, rate_gap_estimate
from fairrec.evidence.sign_flips import sign_flip_test
from fairrec.metrics.item_groups import UNKNOWN, ItemGroups
from fairrec.results import Estimate, Finding
from fairrec.seeds import generator

Table = NDArray[np.float64]

BY_RANK = ("hallucinated", "ambiguous", "fuzzy", "out_of_candidates", "consumed")
"""Compared over ranks; a first title cannot repeat one, so repeats differ by rank of themselves."""

BY_ITEM = ("ambiguous", "fuzzy", "duplicated", "out_of_candidates", "consumed")
"""Compared over groups of items; an invented title is no item and so in no group."""


@dataclass(frozen=True)
class GroundingJudge:
    """Turns titles into findings.

    Attributes:
        audit: Name of the audit.
        unit: "user" or "topic".
        draws: Bootstrap and permutation draws.
        level: Confidence level.
        seed: Run seed.
        minimum: Users or topics with a share that a group needs to be compared.
    """

    audit: str
    unit: str
    draws: int
    level: float
    seed: int
    minimum: int

    def overall(self, shares: Table, again: Table) -> list[Finding]:
        """Return the mean share of each kind, and how far it moves when the same is asked again.

        Args:
            shares: Owners x kinds; NaN where unknown.
            again: The same of answers to repeats.
        """
        found = []
        for column, kind in enumerate(KINDS):
            found.append(
                self._finding("titles", kind, "share", self._mean(kind, shares[:, column]))
            )
        for column, kind in enumerate(KINDS):
            moved = self._mean("", np.abs(shares[:, column] - again[:, column]))
            found.append(self._finding("titles", kind, "changed_when_asked_again", moved))
        return found

    def by_rank(self, pieces: Pieces, k: int) -> list[Finding]:
        """Return the share of each kind in bands of ranks, and how far the bands are apart.

        Different titles count, each where it is named first.
        """
        bands = rank_bands(k)
        pieces = pieces.distinct()
        within = [(pieces.rank >= first) & (pieces.rank <= last) for _, first, last in bands]
        weights = np.array(within, dtype=float).reshape(len(bands), -1).T
        names = [name for name, *_ in bands]
        return self._by_share("rank", names, pieces, weights, BY_RANK, "over ranks")

    def by_item_group(self, pieces: Pieces, column: str, groups: ItemGroups) -> list[Finding]:
        """Return the share of each kind among the titles of each item group, and the gap.

        Different titles count, each once; of repeats, whether a title is named again. Titles of the
        group "unknown" are shown and not compared.
        """
        pieces = pieces.distinct()
        weights = csr_matrix(pieces.items @ groups.membership).toarray()
        return self._by_share(column, groups.names, pieces, weights, BY_ITEM, "over item groups")

    def by_user_group(
        self, shares: Table, labels: Mapping[str, Sequence[str | None]]
    ) -> list[Finding]:
        """Return the mean share of each kind in each group of users, and how far these differ.

        Args:
            shares: Users x kinds.
            labels: Each user's group, None without one, by attribute.
        """
        shown, tested = [], []
        for attribute, values in labels.items():
            names = sorted({name for name in values if name is not None})
            rows = {name: np.array([value == name for value in values]) for name in names}
            for column, kind in enumerate(KINDS):
                groups = {name: shares[rows[name], column] for name in names}
                for name, some in groups.items():
                    mean = self._mean(kind, some)
                    shown.append(self._finding(attribute, kind, "share", mean, name))
                kept, _ = comparable(groups, self.minimum)
                gap = range_estimate(kept, level=self.level, unit=self.unit)
                rng = generator(self.seed, self.audit, "labels", attribute, kind)
                test = label_permutation_test(kept, rng, self.draws)
                if gap.value is not None and np.ptp(np.concatenate(list(kept.values()))) == 0:
                    test = PermutationTest(None, 0.0)  # a kind that never occurs is no test
                tested.append(
                    replace(
                        self._finding(attribute, kind, "difference", gap),
                        p_value=test.p_value,
                        noise_floor=test.null_mean,
                    )
                )
        return [*shown, *adjusted(tested, "differences between user groups, by attribute and kind")]

    def _by_share(
        self,
        about: str,
        names: Sequence[str],
        pieces: Pieces,
        weights: Table,
        kinds: Sequence[str],
        family: str,
    ) -> list[Finding]:
        """Return shares of titles as sums over sums, and tests over owners as a whole."""
        parts, wholes = pieces.counts(weights)
        enough = (wholes > 0).sum(axis=0) >= self.minimum
        shown, tested = [], []
        for kind in kinds:
            part, whole = (table[:, :, KINDS.index(kind)] for table in (parts, wholes))
            asked = np.where(whole > 0, whole, np.nan)
            part = np.where(whole > 0, part, np.nan)
            estimates = rate_estimates(part, asked, level=self.level, unit=self.unit)
            for name, estimate in zip(names, estimates, strict=True):
                better = replace(estimate, direction=_better(kind))
                shown.append(self._finding(about, kind, "share", better, name))
            compared = enough[:, KINDS.index(kind)] & (np.array(names) != UNKNOWN)
            part, asked = part[:, compared], asked[:, compared]
            rng = generator(self.seed, self.audit, about, kind)
            gap = rate_gap_estimate(part, asked, rng, self.draws, level=self.level, unit=self.unit)
            test = sign_flip_test(part, asked, rng, self.draws)
            tested.append(
                replace(
                    self._finding(about, kind, "range", gap),
                    p_value=test.p_value,
                    noise_floor=test.null_mean,
                )
            )
        return [*shown, *adjusted(tested, f"differences of {about} {family}, by kind")]

    def _mean(self, kind: str, values: Table) -> Estimate:
        return group_mean(values, level=self.level, unit=self.unit, direction=_better(kind))

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


def _better(kind: str) -> str:
    """Tell which shares are better: fuzzy matches and "" are neither good nor bad."""
    return {"grounded": "higher", "fuzzy": "", "": ""}.get(kind, "lower")
