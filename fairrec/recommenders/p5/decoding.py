"""Runs a network over prompts, and on from them; keeps what it writes to codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from transformers.modeling_outputs import BaseModelOutput

from fairrec.language_models.caches import rows_of
from fairrec.recommenders.p5.network import Network
from fairrec.recommenders.p5.prompt import Encoded
from fairrec.recommenders.p5.trie import CodeTrie


def start(network: Network, encoded: Encoded) -> Started:
    """Run the model over the prompt."""
    model = network.model
    embeddings = network.embeddings(encoded.tokens, encoded.words)
    mask = encoded.mask.long()
    if network.encoder_decoder:
        context = model.get_encoder()(inputs_embeds=embeddings, attention_mask=mask)
        first = torch.full_like(encoded.tokens[:, :1], model.config.decoder_start_token_id)
        run = model(
            encoder_outputs=context,
            attention_mask=mask,
            decoder_input_ids=first,
            use_cache=True,
        )
        return Started(model, mask, run.logits[:, -1], run.past_key_values, context[0])
    run = model(
        inputs_embeds=embeddings,
        attention_mask=mask,
        position_ids=(mask.cumsum(1) - 1).clamp(min=0),
        use_cache=True,
        output_hidden_states=True,
    )
    return Started(model, mask, run.logits[:, -1], run.past_key_values, run.hidden_states[-1])


class Started:
    """A model after its prompts, to go on from any of them any number of times."""

    def __init__(
        self, model: Any, mask: torch.Tensor, logits: torch.Tensor, cache: Any, states: torch.Tensor
    ) -> None:
        self.logits = logits
        self.states = states
        self._model = model
        self._mask = mask
        self._cache = cache

    def go_on(self, rows: torch.Tensor, written: torch.Tensor) -> torch.Tensor:
        """Return the logits after each token of `written`, each row after the prompt `rows`."""
        cache = rows_of(self._cache, rows)
        mask = self._mask[rows]
        if self._model.config.is_encoder_decoder:
            states = BaseModelOutput(self.states[rows])
            return self._model(
                encoder_outputs=states,
                attention_mask=mask,
                decoder_input_ids=written,
                past_key_values=cache,
                use_cache=True,
            ).logits
        places = mask.sum(1, keepdim=True) + torch.arange(written.shape[1], device=mask.device)
        return self._model(
            input_ids=written,
            attention_mask=torch.cat([mask, torch.ones_like(written)], dim=1),
            position_ids=places,
            past_key_values=cache,
            use_cache=True,
        ).logits


class KeepToCodes(transformers.LogitsProcessor):
    """Rules out every token that leads to no allowed item."""

    def __init__(self, trie: CodeTrie, opened: Sequence[NDArray[np.bool_]], before: int) -> None:
        self._trie = trie
        self._opened = opened
        self._before = before

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        written = input_ids[:, self._before :].cpu().numpy()
        may = self._trie.next_allowed(written, self._opened, scores.shape[1])
        return scores.masked_fill(~torch.from_numpy(may).to(scores.device), -torch.inf)
