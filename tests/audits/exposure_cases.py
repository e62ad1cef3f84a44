"""Lists drawn at random, and sums and audits of them."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix
from shelf import WORDS, shelf, users

from fairrec.audits import ExposureAudit
from fairrec.audits.exposure_findings import ExposureJudge
from fairrec.audits.exposure_sums import ExposureSums
from fairrec.metrics.browsing import Browsing
from fairrec.metrics.item_groups import ItemGroups
from fairrec.metrics.item_lists import ItemLists
from fairrec.results import Finding

N, K = 60, 5


MAKERS = (["a"] * 3 + ["b"] * 2 + [None]) * 10


UNIFORM = Browsing("uniform")


def random_lists(rng: np.random.Generator, n: int, weight: np.ndarray | None = None) -> ItemLists:
    scores = rng.gumbel(size=(n, N)) + (0 if weight is None else np.log(weight))
    return ItemLists(np.argsort(-scores, axis=1)[:, :K], N)


def summed(
    lists: ItemLists, groups: ItemGroups | None, relevant: csr_matrix | None = None
) -> ExposureSums:
    sums = ExposureSums(lists.n_items, lists.k, groups, [UNIFORM])
    sums.update(lists, np.arange(len(lists)), relevant)
    return sums


def found(sums: ExposureSums, targets=None, **settings) -> dict[tuple[str, str | None], Finding]:
    how = {"n": sums.n_lists, "draws": 300, **settings}
    judge = ExposureJudge(sums, "maker", targets or {}, **how)
    return {(f.statistic, f.value): f for f in [*judge.items(), *judge.groups()]}


def random_relevance(rng: np.random.Generator, n: int, each: int) -> csr_matrix:
    chosen = np.argsort(rng.random((n, N)), axis=1)[:, :each].ravel()
    return csr_matrix((np.ones(len(chosen)), chosen, np.arange(n + 1) * each), shape=(n, N))


def audited(n: int = 40, held_out: bool = False, catalog=None, **settings) -> ExposureAudit:
    items = shelf() if catalog is None else catalog
    how = {"users": users(n, items, held_out), "column": "maker", "k": 10, "draws": 200}
    return ExposureAudit(items, WORDS, **{**how, **settings})
