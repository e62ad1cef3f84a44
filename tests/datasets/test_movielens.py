"""MovieLens folders, written here in the exact layouts with made-up films."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fairrec.datasets import leave_last_out, read_dataset
from fairrec.datasets.movielens import films_1m, profiles_1m
from fairrec.errors import BadData, FairrecError, WrongUse

SHARED = Path(__file__).parents[2].parent / "shared" / "data"

LOG = [("1", "10", "4", "300"), ("2", "11", "5", "100"), ("1", "12", "3", "100")]
LOG += [("1", "11", "2", "200"), ("2", "10", "1", "100")]


def write(folder: Path, files: dict[str, str], encoding: str = "utf-8") -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_bytes(text.encode(encoding))
    return folder


def genre_flags(*places: int) -> str:
    return "|".join("1" if place in places else "0" for place in range(19))


@pytest.fixture
def ml_100k(tmp_path: Path) -> Path:
    films = [
        f"10|Quiet Harbour, The (1991)|01-Jan-1991||http://x/?a|{genre_flags(1, 8)}",
        f"11|Café perdu, Le (The Lost Café) (1993)|01-Jan-1993||http://x|{genre_flags(5)}",
        f"12|unknown||||{genre_flags(0)}",
    ]
    return write(
        tmp_path / "ml-100k",
        {
            "u.data": "".join("\t".join(row) + "\n" for row in LOG),
            "u.user": "1|24|F|technician|00000\n2|53|M|other|T8H1N\n3|7|F|student|11111\n",
            "u.item": "\n".join(films) + "\n",
        },
        "latin-1",
    )


@pytest.fixture
def ml_1m(tmp_path: Path) -> Path:
    return write(
        tmp_path / "ml-1m",
        {
            "ratings.dat": "".join("::".join(row) + "\n" for row in LOG),
            "users.dat": "1::F::1::10::00000\n2::M::56::16::70072\n",
            "movies.dat": "10::Quiet Harbour, The (1991)::Action|Drama\n"
            "11::Moon: A Café, A (1993)::Comedy\n12::Old (and) New (1950)::War\n",
        },
        "latin-1",
    )


@pytest.fixture
def ml_csv(tmp_path: Path) -> Path:
    return write(
        tmp_path / "ml-latest-small",
        {
            "ratings.csv": "userId,movieId,rating,timestamp\n"
            + "".join(f"{u},{i},{r}.5,{t}\r\n" for u, i, r, t in LOG),
            "movies.csv": 'movieId,title,genres\n10,"Quiet Harbour, The (1991)",Drama|War\n'
            '11,"The ""Moon"" (1993)",Comedy\n12,Nameless,(no genres listed)\n',
        },
    )


def test_100k_is_read_as_laid_out(ml_100k: Path) -> None:
    dataset = read_dataset(ml_100k)
    assert dataset.user_ids == ("1", "2", "3")
    assert dataset.profiles[dataset.user_ids[0]] == {
        "gender": "female",
        "age": "18-24",
        "occupation": "technician",
    }
    assert [p["age"] for p in dataset.profiles.values()] == ["18-24", "50-55", "under 18"]
    catalog = dataset.catalog
    assert catalog.titles == ("The Quiet Harbour", "Le Café perdu", "unknown")
    assert catalog.column("other_title").tolist() == [None, "The Lost Café", None]
    assert catalog.column("genre").tolist() == ["Action|Drama", "Comedy", None]
    assert catalog.numbers("year").tolist()[:2] == [1991.0, 1993.0]
    assert np.isnan(catalog.numbers("year")[2])
    assert dataset.ratings is not None and dataset.timestamps is not None
    first = dataset.rows(0)
    assert [catalog.ids[i] for i in dataset.items[first]] == ["12", "11", "10"]
    assert dataset.ratings[first].tolist() == [3, 2, 4]
    assert dataset.timestamps[first].tolist() == [100, 200, 300]
    assert dataset.warnings == ("1 user(s) have no interactions: 3.",)


def test_equal_timestamps_keep_the_order_of_the_rows(ml_100k: Path) -> None:
    dataset = read_dataset(ml_100k)
    assert [dataset.catalog.ids[i] for i in dataset.items[dataset.rows(1)]] == ["11", "10"]


def test_1m_is_read_as_laid_out(ml_1m: Path) -> None:
    dataset = read_dataset(ml_1m)
    assert tuple(dataset.profiles.values()) == (
        {"gender": "female", "age": "under 18", "occupation": "school student"},
        {"gender": "male", "age": "56+", "occupation": "self-employed"},
    )
    assert dataset.catalog.titles == ("The Quiet Harbour", "A Moon: A Café", "Old (and) New")
    assert len(dataset.items) == len(LOG) and dataset.warnings == ()


def test_a_copy_of_1m_with_other_separators_is_understood(ml_1m: Path) -> None:
    write(ml_1m, {"movies.dat": "10|Quiet Harbour, The (1991)|Action/Drama\n"})
    assert films_1m(ml_1m / "movies.dat").column("genre").tolist() == ["Action|Drama"]


def test_the_csv_layout_is_read_and_knows_nobody(ml_csv: Path) -> None:
    dataset = read_dataset(ml_csv)
    assert dataset.attributes == {}
    assert dataset.user_ids == ("1", "2")
    assert dataset.catalog.titles == ("The Quiet Harbour", 'The "Moon"', "Nameless")
    assert dataset.catalog.column("genre").tolist() == ["Drama|War", "Comedy", None]
    assert dataset.ratings is not None and sorted(dataset.ratings) == [1.5, 2.5, 3.5, 4.5, 5.5]


def test_a_folder_inside_the_folder_is_found(ml_1m: Path) -> None:
    assert read_dataset(ml_1m.parent).name == "MovieLens 1M"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("ratings.dat", "1::10::4::300\n\n1::11::4\n", ["ratings.dat", "line 3: 3 cell(s)"]),
        ("ratings.dat", "1::10::4::300\n1::11::x::300\n", ["line 2: the rating is 'x'"]),
        ("ratings.dat", "1::10::4::300\n1::11::nan::300\n", ["line 2: the rating is 'nan'"]),
        ("ratings.dat", "1::10::4::300\n::11::4::300\n", ["line 2: no user"]),
        ("ratings.dat", "1::10::4::300\n1::11::4::300::9\n", ["line 2: 5 cell(s)"]),
        ("ratings.dat", "1::10::4::300::7\n1::11::4::300\n", ["line 1: 5 cell(s)"]),
        ("ratings.dat", "1::10::4::300\n1:1:11::4::300\n", ["line 2"]),
        ("ratings.dat", "", ["no interactions"]),
        ("users.dat", "1::F::1::10\n", ["users.dat: line 1 has 4 cell(s)"]),
        ("users.dat", "1::F::1::10::0\n1::M::1::10::0\n", ["line 2", "'1' of line 1 again"]),
        ("users.dat", "1::F::1::99::0\n", ["user 1 has the occupation '99'"]),
        ("movies.dat", "10::A (1990)::War\n10::B (1990)::War\n", ["movies.dat", "'10' in rows"]),
        ("movies.dat", "10:: ::War\n", ["movies.dat", "blank title"]),
    ],
)
def test_what_is_broken_is_named(ml_1m: Path, name: str, text: str, words: list[str]) -> None:
    write(ml_1m, {name: text})
    with pytest.raises(BadData) as caught:
        read_dataset(ml_1m)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_what_does_not_fit_is_counted_and_kept(ml_1m: Path) -> None:
    with (ml_1m / "ratings.dat").open("a") as file:
        file.write("1::10::5::250\n9::77::1::5\n")
    with (ml_1m / "users.dat").open("a") as file:
        file.write("4:: ::-3::2::0\n")
    dataset = read_dataset(ml_1m)
    assert dataset.user_ids == ("1", "2", "4", "9")
    assert tuple(dataset.profiles.values())[2:] == ({"occupation": "artist"}, {})
    assert dataset.catalog.titles[-1] == dataset.catalog.ids[-1] == "77"
    assert dataset.catalog.column("genre")[-1] is None
    notes = "\n".join(dataset.warnings)
    for words in (
        "1 user(s) of the log have no profile: 9.",
        "1 user(s) have no interactions: 4.",
        "gender is unknown for 2 of 4 users.",
        "age is unknown for 2 of 4 users.",
        "occupation is unknown for 1 of 4 users.",
        "1 item(s) of the log have no title: their id stands for it: 77.",
        "1 row(s) repeat a user and an item, such as 1 and 10: the latest of them is kept.",
    ):
        assert words in notes
    first = dataset.rows(0)  # the later row is the earlier rating
    assert dataset.ratings is not None
    kept = dict(zip(dataset.items[first].tolist(), dataset.ratings[first].tolist(), strict=True))
    assert kept[dataset.catalog.index("10")] == 4


def test_folders_that_are_not_recognised_say_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(BadData, match=r"(?s)notes\.txt.*movielens-1m: ratings\.dat, users\.dat"):
        read_dataset(tmp_path)
    with pytest.raises(WrongUse, match="does not exist"):
        read_dataset(tmp_path / "nowhere")
    with pytest.raises(WrongUse, match="is a file"):
        read_dataset(tmp_path / "notes.txt")
    with pytest.raises(WrongUse, match="format 'csv' is unknown"):
        read_dataset(tmp_path, format="csv")


def test_two_layouts_in_one_folder_are_not_guessed_between(ml_1m: Path, ml_csv: Path) -> None:
    for file in ml_csv.iterdir():
        file.rename(ml_1m / file.name)
    with pytest.raises(BadData, match="movielens-1m and movielens-csv"):
        read_dataset(ml_1m)
    assert read_dataset(ml_1m, format="movielens-1m").name == "MovieLens 1M"


def test_a_folder_in_the_place_of_a_file_is_no_file(ml_1m: Path) -> None:
    (ml_1m / "users.dat").unlink()
    (ml_1m / "users.dat").mkdir()
    with pytest.raises(FairrecError, match="no layout that is known"):
        read_dataset(ml_1m)


@pytest.mark.skipif(not (SHARED / "ml-latest-small").is_dir(), reason="needs ml-latest-small")
def test_the_real_latest_small() -> None:
    dataset = read_dataset(SHARED / "ml-latest-small")
    assert (len(dataset.user_ids), len(dataset.catalog), len(dataset.items)) == (671, 9125, 100_004)
    assert dataset.warnings == ()
    titles = set(dataset.catalog.titles)
    assert {"The Matrix", "The City of Lost Children", "Il Postino"} - titles <= {"Il Postino"}
    assert not [title for title in titles if title.endswith((", The", ", A", ", La"))]
    users = leave_last_out(dataset, 5)
    assert len(users) == 671 and {len(user.held_out) for user in users} == {5}


@pytest.mark.skipif(not (SHARED / "ml-1m").is_dir(), reason="needs ml-1m")
def test_the_people_and_films_of_a_real_1m() -> None:
    profiles = profiles_1m(SHARED / "ml-1m" / "users.dat")
    assert len(profiles) == 6040
    assert sum(profile["gender"] == "female" for profile in profiles.values()) == 1709
    assert len({profile["age"] for profile in profiles.values()}) == 7
    assert len({profile["occupation"] for profile in profiles.values()}) == 21
    films = films_1m(SHARED / "ml-1m" / "movies.dat")
    assert len(films) == 3883
    assert not np.isnan(films.numbers("year")).any()
