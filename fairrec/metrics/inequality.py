"""How unequally a good is shared: here, utility over users.

Every function takes values along the last axis and returns one number per row, so that draws of a
bootstrap are rows. A NaN gives NaN: leave missing users out first. What is measured relative to
the mean is NaN, not 0, where the mean is 0: who shares nothing shares neither equally nor not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fairrec.errors import BadData, WrongUse

Values = NDArray[np.float64]


def worst_share_mean(values: ArrayLike, share: float = 0.25) -> Values:
    """Return the mean of the lowest values: of ``ceil(share * n)`` users, at least one.

    In [min, mean]; equal to the mean when all are equal. Higher is fairer.

    Raises:
        WrongUse: `share` is not in (0, 1].

    >>> float(worst_share_mean([0.0, 0.2, 0.4, 1.0], 0.5))
    0.1
    """
    if not 0 < share <= 1:
        raise WrongUse(f"the share of worst-off users is {share}.", expected="in (0, 1].")
    x = _rows(values)
    n = int(np.ceil(share * x.shape[-1] - 1e-9))
    return np.partition(x, n - 1, axis=-1)[..., :n].mean(axis=-1) + 0 * x.sum(axis=-1)  # keeps NaN


def value_range(values: ArrayLike) -> Values:
    """Return max - min: at least 0, 0 when all are equal."""
    x = _rows(values)
    return x.max(axis=-1) - x.min(axis=-1)


def standard_deviation(values: ArrayLike) -> Values:
    """Return the population standard deviation (ddof=0): at least 0, 0 when all are equal."""
    return _rows(values).std(axis=-1)


def mean_absolute_difference(values: ArrayLike) -> Values:
    """Return Gini's mean difference: the mean of ``|x_i - x_j|`` over pairs of different users.

    Over the n (n - 1) ordered pairs, so that it does not shrink with few users; NaN for one user.
    In [0, range]; 0 when all are equal.
    """
    x = _rows(values)
    n = x.shape[-1]
    return 2 * _rank_sum(x) / (n * (n - 1)) if n > 1 else np.full(x.shape[:-1], np.nan)[()]


def gini(values: ArrayLike, form: Literal["population", "sample"] = "population") -> Values:
    """Return the Gini index, half of the relative mean difference.

    ``Σ (2 i - n - 1) x_(i) / (n Σ x)`` over the values in rising order in the form "population",
    which is at most 1 - 1/n; "sample" divides by n - 1 instead of n and reaches 1 when one user
    has everything (NaN for one user). 0 when all are equal, NaN when all are 0.

    Raises:
        BadData: A value is negative.
        WrongUse: The form is unknown.
    """
    if form not in ("population", "sample"):
        raise WrongUse(f"the form of Gini is {form!r}.", expected="'population' or 'sample'.")
    x = _not_negative(values)
    n = x.shape[-1]
    return _ratio(_rank_sum(x), (n if form == "population" else n - 1) * x.sum(axis=-1))


def atkinson(values: ArrayLike, epsilon: float = 0.5) -> Values:
    """Return Atkinson's index ``1 - M / mean``, M being the power mean of order 1 - epsilon.

    Atkinson, "On the Measurement of Inequality", Journal of Economic Theory 2, 1970. The larger
    `epsilon`, the more the worst-off count; at 1, M is the geometric mean. In [0, 1]; 0 when all
    are equal, NaN when all are 0, 1 from epsilon 1 on as soon as somebody has 0.

    Raises:
        BadData: A value is negative.
        WrongUse: `epsilon` is not positive.
    """
    if not 0 < epsilon < np.inf:
        raise WrongUse(f"epsilon of Atkinson's index is {epsilon}.", expected="above 0.")
    x = _not_negative(values)
    shares = _relative(x)
    nothing = (x == 0).any(axis=-1)
    if epsilon >= 1:  # powers below 0 and logarithms need positive values
        shares = np.where(nothing[..., None] & (shares == shares), 1.0, shares)
    if epsilon == 1:
        powers = np.exp(np.log(shares).mean(axis=-1))
    else:
        powers = (shares ** (1 - epsilon)).mean(axis=-1) ** (1 / (1 - epsilon))
    if epsilon >= 1:
        powers = np.where(nothing & ~np.isnan(powers), 0.0, powers)
    return np.clip(1 - powers, 0.0, 1.0)[()]


def coefficient_of_variation(values: ArrayLike) -> Values:
    """Return the population standard deviation over the mean.

    In [0, sqrt(n - 1)]; 0 when all are equal, NaN when all are 0.

    Raises:
        BadData: A value is negative.
    """
    x = _not_negative(values)
    return _ratio(x.std(axis=-1), x.mean(axis=-1))


def generalised_entropy(values: ArrayLike, alpha: float = 2.0) -> Values:
    """Return the generalised entropy index of order `alpha`.

    ``Σ ((x / mean)^α - 1) / (n α (α - 1))``; α = 1 is Theil's T, ``mean(x / mean ln(x / mean))``,
    α = 0 the mean log deviation, ``-mean(ln(x / mean))`` (Shorrocks, "The Class of Additively
    Decomposable Inequality Measures", Econometrica 48, 1980; for fairness: Speicher et al., KDD
    2018). At least 0, 0 when all are equal; α = 2 is half the squared coefficient of variation.
    NaN when all are 0, and for α <= 0 when anybody has 0: it is infinite there.

    Raises:
        BadData: A value is negative.
        WrongUse: `alpha` is not finite.
    """
    if not np.isfinite(alpha):
        raise WrongUse(f"alpha of the generalised entropy is {alpha}.", expected="a number.")
    x = _not_negative(values)
    shares = _relative(x)
    if alpha <= 0:
        shares = np.where((x == 0).any(axis=-1, keepdims=True), np.nan, shares)
    if alpha == 0:
        index = -np.log(shares).mean(axis=-1)
    elif alpha == 1:
        index = (shares * np.log(np.where(shares > 0, shares, 1.0))).mean(axis=-1)
    else:
        index = (shares**alpha - 1).mean(axis=-1) / (alpha * (alpha - 1))
    return np.maximum(index, 0.0)[()]  # rounding alone puts it below 0


def f_statistic(groups: Sequence[ArrayLike]) -> Values:
    """Return Fisher's F: the variance between groups over that within them.

    ``[Σ n_g (m_g - m)² / (G - 1)] / [Σ_g Σ_i (x_gi - m_g)² / (n - G)]``. At least 0, about 1 when
    the groups do not differ; NaN when nothing varies within the groups.

    Args:
        groups: At least two arrays with a group's users along the last axis.

    Raises:
        WrongUse: Fewer than two groups, or an empty one.
    """
    if len(groups) < 2:
        raise WrongUse(f"F compares {len(groups)} group(s).", expected="at least 2.")
    rows = [_rows(group) for group in groups]
    n = sum(x.shape[-1] for x in rows)
    overall = np.asarray(sum(x.sum(axis=-1) for x in rows)) / n
    between = np.asarray(sum(x.shape[-1] * (x.mean(axis=-1) - overall) ** 2 for x in rows))
    within = np.asarray(sum(x.shape[-1] * x.var(axis=-1) for x in rows))
    # What is left by rounding of equal values is no variance.
    within = np.where(within > 1e-24 * n, within, 0.0)
    return _ratio(between * (n - len(rows)), within * (len(rows) - 1))


INEQUALITIES: dict[str, Callable[[ArrayLike], Values]] = {
    "worst_quarter": worst_share_mean,
    "range": value_range,
    "sd": standard_deviation,
    "mad": mean_absolute_difference,
    "gini": gini,
    "atkinson": atkinson,
    "cv": coefficient_of_variation,
    "generalised_entropy": generalised_entropy,
}
"""The measures of one vector with their defaults, by the name that findings give them."""


def _rows(values: ArrayLike) -> Values:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim < 1 or x.shape[-1] < 1:
        raise WrongUse(
            f"values have the shape {x.shape}.", expected="at least one user along the last axis."
        )
    return x


def _not_negative(values: ArrayLike) -> Values:
    x = _rows(values)
    if (x < 0).any():
        raise BadData(
            f"a value is {np.nanmin(x):g}.", expected="values of at least 0, to have shares of."
        )
    return x


def _relative(x: Values) -> Values:
    """Return values over their mean; NaN where the mean is 0."""
    return _ratio(x, np.broadcast_to(x.mean(axis=-1, keepdims=True), x.shape))


def _rank_sum(x: Values) -> Values:
    """Return ``Σ (2 i - n - 1) x_(i)``: half of the sum of all absolute differences."""
    n = x.shape[-1]
    # Measured from the lowest, so that equal values give exactly 0.
    above = np.sort(x, axis=-1) - x.min(axis=-1, keepdims=True)
    return above @ (2.0 * np.arange(1, n + 1) - n - 1)


def _ratio(numerator: Values, denominator: Values) -> Values:
    positive = denominator > 0
    return np.where(positive, numerator / np.where(positive, denominator, 1.0), np.nan)[()]
