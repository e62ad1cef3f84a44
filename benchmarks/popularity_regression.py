"""Whether rate ratios of the popularity regression cover the truth, by simulation.

    python benchmarks/popularity_regression.py [--simulations 1000]

Items have a popularity, a group, and an appeal beyond both that varies from item to item. Each row
is one setting of so many fits. "draws" are counts that do not depend on each other; "lists" are
lists without any item twice, in which every item has just its chance to be (Madow's systematic
sampling of a random order): what one item gets another does not. "shared" is by how many lists the
users are served: of one list for all, any number of users says no more than its items do.

"coverage" is the share of 95 % intervals of the group's ratio that hold the truth; [0.93, 0.97] is
wanted. "alarms" are shares of p <= 0.05 where the ratio is 1, "found" where it is not. "undefined"
are fits that say why they give no interval. A star marks coverage that lies outside.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np

from fairrec.audits.popularity_regression import popularity_regression
from fairrec.metrics.item_groups import group_items

WANTED = (0.93, 0.97)


@dataclass(frozen=True)
class Setting:
    """What is simulated; see this module.

    Attributes:
        ratio: How many times as often the group is recommended: the truth.
        items, lists, k: How many items, lists, and places in each.
        spread: Variance of the items' appeal, whose mean is 1.
        share: The group's share of the items.
        shared: How many different lists there are; 0 for one each.
        draws: Whether counts are drawn one by one.
    """

    ratio: float = 2.0
    items: int = 300
    lists: int = 100
    k: int = 10
    spread: float = 0.5
    share: float = 0.3
    shared: int = 0
    draws: bool = False


SETTINGS = {
    "draws": Setting(draws=True),
    "draws, no effect": Setting(1.0, draws=True),
    "draws, 60 items": Setting(items=60, k=5, draws=True),
    "lists": Setting(),
    "lists, no effect": Setting(1.0),
    "lists, ratio 1/2": Setting(0.5),
    "lists, appeal alike": Setting(spread=0.0),
    "lists, appeal differs": Setting(spread=1.0),
    "lists, appeal differs much": Setting(1.0, spread=2.0),
    "lists, 10 users": Setting(1.0, lists=10),
    "lists, group of 5 %": Setting(1.0, share=0.05),
    "lists, 60 items": Setting(1.0, items=60, k=5),
    "20 lists shared": Setting(1.0, shared=20),
    "5 lists shared": Setting(1.0, shared=5),
    "1 list of 40 for all": Setting(1.0, k=40, shared=1),
    "1 list of 10 for all": Setting(1.0, shared=1),
    **{
        f"lists, {n:,} items{', no effect' if ratio == 1 else ''}": Setting(ratio, items=n)
        for n in (200, 1_000, 5_000)
        for ratio in (1.0, 2.0)
    },
}


def counts_of_lists(rng: np.random.Generator, chances: np.ndarray, n: int) -> np.ndarray:
    """Return how many of n lists hold each item."""
    counts = np.zeros(len(chances))
    for _ in range(n):
        order = rng.permutation(len(chances))
        ends = np.cumsum(chances[order]) + rng.random()
        starts = np.concatenate([[ends[0] - chances[order[0]]], ends[:-1]])
        counts[order[np.floor(ends) > np.floor(starts)]] += 1
    return counts


def simulated(
    rng: np.random.Generator, setting: Setting
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return how often items were recommended, their popularity, and which are in the group."""
    n = setting.items
    popularity, member = np.floor(rng.lognormal(3, 1, n)), rng.random(n) < setting.share
    appeal = (1 + popularity) ** 0.6 * np.where(member, setting.ratio, 1.0)
    if setting.spread:
        appeal *= rng.gamma(1 / setting.spread, setting.spread, n)
    chances = np.minimum(appeal / appeal.sum() * setting.k, 0.999)
    if setting.draws:
        return rng.poisson(chances * setting.lists).astype(float), popularity, member
    if not setting.shared:
        return counts_of_lists(rng, chances, setting.lists), popularity, member
    times = rng.multinomial(setting.lists, np.ones(setting.shared) / setting.shared)
    counts = np.sum([counts_of_lists(rng, chances, 1) * t for t in times.tolist()], axis=0)
    return counts, popularity, member


def main() -> None:
    """Print a row for every setting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=1_000)
    simulations = parser.parse_args().simulations
    print(f"{'setting':<28} ratio  mean  coverage  alarms  found  undefined  ms/fit")
    for name, setting in SETTINGS.items():
        held, rejected, logs = [], [], []
        took = 0.0
        for seed in range(simulations):
            counts, popularity, member = simulated(np.random.default_rng([17, seed]), setting)
            groups = group_items(np.where(member, "group", "rest").tolist())
            start = time.process_time()
            effect = popularity_regression(counts, popularity, groups).groups.get("group")
            took += time.process_time() - start
            if effect is None or effect.p_value is None:
                continue
            estimate = effect.estimate
            held.append(estimate.low <= setting.ratio <= estimate.high)
            rejected.append(effect.p_value <= 0.05)
            logs.append(np.log(estimate.value))
        undefined, per_fit = simulations - len(held), 1_000 * took / simulations
        if not held:
            print(f"{name:<28} {setting.ratio:5.2g}{'-':>6}{'-':>10}{'-':>8}{'-':>7}", end="")
            print(f"{undefined:>11}{per_fit:8.1f}", flush=True)
            continue
        coverage, rate = np.mean(held), f"{np.mean(rejected):.3f}"
        alarms, found = (rate, "-") if setting.ratio == 1 else ("-", rate)
        star = " " if WANTED[0] <= coverage <= WANTED[1] else "*"
        print(f"{name:<28} {setting.ratio:5.2g}{np.exp(np.mean(logs)):6.2f}", end="")
        print(
            f"{coverage:9.3f}{star}{alarms:>8}{found:>7}{undefined:>11}{per_fit:8.1f}", flush=True
        )


if __name__ == "__main__":
    main()
