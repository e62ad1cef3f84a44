"""Recommenders: one adapter per way in which something recommends."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_EXPORTS = {
    "CatalogueLikelihood": "fairrec.recommenders.catalogue_likelihood",
    "FunctionRecommender": "fairrec.recommenders.function",
    "OpenGeneration": "fairrec.recommenders.open_generation",
    "as_recommender": "fairrec.recommenders.function",
    "parse_titles": "fairrec.recommenders.answer_parsing",
}

__all__ = [
    "CatalogueLikelihood",
    "FunctionRecommender",
    "OpenGeneration",
    "as_recommender",
    "parse_titles",
]

if TYPE_CHECKING:
    from fairrec.recommenders.answer_parsing import parse_titles
    from fairrec.recommenders.catalogue_likelihood import CatalogueLikelihood
    from fairrec.recommenders.function import FunctionRecommender, as_recommender
    from fairrec.recommenders.open_generation import OpenGeneration


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'fairrec.recommenders' has no attribute {name!r}")
    return getattr(import_module(_EXPORTS[name]), name)
