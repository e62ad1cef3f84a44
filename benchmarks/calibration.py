"""Whether intervals cover and tests keep their false alarm rate, by simulation.

    python benchmarks/calibration.py [--simulations 2000] [--draws 400] [--tables]

Recommenders with known properties (see simulated_lists.py) make lists, which are compared as
audits compare them. Each row is one setting of so many simulated audits.

"false alarms" are shares of p <= 0.05 where nothing has an effect; [0.03, 0.06] is wanted. The
permutation tests are exact, so what many ties make of them is fewer, never more. "coverage" is
the share of 95 % intervals that hold the truth; [0.93, 0.97] is wanted. Ranges (SNSR, answered)
cannot be negative: at no effect one end alone can miss, and coverage is 0.975 or more. "found" is
the share of p <= 0.05 where there is an effect. A star marks what lies outside.

With --tables, SNSR, SNSV and means of normal numbers too (see simulated_tables.py; long).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import simulated_tables
from simulated_lists import Answers, Simulated

from fairrec.evidence import (
    answered_estimate,
    answered_test,
    cluster_excess,
    equivalence_p,
    exceedance_test,
    excess_estimate,
    mixed_model_estimate,
    permutation_test,
    snsr_estimate,
)
from fairrec.results import Estimate

ALPHA = 0.05
TEST_DRAWS = 199
"""p <= 0.05 is then among the 10 largest of 200: no more draws are needed for the rate."""
ALARMS = (0.03, 0.06)
COVERAGE = (0.93, 0.97)

NO_EFFECT = {
    f"noise {noise}, {values} values, {users} users": Simulated(noise, values, users)
    for noise in (0.1, 0.3, 1.0)
    for values in (2, 7)
    for users in (10, 30)
} | {
    "rbo": Simulated(0.3, 3, metric="rbo"),
    "serp": Simulated(0.3, 3, metric="serp"),
    "3 repeats": Simulated(0.3, 7, repeats=3),
    "12 values": Simulated(0.3, 12),
    "ties: lists of 2": Simulated(0.3, 3, k=2),
    "20 % missing": Simulated(0.3, 7, missing=0.2),
    "20 % missing, 3 repeats": Simulated(0.3, 3, repeats=3, missing=0.2),
}
NEARLY_DETERMINISTIC = {
    f"noise {noise}, {values} values, {users} users": Simulated(noise, values, users)
    for noise in (0.003, 0.02)
    for values in (2, 7)
    for users in (10, 50)
}
PLANTED = {
    f"noise {noise}, effect {effect}, {users} users": Simulated(noise, 2, users, effect=effect)
    for noise, effect in ((0.02, 0.1), (0.1, 0.2), (0.3, 0.5), (1.0, 1.5))
    for users in (10, 50)
}
ANSWERS = {
    f"{kind}, {values} values, {users} users, {rate:.0%} missing": Answers(
        users, values, rate, paired=kind == "paired"
    )
    for kind, users in (("paired", 40), ("groups", 90))
    for values in (2, 4)
    for rate in (0.05, 0.2)
}


def alarm(p_value: float | None) -> bool:
    """Tell whether a test that was made calls out."""
    return p_value is not None and p_value <= ALPHA


def covers(estimate: Estimate, truth: float) -> bool:
    """Tell whether there is an interval and it holds the truth."""
    if estimate.low is None or estimate.high is None:
        return False
    return estimate.low - 1e-9 <= truth <= estimate.high + 1e-9


def no_effect(
    setting: Simulated, rng: np.random.Generator, simulations: int, draws: int
) -> dict[str, float]:
    """Return rates where stating a value changes nothing."""
    floors, effects = setting.audits(rng, simulations)
    rates = np.zeros(4)
    for floor, effect in zip(floors, effects, strict=True):
        rates += (
            alarm(exceedance_test(floor, effect, rng, TEST_DRAWS).p_value),
            alarm(permutation_test(effect, "snsr", rng, TEST_DRAWS).p_value),
            covers(excess_estimate(floor, effect, rng, draws), 0.0),
            covers(snsr_estimate(effect, rng, draws), 0.0),
        )
    rates /= simulations
    return {
        "ties": float((floors == 1).mean()),
        "exceedance alarms": rates[0],
        "snsr alarms": rates[1],
        "excess coverage": rates[2],
        "snsr coverage": rates[3],
    }


def planted(
    setting: Simulated, rng: np.random.Generator, simulations: int, draws: int
) -> dict[str, float]:
    """Return rates where stating a value changes lists, and of equivalence within that much."""
    truth = float(np.mean(cluster_excess(*(t[0] for t in _large(setting).audits(rng, 1)))))
    rates = np.zeros(5)
    none = replace(setting, effect=0.0)
    for floor, effect, same_floor, same in zip(
        *setting.audits(rng, simulations), *none.audits(rng, simulations), strict=True
    ):
        at_margin, inside = cluster_excess(floor, effect), cluster_excess(same_floor, same)
        rates += (
            alarm(exceedance_test(floor, effect, rng, TEST_DRAWS).p_value),
            covers(excess_estimate(floor, effect, rng, draws), truth),
            alarm(equivalence_p(at_margin, truth)),
            alarm(equivalence_p(inside, truth)),
            alarm(equivalence_p(inside, 0.05)),
        )
    rates /= simulations
    return {
        "excess": truth,
        "found": rates[0],
        "excess coverage": rates[1],
        "equivalence at margin": rates[2],
        "shown equivalent": rates[3],
        "shown within 0.05": rates[4],
    }


def _large(setting: Simulated) -> Simulated:
    return replace(setting, users=40_000)


def answers(
    setting: Answers, rng: np.random.Generator, simulations: int, draws: int
) -> dict[str, float]:
    """Return rates of the test of unequal missingness, without and with an effect."""
    rates = np.zeros(4)
    unequal = replace(setting, effect=0.25)
    for _ in range(simulations):
        same, other = setting.table(rng), unequal.table(rng)
        rates += (
            alarm(answered_test(same, rng, TEST_DRAWS).p_value),
            covers(answered_estimate(same, rng, draws), 0.0),
            alarm(answered_test(other, rng, TEST_DRAWS).p_value),
            covers(answered_estimate(other, rng, draws), unequal.effect),
        )
    rates /= simulations
    names = ("answered alarms", "answered coverage", "found", "coverage of 0.25")
    return dict(zip(names, rates.tolist(), strict=True))


def mixed(rng: np.random.Generator, templates: int, spread: float, simulations: int) -> float:
    """Return the coverage of the mixed model's interval for 20 users."""
    users, wordings = np.indices((20, templates))
    covered = 0
    for _ in range(simulations):
        values = rng.normal(0, 0.1, (20, 1)) + rng.normal(0, spread, templates)
        values = values + rng.normal(0, 0.1, users.shape)
        found = mixed_model_estimate(values.ravel(), users.ravel(), wordings.ravel())
        covered += covers(found.estimate, 0.0)
    return covered / simulations


def shown(rates: dict[str, float]) -> str:
    """Return one row of a table, stars where a rate is outside of what is wanted."""
    cells = []
    for name, rate in rates.items():
        low, high = ALARMS if name.endswith("alarms") else COVERAGE
        judged = name.endswith(("alarms", "coverage"))
        cells.append(f"{rate:.3f}{'*' if judged and not low <= rate <= high else ' '}")
    return "  ".join(f"{cell:>{len(name)}}" for cell, name in zip(cells, rates, strict=True))


def show(title: str, rows: Iterable[tuple[str, dict[str, float]]]) -> None:
    print(f"\n{title}")
    for place, (name, rates) in enumerate(rows):
        if place == 0:
            print(f"{'':42}" + "  ".join(f"{n:>6}" for n in rates))
        widened = {f"{n:>6}": rate for n, rate in rates.items()}
        print(f"{name:42}{shown(widened)}", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=2000)
    parser.add_argument("--draws", type=int, default=400, help="of the bootstrap")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tables", action="store_true")
    args = parser.parse_args()
    rng, many, draws = np.random.default_rng(args.seed), args.simulations, args.draws
    began = time.perf_counter()
    print(f"{many} simulated audits per row")
    for title, settings, rates in (
        ("No effect", NO_EFFECT, no_effect),
        ("No effect, nearly deterministic: heavy ties", NEARLY_DETERMINISTIC, no_effect),
        ("Planted effects; equivalence within the true excess and 0.05", PLANTED, planted),
        ("Missing answers; planted: 25 % more for one value", ANSWERS, answers),
    ):
        show(
            title, ((name, rates(setting, rng, many, draws)) for name, setting in settings.items())
        )
    show(
        f"Mixed model, 20 users ({many // 4} simulations)",
        (
            (
                f"{templates} wordings, spread {spread}",
                {"mean coverage": mixed(rng, templates, spread, many // 4)},
            )
            for templates in (3, 5, 8)
            for spread in (0.0, 0.1)
        ),
    )
    print(f"\n{time.perf_counter() - began:.0f} s")
    if args.tables:
        simulated_tables.show(rng)


if __name__ == "__main__":
    main()
