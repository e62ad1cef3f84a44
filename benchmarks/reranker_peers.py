"""Other programs' rerankers on the same dense problem, as far as they are installed.

    pip install --no-deps reranking fairsearchcore fairranktune fairdiverse
    pip install cvxpy pot mip gurobipy   # what fairdiverse imports

Each adapter returns a function that does the work, or None where the program is not there. What is
prepared beforehand (documents, tables) is not timed.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Work = Callable[[], Any]


def _quietly(work: Work) -> Work:
    """Return the same work without its progress bars."""

    def silent() -> Any:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            return work()

    return silent


def fairdiverse(
    name: str, scores: NDArray[np.float64], codes: NDArray[np.int64], k: int, **settings: float
) -> Work | None:
    """Return one of FairDiverse's rerankers: FairRec, FairRecPlus, PMMF, Welf, CPFair."""
    try:
        import importlib

        models = importlib.import_module("fairdiverse.recommendation.rerank_model")
    except ImportError:
        return None
    groups = int(codes.max()) + 1
    kind = getattr(models, name)
    model = object.__new__(kind)  # its constructor reads files
    model.config = {"item_num": scores.shape[1], "group_num": groups, **settings}
    model.item_num, model.group_num = scores.shape[1], groups
    model.M = np.eye(groups)[codes]
    # Shares of exposure that it grants to groups: by their items, with room to choose.
    model.weights = np.minimum(1.0, 1.5 * np.bincount(codes, minlength=groups) / len(codes))
    return _quietly(lambda: model.rerank(scores.copy(), k))


def fairsearch(
    scores: NDArray[np.float64], protected: NDArray[np.bool_], k: int, p: float, alpha: float
) -> Work | None:
    """Return fairsearchcore's FA*IR, its unadjusted table made once, for each list."""
    try:
        from fairsearchcore import fair, re_ranker
        from fairsearchcore.models import FairScoreDoc
    except ImportError:
        return None
    order = np.argsort(-scores, axis=1)
    lists = [
        [FairScoreDoc(int(i), float(row[i]), bool(protected[i])) for i in best]
        for row, best in zip(scores, order, strict=True)
    ]
    # Its adjusted table cannot be made under current versions of pandas: a hash that is no integer.
    table = fair.Fair(k, p, alpha).create_unadjusted_mtable()

    def work() -> Any:
        return [
            re_ranker.fair_top_k(
                k,
                [doc for doc in docs if doc.is_protected],
                [doc for doc in docs if not doc.is_protected],
                table,
            )
            for docs in lists
        ]

    return work


def reranking(
    scores: NDArray[np.float64],
    codes: NDArray[np.int64],
    shares: NDArray[np.float64],
    k: int,
    algorithm: str,
) -> Work | None:
    """Return a method of the package `reranking`: det_greedy, det_cons, det_relaxed, ..."""
    try:
        from reranking import rerank
    except ImportError:
        return None
    order = np.argsort(-scores, axis=1)
    attributes = [codes[best] for best in order]
    wanted = dict(enumerate(shares.tolist()))
    return lambda: [rerank(listed, wanted, k_max=k, algorithm=algorithm) for listed in attributes]


def fairranktune(
    scores: NDArray[np.float64], codes: NDArray[np.int64], shares: NDArray[np.float64], k: int
) -> Work | None:
    """Return FairRankTune's DetConstSort for each list."""
    try:
        import pandas as pd
        from FairRankTune.Rankers import DETCONSTSORT
    except ImportError:
        return None
    order = np.argsort(-scores, axis=1)
    groups = {item: int(code) for item, code in enumerate(codes)}
    tables = [
        (pd.DataFrame(best), pd.DataFrame(row[best]))
        for row, best in zip(scores, order, strict=True)
    ]
    wanted = {g: float(share) for g, share in enumerate(shares)}

    def work() -> Any:
        return [
            DETCONSTSORT(items, {i: groups[i] for i in items[0]}, values, wanted, k)
            for items, values in tables
        ]

    return work
