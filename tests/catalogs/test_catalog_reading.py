from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fairrec.catalogs import read_catalog
from fairrec.errors import BadData, WrongUse

COLUMNS = {"id": "movie_id", "title": "name"}
TABLE = 'movie_id,name,year,director\n007,"Good, the Bad, The",1966,Sergio Leone\n8,Amélie,,\n'


def write(tmp_path: Path, content: str | bytes, name: str = "items.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_csv_parquet_and_frame_give_the_same_catalogue(tmp_path: Path) -> None:
    from_csv = read_catalog(write(tmp_path, TABLE), COLUMNS)
    frame = pd.DataFrame(
        {
            "movie_id": ["007", "8"],
            "name": ["Good, the Bad, The", "Amélie"],
            "year": [1966, None],
            "director": ["Sergio Leone", None],
        }
    )
    frame.to_parquet(tmp_path / "items.parquet")
    assert from_csv.ids == ("007", "8")
    assert from_csv.titles == ("Good, the Bad, The", "Amélie")
    assert list(from_csv.columns) == ["year", "director"]
    np.testing.assert_array_equal(from_csv.numbers("year"), [1966, np.nan])
    assert list(from_csv.column("director")) == ["Sergio Leone", None]
    assert read_catalog(frame, COLUMNS) == from_csv
    assert read_catalog(str(tmp_path / "items.parquet"), COLUMNS) == from_csv


def test_byte_order_mark_line_ends_and_blank_lines_do_not_matter(tmp_path: Path) -> None:
    plain = read_catalog(write(tmp_path, "id,title\n1,A\n2,B\n"))
    odd = read_catalog(write(tmp_path, "\ufeffid,title\r\n\r\n1,A\r\n2, B \r\n\r\n", "odd.CSV"))
    assert plain == odd


def test_numbers_and_text_are_told_apart(tmp_path: Path) -> None:
    path = write(tmp_path, "id,title,n,t,u,e\n1,A,1.5,1,1_0,\n2,B,-2,x,2,\n")
    catalog = read_catalog(path)
    assert list(catalog.numbers("n")) == [1.5, -2.0]
    assert list(catalog.column("t")) == ["1", "x"]
    assert list(catalog.column("u")) == ["1_0", "2"]
    assert list(catalog.column("e")) == [None, None]


def test_whole_numbers_are_ids_as_they_stand() -> None:
    frame = pd.DataFrame({"id": [1.0, 2.0], "title": ["A", 1999], "x": [pd.Timestamp(0), None]})
    catalog = read_catalog(frame)
    assert catalog.ids == ("1", "2")
    assert catalog.titles == ("A", "1999")
    assert list(catalog.column("x")) == ["1970-01-01 00:00:00", None]


def test_a_mapped_column_takes_the_name_of_another(tmp_path: Path) -> None:
    path = write(tmp_path, "id,title,isbn\n1,A,x\n1,B,y\n")
    assert read_catalog(path, {"id": "isbn"}).ids == ("x", "y")


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        ("", " is empty."),
        ("\n\n", " is empty."),
        ("id,title\n", ": the catalogue has no items."),
        ("id,title\n1,A\n1,B\n", ": 1 id(s) stand in more than one row: '1' in rows 1, 2."),
        ("id,title\n1,\n2, \n3,C\n", ": 2 row(s) have a blank title: row 1, 2."),
        ("id,title\n,A\n", ": 1 row(s) have a blank id: row 1."),
        ("id,title\n?1,A\n", ": 1 row(s) have an id that starts with '?': row 1."),
        ("id,title\n1,A\n2,B,C\n", ": row 2 has 3 cells and the header 2."),
        ("id,title,title\n1,A,B\n", " names 'title' more than once in its header."),
        (b"id,title\n1,Am\xe9lie\n", " is not UTF-8: byte 0xe9 at position 13."),
        ("id,name\n1,A\n", " has no column 'title'; it has 'id', 'name'."),
    ],
)
def test_bad_content_is_refused(tmp_path: Path, content: str | bytes, seen: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(BadData) as caught:
        read_catalog(path)
    assert caught.value.seen == f"{path}{seen}"
    assert caught.value.expected
    assert caught.value.do
    assert caught.value.exit_code == 4


def test_a_field_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="is not CSV: field larger than field limit"):
        read_catalog(write(tmp_path, 'id,title\n1,"' + "x" * 200_000))


def test_a_missing_column_names_the_nearest(tmp_path: Path) -> None:
    path = write(tmp_path, "movieId,Title,genres\n1,A,x\n")
    with pytest.raises(BadData) as caught:
        read_catalog(path, {"id": "movie_id", "title": "Title"})
    assert caught.value.do == (
        'the nearest are \'movieId\'; say which one it is: columns={"id": "movieId"}.'
    )
    with pytest.raises(BadData, match="no column 'artist'"):
        read_catalog(path, {"id": "movieId", "title": "Title", "director": "artist"})


def test_wrong_sources_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match=r"gone\.csv does not exist"):
        read_catalog(tmp_path / "gone.csv")
    with pytest.raises(WrongUse, match=r"ends in '\.xlsx'"):
        read_catalog(write(tmp_path, "x", "items.xlsx"))
    with pytest.raises(WrongUse, match="has no ending"):
        read_catalog(write(tmp_path, "x", "items"))
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(WrongUse, match="is a folder"):
        read_catalog(tmp_path / "folder.csv")
    with pytest.raises(WrongUse, match="given as list"):
        read_catalog([1])  # type: ignore[arg-type]
    with pytest.raises(BadData, match="cannot be read as Parquet"):
        read_catalog(write(tmp_path, "no parquet", "broken.parquet"))
    twice = pd.DataFrame([["1", "A", "B"]], columns=["id", "title", "title"])
    with pytest.raises(BadData, match="'title' as the name of several columns"):
        read_catalog(twice)
