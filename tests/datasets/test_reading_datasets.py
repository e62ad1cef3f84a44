from __future__ import annotations

import math
import time
from pathlib import Path

import pytest

from fairrec.datasets import Dataset, leave_last_out, read_dataset, read_interactions
from fairrec.errors import BadData, WrongUse

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
GENRES = 19


def shared(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"the development data {name} is not here")
    return folder


def triples(dataset: Dataset) -> list[tuple[str, str, float]]:
    frame = dataset.interactions
    return list(zip(frame["user"], frame["item"], frame["rating"], strict=True))


def write(folder: Path, files: dict[str, str], encoding: str = "utf-8") -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding, newline="")
    return folder


def film_row(id: int, title: str, *genres: int) -> str:
    flags = "|".join("1" if g in genres else "0" for g in range(GENRES))
    return f"{id}|{title}|01-Jan-1995||http://x/{id}|{flags}\n"


ML_100K = {
    "u.data": "1\t10\t5\t300\n1\t20\t3\t100\n2\t10\t4\t200\n",
    "u.user": "1|24|M|technician|85711\n2|7|F|student|94043\n3|60|F|none|00000\n",
    "u.item": film_row(10, "Misérables, Les (1995)", 8) + film_row(20, "Heat (1995)", 1, 6),
}


def test_movielens_100k(tmp_path: Path) -> None:
    dataset = read_dataset(write(tmp_path / "ml-100k", ML_100K, "latin-1"))
    assert dataset.catalog.ids == ("10", "20")
    assert dataset.catalog.titles == ("Les Misérables", "Heat")
    assert dataset.catalog.numbers("year").tolist() == [1995, 1995]
    assert dataset.catalog.column("genre").tolist() == ["Drama", "Action|Crime"]
    assert dict(dataset.profiles["1"]) == {
        "gender": "male",
        "age": "18-24",
        "occupation": "technician",
    }
    assert dataset.profiles["2"]["age"] == "under 18"
    assert dataset.profiles["3"]["age"] == "56+"
    # Oldest first, whatever the file's order.
    assert triples(dataset) == [("1", "20", 3.0), ("1", "10", 5.0), ("2", "10", 4.0)]
    assert any("1 user(s) have no interactions: 3" in said for said in dataset.warnings)


ML_1M = {
    "ratings.dat": "1::10::5::300\n2::20::4::200\n",
    "users.dat": "1::F::1::10::48067\n2::M::56::16::70072\n",
    "movies.dat": "10::Matrix, The (1999)::Action|Sci-Fi\n20::Alien: Größe (1979)::Horror\n",
}


@pytest.mark.parametrize("copied", [False, True])
def test_movielens_1m(tmp_path: Path, copied: bool) -> None:
    files = dict(ML_1M)
    if copied:  # a copy with other separators
        files["users.dat"] = files["users.dat"].replace("::", "|")
        films = files["movies.dat"].replace("|", "/").replace("::", "|")
        files["movies.dat"] = films
    dataset = read_dataset(write(tmp_path / "ml-1m", files, "latin-1"))
    assert dataset.catalog.titles == ("The Matrix", "Alien: Größe")
    assert dataset.catalog.column("genre").tolist() == ["Action|Sci-Fi", "Horror"]
    assert dataset.profiles["1"]["age"] == "under 18"
    assert dataset.profiles["1"]["gender"] == "female"
    assert dataset.profiles["2"]["age"] == "56+"
    assert dataset.profiles["2"]["occupation"] == "self-employed"
    assert triples(dataset) == [("1", "10", 5.0), ("2", "20", 4.0)]


def test_movielens_in_csv(tmp_path: Path) -> None:
    files = {
        "ratings.csv": "userId,movieId,rating,timestamp\n1,10,0.5,300\n1,20,4.5,100\n",
        "movies.csv": 'movieId,title,genres\n10,"Net, The (1995)",Action|Crime\n'
        "20,Untitled,(no genres listed)\n",
    }
    dataset = read_dataset(write(tmp_path / "ml-25m", files))
    assert dataset.catalog.titles == ("The Net", "Untitled")
    assert dataset.catalog.column("genre").tolist() == ["Action|Crime", None]
    assert math.isnan(dataset.catalog.numbers("year")[1])
    assert triples(dataset) == [("1", "20", 4.5), ("1", "10", 0.5)]
    assert dict(dataset.profiles) == {"1": {}}


RECBOLE = {
    "x.inter": "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
    "1\t10\t3\t20\n2\t10\t4\t30\n",
    "x.item": "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
    "10\tNet, The\t1995\tAction Sci-Fi\n",
    "x.user": "user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token\n"
    "1\t24\tM\twriter\t1\n2\t53\tF\tother\t2\n",
}


def test_recbole(tmp_path: Path) -> None:
    dataset = read_dataset(write(tmp_path / "x", RECBOLE))
    assert dataset.catalog.titles == ("The Net",)
    assert dataset.catalog.column("genre").tolist() == ["Action|Sci-Fi"]
    assert dataset.catalog.numbers("year").tolist() == [1995]
    assert dict(dataset.profiles["2"]) == {
        "gender": "female",
        "age": "50-55",
        "occupation": "other",
    }


def test_codes_of_movielens_1m_in_recbole_are_named(tmp_path: Path) -> None:
    files = RECBOLE | {
        "x.user": "user_id:token\tgender:token\tage:token\toccupation:token\n"
        "1\tF\t1\t10\n2\tM\t56\t20\n"
    }
    dataset = read_dataset(write(tmp_path / "x", files))
    assert dataset.profiles["1"]["age"] == "under 18"
    assert dataset.profiles["2"] == {"gender": "male", "age": "56+", "occupation": "writer"}


def test_unknown_codes_do_not_pass_for_ages(tmp_path: Path) -> None:
    files = RECBOLE | {
        "x.user": "user_id:token\tgender:float\tage:float\toccupation:float\n1\t1\t0\t3\n2\t0\t6\t4\n"
    }
    dataset = read_dataset(write(tmp_path / "x", files))
    assert dataset.profiles["1"] == {"gender": "1", "age": "code 0", "occupation": "3"}
    assert any("codes of an unknown kind" in said for said in dataset.warnings)
    assert any("gender has values that are kept" in said for said in dataset.warnings)


def test_lastfm_360k(tmp_path: Path) -> None:
    files = {
        "usersha1-artmbid-artname-plays.tsv": "aa\tmb1\tNA\t7\naa\t\t? and the Mysterians\t3\n"
        'bb\tmb1\tN.A.\t2\nbb\tmb2\tThe "B\t1\n',
        "usersha1-profile.tsv": "aa\tf\t22\tGermany\tFeb 1, 2007\nbb\t\t-1337\tCanada\tDec 4, 2007\n",
    }
    dataset = read_dataset(write(tmp_path / "lastfm", files))
    assert dataset.catalog.ids == ("mb1", "name:? and the Mysterians", "mb2")
    assert dataset.catalog.titles == ("NA", "? and the Mysterians", 'The "B')
    assert dict(dataset.profiles["aa"]) == {"gender": "female", "age": "18-24", "country": "Germany"}
    assert dict(dataset.profiles["bb"]) == {"country": "Canada"}
    assert triples(dataset)[:2] == [("aa", "mb1", 7.0), ("aa", "name:? and the Mysterians", 3.0)]
    assert "age is unknown for 1 of 2 users." in dataset.warnings


def test_lastfm_1k_sums_listens_up(tmp_path: Path) -> None:
    files = {
        "userid-timestamp-artid-artname-traid-traname.tsv": (
            "u1\t2009-05-04T23:08:57Z\tm1\tDeep Dish\t\tone\n"
            "u1\t2009-05-04T13:00:00Z\tm2\tUnderworld\t\ttwo\n"
            "u1\t1970-01-01T00:01:00Z\tm1\tDeep Dish\t\tthree\n"
            "u1\tbroken\n"
        ),
        "userid-profile.tsv": "#id\tgender\tage\tcountry\tregistered\nu1\tm\t\tJapan\tAug 13, 2006\n",
    }
    dataset = read_dataset(write(tmp_path / "lastfm", files))
    assert triples(dataset) == [("u1", "m1", 2.0), ("u1", "m2", 1.0)]
    assert dataset.interactions["timestamp"].tolist()[0] == 60
    assert dict(dataset.profiles["u1"]) == {"gender": "male", "country": "Japan"}
    assert any("1 broken line(s) are left out: line 4" in said for said in dataset.warnings)


def test_tables_of_ones_own(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "own",
        {
            "log.csv": "who,what,when\nb,2,2020-01-02\nb,1,2020-01-01T00:00:00Z\n",
            "people.csv": "who,gender,age\nb,female,33\n",
            "things.csv": "what,title\n1,One\n2,Two\n",
        },
    )
    dataset = read_interactions(
        folder / "log.csv",
        folder / "people.csv",
        folder / "things.csv",
        columns={"user": "who", "item": "what", "timestamp": "when"},
    )
    assert dataset.interactions["item"].tolist() == ["1", "2"]
    assert dataset.interactions["rating"].isna().all()
    assert dict(dataset.profiles["b"]) == {"gender": "female", "age": "25-34"}
    assert dataset.catalog.titles == ("One", "Two")


def test_parquet_and_a_lone_file(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pandas.DataFrame({"user": [7, 7], "item": [3, 4], "rating": [1.0, 2.0]})
    frame.to_parquet(tmp_path / "log.parquet")
    frame.to_csv(tmp_path / "log.csv", index=False)
    assert triples(read_dataset(tmp_path / "log.parquet")) == [("7", "3", 1.0), ("7", "4", 2.0)]
    assert triples(read_dataset(tmp_path / "log.csv")) == [("7", "3", 1.0), ("7", "4", 2.0)]


def test_of_repeats_the_latest_is_kept(tmp_path: Path) -> None:
    files = ML_1M | {"ratings.dat": "1::10::5::300\n1::10::1::100\n1::20::2::200\n"}
    dataset = read_dataset(write(tmp_path / "ml-1m", files, "latin-1"))
    assert triples(dataset) == [("1", "20", 2.0), ("1", "10", 5.0)]
    assert any("1 row(s) repeat a user and an item" in said for said in dataset.warnings)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("1::20::four::200", "line 2: the rating is 'four'"),
        ("1::20::nan::200", "line 2: the rating is 'nan'"),
        ("1::20::4", "line 2: 3 cell"),
        ("1::20::4::5::6", "line 2: 5 cell"),
        ("::20::4::200", "line 2: no user"),
    ],
)
def test_a_broken_row_is_named(tmp_path: Path, line: str, words: str) -> None:
    files = ML_1M | {"ratings.dat": f"1::10::5::300\n{line}\n2::20::4::200\n"}
    with pytest.raises(BadData, match=words) as raised:
        read_dataset(write(tmp_path / "ml-1m", files, "latin-1"))
    assert "ratings.dat" in raised.value.seen


def test_an_unknown_layout_says_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(BadData, match=r"u\.data.*\*\.inter.*usersha1-profile\.tsv") as raised:
        read_dataset(tmp_path)
    assert "notes.txt" in raised.value.seen
    with pytest.raises(WrongUse, match="does not exist"):
        read_dataset(tmp_path / "nothing")
    with pytest.raises(WrongUse, match="movielens-1m"):
        read_dataset(tmp_path, format="movielens")


def test_an_unpacked_archive_may_hold_the_folder(tmp_path: Path) -> None:
    write(tmp_path / "ml-1m", ML_1M, "latin-1")
    assert len(read_dataset(tmp_path).catalog) == 2


def test_a_million_rows_of_double_colons_are_read_in_seconds(tmp_path: Path) -> None:
    rows = 200_000  # a fifth of a million, to keep the test short
    lines = (f"{n % 6000 + 1}::{n * 7 % 3900 + 1}::{n % 5 + 1}::{9**9 + n}" for n in range(rows))
    files = ML_1M | {"ratings.dat": "\n".join(lines) + "\n"}
    folder = write(tmp_path / "ml-1m", files, "latin-1")
    began = time.perf_counter()
    dataset = read_dataset(folder)
    assert time.perf_counter() - began < 10  # Python's engine takes longer for the whole
    pairs = {(n % 6000 + 1, n * 7 % 3900 + 1) for n in range(rows)}
    assert len(dataset.interactions) == len(pairs)


def test_the_real_movielens_100k() -> None:
    dataset = read_dataset(shared("ml-100k"))
    assert len(dataset.interactions) == 100_000
    assert len(dataset.catalog) == 1682
    genders = [profile["gender"] for profile in dataset.profiles.values()]
    assert (genders.count("female"), genders.count("male")) == (273, 670)
    users = leave_last_out(dataset)
    assert len(users) == 943
    assert sum(len(user.history) + 1 for user in users) == 100_000


def test_the_real_users_and_films_of_movielens_1m(tmp_path: Path) -> None:
    source = shared("ml-1m")
    folder = write(tmp_path / "ml-1m", {"ratings.dat": "1::1::5::978300760\n"})
    for name in ("users.dat", "movies.dat"):
        (folder / name).symlink_to(source / name)
    dataset = read_dataset(folder)
    assert len(dataset.catalog) == 3883
    ages = [profile["age"] for profile in dataset.profiles.values()]
    assert (ages.count("under 18"), ages.count("56+"), len(ages)) == (222, 380, 6040)
    assert "Les Misérables" in dataset.catalog.titles


def test_the_real_latest_small() -> None:
    dataset = read_dataset(shared("ml-latest-small"))
    assert len(dataset.interactions) == 100_004
    assert len(dataset.catalog) == 9125
