"""How unequal groups are, all together: exposure per item, per merit, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.exposure_basis import ExposureBasis
from fairrec.audits.exposure_chance import AT_RANDOM
from fairrec.evidence.groupings import random_groupings, upper_p
from fairrec.evidence.sums import spread_estimate
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.group_exposure import group_disparity, treatment
from fairrec.results import Estimate, Finding

Values = NDArray[np.float64]
Relative = Callable[[Values], Values]

CELLS = 20_000_000
"""Items times random groupings that are looked at."""

UNDEFINED = "undefined: fewer than two groups deserve anything and got any"
NOTHING = "a group that deserves some has no exposure: there is no logarithm of its ratio"


def disparity_findings(basis: ExposureBasis, model: Browsing) -> Iterable[Finding]:
    """Yield forms for all known groups together: per item (parity), and per merit (treatment).

    1 is the mean over all of them, weighted by what they deserve. By the catalogue's shares
    treatment is parity. Groups that deserve nothing do not count.
    """
    metric, known = basis.metric(model), basis.item_groups.known
    if known.sum() < 2:
        return
    sums = basis.sums.lists.sums[f"groups {basis.sums.browsing.index(model)}"]
    bases = {"parity": basis.item_groups.sizes}
    bases |= {f"treatment_by_{m}": basis.target(m) for m in basis.targets if m != "catalogue"}
    for base, per in bases.items():
        observed = basis.relevance(base.removeprefix("treatment_by_"))
        if observed is not None:
            table, relative = np.hstack([sums, observed]), _per_observed(known)
        else:
            table, relative = sums, _per_known(known, per)
        p_value, floor = None, None
        if base == "parity" and model == basis.sums.browsing[0]:
            p_value, floor = _of_chance(basis, relative)
        for form, estimate in _forms(basis, table, relative, f"{metric} {base}").items():
            finding = basis.finding(basis.column, None, metric, f"{base}_{form}", estimate)
            if form == "difference":
                finding = replace(finding, p_value=p_value, noise_floor=floor)
            yield finding


def impact_findings(basis: ExposureBasis) -> Iterable[Finding]:
    """Yield relevance met per relevance there is, where relevance is known."""
    sums = basis.sums.lists.sums
    if "impact" not in sums or basis.item_groups.known.sum() < 2:
        return
    table = np.hstack([sums["impact"], sums["merit"]])
    forms = _forms(basis, table, _per_observed(basis.item_groups.known), "impact")
    for form in ("ratio", "log_ratio"):
        yield basis.finding(basis.column, None, "exposure", f"impact_{form}", forms[form])


def _per_known(known: NDArray[np.bool_], per: Values) -> Relative:
    def relative(x: Values) -> Values:
        return _relative(x[..., known], np.broadcast_to(per[known], x[..., known].shape))

    return relative


def _per_observed(known: NDArray[np.bool_]) -> Relative:
    def relative(x: Values) -> Values:
        return _relative(x[..., : len(known)][..., known], x[..., len(known) :][..., known])

    return relative


def _relative(held: Values, per: Values) -> Values:
    """Return exposure per merit over that of all groups together."""
    per = np.where(np.isnan(per), 0.0, per)
    whole = treatment(held.sum(axis=-1, keepdims=True), per.sum(axis=-1, keepdims=True))
    return treatment(treatment(held, per), whole)


def _forms(
    basis: ExposureBasis, table: Values, relative: Relative, purpose: str
) -> dict[str, Estimate]:
    """Return every form of how unequal the values of groups are."""

    def logs(x: Values) -> Values:
        values = relative(x)
        some = values > 0
        return np.where(some, np.log(np.where(some, values, 1.0)), np.nan)

    def spread(of: Relative, rest: str = "range") -> Estimate:
        rng = basis.rng(purpose, rest)
        how = {"spread": "sd" if rest == "sd" else "range", "undefined": UNDEFINED, **basis.common}
        return spread_estimate(table, of, rng, basis.draws, **how)

    values = relative(table.sum(axis=0))
    sd, log = spread(relative, "sd"), spread(logs, "log")
    if (values == 0).any():
        log = replace(log, value=None, low=None, high=None, method="", reason=NOTHING)
    known = ~np.isnan(values)
    return {
        "ratio": _ratio(log, float(group_disparity(values, "min_max_ratio"))),
        "difference": spread(relative),
        "log_ratio": log,
        "l2": _mapped(sd, float(known.sum() ** 0.5)),
        "variance": _mapped(sd, 1.0, 2),
    }


def _of_chance(basis: ExposureBasis, relative: Relative) -> tuple[float | None, float | None]:
    """Return the p-value of random groupings of the items, and their mean range.

    The statistic is the variance of exposure per item between groups, weighted by their sizes: the
    range of all groups is that of the smallest, which chance moves most, and would hide the rest.
    """
    amounts = basis.sums.items.total
    draws = int(min(basis.draws, CELLS // max(len(amounts), 1)))
    if draws < AT_RANDOM or amounts.sum() == 0:
        return None, None
    sizes = basis.item_groups.sizes[basis.item_groups.known]

    def between(values: Values) -> Values:
        return (sizes * np.where(np.isnan(values), 0.0, values - 1) ** 2).sum(axis=-1)

    null, ranges = [], []
    rng = basis.rng("groupings")
    for block in random_groupings(amounts, basis.item_groups.membership, rng, draws):
        values = relative(block)
        null.append(between(values))
        ranges.append(group_disparity(values, "difference"))
    seen = float(between(relative(basis.item_groups.totals(amounts))))
    floor = np.concatenate(ranges)
    floor = floor[~np.isnan(floor)]
    return upper_p(np.concatenate(null), seen), float(floor.mean()) if len(floor) else None


def _ratio(log: Estimate, value: float) -> Estimate:
    """Return lowest over highest, from its logarithm; 0 where a group has nothing."""
    if np.isnan(value) or log.value is None:
        reason = NOTHING if value == 0 else log.reason
        shown = None if np.isnan(value) else value
        return replace(log, value=shown, direction="higher", reason=reason)
    low, high = log.low, log.high
    return replace(
        log,
        value=float(np.exp(-log.value)),
        low=None if high is None else float(np.exp(-high)),
        high=None if low is None else float(np.exp(-low)),
        direction="higher",
    )


def _mapped(estimate: Estimate, factor: float, power: int = 1) -> Estimate:
    """Return an estimate times a factor, or to a power."""
    value, low, high = (
        None if x is None else float(factor * x**power)
        for x in (estimate.value, estimate.low, estimate.high)
    )
    return replace(estimate, value=value, low=low, high=high)
