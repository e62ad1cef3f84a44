"""Recognises the layout of a folder and reads the data set in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fairrec.datasets import lastfm, movielens
from fairrec.datasets.dataset import Dataset
from fairrec.datasets.recbole import read_recbole
from fairrec.datasets.tables import ENDINGS, read_interactions
from fairrec.errors import BadData, WrongUse


def _read_own(folder: Path) -> Dataset:
    """Read interactions, users and items, each in CSV or Parquet, under fairrec's column names."""

    def file(stem: str) -> Path | None:
        return next((p for e in ENDINGS if (p := folder / f"{stem}{e}").is_file()), None)

    log = file("interactions")
    if log is None:
        raise BadData(
            f"{folder} has interactions, but in no file that can be read.",
            expected=f"interactions with the ending {' or '.join(ENDINGS)}.",
            do="convert the file.",
        )
    return read_interactions(log, file("users"), file("items"), name=folder.name)


FORMATS: dict[str, tuple[tuple[str, ...], Callable[[Path], Dataset]]] = {
    "movielens-100k": (("u.data", "u.user", "u.item"), movielens.read_movielens_100k),
    "movielens-1m": (("ratings.dat", "users.dat", "movies.dat"), movielens.read_movielens_1m),
    "movielens-csv": (("ratings.csv", "movies.csv"), movielens.read_movielens_csv),
    "recbole": (("*.inter",), read_recbole),
    "lastfm-360k": ((lastfm.LOG_360K, lastfm.PROFILES_360K), lastfm.read_lastfm_360k),
    "lastfm-1k": ((lastfm.LOG_1K, lastfm.PROFILES_1K), lastfm.read_lastfm_1k),
    "tables": (("interactions.*",), _read_own),
}
"""By name: the files that a layout is recognised by, and what reads them."""


def read_dataset(path: str | Path, format: str = "auto") -> Dataset:
    """Read a data set from a folder.

    Args:
        path: The folder, one that holds it as its only folder of this layout, or one CSV or
            Parquet file of interactions.
        format: A name in `FORMATS`; "auto" takes the layout whose files are there.

    Raises:
        WrongUse: The folder does not exist, or the format is unknown.
        BadData: The files of the layout are not there, files of several are, or a line is broken.
    """
    folder = Path(path)
    if folder.suffix.lower() in ENDINGS and folder.is_file():
        return read_interactions(folder)
    if format not in (*FORMATS, "auto"):
        raise WrongUse(
            f"format {format!r} is unknown.",
            expected=f"auto or one of {', '.join(FORMATS)}.",
            do="choose one of them; read_interactions reads any other table.",
        )
    if not folder.is_dir():
        raise WrongUse(
            f"{folder} {'is a file' if folder.is_file() else 'does not exist'}.",
            expected="the folder of a data set.",
            do="check the path; `fairrec data get` obtains well-known data sets.",
        )
    wanted = FORMATS if format == "auto" else {format: FORMATS[format]}
    for place in (folder, *_inside(folder)):
        found = [name for name, (files, _) in wanted.items() if _has(place, files)]
        if len(found) > 1:
            raise BadData(
                f"{place} has the files of {' and '.join(found)}.",
                expected="the files of one layout.",
                do=f"say which one to read: format={found[0]!r}.",
            )
        if found:
            return FORMATS[found[0]][1](place)
    names = sorted(p.name for p in folder.iterdir())
    looked_for = "; ".join(f"{name}: {', '.join(files)}" for name, (files, _) in wanted.items())
    raise BadData(
        f"{folder} has no layout that is known; it has "
        f"{', '.join(names[:10]) or 'no files'}{', ...' if len(names) > 10 else ''}.",
        expected=f"the files of one of these. {looked_for}.",
        do="check the folder, or read the tables with read_interactions.",
    )


def _inside(folder: Path) -> list[Path]:
    return sorted(place for place in folder.iterdir() if place.is_dir())


def _has(folder: Path, files: tuple[str, ...]) -> bool:
    return all(any(path.is_file() for path in folder.glob(pattern)) for pattern in files)
