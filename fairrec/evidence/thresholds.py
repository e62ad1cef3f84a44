"""How sure the share is of those who pass a threshold, when each has a sum over users.

Draws of users scatter every sum about the one that was seen, which is scattered about the truth
already: those near the threshold fall below it too often, and the draws' shares lie beside the
share that was seen. Their spread is what can be used, not where they lie. (The jackknife is no
help either: leaving out one user moves hardly anybody across; Shao and Wu, "A General Theory for
Jackknife Variance Estimation", Annals of Statistics 17, 1989.)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from fairrec.evidence.sums import sum_draws
from fairrec.results import Estimate

Table = NDArray[np.float64]


def threshold_estimate(
    sums: Table,
    share: Callable[[Table], Table],
    rng: np.random.Generator,
    draws: int = 2_000,
    *,
    n: int,
    n_missing: int = 0,
    level: float = 0.95,
    unit: str = "user",
    direction: str = "higher",
) -> Estimate:
    """Return the share with an interval: value ± t sd of bootstrap draws, cut to [0, 1].

    Args:
        sums: Shape (B, F): one row per user, or per random share of many users; no NaN.
        share: Takes column sums of shape (..., F) to the share that passes, shape (...).
        rng: Source of the draws.
        draws: Bootstrap draws.
        n: Users behind the sums.
        n_missing: Users left out.
        level: Confidence level, in (0, 1).
        unit: What n counts.
        direction: Which is fairer.
    """
    common = {"level": level, "n": n, "n_missing": n_missing, "unit": unit, "direction": direction}
    if n == 0:
        return Estimate(None, reason=f"no {unit} has a value", **common)
    value = float(share(sums.sum(axis=0)))
    if len(sums) < 2:
        return Estimate(value, reason=f"too few {unit}s to say how sure this is", **common)
    sd = float(share(sum_draws(sums, rng, draws)).std(ddof=1)) if draws > 1 else np.nan
    if np.isnan(sd):
        return Estimate(value, reason="too few draws to say how sure this is", **common)
    reach = float(stdtrit(len(sums) - 1, (1 + level) / 2)) * sd
    return Estimate(
        value,
        max(0.0, value - reach),
        min(1.0, value + reach),
        method=f"t interval with the spread of the bootstrap over {unit}s",
        **common,
    )
