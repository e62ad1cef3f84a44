"""Tables of normal numbers with known means, and what intervals and tests make of them.

Topics share a level, so the values of one topic are correlated (0.5). "discrete" rounds the
similarities to tenths in [0, 1], which makes many ties; "missing" drops 10 % at random; "uneven"
gives the values unequal noise (deviations from 0.5 to 1.5). Effects are in units of the noise of
one value: 0, 0.3 and 1.5 between the lowest and the highest value, the others in between.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from fairrec.evidence import mean_estimate, permutation_test, snsr_estimate, snsv_estimate
from fairrec.metrics.similarity import snsr, snsv

NOISE = 0.15
KINDS = ("plain", "discrete", "missing", "uneven")
VALUES = (2, 3, 4, 7)
TOPICS = (10, 20, 40)
EFFECTS = (0.0, 0.3, 1.5)


@dataclass(frozen=True)
class Settings:
    simulations: int = 1000
    draws: int = 1000
    datasets: int = 2000


def simulate(rng: np.random.Generator, n: int, values: int, effect: float, kind: str) -> np.ndarray:
    """Return one table of n topics x values."""
    topic = rng.normal(0.5, NOISE, (n, 1))
    deviation = np.linspace(0.5, 1.5, values) if kind == "uneven" else 1.0
    table = topic + NOISE * deviation * rng.normal(size=(n, values))
    table = table + NOISE * effect * np.linspace(0, 1, values)
    if kind == "discrete":
        table = np.clip(np.round(table, 1), 0, 1)
    if kind == "missing":
        table[rng.random(table.shape) < 0.1] = np.nan
    return table


def true_means(values: int, effect: float, kind: str) -> np.ndarray:
    """Return what the column means estimate; by a large sample where there is no formula."""
    if kind != "discrete":
        return 0.5 + NOISE * effect * np.linspace(0, 1, values)
    if effect == 0:
        return np.full(values, 0.5)
    return simulate(np.random.default_rng(0), 400_000, values, effect, kind).mean(axis=0)


def coverage(
    rng: np.random.Generator, n: int, values: int, effect: float, kind: str, args: Settings
) -> tuple[np.ndarray, np.ndarray]:
    """Return the shares of covering intervals and their mean widths: SNSR, SNSV, a mean."""
    truth = true_means(values, effect, kind)
    targets = np.array([snsr(truth), snsv(truth), truth[0]])
    ends = np.empty((args.simulations, 3, 2))
    for i in range(args.simulations):
        table = simulate(rng, n, values, effect, kind)
        estimates = (
            snsr_estimate(table, rng, args.draws),
            snsv_estimate(table, rng, args.draws),
            mean_estimate(table[:, 0], rng, args.draws),
        )
        ends[i] = [(e.low, e.high) for e in estimates]
    covered = (ends[:, :, 0] <= targets + 1e-9) & (targets - 1e-9 <= ends[:, :, 1])
    return covered.mean(axis=0), (ends[:, :, 1] - ends[:, :, 0]).mean(axis=0)


def false_alarms(
    rng: np.random.Generator, n: int, values: int, kind: str, simulations: int, draws: int = 199
) -> np.ndarray:
    """Return the shares of tests with p <= 0.05 when nothing differs: SNSR, SNSV."""
    alarms = np.zeros(2)
    for _ in range(simulations):
        table = simulate(rng, n, values, 0.0, kind)
        alarms += [
            (permutation_test(table, statistic, rng, draws).p_value or 0.0) <= 0.05
            for statistic in ("snsr", "snsv")
        ]
    return alarms / simulations


def show(rng: np.random.Generator, args: Settings | None = None) -> None:
    """Print both tables."""
    args = args or Settings()
    print("False alarms at 0.05 when nothing differs (uneven noise breaks exchangeability)")
    print("kind      V   n |  SNSR   SNSV")
    for kind, values, n in itertools.product(KINDS, VALUES, TOPICS):
        rates = false_alarms(rng, n, values, kind, args.datasets)
        print(f"{kind:9} {values} {n:3d} | {rates[0]:.3f}  {rates[1]:.3f}", flush=True)

    print("\nShare of 95 % intervals that cover (mean width)")
    print("kind      V   n effect |    SNSR           SNSV           mean")
    lowest = np.ones(3)
    for kind, values, n, effect in itertools.product(KINDS, VALUES, TOPICS, EFFECTS):
        covered, widths = coverage(rng, n, values, effect, kind, args)
        lowest = np.minimum(lowest, covered)
        shown = "  ".join(f"{c:.3f} ({w:.3f})" for c, w in zip(covered, widths, strict=True))
        print(f"{kind:9} {values} {n:3d} {effect:6} | {shown}", flush=True)
    print("lowest coverage: SNSR {:.3f}, SNSV {:.3f}, mean {:.3f}".format(*lowest))
