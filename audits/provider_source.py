"""Source bias: do items described by language models fare better than those described by humans?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from fairrec.audits.answered_lists import AnsweredLists
from fairrec.audits.excess import finding_id
from fairrec.audits.families import adjusted
from fairrec.audits.provider_buckets import bucket_sums, by_owner
from fairrec.errors import BadData
from fairrec.evidence.groupings import random_groupings, upper_p
from fairrec.evidence.permutation import permutation_test
from fairrec.evidence.sums import function_estimates
from fairrec.metrics.accumulators import BUCKETS
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.exposure import item_exposure, place_exposure
from fairrec.metrics.source_bias import average_precision, relative_difference
from fairrec.metrics.utility import ndcg_at_k, relevance_matrix
from fairrec.results import Estimate, Finding
from fairrec.seeds import generator
from fairrec.types import Ranking

Values = NDArray[np.float64]

SOURCES = ("human", "llm")
"""What the column of sources says; anything else is not known."""

MEASURES = {"ndcg": ndcg_at_k, "average_precision": average_precision}


def source_codes(values: Sequence[object], column: str) -> NDArray[np.int64]:
    """Return 0 for human, 1 for llm, -1 for anything else; shape (N,).

    Raises:
        BadData: No item has one of the two.
    """
    words = [value.strip().casefold() if isinstance(value, str) else None for value in values]
    codes = np.array([SOURCES.index(w) if w in SOURCES else -1 for w in words], dtype=np.int64)
    lacking = [name for code, name in enumerate(SOURCES) if not (codes == code).any()]
    if lacking:
        seen = sorted({word for word in words if word})[:5]
        raise BadData(
            f"no item of the column {column!r} is {' or '.join(map(repr, lacking))}; "
            f"it has {', '.join(map(repr, seen)) or 'nothing'}.",
            expected="'human' or 'llm', who wrote each item's description, and items of both.",
            do="name the column that says it, or leave it out.",
        )
    return codes


@dataclass(frozen=True)
class SourceBias:
    """Judges two sources of descriptions.

    Attributes:
        audit, attribute: What findings are of; the attribute is the column of sources.
        answered: The lists.
        codes: Source of every item, -1 where unknown.
        held_out: Items that each owner went on to like, by id of the owner.
        ids: Item ids in the order of the catalogue.
        browsing: How people read.
        k: Ranks that count.
        draws, level, seed: Of intervals and tests.
    """

    audit: str
    attribute: str
    answered: AnsweredLists
    codes: NDArray[np.int64]
    held_out: Mapping[str, Sequence[str]]
    ids: Sequence[str]
    browsing: Browsing
    k: int
    draws: int
    level: float
    seed: int

    def findings(self, rankings: Mapping[str, Ranking]) -> list[Finding]:
        """Return the relative difference in mean exposure per item, and in utility where known."""
        found = [self._exposure()]
        if any(self.held_out.values()):
            found += [self._utility(name, rankings) for name in MEASURES]
        return adjusted(found, "source bias over measures")

    def _exposure(self) -> Finding:
        exposure = place_exposure(self.answered.lists, self.browsing)
        known = self.codes >= 0
        membership = csr_matrix(
            (np.ones(known.sum()), (np.flatnonzero(known), self.codes[known])),
            shape=(len(self.codes), 2),
        )
        sizes = np.bincount(self.codes[known], minlength=2)

        def bias(sums: Values) -> Values:
            means = sums / sizes
            return relative_difference(means[..., 0], means[..., 1])

        sums = bucket_sums(self.answered, exposure, membership, BUCKETS)
        estimate = self._estimate(sums, bias, "exposure", self._answered_owners())
        finding = self._finding("exposure", estimate)
        amounts = item_exposure(self.answered.lists, exposure)[known]
        if estimate.value is None:
            return finding
        rng = generator(self.seed, self.audit, "source", "groupings")
        null = np.concatenate(
            [
                np.abs(bias(totals))
                for totals in random_groupings(amounts, membership[known], rng, self.draws)
            ]
        )
        return replace(
            finding,
            p_value=upper_p(null, abs(estimate.value)),
            noise_floor=float(np.nanmean(null)),
        )

    def _utility(self, name: str, rankings: Mapping[str, Ranking]) -> Finding:
        """Compare what users find of what they liked by either source, user by user."""
        lists = [rankings[probe.id] for probe in self.answered.probes]
        owners = [self.answered.owners[owner] for owner in self.answered.owner.tolist()]
        source = dict(zip(self.ids, self.codes.tolist(), strict=True))
        table = np.full((len(self.answered.owners), 2), np.nan)
        for code in range(2):
            liked = [
                [item for item in self.held_out.get(owner, ()) if source.get(item) == code]
                for owner in owners
            ]
            values = MEASURES[name](*relevance_matrix(lists, liked, self.k))
            table[:, code] = by_owner(self.answered, values)
        present = ~np.isnan(table)
        rows = present.any(axis=1)

        def bias(sums: Values) -> Values:
            counts = np.maximum(sums[..., 2:], 1e-12)
            means = np.where(sums[..., 2:] > 0, sums[..., :2] / counts, np.nan)
            return relative_difference(means[..., 0], means[..., 1])

        sums = np.hstack([np.where(present, table, 0.0), present])[rows]
        estimate = self._estimate(sums, bias, name, int(rows.sum()))
        rng = generator(self.seed, self.audit, "source", "swapped", name)
        test = permutation_test(table, "snsr", rng, self.draws)
        return replace(self._finding(name, estimate), p_value=test.p_value)

    def _estimate(self, sums: Values, bias: Any, name: str, n: int) -> Estimate:
        return function_estimates(
            sums if len(sums) else np.zeros((1, sums.shape[1])),
            lambda s: np.asarray(bias(s))[..., None],
            generator(self.seed, self.audit, "source", name),
            self.draws,
            n=n,
            n_missing=len(self.answered.owners) - n,
            level=self.level,
            unit=self.answered.unit,
            bounds=(-200.0, 200.0),
            undefined="undefined: nothing of either source was found",
        )[0]

    def _answered_owners(self) -> int:
        return len(self.answered.owners) - self.answered.n_missing

    def _finding(self, metric: str, estimate: Estimate) -> Finding:
        return Finding(
            finding_id(self.audit, self.attribute, None, metric, "source_bias"),
            audit=self.audit,
            metric=metric,
            statistic="source_bias",
            attribute=self.attribute,
            estimate=estimate,
        )
