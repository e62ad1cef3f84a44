"""Catalogue likelihood through a transformers model that gradients can go through.

Imports torch; import it only where a model is there already.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.language_models.transformers_models import TransformersModel
from fairrec.protocols import ForwardPass, Prompt
from fairrec.recommenders.catalogue_likelihood import CatalogueLikelihood
from fairrec.types import Ranking, Request

SPANS = ("user", "history", "prompt", "last")
"""What of the prompt can stand for the user: the user's turn, the titles in it, all, the last."""

BETWEEN = 20
"""Characters that may stand between one title of a history and the next."""

BATCH = 16
"""Prompts that are embedded together."""


class TrainableLikelihood(CatalogueLikelihood):
    """`CatalogueLikelihood` that also says what the model's states are, and trains through them.

    So a fair prompt can be trained for any causal language model that is asked in words.

    Args:
        model: A transformers model.
        catalog: The items.
        span: What of the prompt `embed` averages over, and a ranking's embedding is; "last" is
            what a causal model goes on from.
        settings: As `CatalogueLikelihood` takes them.

    Raises:
        WrongUse: The span or a setting is unknown.
    """

    def __init__(
        self, model: TransformersModel, catalog: Catalog, *, span: str = "last", **settings: Any
    ) -> None:
        super().__init__(model, catalog, **settings)
        if span not in SPANS:
            raise WrongUse(f"the span {span!r}.", expected=f"one of {', '.join(SPANS)}.")
        self.catalog = catalog
        self.span = span
        self._transformer = model
        # A prefix may be attached to the model at any time: what is likely after the empty
        # profile is asked anew.
        self._prior = self._prior_of
        self._titles = dict(
            zip(
                catalog.ids,
                model.continuation_ids(self._continuations(catalog.ids)),
                strict=True,
            )
        )

    @property
    def description(self) -> Mapping[str, Any]:
        """See `fairrec.protocols.Recommender`."""
        return {**super().description, "span": self.span}

    @property
    def module(self) -> Any:
        """The transformers model; see `fairrec.protocols.TrainsThrough`."""
        return self._transformer.module

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        """Rank candidates; the embedding is what `embed` returns. See `CatalogueLikelihood`."""
        vectors = self.embed(requests) if requests else []
        return [
            replace(ranking, embedding=tuple(vector.tolist()))
            for ranking, vector in zip(super().recommend(requests), vectors, strict=True)
        ]

    @torch.inference_mode()
    def embed(self, requests: Sequence[Request], span: str | None = None) -> NDArray[np.float32]:
        """Return the model's last states over a span, averaged: requests x width."""
        span = span or self.span
        found = []
        for first in range(0, len(requests), BATCH):
            passed = self.forward(requests[first : first + BATCH])
            if span not in passed.spans:
                raise WrongUse(f"the span {span!r}.", expected=f"one of {', '.join(SPANS)}.")
            inside = passed.spans[span].unsqueeze(-1)
            mean = (passed.states * inside).sum(1) / inside.sum(1).clamp(min=1)
            found.append(mean.float().cpu().numpy())
        return np.concatenate(found)

    def forward(
        self, requests: Sequence[Request], targets: Sequence[Sequence[str]] | None = None
    ) -> ForwardPass:
        """Run the model so that gradients flow; see `fairrec.protocols.TrainsThrough`.

        Prompts are tokenised one by one and padded then, so padding moves no span.

        Raises:
            WrongUse: A request has no words, or a target is not in the catalogue.
        """
        read = [self._read(request) for request in requests]
        wanted = targets or [()] * len(requests)
        # One row for each item to recommend, and one for a request with none.
        pairs = [(n, item) for n, items in enumerate(wanted) for item in (items or [None])]
        titles = [[] if item is None else self._tokens_of(item) for _, item in pairs]
        before, after = max(len(p.tokens) for p in read), max(map(len, titles))
        ids = torch.zeros((len(pairs), before + after), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, ((n, _), title) in enumerate(zip(pairs, titles, strict=True)):
            start, end = before - len(read[n].tokens), before + len(title)
            ids[row, start:end] = torch.tensor([*read[n].tokens, *title])
            mask[row, start:end] = 1
        device = self.module.device
        run = self.module(
            input_ids=ids.to(device),
            attention_mask=mask.to(device),
            position_ids=(mask.cumsum(1) - 1).clamp(min=0).to(device),
            use_cache=False,
            output_hidden_states=True,
            logits_to_keep=after + 1,
        )
        logits = run.logits.float()
        numbers = [n for n, _ in pairs]
        firsts = torch.tensor([numbers.index(n) for n in range(len(requests))], device=device)
        begins = sorted({tokens[0] for tokens in self._titles.values()})
        loss = None
        if targets is not None:
            goal = ids[:, before:].masked_fill(mask[:, before:] == 0, -100).to(device)
            loss = torch.nn.functional.cross_entropy(
                logits[:, :after].flatten(0, 1), goal.flatten()
            )
        return ForwardPass(
            loss=loss,
            states=run.hidden_states[-1][firsts, :before],
            spans={name: _padded([p.spans[name] for p in read], device) for name in SPANS},
            output=logits[firsts, 0][:, begins].log_softmax(-1),
        )

    def _tokens_of(self, item: str) -> list[int]:
        if item not in self._titles:
            raise WrongUse(
                f"the item {item!r} is to be recommended.", expected="an item of the catalogue."
            )
        return self._titles[item]

    def _read(self, request: Request) -> _Read:
        if not request.instruction:
            raise WrongUse(
                "a request has no words.",
                expected="an instruction: this model is asked in words.",
                do="give fit() a `draw` that writes them, from a template for instance.",
            )
        prompt = Prompt(request.instruction, request.system, self._prefill)
        text, tokens, offsets = self._transformer.placed_tokens(prompt)
        turn = text.rfind(request.instruction)
        # A template may change the words; then the span is empty, and whoever hides there is told.
        places = {"user": (turn, turn + len(request.instruction)) if turn >= 0 else (0, 0)}
        titles = [self.catalog.title(item) for item in request.history]
        places["history"] = _found(titles, text, max(turn, 0))
        spans = {
            name: [begin < high and end > low for begin, end in offsets]
            for name, (low, high) in places.items()
        }
        spans["prompt"] = [True] * len(tokens)  # marks that stand nowhere in the text as well
        spans["last"] = [n == len(tokens) - 1 for n in range(len(tokens))]
        return _Read(tokens, spans)


@dataclass(frozen=True)
class _Read:
    """A prompt's tokens, and by span which of them are in it."""

    tokens: list[int]
    spans: Mapping[str, list[bool]]


def _found(titles: Sequence[str], text: str, start: int) -> tuple[int, int]:
    """Return where the titles stand, one after the other; (0, 0) where they do not."""
    if not titles:
        return 0, 0
    between = rf"(?!\w).{{0,{BETWEEN}}}?(?<!\w)"
    pattern = rf"(?<!\w){between.join(map(re.escape, titles))}(?!\w)"
    found = re.compile(pattern, re.DOTALL).search(text, start)
    return (0, 0) if found is None else found.span()


def _padded(rows: Sequence[Sequence[bool]], device: Any) -> torch.Tensor:
    longest = max(map(len, rows))
    return torch.tensor([[False] * (longest - len(row)) + list(row) for row in rows]).to(device)
