"""How concentrated exposure is on few items."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from fairrec.audits.exposure_basis import ExposureBasis
from fairrec.audits.exposure_chance import by_chance
from fairrec.evidence.sums import function_estimates, jackknife_estimate
from fairrec.metrics.concentration import (
    bottom_share,
    catalogue_coverage,
    effective_number,
    herfindahl,
    shannon_entropy,
)
from fairrec.metrics.group_exposure import treatment
from fairrec.metrics.inequality import gini
from fairrec.results import Finding

Values = NDArray[np.float64]

CONCENTRATION: dict[str, tuple[Callable[[Values], Values], str]] = {
    "gini": (gini, "lower"),
    "gini_sample": (lambda x: gini(x, "sample"), "lower"),
    "normalised_entropy": (lambda x: shannon_entropy(x, normalised=True), "higher"),
    "coverage": (catalogue_coverage, "higher"),
    "hhi": (herfindahl, "lower"),
    "effective_number": (effective_number, "higher"),
    "bottom_half_share": (bottom_share, "higher"),
}
"""Statistics of the exposure of all items, and which are fairer."""


def item_findings(basis: ExposureBasis) -> Iterable[Finding]:
    """Yield how concentrated exposure is, and how much of it goes to no item.

    The noise floor is what recommending items at random would give with as many lists: few lists
    reach few items, whoever chooses them.
    """
    sums = basis.sums
    total = sums.items.total
    chance = None
    if basis.from_catalogue:
        weights = basis.usual_weights()
        chance = by_chance(basis.rng("chance"), len(total), sums.n_lists, weights)
    every = [measure for measure, _ in CONCENTRATION.values()]
    without = sums.items.left_out(lambda x: np.stack([measure(x) for measure in every], axis=-1))
    for left_out, (name, (measure, better)) in zip(without.T, CONCENTRATION.items(), strict=True):
        value = float(measure(total)) if total.sum() > 0 else float("nan")
        most = float(len(total)) if name == "effective_number" else 1.0
        estimate = jackknife_estimate(
            value, left_out, bounds=(0.0, most), direction=better, **basis.common
        )
        floor = None if chance is None else float(np.mean(measure(chance)))
        yield basis.finding("items", None, "exposure", name, estimate, floor)
    if "off 0" in sums.lists.sums:
        (estimate,) = function_estimates(
            np.column_stack([sums.lists.sums["off 0"], sums.lists.sums["all 0"]]),
            lambda x: treatment(x[..., 0], x[..., 1])[..., None],
            basis.rng("off"),
            basis.draws,
            direction="lower",
            bounds=(0, 1),
            **basis.common,
        )
        yield basis.finding("items", None, "exposure", "off_catalogue_share", estimate)
