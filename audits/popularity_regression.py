"""Is a group of items recommended less than its popularity and quality explain?

A regression of how often each item is recommended on its log popularity, quality and group, for
counts: negative binomial (NB2; Cameron and Trivedi, "Regression Analysis of Count Data", 2nd ed.,
2013, chapter 3) with the variance corrected for what the model gets wrong (HC3). Its
exponentiated group coefficients are rate ratios: how many times as often as an item of the
reference group an equally popular item of the group is recommended.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from fairrec.metrics.item_groups import ItemGroups
from fairrec.results import Estimate

Values = NDArray[np.float64]

FEWEST = 10
"""Recommended items beyond the number of coefficients that a fit needs."""

FEW = 5
"""Recommended items of a group, and of the reference, below which nothing is said of how sure a
ratio is: where all users get one list, ten items are ten observations, however many users."""

POINTS = 50
"""Points of the fitted curve."""

ROUNDS = 50
"""Most rounds in which the mean and the dispersion are fitted in turn."""


@dataclass(frozen=True)
class Effect:
    """A rate ratio and the test that it is 1."""

    estimate: Estimate
    p_value: float | None = None


@dataclass(frozen=True)
class PopularityRegression:
    """What explains how often items are recommended.

    Attributes:
        popularity: By how many times an item that is e times as popular is recommended more.
        quality: Likewise for one standard deviation of quality; None where it is not known.
        groups: Each group's rate against the reference group, by name.
        reference: The group that others are held against: the largest of those that are known
            and were recommended.
        curve: Points of the figure: popularity, expected count, and its limits.
        said: Which model was fitted and why, in words; "" where none was.
    """

    popularity: Effect
    quality: Effect | None
    groups: Mapping[str, Effect]
    reference: str
    curve: Mapping[str, tuple[float, ...]]
    said: str


def popularity_regression(
    counts: Values,
    popularity: Values,
    groups: ItemGroups | None = None,
    quality: Values | None = None,
    opportunities: Values | None = None,
    *,
    level: float = 0.95,
) -> PopularityRegression:
    """Fit it and return the rate ratios with intervals.

    Args:
        counts: How often each item was recommended, shape (N,).
        popularity: How often each was consumed, shape (N,), at least 0; logs are of it plus 1.
        groups: Groups of the items; where an item has several, its parts count. A group that is
            never recommended has no rate ratio: it would be 0, with no spread to tell.
        quality: A number per item, shape (N,), such as its mean rating; items without are left out.
        opportunities: How often each item could have been recommended; all alike when None. Items
            that never could are left out.
        level: Confidence level, in (0, 1).
    """
    use = np.ones(len(counts), dtype=bool)
    if quality is not None:
        use &= np.isfinite(quality)
    if opportunities is not None:
        use &= opportunities > 0
    y, log = counts[use], np.log1p(popularity[use])
    columns, names = [np.ones(len(y)), log], ["const", "popularity"]
    if quality is not None:
        q = quality[use]
        columns.append((q - q.mean()) / q.std() if len(q) and q.std() > 0 else np.zeros(len(q)))
        names.append("quality")
    undefined: dict[str, str] = {}
    reference, held = "", dict[str, float]()
    if groups is not None:
        member = groups.membership[use].toarray()
        sizes, seen = member.sum(axis=0), member.T @ y
        shown = [g for g in range(len(groups)) if seen[g] > 0]
        # What nobody knows the group of is no yardstick as long as there is another.
        shown = [g for g in shown if groups.known[g]] or shown
        held = dict(zip(groups.names, member.T @ (y > 0), strict=True))
        reference = groups.names[max(shown, key=lambda g: sizes[g])] if shown else ""
        never = np.zeros(len(y), dtype=bool)
        for g, name in enumerate(groups.names):
            if seen[g] <= 0:
                undefined[name] = "never recommended: a ratio of 0, with nothing to say how sure"
                never |= member[:, g] > 0.5
            elif name != reference:
                columns.append(member[:, g])
                names.append(f"group {name}")
        columns, y = [column[~never] for column in columns], y[~never]
        use[np.flatnonzero(use)[never]] = False
    design = np.column_stack(columns)
    problem = _problem(y, design)
    offset = None if opportunities is None else np.log(opportunities[use])
    fit = None if problem else _fit(y, design, offset)
    if fit is None:
        problem = problem or "the fit did not converge"

    def effect(name: str) -> Effect:
        if name not in names:
            return Effect(_none(undefined.get(name.removeprefix("group "), problem), level, len(y)))
        if fit is None:
            return Effect(_none(problem, level, len(y)))
        found = _effect(fit, design, names.index(name), level)
        least = min(held.get(g, FEW) for g in (name.removeprefix("group "), reference))
        if name in ("popularity", "quality") or least >= FEW:
            return found
        reason = f"{least:g} of its items, or of {reference}, were recommended: too few to say"
        return Effect(_without_limits(found.estimate, reason))

    others = [] if groups is None else [n for n in groups.names if n != reference]
    return PopularityRegression(
        popularity=effect("popularity"),
        quality=None if quality is None else effect("quality"),
        groups={name: effect(f"group {name}") for name in others},
        reference=reference,
        curve={} if fit is None else _curve(fit, design, offset, level),
        said="" if fit is None else fit.said,
    )


def _problem(y: Values, design: Values) -> str:
    """Say why nothing can be fitted, or return ""."""
    if len(y) < design.shape[1] + FEWEST:
        return f"{len(y)} items are too few for {design.shape[1]} coefficients"
    if y.sum() == 0:
        return "nothing was recommended"
    if (some := int((y > 0).sum())) < design.shape[1] + FEWEST:
        return f"{some} items were recommended: too few for {design.shape[1]} coefficients"
    if np.ptp(design[:, 1]) == 0:
        return "all items are equally popular"
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return "popularity, quality and groups cannot be told apart"
    return ""


@dataclass(frozen=True)
class _Fit:
    """A fitted model: coefficients, their covariance, and what it is in words."""

    params: Values
    covariance: Values
    said: str


def _fit(y: Values, design: Values, offset: Values | None) -> _Fit | None:
    """Return the fitted model, or None where none can be fitted."""
    import statsmodels.api as sm

    poisson = _glm(y, design, offset, sm.families.Poisson())
    if poisson is None:
        return None
    freedom = len(y) - design.shape[1]
    alpha = _dispersion(y, poisson.mu, freedom)
    if alpha == 0:
        return _robust(poisson, design, "Poisson regression (no overdispersion)")
    for _ in range(ROUNDS):
        family = sm.families.NegativeBinomial(alpha=alpha)
        fitted = _glm(y, design, offset, family, poisson.params)
        if fitted is None:
            break
        before, alpha = alpha, _dispersion(y, fitted.mu, freedom)
        if abs(alpha - before) <= 1e-4 * before:
            said = f"negative binomial regression (dispersion {before:.3g})"
            return _robust(fitted, design, said)
        if alpha == 0:
            break
    return _robust(poisson, design, "Poisson regression (negative binomial did not converge)")


def _glm(
    y: Values, design: Values, offset: Values | None, family: Any, start: Values | None = None
) -> Any:
    """Return the fit of one family, or None where it fails or does not converge."""
    import statsmodels.api as sm

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            fitted = sm.GLM(y, design, family=family, offset=offset).fit(start_params=start)
        except (ValueError, np.linalg.LinAlgError):  # weights run off to infinity
            return None
    return fitted if fitted.converged and np.isfinite(fitted.params).all() else None


def _robust(fitted: Any, design: Values, said: str) -> _Fit:
    """Return the fit with its covariance by HC3.

    Made here: for such models statsmodels gives HC0 whichever is asked for, and with few items, of
    which some have much leverage, its intervals are too narrow.
    """
    leverage = np.clip(fitted.get_hat_matrix_diag(observed=False), 0.0, 1 - 1e-6)
    scores = design * (fitted.model.score_factor(fitted.params) / (1 - leverage))[:, None]
    bread = fitted.normalized_cov_params
    return _Fit(fitted.params, bread @ scores.T @ scores @ bread, f"{said}, HC3 errors")


def _dispersion(y: Values, mean: Values, freedom: int) -> float:
    """Return the dispersion at which Pearson's chi-square is its degrees of freedom, or 0."""
    from scipy.optimize import brentq

    def excess(log: float) -> float:
        return float(((y - mean) ** 2 / (mean + np.exp(log) * mean**2)).sum() - freedom)

    low, high = -12.0, 12.0
    if excess(low) <= 0:
        return 0.0
    root: Any = high if excess(high) > 0 else brentq(excess, low, high)
    return float(np.exp(root))


def _effect(fit: _Fit, design: Values, place: int, level: float) -> Effect:
    coefficient, se = float(fit.params[place]), float(np.sqrt(fit.covariance[place, place]))
    freedom = len(design) - design.shape[1]
    if not np.isfinite(coefficient) or not 0 < se < 50:
        return Effect(_none("the fit did not converge", level, len(design)))
    reach = float(stdtrit(freedom, (1 + level) / 2)) * se
    value, low, high = (float(np.exp(coefficient + step)) for step in (0.0, -reach, reach))
    estimate = Estimate(
        value, low, high, level=level, method=fit.said, n=len(design), unit="item", direction=""
    )
    return Effect(estimate, float(2 * stdtr(freedom, -abs(coefficient / se))))


def _without_limits(estimate: Estimate, reason: str) -> Estimate:
    if estimate.value is None:
        return estimate
    return replace(estimate, low=None, high=None, method="", reason=reason)


def _none(reason: str, level: float, n: int) -> Estimate:
    return Estimate(None, reason=reason, level=level, n=n, unit="item")


def _curve(
    fit: _Fit, design: Values, offset: Values | None, level: float
) -> dict[str, tuple[float, ...]]:
    """Return the expected count by popularity, all else as it is on average."""
    log = np.linspace(design[:, 1].min(), design[:, 1].max(), POINTS)
    at = np.tile(design.mean(axis=0), (POINTS, 1))
    at[:, 1] = log
    linear = at @ fit.params + (0.0 if offset is None else float(np.mean(offset)))
    se = np.sqrt(np.einsum("ij,jk,ik->i", at, fit.covariance, at))
    reach = float(stdtrit(len(design) - design.shape[1], (1 + level) / 2)) * se
    return {
        "popularity": tuple(np.expm1(log).tolist()),
        "exposure": tuple(np.exp(linear).tolist()),
        "low": tuple(np.exp(linear - reach).tolist()),
        "high": tuple(np.exp(linear + reach).tolist()),
    }
