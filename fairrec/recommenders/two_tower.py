"""A text encoder's vectors and a projection of them that is trained on histories. Imports torch.

Item texts go through one tower, histories through another, as in UniSRec (Hou et al., KDD 2022) and
TransRec (Fu et al., 2023); the score is the product of the two, plus what is liked of an item
by everybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fairrec.catalogs import Catalog
from fairrec.errors import BadData, WrongUse
from fairrec.protocols import EmbedsTexts
from fairrec.recommenders.retrieval import item_texts
from fairrec.recommenders.score_ranking import recommend_by_score
from fairrec.seeds import derive_seed
from fairrec.types import Ranking, Request, content_hash
from fairrec.users import User


class TwoTower:
    """A conventional two-tower model over a text encoder's vectors.

    Users are the latest items of the history, attended to by a learnt query, and, with `words`, the
    request's words: that is where a stated attribute enters. While it trains, words are what
    `stated` says of the user.

    Args:
        encoder: Turns texts into vectors; it is not trained here (see
            `fairrec.language_models.encoder_tuning`).
        catalog: The items.
        columns: Text columns that are embedded with the title.
        width: Length of the projected vectors.
        history: Latest items that are looked at.
        words: Whether the request's words are read too.
        steps: Batches to train on.
        batch: Users in each.
        learning_rate: Of Adam.
        seed: Of weights and batches.

    Raises:
        WrongUse: A number is out of range, or it is asked before `fit`.
    """

    score_kind = "logit"

    def __init__(
        self,
        encoder: EmbedsTexts,
        catalog: Catalog,
        *,
        columns: Sequence[str] = (),
        width: int = 64,
        history: int = 20,
        words: bool = False,
        steps: int = 1500,
        batch: int = 128,
        learning_rate: float = 2e-3,
        seed: int = 0,
    ) -> None:
        if min(width, history, steps, batch) < 1:
            raise WrongUse(
                f"width {width}, history {history}, steps {steps}, batch {batch}.",
                expected="numbers of at least 1.",
            )
        self.encoder = encoder
        self.catalog = catalog
        self.settings = {
            "columns": list(columns),
            "width": width,
            "history": history,
            "words": words,
            "steps": steps,
            "batch": batch,
            "learning_rate": learning_rate,
            "seed": seed,
        }
        self._texts = torch.from_numpy(
            np.asarray(encoder.embed(item_texts(catalog, columns)), dtype=np.float32)
        )
        self._network: Any = None
        self._learnt = ""

    @property
    def description(self) -> Mapping[str, Any]:
        """See `fairrec.protocols.Recommender`."""
        self._check_fitted()
        return {
            "recommender": "two-tower",
            "version": 1,
            "encoder": dict(self.encoder.description),
            "catalog": self.catalog.content_hash,
            **self.settings,
            "learnt": self._learnt,
        }

    def fit(self, users: Sequence[User], stated: Sequence[str] | None = None) -> Self:
        """Learn to tell the next item of a history from the others.

        Args:
            users: Whose histories are learnt from; what they hold out is not looked at.
            stated: What each user says, for a model that reads words; a third of the time the
                model is shown nothing, so that it can be asked without.

        Raises:
            BadData: Nobody has a history of two items.
            WrongUse: Words are to be read and there are none, or not one for each user.
        """
        settings = self.settings
        if settings["words"] and (stated is None or len(stated) != len(users)):
            raise WrongUse(
                f"{len(stated or ())} texts for {len(users)} users.",
                expected="what each user says, since words=True.",
            )
        rows = [
            [self.catalog.index(item) for item in user.history if item in self.catalog]
            for user in users
        ]
        kept = [number for number, row in enumerate(rows) if len(row) > 1]
        if not kept:
            raise BadData(
                f"none of {len(users)} users has a history of two items.",
                expected="histories to learn from.",
            )
        said = self._embedded(stated or [""] * len(users))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(settings["seed"], "two-tower weights"))
            self._network = _Towers(self._texts.shape[1], settings["width"], len(self.catalog))
        optimiser = torch.optim.Adam(
            self._network.parameters(), lr=settings["learning_rate"], weight_decay=1e-5
        )
        rng = np.random.default_rng(derive_seed(settings["seed"], "two-tower batches"))
        for step in range(settings["steps"]):
            for group in optimiser.param_groups:
                group["lr"] = settings["learning_rate"] * (1 - step / settings["steps"])
            chosen = [kept[i] for i in rng.integers(len(kept), size=settings["batch"])]
            ends = [int(rng.integers(1, len(rows[i]))) for i in chosen]
            shown, there = self._padded(
                [rows[i][:end] for i, end in zip(chosen, ends, strict=True)]
            )
            heard = torch.from_numpy(rng.random(len(chosen)) > 1 / 3)[:, None]
            wanted = torch.tensor([rows[i][end] for i, end in zip(chosen, ends, strict=True)])
            users_now = self._network.users(self._texts, shown, there, said[chosen] * heard)
            logits = users_now @ self._network.items(self._texts).T + self._network.liked
            loss = nn.functional.cross_entropy(logits, wanted)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        self._learnt = content_hash(
            [[user.id, list(user.history)] for user in users] + [list(stated or ())]
        )
        return self

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        """Return the k best candidates, or items that are not in the history."""
        return recommend_by_score(self, self.catalog, requests)

    @torch.inference_mode()
    def embed_users(self, requests: Sequence[Request]) -> NDArray[np.float64]:
        """Return the user tower's vectors; see `fairrec.protocols.EmbedsUsers`."""
        self._check_fitted()
        rows = [
            [self.catalog.index(item) for item in request.history if item in self.catalog]
            for request in requests
        ]
        shown, there = self._padded(rows)
        said = self._embedded([request.instruction for request in requests])
        return self._network.users(self._texts, shown, there, said).double().numpy()

    @torch.inference_mode()
    def score(self, requests: Sequence[Request], items: Sequence[str]) -> list[NDArray[np.float64]]:
        """Return, per request, one logit for each of `items`."""
        places = [self.catalog.index(item) for item in items]
        users = self.embed_users(requests)
        towers = self._network.items(self._texts)[places].double().numpy()
        return list(users @ towers.T + self._network.liked[places].double().numpy())

    def _embedded(self, texts: Sequence[str]) -> torch.Tensor:
        said = torch.zeros(len(texts), self._texts.shape[1])
        spoken = [place for place, text in enumerate(texts) if text]
        if self.settings["words"] and spoken:
            found = self.encoder.embed([texts[place] for place in spoken])
            said[spoken] = torch.from_numpy(np.asarray(found, dtype=np.float32))
        return said

    def _padded(self, rows: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        length = self.settings["history"]
        shown = torch.zeros(len(rows), length, dtype=torch.long)
        there = torch.zeros(len(rows), length, dtype=torch.bool)
        for number, row in enumerate(rows):
            latest = torch.tensor(row[-length:], dtype=torch.long)
            shown[number, length - len(latest) :] = latest
            there[number, length - len(latest) :] = True
        return shown, there

    def _check_fitted(self) -> None:
        if not self._learnt:
            raise WrongUse(
                "TwoTower has not learnt anything yet.",
                expected="fit(users) before it is asked; FeatureEncoder needs none.",
            )


class _Towers(nn.Module):
    """Text vectors to items, and pooled ones to users."""

    def __init__(self, texts: int, width: int, n: int) -> None:
        super().__init__()
        self.item = nn.Linear(texts, width)
        self.seen = nn.Linear(texts, width)
        self.query = nn.Linear(width, 1)
        self.recency = nn.Parameter(torch.zeros(1))
        self.user = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
        self.words = nn.Linear(texts, width, bias=False)
        self.own = nn.Embedding(n, width)  # what an item's text does not say
        self.liked = nn.Parameter(torch.zeros(n))
        nn.init.normal_(self.own.weight, std=0.01)

    def items(self, texts: torch.Tensor) -> torch.Tensor:
        """Return items x width."""
        return self.item(texts) + self.own.weight

    def users(
        self, texts: torch.Tensor, shown: torch.Tensor, there: torch.Tensor, said: torch.Tensor
    ) -> torch.Tensor:
        """Return users x width; of an empty history, what the words alone make."""
        states = self.seen(texts[shown]) + self.own(shown)
        ages = torch.arange(shown.shape[1], 0, -1, dtype=torch.float32).log()
        weights = self.query(torch.tanh(states)).squeeze(-1) - self.recency * ages
        weights = weights.masked_fill(~there, -1e9).softmax(-1) * there
        pooled = (weights[..., None] * states).sum(1)
        return pooled + self.user(pooled + self.words(said))
