"""Does what was hinted at resemble what was stated? Tests and estimates on square tables.

For each cluster a table holds how similar the list for hint v is to the list for statement w.
If a hint says nothing about the value, hints are exchangeable within a cluster, so permuting the
rows of every table gives equally likely tables: the diagonal stands out only by chance. What makes
one statement's list more like every list cancels, because all hints are compared with all
statements.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from fairrec.evidence.bootstrap import bootstrap_means
from fairrec.evidence.intervals import mean_estimates
from fairrec.evidence.permutation import PermutationTest
from fairrec.results import Estimate

Tables = NDArray[np.float64]
_BLOCK = 2_000_000


def alignment(tables: Tables) -> NDArray[np.float64]:
    """Return, per cluster, the mean of the diagonal less the mean of the rest.

    Args:
        tables: n clusters x V hints x V statements (V >= 2); a table that lacks an entry is NaN.

    >>> alignment(np.array([[[0.9, 0.5], [0.5, 0.7]]])).round(3).tolist()
    [0.3]
    """
    size = tables.shape[1]
    diagonal = np.trace(tables, axis1=1, axis2=2)
    rest = tables.sum(axis=(1, 2)) - diagonal
    return diagonal / size - rest / (size * (size - 1))


def alignment_test(
    tables: Tables, rng: np.random.Generator, draws: int = 10_000
) -> PermutationTest:
    """Test, one-sided, whether the mean alignment is larger than chance makes it.

    The rows of every cluster's table are permuted. All ways are looked at when they are no more
    than `draws`, else p = (1 + number at least as large) / (1 + draws).

    Args:
        tables: As for `alignment`; clusters with a missing entry are left out.
        rng: Source of the draws.
        draws: Number of draws, at least 1.
    """
    tables = tables[~np.isnan(tables).any(axis=(1, 2))]
    n, size = tables.shape[:2]
    if n == 0:
        return PermutationTest(None, None, reason="no cluster has every list")
    ways = np.array(list(permutations(range(size))))
    # Diagonal sum of every cluster under every permutation of its rows: n x V!.
    sums = tables[:, ways, np.arange(size)].sum(axis=2)
    seen = sums[:, 0].sum()
    tolerance = 1e-9 * (1.0 + abs(seen))
    exhaustive = len(ways) ** n <= draws
    if exhaustive:
        totals = np.zeros(1)
        for row in sums:
            totals = (totals[:, None] + row).ravel()
        p_value = float(np.mean(totals >= seen - tolerance))
        return PermutationTest(p_value, 0.0, len(totals), True)
    beyond, done = 0, 0
    while done < draws:
        block = min(draws - done, max(1, _BLOCK // n))
        chosen = rng.integers(len(ways), size=(block, n))
        totals = np.take_along_axis(sums, chosen.T, axis=1).sum(axis=0)
        beyond += int((totals >= seen - tolerance).sum())
        done += block
    return PermutationTest((1 + beyond) / (1 + draws), 0.0, draws)


def share_estimate(
    part: NDArray[np.float64],
    whole: NDArray[np.float64],
    rng: np.random.Generator,
    draws: int = 10_000,
    *,
    level: float = 0.95,
    unit: str = "user",
) -> Estimate:
    """Return the share ``mean(part) / mean(whole)`` with its interval by the cluster bootstrap.

    The share means something only where the whole is told from zero: where the interval of its
    mean reaches zero there is no share.

    Args:
        part, whole: One value per cluster, NaN where missing; clusters lacking either are left out.
        rng: Source of the draws.
        draws: Bootstrap draws.
        level: Confidence level, in (0, 1).
        unit: What a cluster is.
    """
    both = ~np.isnan(part) & ~np.isnan(whole)
    n = int(both.sum())
    common = {"level": level, "n": n, "n_missing": len(part) - n, "unit": unit}
    table = np.column_stack([part[both], whole[both]])
    if n < 2:
        return Estimate(None, reason=f"fewer than two {unit}s have every list", **common)
    whole_mean = mean_estimates(table, rng, draws, level=level, unit=unit)[1]
    if whole_mean.low is None or whole_mean.low <= 0:
        reason = "the statement itself has no effect that is told from noise"
        return Estimate(None, reason=reason, **common)
    means = bootstrap_means(table, rng, draws)
    means = means[means[:, 1] > 0]  # a share of nothing, or less, is none
    low, high = np.quantile(means[:, 0] / means[:, 1], [(1 - level) / 2, (1 + level) / 2])
    value = float(table[:, 0].mean() / table[:, 1].mean())
    method = f"ratio of means, cluster bootstrap over {unit}s"
    return Estimate(value, float(low), float(high), method=method, **common)
