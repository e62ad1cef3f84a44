"""Finds the items whose words fit a query best, by BM25 (Robertson and Zaragoza 2009)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairrec.catalogs import Catalog
from fairrec.errors import ModelUnavailable


def item_texts(catalog: Catalog, columns: Sequence[str] = ()) -> list[str]:
    """Return the words of each item: its title, and what the columns hold where they hold any.

    Raises:
        WrongUse: The catalogue lacks a column.
    """
    kept = [catalog.column(name).tolist() for name in columns]
    texts = []
    for row, title in enumerate(catalog.titles):
        known = [str(values[row]) for values in kept if values[row] not in (None, "")]
        texts.append(". ".join([title, *(text.replace("|", ", ") for text in known)]))
    return texts


class TextSearch:
    """An index of texts.

    Args:
        texts: What is searched, in the order of the scores.

    Raises:
        ModelUnavailable: The package bm25s is not installed.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        try:
            import bm25s
        except ImportError as error:
            raise ModelUnavailable(
                "bm25s cannot be imported.",
                expected="the extra 'conventional', which text search needs.",
                do="pip install 'fairrec[conventional]'",
            ) from error
        self._split: Any = bm25s.tokenize
        self._n = len(texts)
        self._index = bm25s.BM25()
        self._index.index(self._words(texts), show_progress=False)

    def scores(self, query: str) -> NDArray[np.float64]:
        """Return one score per text, at least 0; 0 where no word of the query stands."""
        (words,) = self._words([query])
        if not words:
            return np.zeros(self._n)
        return self._index.get_scores(words).astype(np.float64)

    def _words(self, texts: Sequence[str]) -> list[list[str]]:
        return self._split(list(texts), stopwords="english", return_ids=False, show_progress=False)
