"""Trains an item-ID generator from scratch, or tunes a pretrained model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fairrec.catalogs import Catalog
from fairrec.errors import BadData, WrongUse
from fairrec.recommenders.p5.examples import Examples
from fairrec.recommenders.p5.generator import ItemIdGenerator
from fairrec.recommenders.p5.indexing import Indexing, item_codes
from fairrec.recommenders.p5.network import (
    ARCHITECTURES,
    Network,
    attribute_token,
    item_token,
    new_network,
    pretrained_network,
    user_tokens,
)
from fairrec.seeds import derive_seed, generator
from fairrec.users import User, check_users

Tell = Callable[[int, float], None]
"""Told the step and its loss."""


@dataclass(frozen=True, kw_only=True)
class P5Settings:
    """How an item-ID generator is made and trained.

    Attributes:
        model: "encoder-decoder" or "decoder-only" for a small new model, else the hub id or the
            folder of a pretrained one, which is tuned.
        indexing: How items are numbered; see `fairrec.recommenders.p5.indexing`.
        branching: Tokens per place of an item's code.
        width, layers, heads, dropout: Of a new model.
        history: Items that a prompt shows at most.
        targets: Items that are learned from each prompt.
        ordered: Whether histories are in the order of time: then the items after a window of
            the history are learned; otherwise any, with any others shown.
        states: Attributes of the profile that prompts state.
        strangers: Share of prompts whose user is not named, so that unknown users can be served,
            and share that state nothing, so that nothing needs to be stated.
        steps: Gradient steps.
        batch: Prompts a step.
        learning_rate: The highest; it rises over the first 5 % of steps and then falls to 0 as
            half a cosine.
        seed: Of codes, weights, order and dropout.
    """

    model: str = "encoder-decoder"
    indexing: Indexing = "collaborative"
    branching: int = 64
    width: int = 64
    layers: int = 2
    heads: int = 4
    dropout: float = 0.0
    history: int = 20
    targets: int = 4
    ordered: bool = True
    states: tuple[str, ...] = ()
    strangers: float = 0.1
    steps: int = 5000
    batch: int = 128
    learning_rate: float = 3e-3
    seed: int = 0


def train_p5(
    users: Sequence[User],
    catalog: Catalog,
    settings: P5Settings | None = None,
    tell: Tell | None = None,
) -> ItemIdGenerator:
    """Return a recommender trained on the users' histories; what they hold out is not looked at.

    Raises:
        BadData: A user is there twice, or no history has two items.
        WrongUse: An attribute to state is one that no user has.
    """
    settings = settings or P5Settings()
    check_users(users)
    learners = [user for user in users if len(user.history) > 1]
    if not learners:
        raise BadData(
            f"none of the {len(users)} user(s) has a history of two items.",
            expected="users with histories to learn from.",
        )
    states = _values(users, settings.states)
    numbers = [np.array([catalog.index(i) for i in u.history], dtype=np.intp) for u in users]
    codes = item_codes(
        numbers, len(catalog), settings.indexing, branching=settings.branching, seed=settings.seed
    )
    network = _network(settings, codes, len(users), states)
    made = ItemIdGenerator(
        network,
        catalog,
        codes,
        _numbered(users, settings.seed),
        states=states,
        history=settings.history,
    )
    _train(made, learners, settings, tell)
    plain = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(settings).items()}
    made.trained = {"settings": plain, "weights": weights_hash(network)}
    return made


def weights_hash(network: Network) -> str:
    """Return a hash of all the weights."""
    digest = hashlib.sha256()
    for tensor in [*network.model.state_dict().values(), network.whole_words.weight]:
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _numbered(users: Sequence[User], seed: int) -> list[str]:
    """Return the users' ids in the order of their numbers, which is a random one.

    Users whose numbers are near share a token. In the order of the data that would be people who
    came at the same time: on MovieLens 1M that alone tells their age (AUC .55).
    """
    order = generator(seed, "p5 user numbers").permutation(len(users))
    return [users[place].id for place in order]


def _values(users: Sequence[User], states: Sequence[str]) -> dict[str, list[str]]:
    values = {
        name: sorted({u.profile[name] for u in users if name in u.profile}) for name in states
    }
    for name, found in values.items():
        if not found:
            raise WrongUse(
                f"no user has the attribute {name!r}, which is to be stated.",
                expected="an attribute of the users' profiles.",
            )
    return values


def _network(
    settings: P5Settings,
    codes: NDArray[np.intp],
    n_users: int,
    states: Mapping[str, Sequence[str]],
) -> Network:
    tokens = {item_token(place, int(n)) for code in codes for place, n in enumerate(code)}
    for number in [None, *range(n_users)]:
        tokens.update(user_tokens(number, n_users))
    tokens.update(attribute_token(name, value) for name in states for value in states[name])
    if settings.model not in ARCHITECTURES:
        return pretrained_network(settings.model, sorted(tokens))
    return new_network(
        sorted(tokens),
        settings.model,
        width=settings.width,
        layers=settings.layers,
        heads=settings.heads,
        dropout=settings.dropout,
        seed=derive_seed(settings.seed, "weights") % 2**32,
    )


def _train(
    made: ItemIdGenerator, learners: Sequence[User], settings: P5Settings, tell: Tell | None
) -> None:
    rng = generator(settings.seed, "p5 examples")
    draws = Examples(
        settings.history, settings.targets, settings.ordered, settings.states, settings.strangers
    )
    network = made.network
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, weight_decay=0.01
    )
    rate = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, settings.steps))
    network.model.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(settings.seed, "p5 dropout") % 2**32)
        for step in range(settings.steps):
            chosen = rng.choice(len(learners), settings.batch)
            drawn = [draws.draw(learners[n], rng) for n in chosen]
            loss: Any = made.forward([r for r, _ in drawn], [w for _, w in drawn]).loss
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            rate.step()
            if tell is not None:
                tell(step, float(loss.detach()))
    network.model.eval()


def _rate(step: int, steps: int) -> float:
    rise = max(1, steps // 20)
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + np.cos(np.pi * (step - rise) / max(1, steps - rise)))
