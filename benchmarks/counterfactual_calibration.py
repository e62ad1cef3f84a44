"""False alarms, coverage and power of the whole counterfactual audit, plan to finding.

    python benchmarks/counterfactual_calibration.py [audits per setting, 2000]

A simulated recommender ranks items by a user's taste and fresh noise of every asking; stating a
gender adds an effect, or none. Without an effect, the share of audits that call one out at 0.05
should lie within 0.03 and 0.06, and 95 % intervals should hold 0 in 0.93 to 0.97 of them. Prints
one row per setting; a star marks what lies outside.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from fairrec import CounterfactualAudit, as_recommender, run_audit
from fairrec.prompts import Attribute, AttributeValue, Template
from fairrec.seeds import generator
from fairrec.types import Outcome, Ranking, Request
from fairrec.users import User

ITEMS = [f"item {n}" for n in range(40)]
USERS = [User(f"u{i}", {"gender": ("female", "male")[i % 2]}) for i in range(30)]
STATISTICS = ("stated_excess", "flip_excess", "flip_excess_over_placebo")


def attribute(name: str, *values: str) -> Attribute:
    return Attribute(name, tuple(AttributeValue(v, v, f"My {name} is {v}.") for v in values))


def recommender(seed: int, noise: float, effect: float, missing: float):
    def answer(request: Request) -> Ranking:
        user = request.slots["user"]
        fresh = generator(seed, request.instruction, str(request.replicate), user)
        if fresh.random() < missing:
            return Ranking(outcome=Outcome.REFUSED)
        scores = generator(seed, "taste", user).normal(size=len(ITEMS))
        scores += noise * fresh.normal(size=len(ITEMS))
        if request.profile.get("gender") == "female":
            scores += effect * generator(seed, "effect", user).normal(size=len(ITEMS))
        return Ranking(tuple(ITEMS[i] for i in np.argsort(-scores)[: request.k]))

    return as_recommender(answer, name="simulated", version=str(seed))


def run(seeds: range, noise: float, effect: float = 0.0, missing: float = 0.0, k: int = 8) -> None:
    audit = CounterfactualAudit(
        USERS,
        [attribute("gender", "female", "male")],
        [Template("{statement} Recommend {k} items.")],
        k=k,
        placebos=[attribute("colour", "blue", "red")],
        draws=300,
    )
    called, covered = np.zeros((2, len(STATISTICS)))
    for seed in seeds:
        result = run_audit(audit, recommender(seed, noise, effect, missing))
        for i, statistic in enumerate(STATISTICS):
            found = result.finding(f"counterfactual.gender.jaccard.{statistic}")
            p, low, high = found.p_value, found.estimate.low, found.estimate.high
            called[i] += p is not None and p <= 0.05
            covered[i] += low is not None and high is not None and low <= 0 <= high
    name = f"noise {noise}, effect {effect}, {missing:.0%} missing, k {k}"
    cells = [f"{name:<42}"]
    for calls, covers in zip(called / len(seeds), covered / len(seeds), strict=True):
        if effect:
            cells.append(f"{calls:.3f} found       ")
        else:
            marks = ["" if 0.03 <= calls <= 0.06 else "*", "" if 0.93 <= covers <= 0.97 else "*"]
            cells.append(f"{calls:.3f}{marks[0]:1} {covers:.3f}{marks[1]:1}   ")
    print("  ".join(cells), flush=True)


if __name__ == "__main__":
    audits = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    started = time.perf_counter()
    print(f"{audits} audits a row; alarms and coverage of {', '.join(STATISTICS)}")
    settings = [
        {"noise": 0.1},
        {"noise": 0.3},
        {"noise": 1.0},
        {"noise": 0.3, "missing": 0.1},
        {"noise": 0.3, "k": 2},
        {"noise": 0.3, "effect": 0.3},
    ]
    for row, setting in enumerate(settings):  # seeds of its own: rows share no random number
        run(range(row * audits, (row + 1) * audits), **setting)
    print(f"{time.perf_counter() - started:.0f} s")
