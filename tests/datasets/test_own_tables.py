"""Data sets of one's own, as CSV and Parquet."""

from __future__ import annotations

from pathlib import Path

import pandas
import pytest

from fairrec.datasets import leave_last_out, read_dataset, read_interactions
from fairrec.errors import BadData, WrongUse

LOG = pandas.DataFrame(
    {
        "note": ["x, y", "", "z"],
        "who": [1, 1, 2],
        "what": ["a", "b", "a"],
        "stars": [4.5, 3.0, 1.0],
        "when": ["2024-01-02T00:00:00Z", "2024-01-01T00:00:00Z", "2024-01-03T00:00:00Z"],
    }
)
PEOPLE = pandas.DataFrame(
    {"who": [1, 2], "gender": ["F", "x"], "age": [30, None], "town": ["A", "B"]}
)
THINGS = pandas.DataFrame({"what": ["a", "b"], "name": ["Apple", "Pear"], "shelf": ["s", "t"]})
COLUMNS = {"user": "who", "item": "what", "rating": "stars", "timestamp": "when", "title": "name"}


def write(frame: pandas.DataFrame, path: Path) -> Path:
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    return path


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_columns_are_mapped(tmp_path: Path, ending: str) -> None:
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    dataset = read_interactions(
        write(LOG, tmp_path / f"log.{ending}"),
        write(PEOPLE, tmp_path / f"people.{ending}"),
        write(THINGS, tmp_path / f"things.{ending}"),
        columns=COLUMNS | {"home": "town"},
    )
    assert dataset.user_ids == ("1", "2")
    assert tuple(dataset.profiles.values()) == (
        {"gender": "female", "age": "25-34", "home": "A"},
        {"gender": "x", "home": "B"},
    )
    assert dataset.catalog.titles == ("Apple", "Pear")
    assert dataset.catalog.column("shelf").tolist() == ["s", "t"]
    (user,) = leave_last_out(dataset, users=["1"])
    assert (user.history, user.ratings, user.held_out) == (("b",), (3.0,), ("a",))
    assert dataset.timestamps is not None and dataset.timestamps[0] == 1704067200


def test_a_column_that_nobody_named_is_no_attribute(tmp_path: Path) -> None:
    users = write(PEOPLE, tmp_path / "users.csv")
    dataset = read_interactions(write(LOG, tmp_path / "log.csv"), users, columns=COLUMNS)
    assert set(dataset.attributes) == {"gender", "age"}


def test_a_folder_with_fairrecs_own_names_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "interactions.csv").write_text("user,item\nu,a\nu,b\n")
    (tmp_path / "users.csv").write_text("user,gender\nu,m\n")
    (tmp_path / "items.csv").write_text("item,title\na,Apple\nb,Pear\n")
    dataset = read_dataset(tmp_path)
    assert tuple(dataset.profiles.values()) == ({"gender": "male"},)
    assert dataset.catalog.titles == ("Apple", "Pear")
    (tmp_path / "interactions.csv").rename(tmp_path / "interactions.xlsx")
    with pytest.raises(BadData, match="no file that can be read"):
        read_dataset(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("user,thing\n1,2\n", "no column 'item'; it has 'user', 'thing'"),
        ("", "no column 'user', 'item'; it has none"),
        ("user,item\n", "no interactions"),
        ("user,item,rating\n1,a,5\n1,b,\n", "line 3: no rating"),
        ("user,item,rating\n1,a,5\n1,b,inf\n", "line 3: the rating is 'inf'"),
        ("user,item,timestamp\n1,a,2024-01-01\n1,b,soon\n", "line 3: the timestamp is 'soon'"),
        ("user,item,timestamp\n1,a,10\n1,b,2024-01-01\n", "line 3: the timestamp is '2024-01-01'"),
        ('user,item\n1,a\n1,"b\n', "cannot be read"),
        ("user,item\n1,a\n1,b,c\n", "line 3: 3 cell(s)"),
        ("user,item\n1,a\n1, \n", "line 3: no item"),
    ],
)
def test_what_is_wrong_with_a_log_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "log.csv"
    path.write_text(text)
    with pytest.raises(BadData) as caught:
        read_interactions(path)
    assert words in str(caught.value)


def test_text_that_is_not_utf8_is_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(b"user,item\n1,a\n1,caf\xe9\n")
    with pytest.raises(BadData, match="line 3: the item is not UTF-8"):
        read_interactions(path)


def test_what_is_wrong_with_people_is_named(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("user,item\n1,a\n")
    users = tmp_path / "users.csv"
    users.write_text("user,gender\n1,f\n1,m\n")
    with pytest.raises(BadData, match="row 2 has the user '1' again"):
        read_interactions(log, users)
    users.write_text("id,gender\n1,f\n")
    with pytest.raises(BadData, match="no column 'user'; it has 'id', 'gender'"):
        read_interactions(log, users)
    users.write_text("user,gender\n1,f\n")
    with pytest.raises(BadData, match="no column 'job'"):
        read_interactions(log, users, columns={"occupation": "job"})


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="cannot be read: No such file"):
        read_interactions(tmp_path / "none.csv")
    with pytest.raises(WrongUse, match=r"ends in '\.txt'"):
        read_interactions(tmp_path / "none.txt")


def test_a_parquet_log_with_gaps_names_its_rows(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    log = pandas.DataFrame({"user": ["a", None], "item": ["x", "y"], "rating": [1.0, None]})
    with pytest.raises(BadData, match=r"1 row\(s\) have no usable user: row 2"):
        read_interactions(write(log, tmp_path / "log.parquet"))
    log["user"] = "a"
    with pytest.raises(BadData, match=r"1 row\(s\) have no usable rating: row 2"):
        read_interactions(write(log, tmp_path / "log.parquet"))
    (tmp_path / "log.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(BadData, match="cannot be read as Parquet"):
        read_interactions(tmp_path / "log.parquet")
