"""Conventional recommendation models: the comparison that every audit of a language model needs.

Each learns from histories with `fit` and answers by a request's history alone: words and stated
attributes have no effect on them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fairrec.recommenders.conventional.als import ImplicitALS
from fairrec.recommenders.conventional.item_knn import ItemKNN
from fairrec.recommenders.conventional.popularity import Popularity
from fairrec.recommenders.conventional.random_items import RandomItems

if TYPE_CHECKING:
    from fairrec.recommenders.conventional.sasrec import SASRec

__all__ = ["ImplicitALS", "ItemKNN", "Popularity", "RandomItems", "SASRec"]


def __getattr__(name: str) -> Any:
    if name == "SASRec":  # torch is imported only for this one
        return import_module("fairrec.recommenders.conventional.sasrec").SASRec
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
