"""MovieLens in the folders that GroupLens gives out.

100K and 1M (1998, 2003) know gender, age and occupation of everybody; the later ones (20M, 25M,
32M, latest) know nobody. F. Maxwell Harper and Joseph A. Konstan, "The MovieLens Datasets:
History and Context", ACM TiiS 5 (4), 2015.
"""

from __future__ import annotations

from pathlib import Path

from fairrec.catalogs import Catalog
from fairrec.datasets.assembling import assemble
from fairrec.datasets.dataset import Dataset
from fairrec.datasets.log_reading import Kind, Layout, read_log
from fairrec.datasets.profiles import OCCUPATIONS, make_profile
from fairrec.datasets.rows import Item, by_id, catalog_of, read_rows, read_text
from fairrec.datasets.titles import film_title
from fairrec.errors import BadData

_COLUMNS: dict[str, Kind] = {"user": "id", "item": "id", "rating": "number", "timestamp": "number"}
_NO_GENRE = ("unknown", "(no genres listed)", "")
_GENRES_100K = (
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
)


def read_movielens_100k(folder: Path) -> Dataset:
    """Read ``u.data``, ``u.user`` and ``u.item``.

    Raises:
        WrongUse: A file cannot be read.
        BadData: A line is broken; it is named.
    """
    log = read_log(folder / "u.data", Layout(_COLUMNS, "\t", encoding="latin-1"))
    people = folder / "u.user"
    profiles = by_id(
        people,
        read_rows(people, "|", 5, old=True),
        lambda row: make_profile({"gender": row[2], "age": row[1], "occupation": row[3]}),
    )
    path = folder / "u.item"
    width = 5 + len(_GENRES_100K)
    films = [_film_100k(row) for _, row in read_rows(path, "|", width, old=True)]
    return assemble("MovieLens 100K", log, catalog_of(films, path), profiles)


def read_movielens_1m(folder: Path) -> Dataset:
    """Read ``ratings.dat``, ``users.dat`` and ``movies.dat``.

    Raises:
        WrongUse: A file cannot be read.
        BadData: A line is broken; it is named.
    """
    log = read_log(folder / "ratings.dat", Layout(_COLUMNS, "::", encoding="latin-1"))
    films = films_1m(folder / "movies.dat")
    return assemble("MovieLens 1M", log, films, profiles_1m(folder / "users.dat"))


def profiles_1m(path: Path) -> dict[str, dict[str, str]]:
    """Read the ``users.dat`` of MovieLens 1M; copies with "|" for "::" are understood."""

    def profile(row: list[str]) -> dict[str, str]:
        code = row[3]
        if not code.isdecimal() or int(code) >= len(OCCUPATIONS):
            raise BadData(
                f"{path}: user {row[0]} has the occupation {code!r}.",
                expected=f"a code from 0 to {len(OCCUPATIONS) - 1}.",
                do="correct the line, or obtain a fresh copy of the file.",
            )
        return make_profile({"gender": row[1], "age": row[2], "occupation": OCCUPATIONS[int(code)]})

    return by_id(path, read_rows(path, _separator(path), 5, old=True), profile)


def films_1m(path: Path) -> Catalog:
    """Read the ``movies.dat`` of MovieLens 1M; copies with "|" for "::" are understood."""
    rows = read_rows(path, _separator(path), 3, old=True)
    return catalog_of([_film(row[0], row[1], row[2].replace("/", "|")) for _, row in rows], path)


def read_movielens_csv(folder: Path) -> Dataset:
    """Read ``ratings.csv`` and ``movies.csv``, the layout since 20M; nothing is known of users.

    Raises:
        WrongUse: A file cannot be read.
        BadData: A line is broken; it is named.
    """
    log = read_log(folder / "ratings.csv", Layout(_COLUMNS, ",", header=True, quoted=True))
    path = folder / "movies.csv"
    rows = list(read_rows(path, ",", 3))[1:]
    films = catalog_of([_film(*row) for _, row in rows], path)
    return assemble(f"MovieLens ({folder.name})", log, films, None)


def _separator(path: Path) -> str:
    return "::" if "::" in read_text(path, ("utf-8-sig", "latin-1")).split("\n", 1)[0] else "|"


def _film(id: str, text: str, genres: str) -> Item:
    title, other, year = film_title(text)
    return id, title, other, year, None if genres in _NO_GENRE else genres


def _film_100k(row: list[str]) -> Item:
    genres = [name for name, flag in zip(_GENRES_100K, row[5:], strict=True) if flag == "1"]
    return _film(row[0], row[1], "|".join(genres))
