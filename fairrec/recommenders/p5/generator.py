"""Recommends by writing item ids, token by token, as P5 does.

Shijie Geng, Shuchang Liu, Zuohui Fu, Yingqiang Ge and Yongfeng Zhang, "Recommendation as Language
Processing (RLP): A Unified Pretrain, Personalized Prompt & Predict Paradigm (P5)", RecSys 2022.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray

from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.protocols import ForwardPass
from fairrec.recommenders.p5.decoding import KeepToCodes, Started, start
from fairrec.recommenders.p5.network import Network, item_token
from fairrec.recommenders.p5.prompt import SPANS, Encoded, PromptEncoder
from fairrec.recommenders.p5.trie import CodeTrie
from fairrec.types import Outcome, Ranking, Request, content_hash

BATCH = 128
"""Requests that are answered together."""

SCORED = 4096
"""Beginnings of codes that are scored together."""


class ItemIdGenerator:
    """A language model that writes item ids; beams are kept to a trie of the items' codes.

    Args:
        network: The model, its tokenizer and whole-word embeddings.
        catalog: The items.
        codes: items x length: the code of each item of the catalogue.
        users: Ids of the users that the model knows, by their number.
        states: By attribute, the values that the model can be told.
        history: Items of a request's history that it is shown at most.
        beams: Beams of the search; k where that is more.
        span: What of the prompt stands for the user in `embed`: one of "user", "history",
            "prompt" or "last"; "user" for encoder-decoder models and "last" for decoders alone
            by default.
        trained: What the model was trained on and how, for its description; holds the hash of
            its weights.

    Raises:
        WrongUse: The span is unknown, or the codes do not fit the catalogue.
    """

    score_kind = "log-probability"

    def __init__(
        self,
        network: Network,
        catalog: Catalog,
        codes: NDArray[np.intp],
        users: Sequence[str],
        *,
        states: Mapping[str, Sequence[str]] | None = None,
        history: int = 20,
        beams: int = 20,
        span: str | None = None,
        trained: Mapping[str, Any] | None = None,
    ) -> None:
        span = span or ("user" if network.encoder_decoder else "last")
        if span not in SPANS or len(codes) != len(catalog):
            raise WrongUse(
                f"the span {span!r} and {len(codes)} codes for {len(catalog)} items.",
                expected=f"one of {', '.join(SPANS)}, and a code for every item.",
            )
        self.network = network
        self.catalog = catalog
        self.codes = codes
        self.users = tuple(users)
        self.states = {name: tuple(values) for name, values in (states or {}).items()}
        self.history = history
        self.beams = beams
        self.span = span
        self.trained = dict(trained or {})
        texts = [
            " ".join(item_token(place, int(n)) for place, n in enumerate(code)) for code in codes
        ]
        self._trie = CodeTrie(np.array([network.ids(text) for text in texts], dtype=np.intp))
        self._codes_hash = content_hash([codes.tolist(), list(self.users), self.states])
        self._place = {item: number for number, item in enumerate(catalog.ids)}
        self._encoder = PromptEncoder(
            network,
            dict(zip(catalog.ids, texts, strict=True)),
            {user: number for number, user in enumerate(self.users)},
            self.states,
            history,
        )

    @property
    def description(self) -> Mapping[str, Any]:
        """See `fairrec.protocols.Recommender`."""
        return {
            "adapter": "item-id generator",
            "version": 1,
            "catalog": self.catalog.content_hash,
            "codes": self._codes_hash,
            "history": self.history,
            "beams": self.beams,
            "span": self.span,
            **self.trained,
        }

    @property
    def module(self) -> Any:
        """The transformers model; see `fairrec.protocols.TrainsThrough`."""
        return self.network.model

    @torch.inference_mode()
    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        """Rank items by beam search; see `fairrec.protocols.Recommender`.

        Without candidates, all items that are not in the history may be recommended. The
        ranking's scores are log-probabilities (nats), its embedding is what `embed` returns.
        """
        rankings = []
        for batch in _batches(requests, BATCH):
            encoded = self._encoder.encode(batch)
            allowed = np.stack([self._allowed(request) for request in batch])
            found = self._search(encoded, allowed, max(request.k for request in batch))
            vectors = self._pooled(encoded).float().cpu().numpy()
            for request, (items, scores), vector in zip(batch, found, vectors, strict=True):
                rankings.append(self._ranking(request, items, scores, vector))
        return rankings

    @torch.inference_mode()
    def score(self, requests: Sequence[Request], items: Sequence[str]) -> list[NDArray[np.float64]]:
        """Return, per request, the log-probability (nats) of each of `items`."""
        wanted = np.array([self._number(item) for item in items], dtype=np.intp)
        rows: list[NDArray[np.float64]] = []
        size = max(1, SCORED // max(len(nodes) for nodes in self._trie.nodes[:-1]))
        for batch in _batches(requests, min(size, BATCH)):
            rows += list(self._scores(self._encoder.encode(batch), wanted))
        return rows

    @torch.inference_mode()
    def embed(self, requests: Sequence[Request], span: str | None = None) -> NDArray[np.float32]:
        """Return the model's last states over a span, averaged: requests x width."""
        if span is not None and span not in SPANS:
            raise WrongUse(f"the span {span!r}.", expected=f"one of {', '.join(SPANS)}.")
        found = [
            self._pooled(self._encoder.encode(batch), span).float().cpu().numpy()
            for batch in _batches(requests, BATCH)
        ]
        return np.concatenate(found)

    def forward(
        self, requests: Sequence[Request], targets: Sequence[Sequence[str]] | None = None
    ) -> ForwardPass:
        """Run the model so that gradients flow; see `fairrec.protocols.TrainsThrough`."""
        encoded = self._encoder.encode(requests)
        started = start(self.network, encoded)
        loss = None
        if targets is not None:
            rows = [row for row, wanted in enumerate(targets) for _ in wanted]
            numbers = [self._number(item) for wanted in targets for item in wanted]
            loss = self._loss(started, torch.tensor(rows), self._trie.codes[numbers])
        return ForwardPass(
            loss=loss,
            states=started.states,
            spans=encoded.spans,
            output=started.logits[:, np.unique(self._trie.codes[:, 0])].log_softmax(-1),
        )

    def _number(self, item: str) -> int:
        try:
            return self._place[item]
        except KeyError:
            raise WrongUse(
                f"the item {item!r} has no code.",
                expected="items of the catalogue that the model was trained on.",
            ) from None

    def _allowed(self, request: Request) -> NDArray[np.bool_]:
        if request.candidates is not None:
            allowed = np.zeros(len(self.catalog), dtype=bool)
            allowed[[self._number(item) for item in request.candidates]] = True
            return allowed
        allowed = np.ones(len(self.catalog), dtype=bool)
        allowed[[self._place[item] for item in request.history if item in self._place]] = False
        return allowed

    def _ranking(
        self,
        request: Request,
        items: NDArray[np.intp],
        scores: NDArray[np.float64],
        vector: NDArray[np.float32],
    ) -> Ranking:
        embedding = tuple(vector.tolist())
        kept = {}
        for number, score in zip(items.tolist(), scores.tolist(), strict=True):
            if np.isfinite(score) and len(kept) < request.k:
                kept.setdefault(number, score)
        if not kept:
            return Ranking(
                outcome=Outcome.EMPTY,
                detail="no item may be recommended: all are in the history",
                embedding=embedding,
            )
        return Ranking(
            tuple(self.catalog.ids[number] for number in kept),
            scores=tuple(kept.values()),
            embedding=embedding,
        )

    def _pooled(self, encoded: Encoded, span: str | None = None) -> torch.Tensor:
        inside = encoded.spans[span or self.span].unsqueeze(-1)
        states = start(self.network, encoded).states
        return (states * inside).sum(1) / inside.sum(1).clamp(min=1)

    def _loss(self, started: Started, rows: torch.Tensor, codes: NDArray[np.intp]) -> torch.Tensor:
        """Return the mean cross-entropy (nats a token) of codes, each after the prompt `rows`."""
        wanted = torch.from_numpy(codes).to(started.logits.device)
        rows = rows.to(started.logits.device)
        logits = started.logits[rows].unsqueeze(1)
        if self._trie.length > 1:
            logits = torch.cat([logits, started.go_on(rows, wanted[:, :-1])], dim=1)
        return torch.nn.functional.cross_entropy(logits.flatten(0, 1), wanted.flatten())

    def _scores(self, encoded: Encoded, wanted: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the log-probabilities of items: each beginning of a code is computed once."""
        started = start(self.network, encoded)
        first = started.logits.double().log_softmax(-1).cpu().numpy()
        total = first[:, self._trie.codes[wanted, 0]]
        n = len(encoded.tokens)
        for depth in range(1, self._trie.length):
            nodes, of = np.unique(self._trie.node_of[depth][wanted], return_inverse=True)
            written = torch.from_numpy(self._trie.nodes[depth][nodes]).to(encoded.tokens.device)
            rows = torch.arange(n, device=written.device).repeat_interleave(len(nodes))
            found = started.go_on(rows, written.repeat(n, 1))[:, -1]
            steps = found.double().log_softmax(-1).cpu().numpy().reshape(n, len(nodes), -1)
            total = total + steps[:, of.reshape(-1), self._trie.codes[wanted, depth]]
        return total

    def _search(
        self, encoded: Encoded, allowed: NDArray[np.bool_], k: int
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float64]]]:
        model, beams = self.network.model, min(max(k, self.beams), len(self.catalog))
        # Where nothing is allowed the search must still end; what it finds is left out below.
        searched = allowed | ~allowed.any(axis=1, keepdims=True)
        opened = [nodes.repeat(beams, axis=0) for nodes in self._trie.open_nodes(searched)]
        output = model.generate(
            inputs_embeds=self.network.embeddings(encoded.tokens, encoded.words),
            attention_mask=encoded.mask.long(),
            logits_processor=transformers.LogitsProcessorList(
                [KeepToCodes(self._trie, opened, int(self.network.encoder_decoder))]
            ),
            num_beams=beams,
            num_return_sequences=beams,
            do_sample=False,
            max_new_tokens=self._trie.length,
            length_penalty=0.0,
            early_stopping=False,
            return_dict_in_generate=True,
            output_scores=True,
        )
        written = output.sequences[:, -self._trie.length :].cpu().numpy()
        items = self._trie.items(written).reshape(len(allowed), beams)
        scores = output.sequences_scores.double().cpu().numpy().reshape(len(allowed), beams)
        for row in range(len(allowed)):
            order = np.argsort(-scores[row], kind="stable")
            # With fewer items than beams, some beams end where they may not.
            order = order[(items[row, order] >= 0) & allowed[row, items[row, order]]]
            yield items[row, order], scores[row, order]


def _batches(requests: Sequence[Request], size: int) -> Iterator[Sequence[Request]]:
    for first in range(0, len(requests), size):
        yield requests[first : first + size]
