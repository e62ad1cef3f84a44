"""Lets a language model write titles of the catalogue only, by beam search over a trie of them.

Plain greedy constrained decoding follows whatever words titles usually begin with, and gives every
user much the same list. So a beam is judged by how much likelier the user's words make it than no
words do (pointwise mutual information, against the competition of surface forms: Holtzman et al.,
EMNLP 2021), per token if wanted (length normalisation: Wu et al. 2016, eq. 14).

Imports torch; import it only where a model is there already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import torch

from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.language_models.caches import rows_of
from fairrec.language_models.transformers_models import TransformersModel
from fairrec.protocols import Prompt
from fairrec.recommenders.fitting import fit_histories
from fairrec.recommenders.score_ranking import candidates_of
from fairrec.types import Outcome, Ranking, Request


class ConstrainedTitles:
    """Beam search over the tokens of the candidates' titles.

    A title's score is (log p(title | words) - prior x log p(title | empty profile)) / tokens **
    length_penalty, in nats. With as many beams as titles nothing is cut off and the scores are
    those of `CatalogueLikelihood`. A sensitive attribute enters through the request's words alone.

    Args:
        model: A causal transformers model.
        catalog: The items; all of them are candidates of a request that names none.
        beams: Beginnings that are kept at each token; at least k are.
        length_penalty: 0 sums over tokens, 1 takes the mean.
        prior: 0 to 1: how much of a title's own likelihood is taken off.
        prefill: Start of the model's reply, the same for every request.
        empty_profile: The prompt of somebody about whom nothing is known.

    Raises:
        WrongUse: The model is of another kind, or a number is out of range.
    """

    def __init__(
        self,
        model: TransformersModel,
        catalog: Catalog,
        *,
        beams: int = 50,
        length_penalty: float = 0.0,
        prior: float = 1.0,
        prefill: str = "1.",
        empty_profile: str = "Please recommend a movie to me.",
    ) -> None:
        if not isinstance(model, TransformersModel):
            raise WrongUse(
                f"{type(model).__name__} does not show the probabilities of all its next tokens.",
                expected="a causal transformers model: default, hf:ORG/NAME or a folder.",
                do="use OpenGeneration or ListwiseRanking with this model.",
            )
        if beams < 1 or length_penalty < 0 or not 0 <= prior <= 1:
            raise WrongUse(
                f"beams {beams}, length_penalty {length_penalty}, prior {prior}.",
                expected="at least 1 beam, a penalty of at least 0, a prior from 0 to 1.",
            )
        self.model = model
        self.catalog = catalog
        self.beams = beams
        self.length_penalty = length_penalty
        self.prior = prior
        self.prefill = prefill
        self.empty_profile = empty_profile
        self._trie = lru_cache(maxsize=8)(self._make_trie)

    @property
    def description(self) -> Mapping[str, Any]:
        """See `fairrec.protocols.Recommender`."""
        return {
            "recommender": "constrained titles",
            "version": 1,
            "model": dict(self.model.description),
            "catalog": self.catalog.content_hash,
            "beams": self.beams,
            "length_penalty": self.length_penalty,
            "prior": self.prior,
            "prefill": self.prefill,
            "empty_profile": self.empty_profile,
        }

    def request_text(self, request: Request) -> str:
        """Return what of the request reaches the model."""
        return f"{request.system or ''}\n\n{request.instruction}"

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        """Write the k best titles for each request; see `recommend_by_score` for what raises."""
        fitted = fit_histories(
            self.model, self.catalog, requests, lambda request: [self._prompt(request)], 64
        )
        rankings = []
        for one in fitted:
            pool = candidates_of(one.request, self.catalog, seen=True)
            if not one.fits:
                rankings.append(Ranking(outcome=Outcome.ERROR, detail=one.note))
                continue
            found = self._search(one.request, self._trie(pool))[: one.request.k]
            items = tuple(item for item, _ in found)
            scores = tuple(score for _, score in found)
            rankings.append(Ranking(items, scores=scores, detail=one.note))
        return rankings

    def _prompt(self, request: Request) -> Prompt:
        return Prompt(request.instruction, request.system, self.prefill)

    def _make_trie(self, pool: tuple[str, ...]) -> _Node:
        root = _Node()
        titles = [f" {self.catalog.title(item)}" for item in pool]
        for item, tokens in zip(pool, self.model.continuation_ids(titles), strict=True):
            node = root
            for token in tokens:
                node = node.children.setdefault(token, _Node())
            node.items.append(item)
        return root

    @torch.inference_mode()
    def _search(self, request: Request, root: _Node) -> list[tuple[str, float]]:
        """Return finished titles with their scores, best first."""
        contexts = [_Context(self.model, self._prompt(request), 1.0)]
        if self.prior:
            nobody = Prompt(self.empty_profile, request.system, self.prefill)
            contexts.append(_Context(self.model, nobody, -self.prior))
        width = max(self.beams, request.k)
        beams: list[tuple[_Node, float]] = [(root, 0.0)]
        found: list[tuple[str, float]] = []
        depth = 0
        while beams:
            depth += 1
            steps = torch.stack([context.weighted() for context in contexts]).sum(0)
            normaliser = depth**self.length_penalty
            longer: list[tuple[float, int, int, _Node]] = []
            for row, (node, total) in enumerate(beams):
                tokens = list(node.children)
                values = steps[row, torch.tensor(tokens)].tolist()
                for token, value in zip(tokens, values, strict=True):
                    child = node.children[token]
                    score = total + value
                    found += [(item, score / normaliser) for item in child.items]
                    if child.children:
                        longer.append((score, row, token, child))
            longer.sort(key=lambda beam: -beam[0])
            kept = longer[:width]
            beams = [(child, score) for score, _, _, child in kept]
            if beams:
                rows = torch.tensor([row for _, row, _, _ in kept])
                written = torch.tensor([token for _, _, token, _ in kept])
                for context in contexts:
                    context.go_on(rows, written)
        return sorted(found, key=lambda one: -one[1])


@dataclass
class _Node:
    children: dict[int, _Node] = field(default_factory=dict)
    items: list[str] = field(default_factory=list)


class _Context:
    """A prompt and the beams written after it."""

    def __init__(self, model: TransformersModel, prompt: Prompt, weight: float) -> None:
        self._module = model.module
        self._weight = weight
        ids = torch.tensor([model.token_ids(prompt)], device=self._module.device)
        self._run = self._module(input_ids=ids, use_cache=True, logits_to_keep=1)

    def weighted(self) -> torch.Tensor:
        """Return the weighted log-probability (nats) of each next token: beams x vocabulary."""
        return self._weight * torch.log_softmax(self._run.logits[:, -1].double(), -1).cpu()

    def go_on(self, rows: torch.Tensor, tokens: torch.Tensor) -> None:
        """Go on from some of the beams with a token each."""
        device = self._module.device
        self._run = self._module(
            input_ids=tokens[:, None].to(device),
            past_key_values=rows_of(self._run.past_key_values, rows.to(device)),
            use_cache=True,
        )
