"""A small world that several kinds of tests share: films that women and men like differently."""

from __future__ import annotations

import numpy as np
import pytest

from fairrec.catalogs import Catalog
from fairrec.users import User


@pytest.fixture(scope="session")
def taste_users() -> list[User]:
    """240 users: of 20 films each, women take three quarters from the first half, men from the
    second; age says nothing."""
    rng = np.random.default_rng(5)
    users = []
    for n in range(240):
        female = n % 2 == 0
        liked, other = (range(40), range(40, 80)) if female else (range(40, 80), range(40))
        items = [*rng.choice(liked, 15, replace=False), *rng.choice(other, 5, replace=False)]
        history = tuple(f"f{i}" for i in rng.permutation(items))
        profile = {"gender": "female" if female else "male", "age": ("young", "old")[n // 2 % 2]}
        users.append(User(f"u{n}", profile, history[:-2], held_out=history[-2:]))
    return users


@pytest.fixture(scope="session")
def taste_films() -> Catalog:
    """The 80 films of `taste_users`."""
    return Catalog(tuple(f"f{i}" for i in range(80)), tuple(f"Film {i}" for i in range(80)))


@pytest.fixture(scope="session", params=["encoder-decoder", "decoder-only"])
def taste_recommender(request: pytest.FixtureRequest, taste_users, taste_films):
    """A trained item-ID generator for them, of either architecture."""
    from fairrec.recommenders.p5 import P5Settings, train_p5

    settings = P5Settings(
        model=request.param,
        branching=16,
        width=32,
        layers=1,
        history=10,
        ordered=False,
        steps=300,
        batch=64,
    )
    return train_p5(taste_users, taste_films, settings)
