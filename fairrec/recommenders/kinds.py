"""Every way of recommending that fairrec audits, with its adapter and what it gives an audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from fairrec.errors import WrongUse
from fairrec.protocols import Mitigates, Recommender

Part = Literal["model", "encoder", "masked", "histories", "parts", "elsewhere", "saved"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to recommend.

    Attributes:
        adapter: Module and class.
        part: What it is made of: a language model, a text encoder, a masked model, histories to
            learn from, other recommenders, a folder, or something that runs elsewhere.
        enters: How a stated attribute can reach it; "nowhere" makes it a control.
        systems: Systems of the literature that it stands for.
        text: Whether it answers in words, which are recorded.
        pool: Whether it is given a pool of candidates to choose from.
    """

    adapter: str
    part: Part
    enters: str
    systems: str
    text: bool = False
    pool: bool = False

    def load(self) -> type:
        """Import the adapter's class; some import torch."""
        module, _, name = self.adapter.rpartition(".")
        return getattr(import_module(f"fairrec.recommenders.{module}"), name)

    def gives(self) -> tuple[str, ...]:
        """Return what audits get of it, read off the class: rankings always, and perhaps
        "scores", "embeddings", "log-probabilities" and "text"."""
        adapter = self.load()
        found = ["rankings"]
        if hasattr(adapter, "score"):
            found.append("scores")
        if hasattr(adapter, "embed_users") or hasattr(adapter, "embed"):
            found.append("embeddings")
        if getattr(adapter, "score_kind", "") == "log-probability":
            found.append("log-probabilities")
        return (*found, "text") if self.text else tuple(found)

    def may_give(self, need: str) -> bool:
        """Return whether an audit may get this: what others make answers with what they like."""
        return self.part in ("parts", "elsewhere") or need in self.gives()


KINDS: Mapping[str, Kind] = {
    "open": Kind(
        "open_generation.OpenGeneration", "model", "words", "FaiRLLM, ChatGPT-1, BookGPT", text=True
    ),
    "listwise": Kind(
        "listwise.ListwiseRanking",
        "model",
        "words",
        "LLMRank, NIR, PALR, RankGPT",
        text=True,
        pool=True,
    ),
    "pairwise": Kind(
        "pairwise.PairwiseRanking", "model", "words", "ChatGPT-2 pairwise, PRP", pool=True
    ),
    "yes_no": Kind("yes_no.YesNo", "model", "words", "TALLRec, TabLLM", pool=True),
    "likelihood": Kind(
        "catalogue_likelihood.CatalogueLikelihood",
        "model",
        "words",
        "LMRecSys, Zero-shot GPT, UniTRec",
        pool=True,
    ),
    "cloze": Kind("cloze.Cloze", "masked", "words", "Prompt4NR, PTab", pool=True),
    "rating": Kind(
        "rating.RatingPrediction", "model", "words", "BookGPT rating, FLAN-T5", pool=True
    ),
    "constrained_titles": Kind("constrained_titles.ConstrainedTitles", "model", "words", "-"),
    "item_ids": Kind(
        "p5.ItemIdGenerator", "saved", "profile tokens, user ID, history", "P5, P5-ID, UP5, VIP5"
    ),
    "queries": Kind(
        "generated_queries.GeneratedQueries",
        "model",
        "words, through queries",
        "GPT4Rec",
        text=True,
    ),
    "multi_task": Kind(
        "multi_task.MultiTask", "parts", "where it enters the tasks", "P5, M6-Rec, InstructRec"
    ),
    "encoder": Kind(
        "feature_encoder.FeatureEncoder",
        "encoder",
        "history; words where they are embedded",
        "U-BERT, UNBERT, PLM-NR, ZESRec, RecFormer, TwHIN-BERT, PREC",
    ),
    "two_tower": Kind(
        "two_tower.TwoTower",
        "encoder",
        "history; words where they are embedded",
        "UniSRec, VQ-Rec, MoRec, TransRec, Tiny-NewsRec, LSH",
    ),
    "features": Kind(
        "generated_features.GeneratedFeatures",
        "model",
        "words, through generated profiles",
        "GENRE, AnyPredict, TagGPT, LLM4KGC, ICPC",
        text=True,
        pool=True,
    ),
    "rows": Kind(
        "generated_features.GeneratedRows",
        "parts",
        "words, through generated rows",
        "GReaT, GENRE",
        text=True,
    ),
    "controller": Kind(
        "controller.PipelineController", "parts", "words", "Chat-REC, RecLLM, AGR", text=True
    ),
    "filter_then_rerank": Kind(
        "filter_then_rerank.FilterThenRerank",
        "parts",
        "where it enters the second",
        "Hou et al., Ma et al.",
        text=True,
    ),
    "popularity": Kind("conventional.Popularity", "histories", "nowhere", "baseline"),
    "random": Kind("conventional.RandomItems", "histories", "nowhere", "baseline"),
    "item_knn": Kind("conventional.ItemKNN", "histories", "history", "baseline"),
    "als": Kind("conventional.ImplicitALS", "histories", "history", "baseline"),
    "sasrec": Kind("conventional.SASRec", "histories", "history", "SASRec, BERT4Rec"),
    "http": Kind(
        "http_endpoint.HttpEndpoint", "elsewhere", "what the body names", "anything deployed"
    ),
    "program": Kind(
        "command_program.CommandProgram", "elsewhere", "what it reads", "anything deployed"
    ),
    "function": Kind(
        "function.FunctionRecommender", "elsewhere", "what it reads", "anything in Python"
    ),
}
"""By name. Recorded answers are replayed by `fairrec.recordings`."""


def kind_of(recommender: Recommender) -> Kind | None:
    """Return the kind of a recommender, of what a mitigation is around; None for another's."""
    while isinstance(recommender, Mitigates):
        recommender = recommender.original
    cls = type(recommender)
    path = cls.__module__.removeprefix("fairrec.recommenders.").split(".")[0]
    for kind in KINDS.values():
        module, _, name = kind.adapter.rpartition(".")
        if name == cls.__name__ and module.split(".")[0] == path:
            return kind
    return None


def check_gives(recommender: Recommender, needs: tuple[str, ...], audit: str) -> None:
    """Check that an audit can get what it judges.

    Somebody else's recommender passes: what its answers hold is seen when they are there.

    Raises:
        WrongUse: The recommender is of a kind that does not give it; those that do are named.
    """
    kind = kind_of(recommender)
    lacking = [need for need in needs if kind is not None and not kind.may_give(need)]
    if lacking:
        able = [name for name, other in KINDS.items() if other.may_give(lacking[0])]
        raise WrongUse(
            f"the audit {audit!r} judges {lacking[0]}; {type(recommender).__name__} gives none.",
            expected=f"a recommender that does: {', '.join(able)}.",
            do="choose one of these kinds, or another audit; `fairrec kinds` shows which fit.",
        )
