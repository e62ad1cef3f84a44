"""Recommenders: one adapter per way in which something recommends.

`fairrec.recommenders.kinds` lists them all. Those that import torch are imported when they are
named: `ConstrainedTitles`, `TwoTower`; `fairrec.recommenders.p5` is a package of its own.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fairrec.recommenders.answers.parsing import parse_titles
from fairrec.recommenders.catalogue_likelihood import CatalogueLikelihood
from fairrec.recommenders.cloze import Cloze, ClozeTemplate
from fairrec.recommenders.command_program import CommandProgram
from fairrec.recommenders.controller import PipelineController
from fairrec.recommenders.feature_encoder import FeatureEncoder
from fairrec.recommenders.filter_then_rerank import FilterThenRerank
from fairrec.recommenders.function import FunctionRecommender, as_recommender
from fairrec.recommenders.generated_features import GeneratedFeatures, GeneratedRows
from fairrec.recommenders.generated_queries import GeneratedQueries
from fairrec.recommenders.http_endpoint import HttpEndpoint
from fairrec.recommenders.listwise import ListwiseRanking
from fairrec.recommenders.multi_task import MultiTask
from fairrec.recommenders.open_generation import OpenGeneration
from fairrec.recommenders.pairwise import PairwiseRanking
from fairrec.recommenders.rating import RatingPrediction
from fairrec.recommenders.yes_no import YesNo

if TYPE_CHECKING:
    from fairrec.recommenders.constrained_titles import ConstrainedTitles
    from fairrec.recommenders.two_tower import TwoTower

__all__ = [
    "CatalogueLikelihood",
    "Cloze",
    "ClozeTemplate",
    "CommandProgram",
    "ConstrainedTitles",
    "FeatureEncoder",
    "FilterThenRerank",
    "FunctionRecommender",
    "GeneratedFeatures",
    "GeneratedQueries",
    "GeneratedRows",
    "HttpEndpoint",
    "ListwiseRanking",
    "MultiTask",
    "OpenGeneration",
    "PairwiseRanking",
    "PipelineController",
    "RatingPrediction",
    "TwoTower",
    "YesNo",
    "as_recommender",
    "parse_titles",
]

_WITH_TORCH = {"ConstrainedTitles": "constrained_titles", "TwoTower": "two_tower"}


def __getattr__(name: str) -> Any:
    if name in _WITH_TORCH:
        module = import_module(f"fairrec.recommenders.{_WITH_TORCH[name]}")
        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
