"""Last.fm folders, written here in the exact layouts with made-up artists."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairrec.datasets import leave_last_out, read_dataset
from fairrec.datasets.lastfm import LOG_1K, LOG_360K, PROFILES_1K, PROFILES_360K
from fairrec.errors import BadData


@pytest.fixture
def small_360k(tmp_path: Path) -> Path:
    (tmp_path / LOG_360K).write_text(
        'aa\tm-1\tthe "loud" ones\t2137\naa\t\t?quiet\t12\nbb\tm-1\tThe Loud Ones\t5\n'
        "bb\t\t\t3\nbb\tm-2\t\t2\n",
        "utf-8",
    )
    (tmp_path / PROFILES_360K).write_text(
        "aa\tf\t22\tGermany\tFeb 1, 2007\nbb\t\t-1337\tUnited States\tJan 1, 2008\n"
        "cc\tm\t\t\tJan 1, 2009\n"
    )
    return tmp_path


@pytest.fixture
def small_1k(tmp_path: Path) -> Path:
    listens = [
        ("user_000001", "2009-05-04T23:08:57Z", "m-1", "Loud", "", "One"),
        ("user_000001", "2009-05-03T23:08:57Z", "m-1", "Loud", "", "Two"),
        ("user_000001", "2009-05-04T13:08:57Z", "", "Soft", "t", ""),
        ("user_000002", "1970-01-01T00:01:00Z", "m-1", "Loud", "t", "One"),
    ]
    (tmp_path / LOG_1K).write_text("".join("\t".join(row) + "\n" for row in listens))
    (tmp_path / PROFILES_1K).write_text(
        "#id\tgender\tage\tcountry\tregistered\nuser_000001\tm\t\tJapan\tAug 13, 2006\n"
        "user_000002\tf\t31\t\t\n"
    )
    return tmp_path


def test_360k_is_read_as_laid_out(small_360k: Path) -> None:
    dataset = read_dataset(small_360k)
    assert dataset.user_ids == ("aa", "bb", "cc")
    assert tuple(dataset.profiles.values()) == (
        {"gender": "female", "age": "18-24", "country": "Germany"},
        {"country": "United States"},
        {"gender": "male"},
    )
    assert dataset.catalog.ids == ("m-1", "name:?quiet", "m-2")
    assert dataset.catalog.titles == ('the "loud" ones', "?quiet", "m-2")
    assert dataset.ratings is not None and dataset.ratings.tolist() == [2137, 12, 5, 2]
    assert dataset.timestamps is None
    notes = "\n".join(dataset.warnings)
    assert "1 row(s) name no artist" in notes
    assert "no timestamps" in notes
    assert "gender is unknown for 1 of 3 users." in notes
    assert "age is unknown for 2 of 3 users." in notes


def test_1k_has_each_artist_once_at_the_first_listen(small_1k: Path) -> None:
    dataset = read_dataset(small_1k)
    assert dataset.profiles[dataset.user_ids[0]] == {"gender": "male", "country": "Japan"}
    assert dataset.ratings is not None and dataset.timestamps is not None
    assert dataset.ratings.tolist() == [2, 1, 1]
    assert dataset.timestamps[-1] == 60
    (user,) = leave_last_out(dataset, users=["user_000001"])
    assert (user.history, user.ratings, user.held_out) == (("m-1",), (2.0,), ("name:Soft",))


def test_chunks_do_not_change_what_is_read(small_1k: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read_dataset(small_1k)
    monkeypatch.setattr("fairrec.datasets.log_reading.CHUNK", 1)
    pieces = read_dataset(small_1k)
    assert pieces.catalog == whole.catalog
    assert pieces.items.tolist() == whole.items.tolist()
    assert pieces.ratings is not None and whole.ratings is not None
    assert pieces.ratings.tolist() == whole.ratings.tolist()


def test_a_few_broken_lines_are_left_out_counted_and_named(small_1k: Path) -> None:
    with (small_1k / LOG_1K).open("a") as file:
        file.write("\nuser_000002\tyesterday\tm-3\tX\t\t\nuser_000002\t2009-05-04T23:08:57Z\n")
        file.write("user_000002\t2009-05-04T23:08:57Z\tm-4\tKept\t\tTrack\n")
    dataset = read_dataset(small_1k)
    assert "m-4" in dataset.catalog and "m-3" not in dataset.catalog
    assert dataset.warnings[0] == (
        f"{LOG_1K}: 2 broken line(s) are left out: line 6: the timestamp is 'yesterday'; "
        "line 7: 2 cell(s)."
    )


def test_many_broken_lines_are_an_error(small_360k: Path) -> None:
    with (small_360k / LOG_360K).open("a") as file:
        file.write("aa\tm-1\tLoud\tmany\n" * 101)
    with pytest.raises(BadData, match=r"101 broken line\(s\): line 6: the plays is 'many'"):
        read_dataset(small_360k)


def test_a_broken_profile_is_an_error(small_360k: Path) -> None:
    (small_360k / PROFILES_360K).write_text("aa\tf\t22\n")
    with pytest.raises(BadData, match=r"usersha1-profile\.tsv: line 1 has 3 cell"):
        read_dataset(small_360k)
