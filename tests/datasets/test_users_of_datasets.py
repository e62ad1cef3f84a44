from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairrec.catalogs import films
from fairrec.datasets import Dataset, leave_last_out, read_interactions, synthetic_users
from fairrec.errors import WrongUse


def dataset_of(folder: Path, rows: list[tuple[str, str, float, int]]) -> Dataset:
    lines = "".join(f"{u},{i},{r},{t}\n" for u, i, r, t in rows)
    path = folder / "log.csv"
    path.write_text("user,item,rating,timestamp\n" + lines)
    return read_interactions(path)


ROWS = [
    ("a", "3", 1.0, 30),
    ("a", "1", 5.0, 10),
    ("a", "2", 4.0, 20),
    ("a", "4", 2.0, 30),  # a tie: the file's order decides
    ("b", "1", 3.0, 5),
]


def test_the_last_by_time_are_held_out(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=r"1 of 2 users .* left out: b"):
        (a,) = leave_last_out(dataset_of(tmp_path, ROWS), 2)
    assert (a.history, a.ratings, a.held_out) == (("1", "2"), (5.0, 4.0), ("3", "4"))


def test_none_held_out_keeps_everybody(tmp_path: Path) -> None:
    users = leave_last_out(dataset_of(tmp_path, ROWS), 0)
    assert [(u.id, u.history, u.held_out) for u in users] == [
        ("a", ("1", "2", "3", "4"), ()),
        ("b", ("1",), ()),
    ]


def test_only_what_was_liked_is_held_out_and_nothing_after_it_is_shown(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="rated at least 4"):
        (a,) = leave_last_out(dataset_of(tmp_path, ROWS), 1, like_at_least=4)
    assert (a.history, a.held_out) == (("1",), ("2",))


def test_minimum_history(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, ROWS)
    with pytest.warns(UserWarning, match="2 of 2 users"):
        assert leave_last_out(dataset, 1, minimum_history=4) == []
    assert len(leave_last_out(dataset, 1, minimum_history=0)) == 2
    with pytest.raises(WrongUse, match="-1 items held out"):
        leave_last_out(dataset, -1)


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 60),
    seed=st.integers(0, 1000),
    values=st.integers(1, 4),
    history=st.integers(0, 12),
)
def test_synthetic_users_are_balanced_over_all_combinations(
    n: int, seed: int, values: int, history: int
) -> None:
    attributes = {"gender": ["female", "male"], "age": [f"band {i}" for i in range(values)]}
    users = synthetic_users(films(), n, attributes, seed, history=history)
    assert len({user.id for user in users}) == n
    counts = Counter((user.profile["gender"], user.profile["age"]) for user in users)
    cells = [counts[g, a] for g in attributes["gender"] for a in attributes["age"]]
    assert max(cells) - min(cells) <= 1
    assert all(len(set(user.history)) == history for user in users)
    assert users == synthetic_users(films(), n, attributes, seed, history=history)


def test_synthetic_histories_do_not_depend_on_the_attributes() -> None:
    some = synthetic_users(films(), 20, {"gender": ["female", "male"]}, 3)
    other = synthetic_users(films(), 40, {"age": ["old", "young", "middle"]}, 3)
    assert [u.history for u in some] == [u.history for u in other][:20]


@pytest.mark.parametrize(
    ("n", "attributes", "history"),
    [(0, {}, 1), (1, {"gender": []}, 1), (1, {}, -1)],
)
def test_impossible_users_are_refused(
    n: int, attributes: dict[str, list[str]], history: int
) -> None:
    with pytest.raises(WrongUse):
        synthetic_users(films(), n, attributes, 0, history=history)
