"""What share of exposure each group has, and how far it is from what the group deserves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.exposure_basis import ExposureBasis
from fairrec.audits.exposure_relevance import less_relevance, log_relevance_ratio
from fairrec.audits.families import adjusted
from fairrec.evidence.group_shares import share_estimates, share_p_values, shifted
from fairrec.metrics.browsing import Browsing
from fairrec.results import Estimate, Finding

Values = NDArray[np.float64]

UNDEFINED = "undefined: no group deserves anything by {}"
NOTHING = "a group without exposure has no logarithm of it"


def group_shares(basis: ExposureBasis, model: Browsing) -> list[Estimate]:
    """Return each group's share of exposure under a browsing model."""
    sums, squared = _sums(basis, model)
    rng = basis.rng("shares", basis.metric(model))
    return share_estimates(sums, squared, rng, basis.draws, **basis.common)


def share_findings(
    basis: ExposureBasis, model: Browsing, estimates: list[Estimate]
) -> list[Finding]:
    """Return the groups' shares, and less what they deserve with its test.

    Under the first model there is also the logarithm of the share over what is deserved. The noise
    floor is by how much a share moves when the same is asked again.

    Args:
        basis: The sums.
        model: How people read.
        estimates: As `group_shares` returns them.
    """
    names, metric = basis.item_groups.names, basis.metric(model)
    found = [
        basis.finding(basis.column, name, metric, "share", estimate)
        for name, estimate in zip(names, estimates, strict=True)
    ]
    first = model == basis.sums.browsing[0]
    floors = basis.moved.tolist() if first and basis.moved is not None else [None] * len(names)
    for merit in basis.targets:
        off, p_values = _less(basis, model, merit, estimates)
        tested = [
            replace(
                basis.finding(basis.column, name, metric, f"share_less_{merit}", estimate, floor),
                p_value=None if estimate.value is None or np.isnan(p) else p,
            )
            for name, estimate, p, floor in zip(names, off, p_values.tolist(), floors, strict=True)
        ]
        found += adjusted(tested, f"{metric}: shares of {basis.column} less {merit}")
        if first:
            found += _log_ratios(basis, merit, estimates)
    return found


def _sums(basis: ExposureBasis, model: Browsing) -> tuple[Values, float]:
    """Return attention by bucket and group, and the sum of squared weights."""
    place, sums = basis.sums.browsing.index(model), basis.sums.lists.sums
    return sums[f"groups {place}"], float(sums[f"squared {place}"].sum())


def _less(
    basis: ExposureBasis, model: Browsing, merit: str, estimates: list[Estimate]
) -> tuple[list[Estimate], Values]:
    """Return the groups' shares less what they deserve, and p-values of "equal"."""
    sums, squared = _sums(basis, model)
    target = basis.target(merit)
    if np.isnan(target).any():
        unknown = Estimate(None, reason=UNDEFINED.format(merit), **basis.common)
        return [unknown] * len(target), target
    relevance = basis.relevance(merit)
    if relevance is not None:
        rng = basis.rng("less", basis.metric(model), merit)
        return less_relevance(sums, squared, relevance, rng, basis.draws, **basis.common)
    off = [shifted(of, less) for of, less in zip(estimates, target.tolist(), strict=True)]
    return off, share_p_values(sums, squared, target)


def _log_ratios(basis: ExposureBasis, merit: str, estimates: list[Estimate]) -> Iterable[Finding]:
    """Yield ln(share / what is deserved) of each group: 0 where it has what it deserves.

    The logarithm of its treatment over that of all groups together (see
    `fairrec.metrics.group_exposure.treatment`).
    """
    model = basis.sums.browsing[0]
    target, relevance = basis.target(merit), basis.relevance(merit)
    if relevance is None:
        logs = [_log(of, less) for of, less in zip(estimates, target.tolist(), strict=True)]
    else:
        sums, squared = _sums(basis, model)
        rng = basis.rng("log", merit)
        logs = log_relevance_ratio(sums, squared, relevance, rng, basis.draws, **basis.common)
    for name, estimate in zip(basis.item_groups.names, logs, strict=True):
        yield basis.finding(basis.column, name, "exposure", f"log_ratio_to_{merit}", estimate)


def _log(share: Estimate, deserved: float) -> Estimate:
    """Return the logarithm of a share over a number that is known."""
    if share.value is None or not deserved > 0 or share.value == 0:
        reason = share.reason if share.value is None else NOTHING
        reason = reason if deserved > 0 else "undefined: the group deserves nothing"
        return replace(share, value=None, low=None, high=None, method="", reason=reason)
    ends: dict[str, Any] = {"value": float(np.log(share.value / deserved))}
    if share.low is not None and share.high is not None:
        some = share.low > 0
        ends["low"] = float(np.log(share.low / deserved)) if some else None
        ends["high"] = float(np.log(share.high / deserved))
        ends["reason"] = "" if some else "the share may be 0: there is no lower end"
    return replace(share, **ends)
