"""False alarms and coverage of what the exposure audit finds.

    python benchmarks/exposure_calibration.py [audits per setting, 1000]

A simulated recommender draws lists of ten out of 300 items of four makers, one of them rare. Users
have tastes of their own for makers, or none; items have a popularity of their own, or none. What
it would give to endlessly many users is what makers deserve, so every alarm is a false one: the
share of audits that call a maker out at 0.05 should be at most 0.07, and 95 % intervals should hold
the truth in 0.93 or more. Alarms, shares and log ratios (DTR) are those of the maker that does
worst of the four, which is beyond 0.05 by luck alone. Random groupings ask whether makers matter,
which they do not where items alone differ. The truth of Gini is its mean over all audits of as many
users. Prints one row per setting; a star marks what lies outside; the last rows show what is found
of a planted effect.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from fairrec.audits.exposure_findings import ExposureJudge
from fairrec.audits.exposure_sums import ExposureSums
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.concentration import shares
from fairrec.metrics.exposure import group_exposure, place_exposure
from fairrec.metrics.item_groups import group_items
from fairrec.metrics.item_lists import ItemLists
from fairrec.metrics.merit import catalogue_shares
from fairrec.results import Estimate, Finding

N, K = 300, 10
MAKERS = ["big"] * 150 + ["mid"] * 100 + ["small"] * 44 + ["rare"] * 6
GROUPS = group_items(MAKERS)
CODES = GROUPS.membership.indices
LOG2 = Browsing("log2")
MANY = 300_000


@dataclass(frozen=True)
class Setting:
    """What the recommender does.

    Attributes:
        name: For readers.
        taste: Spread of the users' tastes for makers, on the scale of log weights.
        popularity: Spread of the items' popularity, likewise.
        effect: Factor by which the small maker's items are drawn less often.
        relevant: Relevant items of every user, drawn at random; makers deserve their shares.
    """

    name: str
    taste: float = 0.0
    popularity: float = 0.0
    effect: float = 1.0
    relevant: int = 0

    def lists(self, rng: np.random.Generator, users: int, liked: np.ndarray) -> ItemLists:
        """Draw every user's list without replacement (Gumbel's trick)."""
        scores = rng.gumbel(size=(users, N)) + liked
        scores += self.taste * rng.normal(size=(users, len(GROUPS)))[:, CODES]
        scores[:, np.array(MAKERS) == "small"] -= np.log(self.effect)
        best = np.argpartition(-scores, K, axis=1)[:, :K]
        order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1)
        return ItemLists(np.take_along_axis(best, order, axis=1).astype(np.int32), N)

    def truth(self, liked: np.ndarray) -> np.ndarray:
        """Return the makers' shares of exposure with very many users."""
        rng, total = np.random.default_rng(0), np.zeros(len(GROUPS))
        for _ in range(MANY // 2_000):
            lists = self.lists(rng, 2_000, liked)
            total += group_exposure(lists, GROUPS, place_exposure(lists, LOG2)).sum(axis=0)
        return shares(total)


def judged(setting: Setting, users: int, seed: int, liked: np.ndarray, target: np.ndarray):
    """Return the findings about items and makers of one audit, by statistic and maker."""
    rng = np.random.default_rng([seed, users])
    sums = ExposureSums(N, K, GROUPS, [LOG2])
    relevant = None
    if setting.relevant:
        chosen = np.argsort(rng.random((users, N)), axis=1)[:, : setting.relevant].ravel()
        starts = np.arange(users + 1) * setting.relevant
        relevant = csr_matrix((np.ones(len(chosen)), chosen, starts), shape=(users, N))
    sums.update(setting.lists(rng, users, liked), np.arange(users), relevant)
    targets = {"relevance" if setting.relevant else "given": target}
    judge = ExposureJudge(sums, "maker", targets, n=users, draws=400, seed=seed)
    return {(f.statistic, f.value): f for f in [*judge.items(), *judge.groups()]}


def holds(estimate: Estimate, truth: float) -> bool:
    """Whether an interval holds the truth; one without a lower end reaches down to anything."""
    low = -np.inf if estimate.low is None else estimate.low
    return estimate.high is None or low - 1e-9 <= truth <= estimate.high + 1e-9


def called(finding: Finding) -> bool:
    return finding.p_value is not None and finding.p_value <= 0.05


def run(setting: Setting, users: int, seeds: range) -> None:
    merit = "relevance" if setting.relevant else "given"
    planted = setting.effect != 1
    target = catalogue_shares(GROUPS)
    if setting.taste:
        target = setting.truth(np.zeros(N))
    alarms, share, log = np.zeros((3, len(GROUPS)))
    grouping = ratio = treatment = 0
    ginis = []
    for seed in seeds:
        liked = setting.popularity * np.random.default_rng([seed, 1]).normal(size=N)
        found = judged(setting, users, seed, liked, target)
        for place, name in enumerate(GROUPS.names):
            alarms[place] += called(found[f"share_less_{merit}", name])
            share[place] += holds(found["share", name].estimate, target[place])
            log[place] += holds(found[f"log_ratio_to_{merit}", name].estimate, 0.0)
        grouping += called(found["parity_difference", None])
        per_item = target / catalogue_shares(GROUPS)
        ratio += holds(found["parity_ratio", None].estimate, per_item.min() / per_item.max())
        treatment += holds(found[f"treatment_by_{merit}_ratio", None].estimate, 1.0)
        ginis.append(found["gini", None].estimate)
    mean = float(np.mean([e.value for e in ginis]))
    gini = sum(holds(e, mean) for e in ginis)
    alarm = alarms[GROUPS.names.index("small")] if planted else alarms.max()
    # Whose makers' shares are not the target, or whose items are not alike, is asked less.
    asked = {
        "alarm": not setting.popularity,
        "grouping": not setting.taste,
        "gini": not setting.popularity,
        **dict.fromkeys(("share", "log", "parity", "treatment"), not setting.popularity),
    }
    asked |= dict.fromkeys(("share", "log", "parity", "treatment"), not planted and asked["alarm"])
    counts = (alarm, grouping, gini, share.min(), log.min(), ratio, treatment)
    cells = [f"{setting.name:<40} {users:>5}"]
    for (name, shown), count in zip(asked.items(), counts, strict=True):
        rate = float(count) / len(seeds)
        wrong = rate > 0.07 if name in ("alarm", "grouping") else rate < 0.93
        star = "*" if wrong and not (planted and name in ("alarm", "grouping")) else " "
        cells.append(f"{rate:9.3f}{star}" if shown else f"{'-':>9} ")
    print("".join(cells), flush=True)


if __name__ == "__main__":
    audits = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    started = time.perf_counter()
    print(f"{audits} audits a row")
    names = ("alarm", "grouping", "gini", "share", "log", "parity", "treatment")
    print(" " * 46 + "".join(f"{name:>9} " for name in names))
    settings = [
        Setting("all items alike"),
        Setting("users with tastes", taste=0.7),
        Setting("popular items, whoever made them", popularity=1.0),
        Setting("deserved by relevance, 1 item a user", relevant=1),
        Setting("deserved by relevance, 5 items a user", relevant=5),
        Setting("small maker half as often (found)", effect=2.0),
    ]
    rows = [(setting, users) for setting in settings for users in (30, 100, 1000)]
    for row, (setting, users) in enumerate(rows):  # rows share no random number
        run(setting, users, range(row * audits, (row + 1) * audits))
    print(f"{time.perf_counter() - started:.0f} s")
