from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairrec.catalogs import Catalog, candidate_pool, films
from fairrec.errors import WrongUse

PINNED = ("f0956", "f1470", "f1799", "f2445")


@settings(max_examples=30, deadline=None)
@given(
    size=st.integers(5, 300),
    seed=st.integers(0, 2**31),
    stratify_by=st.sampled_from([None, "votes", "year"]),
    include=st.lists(st.sampled_from(films().ids), max_size=5),
)
def test_a_pool_has_its_size_and_what_must_be_in_it(
    size: int, seed: int, stratify_by: str | None, include: list[str]
) -> None:
    def draw() -> tuple[str, ...]:
        return candidate_pool(
            films(), size, include=include, stratify_by=stratify_by, seed=seed, purpose="x"
        )

    pool = draw()
    assert len(set(pool)) == len(pool) == size
    assert set(include) <= set(pool)
    positions = [films().index(item) for item in pool]
    assert positions == sorted(positions)
    assert pool == draw()


def test_seed_and_purpose_choose_the_pool() -> None:
    pools = {
        candidate_pool(films(), 50, seed=seed, purpose=purpose)
        for seed in (0, 1)
        for purpose in ("Spike Lee", "Tim Burton")
    }
    assert len(pools) == 4


def test_the_pool_in_another_process_is_the_same() -> None:
    assert candidate_pool(films(), 4, seed=1, purpose="pinned") == PINNED


def test_without_a_size_the_pool_is_the_whole_catalogue() -> None:
    assert candidate_pool(films()) == films().ids


def test_strata_hold_one_item_each() -> None:
    n = 60
    shuffled = np.random.default_rng(0).permutation(n).astype(float)
    catalog = Catalog(
        tuple(f"i{i}" for i in range(n)), tuple(f"T{i}" for i in range(n)), {"votes": shuffled}
    )
    pool = candidate_pool(catalog, 12, stratify_by="votes", seed=3)
    drawn = sorted(shuffled[catalog.index(item)] for item in pool)
    assert [int(votes) // 5 for votes in drawn] == list(range(12))


def test_missing_values_are_the_lowest_stratum() -> None:
    votes = np.array([5.0, np.nan, 6.0, np.nan])
    catalog = Catalog(tuple("abcd"), tuple("ABCD"), {"votes": votes})
    for seed in range(20):
        pool = candidate_pool(catalog, 2, stratify_by="votes", seed=seed)
        assert len(set(pool) & {"b", "d"}) == 1


def test_the_random_pool_is_uniform() -> None:
    catalog = Catalog(tuple("abcdefghij"), tuple("ABCDEFGHIJ"))
    counts = dict.fromkeys(catalog.ids, 0)
    for seed in range(2000):
        for item in candidate_pool(catalog, 3, seed=seed):
            counts[item] += 1
    # 600 expected each, standard deviation 20
    assert all(500 < count < 700 for count in counts.values())


@pytest.mark.parametrize(
    ("size", "include"), [(3177, ()), (0, ()), (-1, ()), (1, ("f0001", "f0002"))]
)
def test_impossible_sizes_are_refused(size: int, include: tuple[str, ...]) -> None:
    with pytest.raises(WrongUse) as caught:
        candidate_pool(films(), size, include=include)
    assert caught.value.seen == (
        f"a pool of {size} items was asked for; there are 3176 to choose from and "
        f"{len(include)} must be included."
    )


def test_unknown_ids_and_text_columns_are_refused() -> None:
    with pytest.raises(WrongUse, match="no item has the id 'x'"):
        candidate_pool(films(), 5, include=["x"])
    with pytest.raises(WrongUse, match="'genre' holds text"):
        candidate_pool(films(), 5, stratify_by="genre")


def test_what_is_known_already_is_left_out() -> None:
    catalog = Catalog(tuple("abcdef"), tuple("ABCDEF"))
    assert candidate_pool(catalog, exclude=["b", "e"]) == tuple("acdf")
    for seed in range(10):
        assert "b" not in candidate_pool(catalog, 3, include=["a"], exclude=["b"], seed=seed)
    with pytest.raises(WrongUse, match="'a' is both included and excluded"):
        candidate_pool(catalog, 3, include=["a"], exclude=["a"])
    with pytest.raises(WrongUse, match="there are 5 to choose from"):
        candidate_pool(catalog, 6, exclude=["a"])
