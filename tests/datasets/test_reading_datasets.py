from __future__ import annotations

from pathlib import Path

import pytest

from fairrec.datasets import Dataset, leave_last_out, read_dataset, read_interactions

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


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
        "x.user": "user_id:token\tgender:float\tage:float\toccupation:float\n"
        "1\t1\t0\t3\n2\t0\t6\t4\n"
    }
    dataset = read_dataset(write(tmp_path / "x", files))
    assert dataset.profiles["1"] == {"gender": "1", "age": "code 0", "occupation": "3"}
    assert any("codes of an unknown kind" in said for said in dataset.warnings)
    assert any("gender has values that are kept" in said for said in dataset.warnings)


def test_lastfm_360k(tmp_path: Path) -> None:
    files = {
        "usersha1-artmbid-artname-plays.tsv": "aa\tmb1\tNA\t7\naa\t\t? and the Mysterians\t3\n"
        'bb\tmb1\tN.A.\t2\nbb\tmb2\tThe "B\t1\n',
        "usersha1-profile.tsv": "aa\tf\t22\tGermany\tFeb 1, 2007\n"
        "bb\t\t-1337\tCanada\tDec 4, 2007\n",
    }
    dataset = read_dataset(write(tmp_path / "lastfm", files))
    assert dataset.catalog.ids == ("mb1", "name:? and the Mysterians", "mb2")
    assert dataset.catalog.titles == ("NA", "? and the Mysterians", 'The "B')
    assert dict(dataset.profiles["aa"]) == {
        "gender": "female",
        "age": "18-24",
        "country": "Germany",
    }
    assert dict(dataset.profiles["bb"]) == {"country": "Canada"}
    assert triples(dataset)[:2] == [("aa", "mb1", 7.0), ("aa", "name:? and the Mysterians", 3.0)]
    assert "age is unknown for 1 of 2 users." in dataset.warnings


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
