"""A mean effect over users and wordings, both being samples of what could have been asked.

Every user is asked in every wording of the prompt, so users and wordings are crossed random
effects (Baayen, Davidson and Bates, "Mixed-effects modeling with crossed random effects for
subjects and items", 2008): the interval also covers wordings that were not asked. An interval
over users alone is about these very wordings.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from fairrec.errors import WrongUse
from fairrec.results import Estimate

FEWEST_TEMPLATES = 3
MOST_USERS = 500
"""Beyond, users are averaged in this many bunches: the fit takes time with their cube, about
one second here."""


@dataclass(frozen=True, slots=True)
class MixedModel:
    """The mean with its interval, and the p-value of "the mean is 0" (two-sided) or None."""

    estimate: Estimate
    p_value: float | None = None


def mixed_model_estimate(
    values: NDArray[np.float64],
    users: Sequence[Hashable] | NDArray[Any],
    templates: Sequence[Hashable] | NDArray[Any],
    *,
    level: float = 0.95,
    unit: str = "user",
    direction: str = "lower",
) -> MixedModel:
    """Return the mean of values with crossed random effects of user and template.

    The model value = mean + user + template + noise is fitted by restricted maximum likelihood
    (statsmodels' MixedLM). The interval is Wald's with Student's quantile: five templates say
    little about how much templates differ, so the degrees of freedom are Satterthwaite's ("An
    Approximate Distribution of Estimates of Variance Components", 1946).

    Args:
        values: One per user and template, of shape (N,), NaN where missing.
        users, templates: Whom and which wording each value is about, of shape (N,).
        level: Confidence level, in (0, 1).
        unit: What a user is.
        direction: Which means are fairer, "higher" or "lower", or "" for neither.

    Returns:
        The mean without an interval, and a reason, where there are fewer than 3 templates or
        2 users, no user with several templates, no spread, or no convergence.

    Raises:
        WrongUse: The three have different lengths.
    """
    values = np.asarray(values, dtype=np.float64)
    if not len(values) == len(users) == len(templates):
        raise WrongUse(
            f"there are {len(values)} values, {len(users)} users and {len(templates)} templates.",
            expected="one user and one template per value.",
        )
    everyone = len(set(users))
    here = ~np.isnan(values)
    values = values[here]
    user, n = _numbered(users, here)
    template, wordings = _numbered(templates, here)
    common = {
        "level": level,
        "n": n,
        "n_missing": everyone - n,
        "unit": unit,
        "direction": direction,
    }
    if n == 0:
        return MixedModel(Estimate(None, reason=f"no {unit} has a value", **common))
    mean = float(values.mean())
    reason = ""
    if wordings < FEWEST_TEMPLATES:
        reason = f"{wordings} wording(s) are too few to tell how much wordings differ"
    elif n < 2:
        reason = f"one {unit} alone says nothing about the spread"
    elif len(values) < n + wordings:
        reason = f"too few {unit}s have several wordings to tell {unit}s from noise"
    elif np.ptp(values) <= 1e-12 * np.abs(values).max():
        reason = "all values are the same: there is no spread to judge by"
    if reason:
        return MixedModel(Estimate(mean, reason=reason, **common))
    bunched = n > MOST_USERS
    if bunched:
        values, user, template = _bunches(values, user, template, wordings)
        n = MOST_USERS
    variances = _variances(values, user, template)
    if variances is None:
        reason = "the mixed model did not converge"
        return MixedModel(Estimate(mean, reason=reason, **common))
    mean, error = _weighted_mean(values, user, template, variances)
    # Mean squares of the two-way table that the variances stand for, and how well each is known.
    by_user, by_template, noise = variances
    squares = np.array(
        [
            noise + by_user * len(values) / n,
            noise + by_template * len(values) / wordings,
            -noise,
        ]
    )
    known = np.array([n - 1, wordings - 1, (n - 1) * (wordings - 1)])
    freedom = max(1.0, float(squares.sum() ** 2 / (squares**2 / known).sum()))
    reach = -float(stdtrit(freedom, (1 - level) / 2)) * error
    estimate = Estimate(
        mean,
        mean - reach,
        mean + reach,
        method=(
            f"mixed model (REML), crossed random effects of {unit} and wording"
            + (f", {unit}s averaged in {MOST_USERS} bunches" if bunched else "")
            + f", Wald with {freedom:.1f} degrees of freedom"
        ),
        **common,
    )
    return MixedModel(estimate, 2 * float(stdtr(freedom, -abs(mean) / error)))


def _numbered(
    names: Sequence[Hashable] | NDArray[Any], here: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], int]:
    """Return the names of what is here as numbers from 0 on, and how many there are."""
    kept = [name for name, counts in zip(names, here, strict=True) if counts]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(kept))}
    return np.array([numbers[name] for name in kept], dtype=np.intp), len(numbers)


def _bunches(
    values: NDArray[np.float64],
    user: NDArray[np.intp],
    template: NDArray[np.intp],
    wordings: int,
) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.intp]]:
    """Average users in bunches; a bunch is one more user, of less variance, to the model."""
    cell = (user % MOST_USERS) * wordings + template
    cells, place = np.unique(cell, return_inverse=True)
    means = np.bincount(place, values) / np.bincount(place)
    return means, cells // wordings, cells % wordings


def _variances(
    values: NDArray[np.float64], user: NDArray[np.intp], template: NDArray[np.intp]
) -> tuple[float, float, float] | None:
    """Return the variances of user, template and noise, or None if the fit does not converge."""
    import pandas
    from statsmodels.regression.mixed_linear_model import MixedLM, MixedLMParams

    scale = float(values.std())
    scaled = (values - values.mean()) / scale
    start = MixedLMParams.from_components(
        fe_params=np.zeros(1),  # pyright: ignore[reportArgumentType] (its default misleads)
        cov_re=np.zeros((0, 0)),
        vcomp=_variance_ratios(scaled, template, user),  # by name, as MixedLM orders them
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of variances near 0, which are fine here
        model = MixedLM.from_formula(
            "value ~ 1",
            groups=np.zeros(len(values)),  # one group: the effects cross
            vc_formula={"user": "0 + C(user)", "template": "0 + C(template)"},
            data=pandas.DataFrame({"value": scaled, "user": user, "template": template}),
        )
        # Where a variance is 0 gradients can fail; Powell's search uses none, and takes longer.
        for method in ("lbfgs", "powell"):
            try:
                result = model.fit(reml=True, start_params=start, method=method)
            except np.linalg.LinAlgError:
                continue
            if result.converged and np.isfinite(result.scale) and result.scale > 0:
                found = dict(zip(model.exog_vc.names, result.vcomp.tolist(), strict=True))
                found = {name: scale**2 * max(0.0, variance) for name, variance in found.items()}
                return found["user"], found["template"], scale**2 * float(result.scale)
    return None


def _weighted_mean(
    values: NDArray[np.float64],
    user: NDArray[np.intp],
    template: NDArray[np.intp],
    variances: tuple[float, float, float],
) -> tuple[float, float]:
    """Return the generalised least squares mean and its standard error, given the variances.

    With V = s(I + WW') the matrix to solve has the size of the effects, not of the values.
    """
    by_user, by_template, noise = variances
    effects = np.sqrt(np.array([by_user, by_template]) / noise)
    users, templates = np.bincount(user), np.bincount(template)
    weights = np.repeat(effects, [len(users), len(templates)])
    counts = np.diag(np.concatenate([users, templates]).astype(np.float64))
    np.add.at(counts, (user, len(users) + template), 1.0)
    counts = np.triu(counts) + np.triu(counts, 1).T
    ones = weights * np.concatenate([users, templates])
    totals = weights * np.concatenate([np.bincount(user, values), np.bincount(template, values)])
    solved = np.linalg.solve(np.eye(len(weights)) + weights[:, None] * counts * weights, ones)
    information = len(values) - ones @ solved
    mean = (values.sum() - totals @ solved) / information
    return float(mean), float(np.sqrt(noise / information))


def _variance_ratios(values: NDArray[np.float64], *sides: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return rough variances of each side's effects by that of the noise, to start the fit from.

    For complete tables these are the analysis of variance, which restricted maximum likelihood
    agrees with: the fit then ends where it starts.
    """
    rest, squares, freedom = values.copy(), [], len(values) - 1
    for side in sides:
        counts = np.bincount(side)
        means = np.bincount(side, values) / counts
        rest = rest - means[side]
        squares.append((counts @ means**2 / (len(counts) - 1), len(values) / len(counts)))
        freedom -= len(counts) - 1
    noise = max(float(rest @ rest) / max(freedom, 1), 1e-6)
    return np.array(
        [max((square - noise) / size, 1e-4 * noise) / noise for square, size in squares]
    )
