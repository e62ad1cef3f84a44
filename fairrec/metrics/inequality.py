"""How unequally something good is spread over users.

Values are utilities of users over the last axis; what stands before it is kept, so that bootstrap
draws can be measured at once. NaN is a missing user, who does not count. All return NaN where
they are undefined: nobody has a value, or a measure that divides by the mean finds a mean of 0.
That everybody has nothing is no equality worth reporting, so it is never 0.

Gathered for recommenders by Wang, Ma, Zhang, Liu and Ma, "A Survey on the Fairness of Recommender
Systems", TOIS 41(3), 2023.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import WrongUse

Values = NDArray[np.float64]


def min25(values: Values) -> Values:
    """Return the mean of the worst-off quarter: the ceil(n / 4) lowest values.

    In the range of the values; the overall mean when all are equal. A softened form of the least
    advantaged person of Rawls, "A Theory of Justice", 1971.

    >>> float(min25(np.array([4.0, 1.0, 3.0, 0.0, 5.0])))
    0.5
    """
    ordered, n = _ordered(values)
    worst = np.arange(ordered.shape[-1]) < np.ceil(n / 4)[..., None]
    return _ratio(np.where(worst, ordered, 0.0).sum(axis=-1), np.ceil(n / 4))


def value_range(values: Values) -> Values:
    """Return the highest value less the lowest; at least 0, and 0 when all are equal.

    >>> float(value_range(np.array([1.0, 3.0, np.nan])))
    2.0
    """
    present = ~np.isnan(values)
    high = np.where(present, values, -np.inf).max(axis=-1, initial=-np.inf)
    low = np.where(present, values, np.inf).min(axis=-1, initial=np.inf)
    return np.where(present.any(axis=-1), high - low, np.nan)


def standard_deviation(values: Values) -> Values:
    """Return ``sqrt(Σ (x_i - mean)² / n)``; at least 0, and 0 when all are equal.

    >>> float(standard_deviation(np.array([1.0, 3.0])))
    1.0
    """
    x, present, n = _filled(values)
    off = np.where(present, x - _ratio(x.sum(axis=-1), n)[..., None], 0.0)
    return np.sqrt(_ratio((off**2).sum(axis=-1), n))


def mean_absolute_difference(values: Values, *, unbiased: bool = False) -> Values:
    """Return ``ΣΣ |x_i - x_j| / n²``: how far two users drawn at random lie apart.

    It is the mean over pairs of users, not the deviation from a mean or a median. At least 0, and
    0 when all are equal. Gini, "Variabilità e mutabilità", 1912.

    Args:
        values: One value per user over the last axis, NaN where missing.
        unbiased: Divide by n(n - 1), the pairs of different users; NaN with one user.

    >>> float(mean_absolute_difference(np.array([0.0, 1.0])))
    0.5
    """
    ordered, n = _ordered(values)
    places = np.arange(1, ordered.shape[-1] + 1)
    factors = 2 * places - n[..., None] - 1  # how often x_i is the larger one, less the smaller
    filled = np.where(np.isnan(ordered), 0.0, ordered)
    total = np.maximum(2 * (factors * filled).sum(axis=-1), 0.0)  # the sum rounds below 0
    return _ratio(total, n * (n - 1) if unbiased else n**2)


def gini(values: Values, *, unbiased: bool = False) -> Values:
    """Return the Gini coefficient, the mean absolute difference over twice the mean.

    In [0, (n - 1) / n], 0 when all are equal; with `unbiased`, which divides by the pairs of
    different users, in [0, 1]. Gini, 1912; Deltas, "The Small-Sample Bias of the Gini
    Coefficient", Review of Economics and Statistics 85(1), 2003, for the second form.

    Args:
        values: One value of at least 0 per user over the last axis, NaN where missing.
        unbiased: Multiply by n / (n - 1); NaN with one user.

    Raises:
        WrongUse: A value is negative.

    >>> float(gini(np.array([0.0, 0.0, 0.0, 1.0])))
    0.75
    >>> float(gini(np.array([0.0, 0.0, 0.0, 1.0]), unbiased=True))
    1.0
    """
    _check(values)
    return _ratio(mean_absolute_difference(values, unbiased=unbiased), 2 * _mean(values))


def coefficient_of_variation(values: Values) -> Values:
    """Return the standard deviation (over n) divided by the mean.

    In [0, sqrt(n - 1)], 0 when all are equal. Pearson, "Regression, Heredity, and Panmixia",
    1896.

    Raises:
        WrongUse: A value is negative.

    >>> float(coefficient_of_variation(np.array([1.0, 3.0])))
    0.5
    """
    _check(values)
    return _ratio(standard_deviation(values), _mean(values))


def atkinson(values: Values, epsilon: float = 0.5) -> Values:
    """Return ``1 - (Σ x_i^(1-ε) / n)^(1/(1-ε)) / mean``; for ε = 1, 1 - geometric mean / mean.

    The share of all utility that could be given up, were the rest spread evenly, at no loss of
    welfare. In [0, 1], 0 when all are equal; for ε of 1 or more it is 1 as soon as one user has
    nothing. Atkinson, "On the Measurement of Inequality", Journal of Economic Theory 2, 1970.

    Args:
        values: One value of at least 0 per user over the last axis, NaN where missing.
        epsilon: Aversion to inequality, above 0.

    Raises:
        WrongUse: A value is negative, or epsilon is not above 0.

    >>> float(atkinson(np.array([0.0, 1.0])))
    0.5
    """
    _check(values)
    if not 0 < epsilon < np.inf:
        raise WrongUse(f"epsilon is {epsilon}.", expected="a finite number above 0, such as 0.5.")
    x, present, n = _relative(values)
    with np.errstate(divide="ignore"):  # one user with nothing: log is -inf, and the result 1
        if epsilon == 1:
            logs = np.where(present, np.log(x), 0.0)
            even = np.exp(_ratio(logs.sum(axis=-1), n))
        else:
            powers = np.where(present, x ** (1 - epsilon), 0.0)
            even = _ratio(powers.sum(axis=-1), n) ** (1 / (1 - epsilon))
    return np.clip(1 - even, 0.0, 1.0)


def generalised_entropy(values: Values, alpha: float = 2.0) -> Values:
    """Return ``Σ ((x_i / mean)^α - 1) / (n α (α - 1))``, or its limit where α is 0 or 1.

    For α = 1, Theil's index, it is the mean of r ln r with r = x_i / mean; for α = 0 the mean
    of -ln r. For α = 2 it is half the squared coefficient of variation. At least 0, and 0 when
    all are equal; infinite for α of 0 or less as soon as one user has nothing. Shorrocks, "The
    Class of Additively Decomposable Inequality Measures", Econometrica 48(3), 1980; for the
    benefits of algorithms Speicher et al., "A Unified Approach to Quantifying Algorithmic
    Unfairness", KDD 2018.

    Args:
        values: One value of at least 0 per user over the last axis, NaN where missing.
        alpha: Weight of the well-off, a finite number.

    Raises:
        WrongUse: A value is negative, or alpha is not finite.

    >>> float(generalised_entropy(np.array([1.0, 3.0])))
    0.125
    """
    _check(values)
    if not np.isfinite(alpha):
        raise WrongUse(f"alpha is {alpha}.", expected="a finite number, such as 2.")
    x, present, n = _relative(values)
    with np.errstate(divide="ignore"):
        if alpha == 0:
            terms = -np.log(x)
        elif alpha == 1:
            terms = x * np.log(np.where(x > 0, x, 1.0))
        else:
            terms = (x**alpha - 1) / (alpha * (alpha - 1))
    return np.maximum(_ratio(np.where(present, terms, 0.0).sum(axis=-1), n), 0.0)


def f_statistic(values: Values, groups: Sequence[str | None]) -> Values:
    """Return Fisher's F: the variance between groups' means over that within the groups.

    ``(Σ n_g (mean_g - mean)² / (G - 1)) / (ΣΣ (x_i - mean_g)² / (N - G))`` over the G groups that
    have a value. At least 0, around 1 when group does not matter; with it F grows with the
    number of users. NaN with fewer than two groups, as many users as groups, or no variance
    within. Fisher, "Statistical Methods for Research Workers", 1925.

    Args:
        values: One value per user over the last axis, NaN where missing.
        groups: The group of each user; None for users who do not count.

    Raises:
        WrongUse: There is not one group per user.

    >>> round(float(f_statistic(np.array([1.0, 2.0, 3.0, 4.0]), ["a", "a", "b", "b"])), 9)
    8.0
    """
    if np.shape(values)[-1] != len(groups):
        raise WrongUse(
            f"there are {np.shape(values)[-1]} values and {len(groups)} groups.",
            expected="one group per value.",
        )
    names = sorted({group for group in groups if group is not None})
    is_in = np.array([[group == name for name in names] for group in groups], dtype=float)
    is_in = is_in.reshape(len(groups), len(names))
    values = np.where(is_in.any(axis=1), values, np.nan)
    x, present, n = _filled(values)
    x = np.where(present, x - _mean(values)[..., None], 0.0)  # centred, for the sake of rounding
    sizes = present.astype(float) @ is_in
    means = _ratio(x @ is_in, sizes)
    between = np.where(sizes > 0, sizes * means**2, 0.0).sum(axis=-1)
    total = (x**2).sum(axis=-1)
    within = total - between
    within = np.where(within > 1e-12 * np.maximum(total, 1e-300), within, 0.0)
    many = (sizes > 0).sum(axis=-1)
    return _ratio(_ratio(between, many - 1), _ratio(within, n - many))


def _check(values: Values) -> None:
    if np.nanmin(values, initial=0.0) < 0:
        raise WrongUse(
            f"a value is {np.nanmin(values):g}.",
            expected="utilities of at least 0: shares of a negative sum mean nothing.",
        )


def _filled(values: Values) -> tuple[Values, NDArray[np.bool_], Values]:
    """Return the values with 0 for what is missing, what is present, and how many there are."""
    values = np.asarray(values, dtype=np.float64)
    present = ~np.isnan(values)
    return np.where(present, values, 0.0), present, present.sum(axis=-1).astype(float)


def _relative(values: Values) -> tuple[Values, NDArray[np.bool_], Values]:
    """Return the values over their mean, NaN where that is 0; 1 for what is missing."""
    x, present, n = _filled(values)
    return np.where(present, _ratio(x, _ratio(x.sum(axis=-1), n)[..., None]), 1.0), present, n


def _ordered(values: Values) -> tuple[Values, Values]:
    """Return the values in order, those missing last, and how many are present."""
    values = np.asarray(values, dtype=np.float64)
    # A stable sort is fast on rows that are in order already, such as draws can be made to be.
    ordered = np.sort(values, axis=-1, kind="stable")
    return ordered, (~np.isnan(values)).sum(axis=-1).astype(float)


def _mean(values: Values) -> Values:
    x, _, n = _filled(values)
    return _ratio(x.sum(axis=-1), n)


def _ratio(above: Values, below: Values) -> Values:
    """Return a ratio, NaN where it divides by nothing."""
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), np.nan)
