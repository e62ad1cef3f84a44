"""How long item-side measures of 1,000 lists take, without intervals, and FairRankTune beside it.

    python benchmarks/item_metrics.py [--users 1000] [--k 20] [--items 3000] [--groups 5]

All measures of exposure, representation and popularity are computed once per round; the median of
the rounds is printed, and each family's share. FairRankTune, if it is installed, computes its
exposure (EXP), exposure per utility (EXPU) and average attention (called AWRF) in the same run.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from fairrec.metrics.amortised import inequity_of_amortised_attention
from fairrec.metrics.attention import awrf
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.calibration import calibration_jsd, calibration_kl, group_distribution
from fairrec.metrics.concentration import (
    bottom_share,
    catalogue_coverage,
    effective_number,
    herfindahl,
    shannon_entropy,
)
from fairrec.metrics.exposure import group_exposure, item_exposure, place_exposure
from fairrec.metrics.fa_ir import adjusted_table, mean_prefix_p, prefix_test
from fairrec.metrics.group_exposure import DISPARITIES, mean_exposure, treatment
from fairrec.metrics.group_representation import infeasible_index, ndkl, skew_at_k
from fairrec.metrics.inequality import gini
from fairrec.metrics.item_groups import group_items
from fairrec.metrics.item_lists import ItemLists
from fairrec.metrics.merit import catalogue_shares
from fairrec.metrics.novelty import mean_self_information
from fairrec.metrics.pairwise_parity import favoured_pair_rates
from fairrec.metrics.popularity import (
    average_popularity,
    log_popularity_difference,
    mean_popularity_rank,
    popularity_by_rank,
)
from fairrec.metrics.popularity_parts import (
    part_shares,
    split_by_interactions,
    tail_count,
    tail_share,
    user_popularity_deviation,
)
from fairrec.metrics.rank_biased_equity import erbe, erbp

ROUNDS = 15


def seconds(work: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """Return the median seconds of some rounds, after one that does not count."""
    work()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Print milliseconds by family, in all, and the ratio to the other program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("users", 1000), ("k", 20), ("items", 3000), ("groups", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    table = np.argpartition(rng.random((args.users, args.items)), args.k, axis=1)[:, : args.k]
    lists = ItemLists(table.astype(np.int32), args.items)
    names = [f"group {n}" for n in rng.integers(0, args.groups, args.items)]
    groups = group_items(names)
    history = ItemLists(rng.integers(0, args.items, (args.users, 10)).astype(np.int32), args.items)
    popularity = rng.zipf(1.5, args.items).astype(float)
    parts = split_by_interactions(popularity, (0.2, 0.8))
    target, browsing = catalogue_shares(groups), Browsing("log2")
    codes = np.asarray(groups.codes)[lists.items]

    def exposure() -> None:
        attention = place_exposure(lists, browsing)
        by_item = item_exposure(lists, attention)
        given = group_exposure(lists, groups, attention)
        for measure in (gini, herfindahl, effective_number, shannon_entropy, bottom_share):
            measure(by_item)
        catalogue_coverage(by_item)
        per_item = mean_exposure(given.sum(axis=0), groups.sizes)
        for form in DISPARITIES.values():
            form(per_item), form(treatment(given.sum(axis=0), target))
        awrf(given, target)
        awrf(given, target, "binomial")
        inequity_of_amortised_attention(by_item, popularity)
        erbe(lists, groups), erbp(lists, groups)

    def representation() -> None:
        ndkl(codes, target), skew_at_k(codes, target), infeasible_index(codes, target)
        favoured_pair_rates(codes, len(groups))
        flags = codes == 0
        prefix_test(flags, adjusted_table(args.k, 0.2, 0.1).table)
        mean_prefix_p(flags, 0.2)

    def popular() -> None:
        average_popularity(lists, popularity), mean_popularity_rank(lists, popularity)
        popularity_by_rank(lists, popularity)
        log_popularity_difference(lists, history, popularity)
        tail_share(lists, parts), tail_count(lists, parts)
        user_popularity_deviation(part_shares(history, parts), part_shares(lists, parts))
        p, q = group_distribution(history, groups), group_distribution(lists, groups)
        calibration_kl(p, q), calibration_jsd(p, q)
        mean_self_information(lists, popularity)

    families = {"exposure": exposure, "representation": representation, "popularity": popular}
    print(f"{args.users:,} lists of {args.k}, {args.items:,} items, {args.groups} groups")
    for name, family in families.items():
        print(f"{name:>16} {1000 * seconds(family):8.2f} ms")
    whole = seconds(lambda: [family() for family in families.values()])
    print(f"{'whole block':>16} {1000 * whole:8.2f} ms")
    other = _other_program(lists, names, rng)
    for name, taken in other.items():
        print(f"{name:>16} {1000 * taken:8.2f} ms   {taken / whole:.0f}x the whole block")
    if not other:
        print("FairRankTune is not installed: nothing to compare with.")


def _other_program(
    lists: ItemLists, names: list[str], rng: np.random.Generator
) -> dict[str, float]:
    try:
        import FairRankTune as frt
        import pandas
    except ImportError:
        return {}
    ranking = pandas.DataFrame({str(u): row for u, row in enumerate(lists.items.tolist())})
    relevance = pandas.DataFrame(
        -np.sort(-rng.random((lists.k, len(lists))), axis=0), columns=ranking.columns
    )
    of = dict(enumerate(names))
    return {
        "FairRankTune EXP": seconds(lambda: frt.Metrics.EXP(ranking, of, "MinMaxRatio"), 3),
        "EXPU": seconds(lambda: frt.Metrics.EXPU(ranking, of, relevance, "MinMaxRatio"), 3),
        "AWRF": seconds(lambda: frt.Metrics.AWRF(ranking, of, 0.1, "MinMaxRatio"), 3),
    }


if __name__ == "__main__":
    main()
