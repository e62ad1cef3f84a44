"""Recommenders: one adapter per way in which something recommends."""

from fairrec.recommenders.answer_parsing import parse_titles
from fairrec.recommenders.catalogue_likelihood import CatalogueLikelihood
from fairrec.recommenders.function import FunctionRecommender, as_recommender
from fairrec.recommenders.open_generation import OpenGeneration

__all__ = [
    "CatalogueLikelihood",
    "FunctionRecommender",
    "OpenGeneration",
    "as_recommender",
    "parse_titles",
]
