"""Linear erasure of a label from vectors: the baseline that needs no training of a model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairrec.errors import BadData


@dataclass(frozen=True)
class LinearErasure:
    """An affine map after which no linear attacker does better than guessing.

    LEACE: Nora Belrose et al., "LEACE: Perfect Linear Concept Erasure in Closed Form", NeurIPS
    2023, theorem 4.3. Of all affine maps that make the covariance with the label's indicators
    zero, it changes the vectors least.

    >>> vectors = np.array([[0.0, 1.0], [0.5, 0.0], [3.0, 0.5], [3.5, 1.0]])
    >>> erased = LinearErasure.fit(vectors, np.array([0, 0, 1, 1])).transform(vectors)
    >>> bool(np.allclose(erased[:2].mean(axis=0), erased[2:].mean(axis=0)))
    True

    Attributes:
        matrix: d x d.
        mean: d, what vectors are centred by.
    """

    matrix: NDArray[np.float64]
    mean: NDArray[np.float64]

    @classmethod
    def fit(cls, vectors: NDArray[np.floating], labels: NDArray[np.intp]) -> LinearErasure:
        """Learn the map.

        Args:
            vectors: n x d finite numbers.
            labels: n classes.

        Raises:
            BadData: There is one class alone, or a vector is not finite.
        """
        values = np.unique(labels)
        if len(values) < 2 or not np.isfinite(vectors).all():
            raise BadData(
                f"{len(values)} class(es), {int((~np.isfinite(vectors)).sum())} values not finite.",
                expected="finite vectors of at least two classes.",
            )
        vectors = np.asarray(vectors, dtype=np.float64)
        mean = vectors.mean(axis=0)
        centred = vectors - mean
        marks = (labels[:, None] == values).astype(np.float64)
        spread, directions = np.linalg.eigh(centred.T @ centred / len(vectors))
        real = spread > spread.max() * 1e-10
        directions, spread = directions[:, real], spread[real]
        whiten = directions / np.sqrt(spread) @ directions.T
        unwhiten = directions * np.sqrt(spread) @ directions.T
        shared = whiten @ (centred.T @ (marks - marks.mean(axis=0))) / len(vectors)
        left, size, _ = np.linalg.svd(shared, full_matrices=False)
        left = left[:, size > size.max() * 1e-8]
        return cls(np.eye(len(mean)) - unwhiten @ left @ left.T @ whiten, mean)

    def transform(self, vectors: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return vectors, n x d, without what a linear attacker can use."""
        return (vectors - self.mean) @ self.matrix.T + self.mean


def correlation_removed(
    vectors: NDArray[np.floating], labels: NDArray[np.intp], alpha: float = 1.0
) -> NDArray[np.float64]:
    """Return the vectors of an embedding recommender less what labels explain, by fairlearn.

    fairlearn's CorrelationRemover regresses on the label, and so has to be told it for every
    user, also when serving; `LinearErasure` needs it for fitting alone.

    Args:
        vectors: n x d.
        labels: n classes; one indicator a class but the first.
        alpha: Share that is removed, in [0, 1].
    """
    from fairlearn.preprocessing import CorrelationRemover

    marks = (labels[:, None] == np.unique(labels)[1:]).astype(np.float64)
    columns = list(range(marks.shape[1]))
    remover = CorrelationRemover(sensitive_feature_ids=columns, alpha=alpha)
    return np.asarray(remover.fit_transform(np.hstack([marks, vectors])), dtype=np.float64)
