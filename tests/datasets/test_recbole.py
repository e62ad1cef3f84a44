"""RecBole's atomic files."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairrec.datasets import leave_last_out, read_dataset
from fairrec.errors import BadData

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "ml-100k"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "toy"
    place.mkdir()
    (place / "toy.inter").write_text(
        "item_id:token\tuser_id:token\trating:float\ttimestamp:float\n"
        "007\tann\t4.0\t20.5\n7\tann\t3.0\t10\n007\tbob\t1\t5\n"
    )
    (place / "toy.item").write_text(
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
        "007\tSpy, The\t1999\tAction War\n7\tSeven Samples\t?\tunknown\n"
    )
    (place / "toy.user").write_text(
        "user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token\n"
        "ann\t33\tF\tlawyer\t1\nbob\t17\tM\tother\t2\n"
    )
    return place


def test_columns_are_found_by_name_and_ids_stay_as_written(folder: Path) -> None:
    dataset = read_dataset(folder)
    assert dataset.name == "toy"
    assert dataset.catalog.titles == ("The Spy", "Seven Samples")
    assert dataset.catalog.column("genre").tolist() == ["Action|War", None]
    assert dataset.profiles[dataset.user_ids[0]] == {
        "age": "25-34",
        "gender": "female",
        "occupation": "lawyer",
    }
    (ann,) = leave_last_out(dataset, users=["ann"])
    assert (ann.history, ann.ratings, ann.held_out) == (("7",), (3.0,), ("007",))


def test_a_log_alone_is_enough(folder: Path) -> None:
    (folder / "toy.item").unlink()
    (folder / "toy.user").unlink()
    (folder / "toy.inter").write_text("user_id:token\tartist:token\tx:float\na\tq\t\nb\tr\t1\n")
    dataset = read_dataset(folder)
    assert (dataset.ratings, dataset.timestamps) == (None, None)
    assert tuple(dataset.profiles.values()) == ({}, {})
    assert dataset.catalog.ids == dataset.catalog.titles == ("q", "r")
    assert "no timestamps" in "".join(dataset.warnings)


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("toy.inter", "user_id\titem_id\n1\t2\n", "line 1 is no header of types"),
        ("toy.inter", "uid:token\titem_id:token\n1\t2\n", "no column user_id; it has uid, item_id"),
        ("toy.inter", "user_id:token\titem_id:token\n1\t2\n1\n", "line 3: 1 cell(s)"),
        ("toy.inter", "user_id:token\titem_id:token\n1\t2\n\t2\n", "line 3: no user"),
        ("toy.user", "user_id:token\tage:token\n1\t2\n1\t3\n", "line 3 has the id '1' of line 2"),
        ("toy.item", "item_id:token\ttitle:token\n1\ta\tb\n", "toy.item: line 2 has 3 cell(s)"),
        ("other.inter", "", "2 .inter files: other.inter, toy.inter"),
    ],
)
def test_what_is_wrong_is_named(folder: Path, file: str, text: str, words: str) -> None:
    (folder / file).write_text(text)
    with pytest.raises(BadData) as caught:
        read_dataset(folder)
    assert words in str(caught.value)


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs RecBole's ml-100k")
def test_the_real_ml_100k() -> None:
    dataset = read_dataset(SHARED)
    assert (len(dataset.user_ids), len(dataset.catalog), len(dataset.items)) == (943, 1682, 100_000)
    assert dataset.attributes["gender"] == {"male": 670, "female": 273}
    assert dataset.warnings == ()
    users = leave_last_out(dataset)
    by_id = {user.id: user for user in users}
    lines = (SHARED / "ml-100k.inter").read_text().splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    for id in ("1", "196", "943"):  # an independent reading of the same file
        mine = [row for row in rows if row[0] == id]
        mine.sort(key=lambda row: float(row[3]))
        user = by_id[id]
        assert [*user.history, *user.held_out] == [row[1] for row in mine]
        assert user.ratings == tuple(float(row[2]) for row in mine[:-1])
