"""FairRec+ passes lists on along circles of envy and still keeps FairRec's promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.metrics.two_sided import minimum_exposure
from fairrec.mitigations.rerankers import fairrec_plus as module
from fairrec.mitigations.rerankers.candidates import Candidates, candidate_lists
from fairrec.mitigations.rerankers.fairrec_plus import FairRecPlus, fairrec_plus
from fairrec.mitigations.rerankers.two_sided_allocation import fairrec_allocation
from fairrec.types import Ranking, Request

WORTHS = st.integers(0, 5).map(float)


def enviers(worth: np.ndarray, lists: list[list[int]]) -> list[tuple[int, int]]:
    """Who prefers whose list to the own one even without that list's best item."""
    return [
        (u, v)
        for u in range(len(lists))
        for v in range(len(lists))
        if lists[v]
        and sum(worth[u, lists[v]]) - max(worth[u, lists[v]])
        > sum(worth[u, lists[u]]) + 1e-9 * max(1.0, sum(worth[u, lists[u]]))
    ]


def as_lists(candidates: Candidates, places: np.ndarray) -> list[list[int]]:
    return [[i for i in row if i >= 0] for row in candidates.lists(places).items.tolist()]


def envy(worth: np.ndarray, held: list[list[int]]) -> np.ndarray:
    """Who likes whose list better than the own one, (m, m)."""
    value = np.array([[worth[u, list_].sum() for list_ in held] for u in range(len(held))])
    return value > np.diag(value)[:, None] + 1e-12


def circle(envies: np.ndarray) -> list[int] | None:
    """Users of whom each envies the next and the last the first, or None: by trying all walks."""

    def walk(path: list[int]) -> list[int] | None:
        for v in np.flatnonzero(envies[path[-1]]):
            if v in path:
                return path[path.index(int(v)) :]
            if found := walk([*path, int(v)]):
                return found
        return None

    return next((found for u in range(len(envies)) if (found := walk([u]))), None)


def published(worth: np.ndarray, k: int, minimum: int) -> list[list[int]]:
    """The published FairRec+: lists are passed on, what users may still take stays with them."""
    m, n = worth.shape
    held: list[list[int]] = [[] for _ in range(m)]
    allowed = [set(range(n)) for _ in range(m)]
    copies = [minimum] * n
    users = list(range(m))
    going = minimum > 0
    while going:
        for u in users:
            free = [i for i in sorted(allowed[u]) if copies[i]]
            if not free or sum(copies) == 0:
                going = False
                break
            best = max(free, key=lambda item: (worth[u, item], -item))
            held[u].append(best)
            allowed[u].remove(best)
            copies[best] -= 1
        while some := circle(envy(worth, held)):
            passed = [held[v] for v in [*some[1:], some[0]]]
            for u, bundle in zip(some, passed, strict=True):
                held[u] = bundle
        envies, rest, users = envy(worth, held), list(range(m)), []
        while rest:
            users.append(next(u for u in rest if not envies[rest, u].any()))
            rest.remove(users[-1])
    for u in range(m):
        held[u] += [i for i in np.argsort(-worth[u], kind="stable").tolist() if i not in held[u]]
    return [some[:k] for some in held]


def test_the_published_code_breaks_what_ours_keeps() -> None:
    twice, short, envied = 0, 0, 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        worth = rng.gamma(0.5, size=(7, 3)) @ rng.gamma(0.5, size=(3, 7))
        if seed % 2:
            worth = rng.random(7) + 0.3 * rng.random((7, 7))
        theirs = published(worth, 5, 5)
        twice += any(len(set(some)) < len(some) for some in theirs)
        short += min(sum(item in some for some in theirs) for item in range(7)) < 5
        envied += bool(enviers(worth, theirs))
        candidates = candidate_lists(worth)
        found = fairrec_plus(candidates, k=5, alpha=1.0)
        lists = as_lists(candidates, found.places)
        assert all(len(set(some)) == 5 for some in lists)
        assert (candidates.lists(found.places).counts() == 5).all()
        assert enviers(worth, lists) == []
    assert min(twice, short, envied) > 0


@settings(deadline=None, max_examples=250)
@given(st.data(), st.integers(1, 7), st.integers(1, 8), st.sampled_from([0.0, 0.5, 0.8, 1.0]))
def test_dense_lists_keep_both_promises(data, m: int, n: int, alpha: float) -> None:  # type: ignore[no-untyped-def]
    worth = data.draw(arrays(np.float64, (m, n), elements=WORTHS))
    k = data.draw(st.integers(1, n))
    candidates = candidate_lists(worth)
    found = fairrec_plus(candidates, k=k, alpha=alpha)
    lists = as_lists(candidates, found.places)
    assert all(len(set(some)) == len(some) == k for some in lists)
    assert np.bincount(np.ravel(lists), minlength=n).min() >= minimum_exposure(alpha, m, k, n)
    assert (found.shortfall == 0).all()
    assert enviers(worth, lists) == []
    if alpha == 0:
        assert (found.places == candidates.top(k)).all()


@settings(deadline=None, max_examples=150)
@given(st.data(), st.integers(1, 6), st.integers(1, 7), st.integers(1, 4))
def test_nothing_leaves_a_lists_own_candidates(data, m: int, n: int, k: int) -> None:  # type: ignore[no-untyped-def]
    worth = data.draw(arrays(np.float64, (m, n), elements=WORTHS))
    offered = data.draw(arrays(np.bool_, (m, n)))
    candidates = candidate_lists(np.where(offered, worth, -np.inf))
    found = fairrec_plus(candidates, k=k, alpha=1.0)
    lists = as_lists(candidates, found.places)
    assert [len(set(some)) for some in lists] == np.minimum(k, offered.sum(axis=1)).tolist()
    assert all(offered[user, item] for user, some in enumerate(lists) for item in some)
    # Both methods miss as few places as can be, so equally many.
    same = fairrec_allocation(candidates, k=k, alpha=1.0)
    assert found.shortfall.sum() == pytest.approx(same.shortfall.sum())


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 7).flatmap(lambda m: arrays(np.float64, (m, m), elements=WORTHS)))
def test_circles_of_envy_end_and_who_envies_comes_first(worth: np.ndarray) -> None:
    m = len(worth)
    holds = np.arange(m)
    order = module._end_circles(worth, holds)
    assert sorted(holds.tolist()) == sorted(order.tolist()) == list(range(m))
    now = worth[np.arange(m), holds]
    assert (now >= np.diag(worth)).all()
    moved = holds != np.arange(m)
    assert (now[moved] > np.diag(worth)[moved]).all()
    place = np.argsort(order)
    for u in range(m):
        for v in range(m):
            if worth[u, holds[v]] > now[u]:
                assert place[u] < place[v]  # so there can be no circle either
    if (worth <= np.diag(worth)[:, None]).all():
        assert order.tolist() == list(range(m))


def test_shared_tastes_are_served_more_equally_than_by_fairrec() -> None:
    rng = np.random.default_rng(0)
    worth = rng.random(100) ** 3 + 0.05 * rng.random((200, 100))
    candidates = candidate_lists(worth)
    spread, total = [], []
    for method in (fairrec_allocation, fairrec_plus):
        kept = candidates.scores_at(method(candidates, k=20, alpha=1.0).places).sum(axis=1)
        spread.append(kept.std())
        total.append(kept.sum())
    assert spread[1] < 0.5 * spread[0]
    assert total[1] >= 0.999 * total[0]


def test_compiled_and_python_allocate_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    worth = rng.gamma(0.5, size=(50, 3)) @ rng.gamma(0.5, size=(3, 20))
    sparse = np.where(rng.random((50, 20)) < 0.4, worth, -np.inf)
    batches = [candidate_lists(worth), candidate_lists(sparse)]
    fast = [fairrec_plus(candidates, k=5, alpha=1.0).places for candidates in batches]
    for name in ("_one_round", "_add_worth", "_end_circles", "_columns"):
        monkeypatch.setattr(module, name, getattr(module, name).python)
    for candidates, places in zip(batches, fast, strict=True):
        assert (fairrec_plus(candidates, k=5, alpha=1.0).places == places).all()


def test_the_class_allocates_all_lists_together() -> None:
    catalog = Catalog(
        ids=("a", "b", "c"),
        titles=("A", "B", "C"),
        columns={"maker": np.array(["X", "X", "Y"])},
    )
    requests = [Request(k=1, instruction=f"{user}") for user in range(3)]
    answers = [[Ranking(items=("a", "b", "c"), scores=(0.9, 0.8, 0.1))]] * 3
    found = FairRecPlus(catalog=catalog, column="maker", alpha=1.0).combine(requests, answers)
    assert sorted(ranking.items[0] for ranking in found) == ["a", "b", "c"]
    same = FairRecPlus(catalog=catalog, column="maker", alpha=0.0).combine(requests, answers)
    assert [ranking.items for ranking in same] == [("a",)] * 3
    with pytest.raises(WrongUse, match="alpha is -1"):
        FairRecPlus(catalog=catalog, column="maker", alpha=-1)


def test_too_many_lists_for_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_LISTS", 2)
    with pytest.raises(WrongUse, match="3 lists are to be allocated together"):
        fairrec_plus(candidate_lists([[1.0]] * 3), k=1, alpha=1.0)
