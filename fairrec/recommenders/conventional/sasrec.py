"""Self-attention over the sequence of the history. Imports torch.

Wang-Cheng Kang and Julian McAuley, "Self-Attentive Sequential Recommendation" (SASRec), ICDM 2018;
Fei Sun et al., "BERT4Rec", CIKM 2019, for attention in both directions and masked items.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import nn

from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.recommenders.conventional.histories import ConventionalModel
from fairrec.seeds import derive_seed
from fairrec.types import Request
from fairrec.users import User

_MASKED = 0.2
"""Share of items hidden while a bidirectional model trains, as in BERT4Rec on MovieLens."""


class SASRec(ConventionalModel):
    """Scores an item as the next of the history, with the full softmax over items as loss.

    Args:
        catalog: The items.
        length: Latest items of a history that are looked at.
        width: Length of the vectors.
        layers: Blocks of self-attention, with 2 heads each.
        dropout: Share dropped while training.
        steps: Batches to train on.
        batch: Users in each.
        learning_rate: Of Adam.
        bidirectional: Whether items see what follows them and hidden ones are predicted
            (BERT4Rec), instead of each item's successor.
        seed: Of weights, batches and dropout.

    Raises:
        WrongUse: A number is out of range.
    """

    kind = "self-attentive sequences"
    score_kind = "logit"

    def __init__(
        self,
        catalog: Catalog,
        *,
        length: int = 50,
        width: int = 64,
        layers: int = 2,
        dropout: float = 0.2,
        steps: int = 800,
        batch: int = 64,
        learning_rate: float = 1e-3,
        bidirectional: bool = False,
        seed: int = 0,
    ) -> None:
        if min(length, layers, steps, batch) < 1 or width < 2 or width % 2:
            raise WrongUse(
                f"length {length}, width {width}, layers {layers}, steps {steps}, batch {batch}.",
                expected="numbers of at least 1 and an even width.",
            )
        super().__init__(
            catalog,
            length=length,
            width=width,
            layers=layers,
            dropout=dropout,
            steps=steps,
            batch=batch,
            learning_rate=learning_rate,
            bidirectional=bidirectional,
            seed=seed,
        )
        self._network: Any = None

    def _learn(self, matrix: sparse.csr_matrix, users: Sequence[User]) -> None:
        rows = [
            [self.catalog.index(item) for item in user.history if item in self.catalog]
            for user in users
        ]
        rows = [row for row in rows if len(row) > 1]
        settings = self.settings
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(settings["seed"], "sasrec weights"))
            self._network = network = _Network(
                len(self.catalog),
                settings["length"],
                settings["width"],
                settings["layers"],
                settings["dropout"],
                settings["bidirectional"],
            )
        optimiser = torch.optim.Adam(network.parameters(), lr=settings["learning_rate"])
        rng = np.random.default_rng(derive_seed(settings["seed"], "sasrec batches"))
        network.train()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(settings["seed"], "sasrec dropout"))
            for _ in range(settings["steps"] if rows else 0):
                chosen = [rows[i] for i in rng.integers(len(rows), size=settings["batch"])]
                loss = self._loss(chosen, rng)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
        network.eval()

    def _loss(self, rows: Sequence[Sequence[int]], rng: np.random.Generator) -> torch.Tensor:
        length = self.settings["length"]
        pad, mask = len(self.catalog), len(self.catalog) + 1
        if self.settings["bidirectional"]:
            shown = _padded(rows, length, pad)
            hidden = (rng.random(shown.shape) < _MASKED) & (shown != pad)
            hidden[:, -1] = True  # as when it is asked for the next
            targets = np.where(hidden, shown, -100)
            shown = np.where(hidden, mask, shown)
        else:
            whole = _padded(rows, length + 1, pad)
            shown, targets = whole[:, :-1], whole[:, 1:]
            targets = np.where((targets == pad) | (shown == pad), -100, targets)
        states = self._network(torch.from_numpy(shown))
        wanted = torch.from_numpy(targets)
        kept = wanted != -100
        return nn.functional.cross_entropy(self._network.logits(states[kept]), wanted[kept])

    @torch.inference_mode()
    def embed_users(self, requests: Sequence[Request]) -> NDArray[np.float64]:
        """Return the state after the history; see `fairrec.protocols.EmbedsUsers`."""
        self.check_fitted()
        if not requests:
            return np.empty((0, self.settings["width"]))
        pad, mask = len(self.catalog), len(self.catalog) + 1
        last = [mask] if self.settings["bidirectional"] else []
        # One row at a time would be the same: every row has the full length.
        rows = [[*self.places(request), *last] or [pad] for request in requests]
        shown = torch.from_numpy(_padded(rows, self.settings["length"], pad))
        return self._network(shown)[:, -1].double().numpy()

    @torch.inference_mode()
    def _score_all(self, requests: Sequence[Request]) -> NDArray[np.float64]:
        states = torch.from_numpy(self.embed_users(requests)).float()
        return self._network.logits(states).double().numpy()


class _Network(nn.Module):
    """Items + 2 embeddings (the last two: nothing, and a hidden item), blocks, tied output."""

    def __init__(
        self, items: int, length: int, width: int, layers: int, dropout: float, both_ways: bool
    ) -> None:
        super().__init__()
        self.items = nn.Embedding(items + 2, width)
        self.places = nn.Embedding(length, width)
        nn.init.normal_(self.items.weight, std=0.02)
        nn.init.normal_(self.places.weight, std=0.02)
        block = nn.TransformerEncoderLayer(
            width, 2, 2 * width, dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.blocks: Any = nn.TransformerEncoder(block, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.bias = nn.Parameter(torch.zeros(items))
        self.both_ways = both_ways
        self.n = items

    def forward(self, shown: torch.Tensor) -> torch.Tensor:
        length = shown.shape[1]
        places = torch.arange(length, device=shown.device)
        states = self.dropout(self.items(shown) + self.places(places))
        nothing = shown == self.n
        unseen = nothing[:, None, :].expand(-1, length, -1)
        if not self.both_ways:
            later = torch.ones(length, length, dtype=torch.bool, device=shown.device).triu(1)
            unseen = unseen | later
        # Padding sees itself, so that no row of the attention is empty.
        unseen = unseen & ~torch.eye(length, dtype=torch.bool, device=shown.device)
        mask = unseen.repeat_interleave(2, dim=0)
        return self.norm(self.blocks(states, mask=mask))

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        """Return states x items."""
        return states @ self.items.weight[: self.n].T + self.bias


def _padded(rows: Sequence[Sequence[int]], length: int, pad: int) -> NDArray[np.int64]:
    """Return rows x length: the latest of each row at the end, padding before them."""
    filled = np.full((len(rows), length), pad, dtype=np.int64)
    for number, row in enumerate(rows):
        latest = list(row[-length:])
        filled[number, length - len(latest) :] = latest
    return filled
