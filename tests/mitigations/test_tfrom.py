"""TFROM: exposure varies less between providers, losses less between users, offline and online."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fairrec.catalogs import Catalog
from fairrec.errors import BadData, WrongUse
from fairrec.metrics.item_groups import ItemGroups, group_items
from fairrec.mitigations.rerankers import tfrom as offline_module
from fairrec.mitigations.rerankers import tfrom_online as online_module
from fairrec.mitigations.rerankers.candidates import Candidates, candidate_lists
from fairrec.mitigations.rerankers.tfrom import TFROM, _offline, tfrom_offline
from fairrec.mitigations.rerankers.tfrom_online import OnlineTFROM, ProviderExposure, tfrom_online
from fairrec.types import Ranking, Request

K = 10
DISCOUNTS = 1 / np.log2(np.arange(K) + 2)


def market(
    seed: int, m: int = 200, n: int = 100, liked: str = "p0"
) -> tuple[Candidates, ItemGroups]:
    """Scores of users for items of ten providers, "p0" the largest by far; one is much liked."""
    rng = np.random.default_rng(seed)
    sizes = 1 / np.arange(1, 11)
    labels = rng.choice([f"p{i}" for i in range(10)], n, p=sizes / sizes.sum())
    scores = rng.random((m, n)) * (1 + (labels == liked))
    return candidate_lists(scores), group_items(labels.tolist())


def exposures(candidates: Candidates, groups: ItemGroups, places: np.ndarray) -> np.ndarray:
    codes = np.take_along_axis(candidates.group_codes(groups), places, axis=1)
    weights = np.broadcast_to(1 / np.log2(np.arange(places.shape[1]) + 2), places.shape)
    return np.bincount(codes.ravel(), weights=weights.ravel(), minlength=len(groups))


def deserved(candidates: Candidates, groups: ItemGroups, fairness: str) -> np.ndarray:
    codes = candidates.group_codes(groups).ravel()
    merit = None if fairness == "uniform" else candidates.scores.ravel()
    shares = np.bincount(codes, weights=merit, minlength=len(groups))
    return len(candidates) * DISCOUNTS.sum() * shares / shares.sum()


def ndcg(candidates: Candidates, places: np.ndarray) -> np.ndarray:
    ideal = (candidates.scores[:, :K] * DISCOUNTS).sum(axis=1)
    return (candidates.scores_at(places) * DISCOUNTS).sum(axis=1) / ideal


@pytest.mark.parametrize("fairness", ["uniform", "quality"])
@pytest.mark.parametrize("method", [tfrom_offline, tfrom_online])
def test_exposure_varies_less_between_providers_than_in_the_top_k(method, fairness) -> None:  # type: ignore[no-untyped-def]
    candidates, groups = market(0)
    fair = deserved(candidates, groups, fairness)
    before = exposures(candidates, groups, candidates.top(K))
    after = exposures(candidates, groups, method(candidates, groups, k=K, fairness=fairness).places)
    assert after.sum() == pytest.approx(before.sum())
    assert np.var(after / fair) < 0.001 * np.var(before / fair)
    assert np.abs(after - fair).max() < (1 if method is tfrom_offline else 2)  # first places


def spreads(method, liked: str) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Standard deviations of users' NDCG, markets by (balanced, not balanced)."""
    found = []
    for seed in range(4):
        candidates, groups = market(seed, liked=liked)
        for fairness in ("uniform", "quality"):
            of = [
                method(candidates, groups, k=K, fairness=fairness, balanced=balanced).places
                for balanced in (True, False)
            ]
            found.append([ndcg(candidates, places).std() for places in of])
    return np.array(found)


@pytest.mark.parametrize(("liked", "most"), [("p0", 0.7), ("p3", 1.0)])
def test_losses_are_shared_when_the_worst_served_choose_first(liked: str, most: float) -> None:
    found = spreads(tfrom_offline, liked)
    assert (found[:, 0] < found[:, 1]).all()
    assert found[:, 0].mean() < most * found[:, 1].mean()


@pytest.mark.parametrize("liked", ["p0", "p3"])
def test_online_losses_are_closer_together_when_they_count(liked: str) -> None:
    found = spreads(tfrom_online, liked)
    assert (found[:, 0] < found[:, 1]).mean() > 0.8
    assert found[:, 0].mean() < 0.97 * found[:, 1].mean()


def literal(
    scores: np.ndarray, provider: np.ndarray, k: int, fair: np.ndarray, balanced: bool
) -> list[list[int]]:
    """The offline method with lists and sets, by the words of its docstring."""
    m, n = scores.shape
    ranked = [sorted(range(n), key=lambda i: (-scores[u, i], i)) for u in range(m)]
    lists: list[list[int | None]] = [[None] * k for _ in range(m)]
    room, served = fair.astype(float).copy(), [0.0] * m
    for r in range(k):
        worth = 1 / np.log2(r + 2)
        for u in (
            sorted(range(m), key=lambda u: (round(served[u], 12), u)) if balanced else range(m)
        ):
            fitting = [
                i for i in ranked[u] if i not in lists[u] and room[provider[i]] >= worth - 1e-12
            ]
            if fitting:
                lists[u][r] = fitting[0]
                room[provider[fitting[0]]] -= worth
                ideal = sum(scores[u, i] / np.log2(q + 2) for q, i in enumerate(ranked[u][:k]))
                served[u] += scores[u, fitting[0]] * worth / ideal if ideal else 0.0
    for r in range(k):
        for u in range(m):
            if lists[u][r] is None:
                rest = [i for i in ranked[u] if i not in lists[u]]
                most = max(room[provider[i]] for i in rest)
                best = next(i for i in rest if room[provider[i]] > most - 1e-9)
                lists[u][r] = best
                room[provider[best]] -= 1 / np.log2(r + 2)
    return [[int(i) for i in some if i is not None] for some in lists]


@settings(deadline=None, max_examples=150)
@given(st.data(), st.integers(1, 6), st.integers(1, 7), st.booleans())
def test_the_offline_method_is_what_it_says(data, m: int, n: int, balanced: bool) -> None:  # type: ignore[no-untyped-def]
    scores = data.draw(arrays(np.float64, (m, n), elements=st.integers(0, 8).map(float)))
    provider = data.draw(arrays(np.int64, n, elements=st.integers(0, 2)))
    k = data.draw(st.integers(1, n))
    candidates = candidate_lists(scores)
    groups = group_items([f"p{p}" for p in provider])
    assert groups.codes is not None
    total = m * (1 / np.log2(np.arange(k) + 2)).sum()
    found = tfrom_offline(candidates, groups, k=k, balanced=balanced)
    assert candidates.lists(found.places).items.tolist() == literal(
        scores, groups.codes, k, total * groups.sizes / n, balanced
    )


def test_room_that_is_equal_but_for_its_last_bits_is_equal() -> None:
    codes = np.array([[0, 1, 2]] * 2)
    scores = np.array([[3.0, 2.0, 1.0]] * 2)
    fair = np.full(3, 0.5)  # too little for the first place: all are filled at the end
    for nudge in (np.zeros(3), np.array([0, 1e-15, 2e-15])):
        places, _ = _offline(codes, scores, np.ones(2, dtype=int), fair + nudge, np.ones(1), False)
        assert places.tolist() == [[0], [1]]


def test_users_served_equally_but_for_the_last_bits_choose_in_order() -> None:
    """The first and the last have their best item so far: 8 of 8 and 8/ld 3, 5 of 5 and 5/ld 3."""
    scores = np.array([[5, 8, 8, 4, 6], [7, 5, 6, 4, 5], [2, 5, 5, 4, 1.0]])
    groups = group_items(["p1", "p1", "p1", "p1", "p2"])
    candidates = candidate_lists(scores)
    found = tfrom_offline(candidates, groups, k=2, balanced=True)
    assert candidates.lists(found.places).items.tolist() == [[1, 2], [0, 4], [1, 4]]


@settings(deadline=None, max_examples=100)
@given(st.data(), st.integers(1, 6), st.integers(1, 7), st.integers(1, 5), st.booleans())
def test_lists_hold_their_own_candidates_once(data, m, n, k, online) -> None:  # type: ignore[no-untyped-def]
    scores = data.draw(arrays(np.float64, (m, n), elements=st.integers(0, 8).map(float)))
    offered = data.draw(arrays(np.bool_, (m, n)))
    candidates = candidate_lists(np.where(offered, scores, -np.inf))
    groups = group_items([("p", "q", None)[i % 3] for i in range(n)])
    method = tfrom_online if online else tfrom_offline
    found = method(candidates, groups, k=k, fairness="quality")
    for row, of_user in zip(candidates.lists(found.places).items, offered, strict=True):
        kept = row[row >= 0]
        assert len(set(kept.tolist())) == len(kept) == min(k, of_user.sum())
        assert of_user[kept].all()
    assert (found.shortfall >= 0).all()


def test_what_candidates_cannot_balance_is_reported() -> None:
    # Nine lists can show "x" alone, and one "y" alone: 9 and 1 first places.
    items = [[0]] * 9 + [[1]]
    groups = group_items(["x", "y"])
    alike = tfrom_offline(candidate_lists([[1.0]] * 10, items, 2), groups, k=1)
    assert (alike.shortfall == 0).all()  # "x" has nine candidates of ten, and deserves as much
    loved = candidate_lists([[1.0]] * 9 + [[9.0]], items, 2)
    short = tfrom_offline(loved, groups, k=1, fairness="quality")
    assert short.shortfall.sum() == pytest.approx(3)  # each deserves 5: "x" has 9, 3 beyond 5 + 1
    assert short.shortfall[9] == 0


@pytest.mark.parametrize("fairness", ["uniform", "quality"])
def test_online_lists_remember_those_before(fairness) -> None:  # type: ignore[no-untyped-def]
    candidates, groups = market(2, m=60)
    whole = ProviderExposure()
    at_once = tfrom_online(candidates, groups, k=K, fairness=fairness, state=whole)
    parts = ProviderExposure()
    found = []
    for row in range(60):
        kept = ProviderExposure.from_json(parts.to_json())
        one = candidates.rows(slice(row, row + 1))
        found.append(tfrom_online(one, groups, k=K, fairness=fairness, state=kept).places[0])
        parts = kept
    assert np.array_equal(found, at_once.places)
    assert parts.to_json() == whole.to_json()
    assert whole.lists == 60
    assert whole.total == pytest.approx(60 * DISCOUNTS.sum())
    assert whole.loss == pytest.approx((1 - ndcg(candidates, at_once.places)).sum())
    shown = exposures(candidates, groups, at_once.places)
    assert [whole.exposure[name] for name in groups.names] == pytest.approx(shown.tolist())


def test_memories_of_different_lists_are_added() -> None:
    candidates, groups = market(3, m=40)
    halves = [ProviderExposure(), ProviderExposure()]
    for half, state in enumerate(halves):
        tfrom_online(candidates.rows(slice(20 * half, 20 * half + 20)), groups, k=K, state=state)
    first = ProviderExposure.from_json(halves[0].to_json())
    halves[0].merge(halves[1])
    assert halves[0].lists == 40
    for name in groups.names:
        assert halves[0].exposure[name] == pytest.approx(
            first.exposure[name] + halves[1].exposure[name]
        )
        assert halves[0].merit[name] == first.merit[name] + halves[1].merit[name]
    assert halves[0].total == pytest.approx(first.total + halves[1].total)
    assert halves[0].loss == pytest.approx(first.loss + halves[1].loss)


def test_compiled_and_python_rank_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    candidates, groups = market(4, m=30, n=25)
    runs = [(method, b) for method in (tfrom_offline, tfrom_online) for b in (True, False)]
    fast = [method(candidates, groups, k=K, balanced=b) for method, b in runs]
    monkeypatch.setattr(offline_module, "_offline", offline_module._offline.python)
    monkeypatch.setattr(online_module, "_online", online_module._online.python)
    for (method, b), before in zip(runs, fast, strict=True):
        slow = method(candidates, groups, k=K, balanced=b)
        assert (slow.places == before.places).all()
        assert slow.shortfall == pytest.approx(before.shortfall)


CATALOG = Catalog(
    ids=("a", "b", "c", "d"),
    titles=("A", "B", "C", "D"),
    columns={"maker": np.array(["X", "X", "Y", "Y"])},
)
ANSWER = [Ranking(items=("a", "b", "c", "d"), scores=(0.9, 0.8, 0.3, 0.1))]


def test_the_classes_share_places_between_makers() -> None:
    requests = [Request(k=1, instruction=f"{user}") for user in range(4)]
    found = TFROM(catalog=CATALOG, column="maker").combine(requests, [ANSWER] * 4)
    assert sorted(ranking.items[0] for ranking in found) == ["a", "a", "c", "c"]
    online = OnlineTFROM(catalog=CATALOG, column="maker", balanced=False)
    state = online.start()
    one_by_one = [online.combine([r], [ANSWER], state)[0].items[0] for r in requests]
    together = online.combine(requests, [ANSWER] * 4)
    assert one_by_one == [ranking.items[0] for ranking in together]
    assert sorted(one_by_one).count("c") in (1, 2)
    assert state.lists == 4
    assert online.start().lists == 0


def test_wrong_settings_and_scores_are_refused() -> None:
    with pytest.raises(WrongUse, match="fairness is 'equal'"):
        TFROM(catalog=CATALOG, column="maker", fairness="equal")  # type: ignore[arg-type]
    with pytest.raises(BadData, match="score is below 0"):
        tfrom_online(candidate_lists([[-1.0, 1.0]]), group_items(["x", "y"]), k=1)
    with pytest.raises(BadData, match="several groups"):
        tfrom_offline(candidate_lists([[0.5, 1.0]]), group_items(["x", "x|y"]), k=1)
