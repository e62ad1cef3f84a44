"""Fairness of exposure as the linear program of the paper, solved by HiGHS.

Singh and Joachims, "Fairness of Exposure in Rankings", KDD 2018, equation 3: over all matrices P of
chances of items to stand at places, maximise Σ_ij r_i P_ij v_j with constraints on the exposure of
groups. This is the reference; `exposure_dual` gives the same optimum in a fraction of the time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_matrix, eye, hstack, kron, vstack

from fairrec.errors import RunBroken
from fairrec.mitigations.rerankers.exposure_constraints import price_of_missing


def exposure_lp(
    relevance: NDArray[np.float64],
    rows: NDArray[np.float64],
    weights: NDArray[np.float64],
    wanted: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64], float]:
    """Return the best marginals, and by how much their constraints are missed in sum.

    Args:
        relevance: Shape (n,).
        rows: Shape (L, n): c, of ``c @ E = wanted``.
        weights: Shape (k,), k <= n: the exposure v of each place.
        wanted: Shape (L,); zeros where None.

    Returns:
        Shape (n, k): columns sum to 1 and rows to at most 1. The second is 0 unless no marginals
        meet the constraints: then those are returned that miss them by least, and of these about
        the best.

    Raises:
        RunBroken: The solver failed.
    """
    n, k = len(relevance), len(weights)
    goal = np.zeros(len(rows)) if wanted is None else wanted
    exposure = kron(eye(n), csr_matrix(weights[None, :]))  # (n, n k): E of vec(P)
    fair = csr_matrix(rows) @ exposure
    slack = eye(len(rows))
    columns = kron(csr_matrix(np.ones((1, n))), eye(k))
    none = csr_matrix((k, 2 * len(rows)))
    price = price_of_missing(relevance, rows)
    worth = -np.outer(relevance, weights).ravel()
    solved = linprog(
        np.concatenate([worth, np.full(2 * len(rows), price)]),
        A_ub=hstack([kron(eye(n), csr_matrix(np.ones((1, k)))), csr_matrix((n, 2 * len(rows)))]),
        b_ub=np.ones(n),
        A_eq=vstack([hstack([columns, none]), hstack([fair, slack, -slack])]).tocsr(),
        b_eq=np.concatenate([np.ones(k), goal]),
        bounds=(0, None),
        method="highs",
    )
    if solved.x is None:
        raise RunBroken(
            f"the linear program was not solved: {solved.message}",
            expected="an optimum.",
            do="use the dual solver.",
        )
    marginals = np.clip(solved.x[: n * k].reshape(n, k), 0.0, 1.0)
    return marginals, float(solved.x[n * k :].sum())
