"""How long rerankers take, and other programs' on the same numbers in the same run.

    python benchmarks/rerankers.py [--users 1000] [--items 1000] [--k 20] [--groups 10]
    python benchmarks/rerankers.py --online       # one list of 200 candidates at a time
    python benchmarks/rerankers.py --large        # a million lists of 100 candidates, in batches

Scores are uniform, groups Zipf-distributed. Candidates are sorted beforehand, which is timed apart;
each method is run once before it is timed (numba compiles then). Other programs are timed once, as
far as they are installed (see `reranker_peers.py`).
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import reranker_peers as peers

from fairrec.metrics.browsing import Browsing
from fairrec.metrics.fa_ir import adjusted_table
from fairrec.metrics.item_groups import ItemGroups, group_items
from fairrec.mitigations.rerankers.amortised import amortised
from fairrec.mitigations.rerankers.calibrated import calibrated
from fairrec.mitigations.rerankers.candidates import Candidates, candidate_lists
from fairrec.mitigations.rerankers.cpfair import cpfair
from fairrec.mitigations.rerankers.det_const_sort import det_const_sort
from fairrec.mitigations.rerankers.det_greedy import det_ranking
from fairrec.mitigations.rerankers.exposure_constraints import constraint_rows
from fairrec.mitigations.rerankers.exposure_dual import exposure_dual
from fairrec.mitigations.rerankers.exposure_lp import exposure_lp
from fairrec.mitigations.rerankers.fa_ir import fa_ir
from fairrec.mitigations.rerankers.fairco import ExposureGiven, fairco
from fairrec.mitigations.rerankers.fairrec_plus import fairrec_plus
from fairrec.mitigations.rerankers.fairsync import fairsync
from fairrec.mitigations.rerankers.far import far
from fairrec.mitigations.rerankers.gini_welfare import gini_welfare
from fairrec.mitigations.rerankers.min_regulariser import PlacesGiven, min_regulariser
from fairrec.mitigations.rerankers.mmr import mmr
from fairrec.mitigations.rerankers.p_mmf import Prices, p_mmf
from fairrec.mitigations.rerankers.taxrank import taxrank
from fairrec.mitigations.rerankers.tfrom import tfrom_offline
from fairrec.mitigations.rerankers.tfrom_online import tfrom_online
from fairrec.mitigations.rerankers.two_sided_allocation import fairrec_allocation
from fairrec.mitigations.rerankers.welfare import welf
from fairrec.mitigations.rerankers.xquad import xquad

Work = Callable[[], Any]
ROUNDS = 5


def seconds(work: Work, rounds: int = ROUNDS) -> float:
    """Return the median seconds of some rounds, after one that does not count."""
    work()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def once(work: Work | None) -> float | None:
    """Return the seconds of one round, or None where the program is not there."""
    if work is None:
        return None
    start = time.perf_counter()
    try:
        work()
    except Exception as error:
        print(f"    (another program failed: {type(error).__name__}: {error})")
        return None
    return time.perf_counter() - start


def groups_of(n: int, n_groups: int, rng: np.random.Generator) -> ItemGroups:
    """Return groups whose sizes follow Zipf's law; each has an item."""
    shares = 1 / np.arange(1, n_groups + 1)
    drawn = rng.choice(n_groups, n - n_groups, p=shares / shares.sum())
    return group_items([f"g{g:02d}" for g in np.concatenate([np.arange(n_groups), drawn])])


def compare(users: int, items: int, k: int, n_groups: int) -> None:
    """Time every method on one dense problem, beside whoever else has it."""
    rng = np.random.default_rng(0)
    scores, groups = rng.random((users, items)), groups_of(items, n_groups, rng)
    codes = np.asarray(groups.codes)
    shares = np.bincount(codes, minlength=n_groups) / items
    lists = candidate_lists(scores)
    protected = codes == n_groups // 3
    table = adjusted_table(k, float(protected.mean()), 0.1).table
    parts = group_items(["head" if n < items // 5 else "tail" for n in range(items)])
    tastes = rng.dirichlet([1, 1], users)
    profiles = rng.dirichlet(np.ones(n_groups), users)
    active = rng.random(users) < 0.05
    seeds = tuple(range(users))
    print(f"{users:,} lists x {items:,} candidates, k = {k}, {n_groups} groups")
    print(f"  sorting the candidates  {seconds(lambda: candidate_lists(scores), 3):9.4f} s\n")
    work: dict[str, tuple[Work, Callable[[], Work | None]]] = {
        "FA*IR": (
            lambda: fa_ir(lists, protected, table),
            lambda: peers.fairsearch(scores, protected, k, float(protected.mean()), 0.1),
        ),
        "DetGreedy": (
            lambda: det_ranking(lists, groups, k=k),
            lambda: peers.reranking(scores, codes, shares, k, "det_greedy"),
        ),
        "DetCons": (
            lambda: det_ranking(lists, groups, k=k, rule="cons"),
            lambda: peers.reranking(scores, codes, shares, k, "det_cons"),
        ),
        "DetConstSort": (
            lambda: det_const_sort(lists, groups, k=k),
            lambda: peers.fairranktune(scores, codes, shares, k),
        ),
        "FairRec": (
            lambda: fairrec_allocation(lists, k=k, alpha=0.5),
            lambda: peers.fairdiverse("FairRec", scores, codes, k, para=0.5),
        ),
        "FairRec+": (
            lambda: fairrec_plus(lists, k=k, alpha=0.5),
            lambda: peers.fairdiverse("FairRecPlus", scores, codes, k, para=0.5),
        ),
        "P-MMF": (
            lambda: p_mmf(lists, groups, k=k, strength=0.1),
            lambda: peers.fairdiverse(
                "PMMF", scores, codes, k, **{"lambda": 0.1, "learning_rate": 0.01, "gamma": 0.5}
            ),
        ),
        "Welf, 30 steps": (
            lambda: welf(lists, groups, k=k, side="groups", iterations=30),
            lambda: peers.fairdiverse(
                "Welf",
                scores,
                codes,
                k,
                **{"lambda": 1.0, "alpha1": 0.5, "alpha2": 0.5},
                iter_num=30,
            ),
        ),
        "CPFair": (
            lambda: cpfair(lists, groups, active, k=k),
            lambda: peers.fairdiverse("CPFair", scores, codes, k, **{"lambda": 1.0}),
        ),
        "min-regulariser": (
            lambda: min_regulariser(lists, groups, k=k),
            lambda: peers.fairdiverse("min_regularizer", scores, codes, k, **{"lambda": 0.1}),
        ),
        "FairCo": (lambda: fairco(lists, groups, k=k), lambda: None),
        "GGF, 30 steps": (
            lambda: gini_welfare(lists, groups, k=k, side="groups", iterations=30),
            lambda: None,
        ),
        "TFROM": (lambda: tfrom_offline(lists, groups, k=k), lambda: None),
        "FairSync": (lambda: fairsync(lists, groups, k=k), lambda: None),
        "TaxRank": (lambda: taxrank(lists, k=k, seeds=seeds), lambda: None),
        "xQuAD": (lambda: xquad(lists, parts, tastes, k=k), lambda: None),
        "calibrated": (lambda: calibrated(lists, groups, profiles, k=k), lambda: None),
        "FAR": (lambda: far(lists, groups, k=k), lambda: None),
        "MMR": (lambda: mmr(lists, groups, k=k), lambda: None),
        "amortised": (lambda: amortised(lists, k=k), lambda: None),
    }
    print(f"  {'method':<18}{'fairrec':>12}{'another':>12}{'ratio':>10}")
    for name, (ours, theirs) in work.items():
        mine = seconds(ours, 3)
        other = once(theirs())
        beside = "" if other is None else f"{other:10.3f} s{other / mine:9.0f} x"
        print(f"  {name:<18}{mine:10.4f} s{beside}", flush=True)
    one_list(rng)


def one_list(rng: np.random.Generator) -> None:
    """Time the exposure program of one list of 200 candidates: the dual, and HiGHS."""
    n, weights = 200, Browsing("log2").weights(200)
    print("\n  fairness of exposure, one list of 200 candidates")
    for n_groups in (2, 5, 10):
        relevance = rng.random(n)
        rows = constraint_rows(relevance, np.arange(n) % n_groups, "treatment")
        mine = seconds(lambda r=relevance, c=rows: exposure_dual(r, c, weights), 5)
        other = once(lambda r=relevance, c=rows: exposure_lp(r, c, weights)) or float("nan")
        print(
            f"  {n_groups:>2} groups: dual {1e3 * mine:8.2f} ms, HiGHS {1e3 * other:8.0f} ms, "
            f"ratio {other / mine:6.0f} x",
            flush=True,
        )


def online(rounds: int = 2_000) -> None:
    """Time methods that rank one list after another, list by list."""
    rng = np.random.default_rng(1)
    groups, k = groups_of(200, 10, rng), 20
    lists = candidate_lists(rng.random((rounds, 200)))
    rows = [lists.rows(slice(n, n + 1)) for n in range(rounds)]
    given, prices, places, state = ExposureGiven(), Prices(), PlacesGiven(), None
    methods: dict[str, Callable[[Candidates], Any]] = {
        "FairCo": lambda row: fairco(row, groups, k=k, given=given),
        "P-MMF": lambda row: p_mmf(row, groups, k=k, prices=prices),
        "min-regulariser": lambda row: min_regulariser(row, groups, k=k, given=places),
        "TFROM online": lambda row: tfrom_online(row, groups, k=k, state=state),
        "FA*IR": lambda row: fa_ir(row, groups.codes == 1, np.zeros(k, dtype=np.int64)),
        "DetGreedy": lambda row: det_ranking(row, groups, k=k),
    }
    print(f"one list of 200 candidates, k = {k}, {rounds:,} lists one by one")
    for name, method in methods.items():
        method(rows[0])
        times = []
        for row in rows:
            start = time.perf_counter()
            method(row)
            times.append(time.perf_counter() - start)
        median, worst = 1e3 * np.median(times), 1e3 * np.quantile(times, 0.99)
        print(f"  {name:<18} median {median:7.3f} ms, 99 % within {worst:7.3f} ms", flush=True)


def large(n_lists: int = 1_000_000, candidates: int = 100, batch: int = 50_000) -> None:
    """Time a million lists in batches: drawing scores is not counted, sorting is."""
    rng = np.random.default_rng(2)
    n_items, k = 10_000, 20
    groups = groups_of(n_items, 10, rng)
    parts = group_items(["head" if n < 2_000 else "tail" for n in range(n_items)])
    protected = np.asarray(groups.codes) == 2
    table = adjusted_table(k, 0.2, 0.1).table
    given = ExposureGiven()
    methods: dict[str, Callable[[Candidates], Any]] = {
        "sorting": lambda lists: candidate_lists(lists.scores, lists.items, n_items),
        "FA*IR": lambda lists: fa_ir(lists, protected, table),
        "DetGreedy": lambda lists: det_ranking(lists, groups, k=k),
        "xQuAD": lambda lists: xquad(lists, parts, np.full((len(lists), 2), 0.5), k=k),
        "FairCo": lambda lists: fairco(lists, groups, k=k, given=given),
    }
    totals = dict.fromkeys(methods, 0.0)
    for start in range(0, n_lists, batch):
        first = rng.integers(0, n_items, (batch, 1))
        items = (first + rng.permutation(n_items)[:candidates]) % n_items
        scores = rng.random(items.shape)
        begun = time.perf_counter()
        lists = candidate_lists(scores, items, n_items)
        totals["sorting"] += time.perf_counter() - begun
        for name, method in methods.items():
            if name == "sorting":
                continue
            if start == 0:
                method(lists.rows(slice(0, 10)))
            begun = time.perf_counter()
            method(lists)
            totals[name] += time.perf_counter() - begun
    print(f"{n_lists:,} lists x {candidates} candidates, batches of {batch:,}, k = {k}")
    for name, total in totals.items():
        print(f"  {name:<12}{total:8.1f} s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"  peak memory {peak:.2f} GB")


def main() -> None:
    """Print one of the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("users", 1000), ("items", 1000), ("k", 20), ("groups", 10)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--online", action="store_true")
    parser.add_argument("--large", action="store_true")
    args = parser.parse_args()
    if args.online:
        online()
    elif args.large:
        large()
    else:
        compare(args.users, args.items, args.k, args.groups)


if __name__ == "__main__":
    main()
