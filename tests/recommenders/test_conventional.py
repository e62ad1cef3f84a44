"""Conventional models: exact on small data, in the usual order on MovieLens."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairrec.catalogs import Catalog
from fairrec.errors import BadData, WrongUse
from fairrec.protocols import EmbedsUsers, Recommender, ScoresItems
from fairrec.recommenders.conventional import (
    ImplicitALS,
    ItemKNN,
    Popularity,
    RandomItems,
    SASRec,
)
from fairrec.types import Request
from fairrec.users import User

ML_100K = Path(__file__).parents[3] / "shared" / "data" / "ml-100k"
CATALOG = Catalog(tuple("abcdef"), tuple("ABCDEF"))
USERS = [
    User("1", history=("a", "b", "c")),
    User("2", history=("a", "b")),
    User("3", history=("a", "d")),
    User("4", history=("e",), held_out=("f",)),
]
MODELS = (Popularity, ItemKNN, ImplicitALS, SASRec, RandomItems)


def fitted(kind: type, users: list[User] = USERS, catalog: Catalog = CATALOG, **told):
    if kind is SASRec:
        told = {"steps": 5, "batch": 4, "width": 8, "length": 4, **told}
    model = kind(catalog, **told)
    return model.fit(users) if hasattr(model, "fit") else model


def test_popularity_counts_users() -> None:
    (scores,) = fitted(Popularity).score([Request(1)], CATALOG.ids)
    assert scores.tolist() == [3, 2, 1, 1, 1, 0]  # what is held out is not learnt from


def test_cosines_by_hand() -> None:
    (scores,) = fitted(ItemKNN).score([Request(1, history=("a",))], CATALOG.ids)
    assert scores == pytest.approx([0, 2 / math.sqrt(6), 1 / math.sqrt(3), 1 / math.sqrt(3), 0, 0])
    (scores,) = fitted(ItemKNN, shrinkage=1.0).score([Request(1, history=("a",))], ("b",))
    assert scores == pytest.approx([2 / (math.sqrt(6) + 1)])


histories = st.lists(
    st.lists(st.sampled_from("abcdef"), min_size=1, max_size=5, unique=True), min_size=1, max_size=9
)


@given(histories, st.integers(1, 5), st.floats(0, 5))
def test_nearest_neighbours_against_a_dense_computation(
    rows: list[list[str]], neighbours: int, shrinkage: float
) -> None:
    users = [User(str(n), history=tuple(row)) for n, row in enumerate(rows)]
    matrix = np.array([[item in row for item in "abcdef"] for row in rows], dtype=float)
    together = matrix.T @ matrix
    np.fill_diagonal(together, 0)
    norms = np.sqrt(matrix.sum(0))
    similar = np.divide(
        together,
        np.outer(norms, norms) + shrinkage,
        out=np.zeros_like(together),
        where=together > 0,
    )
    for row in similar:
        row[np.argsort(-row, kind="stable")[neighbours:]] = 0
    model = fitted(ItemKNN, users, neighbours=neighbours, shrinkage=shrinkage)
    requests = [Request(1, history=user.history) for user in users]
    assert np.array(model.score(requests, CATALOG.ids)) == pytest.approx(matrix @ similar.T)


def test_als_is_the_packages_own() -> None:
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy import sparse

    rng = np.random.default_rng(0)
    catalog = Catalog(tuple(map(str, range(30))), tuple(map(str, range(30))))
    users = [
        User(str(n), history=tuple(map(str, rng.choice(30, 6, replace=False)))) for n in range(40)
    ]
    model = fitted(ImplicitALS, users, catalog, factors=8, seed=3)
    matrix = np.zeros((40, 30), dtype=np.float32)
    for n, user in enumerate(users):
        matrix[n, [int(item) for item in user.history]] = 1
    peer = AlternatingLeastSquares(
        factors=8, regularization=0.05, alpha=10.0, iterations=15, random_state=3, num_threads=1
    )
    peer.fit(sparse.csr_matrix(matrix), show_progress=False)
    items, _ = peer.recommend(np.arange(40), sparse.csr_matrix(matrix), N=5, recalculate_user=True)
    found = model.recommend([Request(5, history=user.history) for user in users])
    assert [list(ranking.items) for ranking in found] == items.astype(str).tolist()


@pytest.mark.parametrize("kind", MODELS)
def test_what_all_share(kind: type) -> None:
    model = fitted(kind)
    assert isinstance(model, Recommender) and isinstance(model, ScoresItems)
    requests = [Request(2, history=user.history, slots={"user": user.id}) for user in USERS]
    found = model.recommend(requests)
    assert model.recommend(requests[::-1]) == found[::-1]
    assert [model.recommend([request])[0] for request in requests] == found
    assert all(not set(r.items) & set(q.history) for r, q in zip(found, requests, strict=True))
    stated = [replace(r, profile={"gender": "female"}, instruction="I am.") for r in requests]
    assert model.recommend(stated) == found
    assert fitted(kind).recommend(requests) == found
    assert fitted(kind).description == model.description
    if isinstance(model, EmbedsUsers):
        assert all(ranking.embedding for ranking in found)


@pytest.mark.parametrize("kind", MODELS[:-1])
def test_strangers_get_what_is_popular(kind: type) -> None:
    """Of an empty history, and of one that nobody else has, nothing else is known."""
    popular = fitted(Popularity).recommend([Request(3)])[0].items
    for history in ((), ("f",)):
        assert fitted(kind).recommend([Request(3, history=history)])[0].items == popular


@pytest.mark.parametrize("kind", MODELS[:-1])
def test_wrong_use(kind: type) -> None:
    with pytest.raises(WrongUse, match="has not learnt anything yet"):
        kind(CATALOG).recommend([Request(1)])
    with pytest.raises(BadData, match="2 users have no history"):
        kind(CATALOG).fit([User("1"), User("2", history=("unknown",))])


@settings(deadline=None, max_examples=1)
@given(st.just(0))
def test_a_sequence_model_sees_the_order(seed: int) -> None:
    catalog = Catalog(tuple(map(str, range(10))), tuple(map(str, range(10))))
    users = [
        User(str(n), history=tuple(str((n + step) % 10) for step in range(5))) for n in range(100)
    ]
    for both_ways in (False, True):
        told = {"steps": 150, "batch": 32, "width": 16, "dropout": 0.0, "learning_rate": 5e-3}
        model = fitted(SASRec, users, catalog, bidirectional=both_ways, seed=seed, **told)
        requests = [Request(1, history=(str((n - 1) % 10), str(n))) for n in range(10)]
        found = [ranking.items[0] for ranking in model.recommend(requests)]
        assert found == [str((n + 1) % 10) for n in range(10)]


@pytest.mark.skipif(not ML_100K.is_dir(), reason="../shared/data/ml-100k is not there")
def test_the_usual_order_on_movielens() -> None:
    """Leave-one-out, all items ranked: the published hit rates at 10 are about .08 for
    popularity, .1 to .13 for neighbours and .12 to .16 for matrix factorisation."""
    from fairrec.datasets import leave_last_out, read_dataset

    dataset = read_dataset(ML_100K)
    users = leave_last_out(dataset, 1, minimum_history=5)
    requests = [Request(10, history=user.history, slots={"user": user.id}) for user in users]
    hits = {}
    for kind in (RandomItems, Popularity, ItemKNN, ImplicitALS):
        found = fitted(kind, users, dataset.catalog).recommend(requests)
        hits[kind] = np.mean([u.held_out[0] in r.items for u, r in zip(users, found, strict=True)])
    assert hits[RandomItems] < 0.02
    assert 0.07 < hits[Popularity] < 0.1
    assert 0.1 < hits[ItemKNN] < 0.15
    assert 0.12 < hits[ImplicitALS] < 0.17
