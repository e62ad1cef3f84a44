"""Matrix factorisation of implicit feedback, through the package `implicit`.

Yifan Hu, Yehuda Koren and Chris Volinsky, "Collaborative Filtering for Implicit Feedback Datasets",
ICDM 2008.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from fairrec.catalogs import Catalog
from fairrec.errors import ModelUnavailable
from fairrec.recommenders.conventional.histories import ConventionalModel, history_matrix
from fairrec.types import Request
from fairrec.users import User


class ImplicitALS(ConventionalModel):
    """Scores an item by the product of its factors and the user's.

    A user's factors are solved for from the history of the request, whether or not the user was
    there while the model learnt.

    Args:
        catalog: The items.
        factors: Length of the vectors.
        regularization: Weight of the squared lengths of the vectors.
        alpha: Weight of an item that is in a history; one that is not has 1.
        iterations: Rounds of alternating least squares.
        seed: Of the first factors.

    Raises:
        ModelUnavailable: The package `implicit` is not installed.
    """

    kind = "implicit ALS"

    def __init__(
        self,
        catalog: Catalog,
        *,
        factors: int = 32,
        regularization: float = 0.05,
        alpha: float = 10.0,
        iterations: int = 15,
        seed: int = 0,
    ) -> None:
        super().__init__(
            catalog,
            factors=factors,
            regularization=regularization,
            alpha=alpha,
            iterations=iterations,
            seed=seed,
        )
        self._model = _implicit_model(self.settings)

    def _learn(self, matrix: sparse.csr_matrix, users: Sequence[User]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about threads of the machine's BLAS
            self._model.fit(matrix, show_progress=False)

    def embed_users(self, requests: Sequence[Request]) -> NDArray[np.float64]:
        """Return the users' factors; see `fairrec.protocols.EmbedsUsers`. Of an unknown history
        they are 0."""
        self.check_fitted()
        had = history_matrix(self.catalog, [request.history for request in requests])
        if not requests:
            return np.empty((0, self.settings["factors"]))
        found = self._model.recalculate_user(np.arange(len(requests)), had)
        return np.asarray(found, dtype=np.float64)

    def _score_all(self, requests: Sequence[Request]) -> NDArray[np.float64]:
        return self.embed_users(requests) @ self._model.item_factors.astype(np.float64).T


def _implicit_model(settings: dict[str, Any]) -> Any:
    try:
        from implicit.cpu.als import AlternatingLeastSquares
    except ImportError as error:
        raise ModelUnavailable(
            "implicit cannot be imported.",
            expected="the extra 'conventional', which ALS needs.",
            do="pip install 'fairrec[conventional]'",
        ) from error
    told = {name: value for name, value in settings.items() if name != "seed"}
    # One thread: sums in another order would be other numbers.
    return AlternatingLeastSquares(**told, random_state=settings["seed"], num_threads=1)
