"""RecBole's atomic files: tables whose header says each column's type.

Wayne Xin Zhao et al., "RecBole: Towards a Unified, Comprehensive and Efficient Framework for
Recommendation Algorithms", CIKM 2021.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fairrec.catalogs import Catalog
from fairrec.datasets.assembling import assemble
from fairrec.datasets.dataset import Dataset
from fairrec.datasets.log_reading import Kind, Layout, read_log
from fairrec.datasets.profiles import AGE_BANDS, GENDERS, OCCUPATIONS, make_profile
from fairrec.datasets.rows import Item, by_id, catalog_of, read_rows
from fairrec.datasets.titles import film_title
from fairrec.errors import BadData

_ATTRIBUTES = ("gender", "age", "occupation", "country")
_TITLES = ("title", "movie_title", "name", "artist_name", "item_name", "item_title")
_YEARS = ("release_year", "year", "movie_year")
_GENRES = ("genre", "genres", "class", "category", "categories")
_RATINGS = ("rating", "weight")
_LEAST_AGE = 10
"""Years; where nobody is older, ages are codes."""


def read_recbole(folder: Path) -> Dataset:
    """Read the ``.inter`` file of a folder and, where there are, its ``.user`` and ``.item``.

    Users stand in ``user_id``, items in ``item_id`` or else the first other token, ratings in
    ``rating`` or ``weight``, times in ``timestamp``. Of users, gender, age, occupation and country
    are read; of items, title, year and genre under their usual names.

    Raises:
        WrongUse: A file cannot be read.
        BadData: There is not one ``.inter`` file, a column is missing, or a line is broken.
    """
    logs = sorted(folder.glob("*.inter"))
    if len(logs) != 1:
        raise BadData(
            f"{folder} has {len(logs)} .inter files{_named(logs)}.",
            expected="one: a data set whose splits stand in several files is not read.",
            do="put the whole log in one file, or give another folder.",
        )
    path = logs[0]
    header = _header(path)
    item = "item_id" if "item_id" in header else _other_token(header)
    _must_have(path, header, "user_id")
    _must_have(path, header, item)
    rating = next((name for name in _RATINGS if name in header), None)
    ours = {"user_id": "user", item: "item", rating: "rating", "timestamp": "timestamp"}
    kinds: dict[str, Kind] = {
        "user": "id",
        "item": "id",
        "rating": "number",
        "timestamp": "number",
    }
    names = [ours.get(name, name) for name in header]
    log = read_log(path, Layout({n: kinds.get(n, "text") for n in names}, "\t", header=True))
    profiles = _profiles(path, log.warnings)
    return assemble(path.stem, log, _items(path.with_suffix(".item")), profiles)


def _header(path: Path) -> dict[str, str]:
    """Return the type of each column in order."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        cells = [cell.partition(":") for cell in file.readline().rstrip("\r\n").split("\t")]
    header = {name: kind for name, _, kind in cells}
    if len(header) != len(cells) or not all(header.values()):
        raise BadData(
            f"{path}: line 1 is no header of types.",
            expected="a different name and a type in every column, such as user_id:token.",
            do="write the header as RecBole's documentation of atomic files says.",
        )
    return header


def _other_token(header: dict[str, str]) -> str:
    tokens = [name for name, kind in header.items() if kind == "token" and name != "user_id"]
    return tokens[0] if tokens else "item_id"


def _must_have(path: Path, header: dict[str, str], name: str) -> None:
    if name not in header:
        raise BadData(
            f"{path} has no column {name}; it has {', '.join(header)}.",
            expected="users in user_id and items in item_id.",
            do="rename the column, or read the file with read_interactions and say which is which.",
        )


def _rows(path: Path, header: dict[str, str]) -> list[tuple[int, list[str]]]:
    return list(read_rows(path, "\t", len(header)))[1:]


def _profiles(log: Path, warnings: list[str]) -> dict[str, dict[str, str]] | None:
    path = log.with_suffix(".user")
    if not path.is_file():
        return None
    header = _header(path)
    _must_have(path, header, "user_id")
    places = {name: list(header).index(name) for name in _ATTRIBUTES if name in header}
    at = list(header).index("user_id")
    rows = ((n, [row[at], *row]) for n, row in _rows(path, header))
    said = by_id(path, rows, lambda row: {name: row[i + 1] for name, i in places.items()})
    _decode(said, warnings)
    return {user: make_profile(stated) for user, stated in said.items()}


def _decode(said: dict[str, dict[str, str]], warnings: list[str]) -> None:
    """Put names for the codes of MovieLens 1M, and keep other codes from passing for ages."""

    def values(name: str) -> set[str]:
        return {stated[name] for stated in said.values() if stated.get(name)}

    ages, occupations = values("age"), values("occupation")
    names = {str(code): name for code, name in enumerate(OCCUPATIONS)}
    if ages <= {str(code) for code, _ in AGE_BANDS} and occupations <= names.keys():
        for stated in said.values():
            if stated.get("occupation"):
                stated["occupation"] = names[stated["occupation"]]
    elif ages and all((_number(age) or 0) < _LEAST_AGE for age in ages):
        warnings.append(f"ages from {min(ages)} to {max(ages)} are codes of an unknown kind.")
        for stated in said.values():
            if stated.get("age"):
                stated["age"] = f"code {stated['age']}"
    if strange := {g for g in values("gender") if g.casefold() not in GENDERS}:
        warnings.append(f"gender has values that are kept as they stand: {sorted(strange)[:5]}.")


def _items(path: Path) -> Catalog | None:
    if not path.is_file():
        return None
    header = _header(path)
    id = "item_id" if "item_id" in header else _other_token(header)
    title = _first(header, _TITLES)
    if title is None:
        return None
    year, genre = _first(header, _YEARS), _first(header, _GENRES)
    items: list[Item] = []
    for _, cells in _rows(path, header):
        row = dict(zip(header, cells, strict=True))
        name, other, stated = (
            film_title(row[title]) if "movie" in title else (row[title], None, None)
        )
        genres = (row[genre] if genre else "").replace(" ", "|" if _is_list(header, genre) else " ")
        items.append(
            (row[id], name, other, stated or _number(row[year] if year else ""), _known(genres))
        )
    return catalog_of(items, path)


def _is_list(header: dict[str, str], name: str | None) -> bool:
    return name is not None and header[name] == "token_seq"


def _first(header: dict[str, str], names: Sequence[str]) -> str | None:
    return next((name for name in names if name in header), None)


def _known(genres: str) -> str | None:
    return None if genres in ("", "unknown") else genres


def _number(text: str) -> float | None:
    try:
        return float(text) or None
    except ValueError:
        return None


def _named(paths: list[Path]) -> str:
    return f": {', '.join(path.name for path in paths[:5])}" if paths else ""
