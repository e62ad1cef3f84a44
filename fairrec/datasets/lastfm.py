"""Last.fm's listeners, 360K and 1K: gender, age and country as far as people told.

Òscar Celma, "Music Recommendation and Discovery", Springer 2010. Items are artists; an artist
without a MusicBrainz id goes by the name. Ratings are plays.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairrec.catalogs import Catalog
from fairrec.datasets.assembling import assemble
from fairrec.datasets.dataset import Dataset
from fairrec.datasets.log_reading import Layout, Log, numbered, read_log
from fairrec.datasets.profiles import make_profile, plain_text
from fairrec.datasets.rows import by_id, read_rows

if TYPE_CHECKING:
    import pandas

LOG_360K, PROFILES_360K = "usersha1-artmbid-artname-plays.tsv", "usersha1-profile.tsv"
LOG_1K, PROFILES_1K = "userid-timestamp-artid-artname-traid-traname.tsv", "userid-profile.tsv"

_TOLERATED = 100
"""Broken lines of the logs, of 17 and 19 million: in the 1K log others found nine."""


class _Plays(Log):
    """The log of 360K: a user's plays of each artist in all, without times."""

    def __init__(self) -> None:
        super().__init__()
        self.titles: dict[str, str] = {}
        self.nameless = 0

    def add(self, chunk: pandas.DataFrame) -> None:
        chunk = self._named(chunk)
        chunk["item"] = self._artists(chunk)
        super().add(chunk.rename(columns={"plays": "rating"}))

    def _named(self, chunk: Any) -> Any:
        """Return the rows that say which artist, and count the others."""
        named = chunk["artist_id"].notna() | chunk["artist"].notna()
        self.nameless += int((~named).sum())
        return chunk[named].copy()

    def _artists(self, chunk: Any) -> Any:
        """Return an id for each row's artist, keeping the first name of each."""
        ids = chunk["artist_id"].where(chunk["artist_id"].notna(), "name:" + chunk["artist"])
        first = ~ids.duplicated()
        for id, name in zip(ids[first], chunk.loc[first, "artist"].fillna(""), strict=True):
            self.titles.setdefault(id.strip(), plain_text(name) or id)
        return ids

    def catalog(self) -> Catalog:
        """Return the artists that were played, and warn of rows that name none."""
        if self.nameless:
            self.warnings.append(f"{self.nameless} row(s) name no artist; they are left out.")
        ids = tuple(self.item_numbers)
        return Catalog(ids, tuple(self.titles[id] for id in ids))


class _Listens(_Plays):
    """The log of 1K: every listen; kept are the first one to each artist, and their number."""

    def add(self, chunk: pandas.DataFrame) -> None:
        import pandas

        chunk = self._named(chunk)
        listens = pandas.DataFrame(
            {
                "user": numbered(chunk["user"], self.user_numbers),
                "item": numbered(self._artists(chunk), self.item_numbers),
                "timestamp": chunk["timestamp"].to_numpy(),
                "rating": 1.0,
            }
        )
        if "user" in self.parts:
            before = {name: parts[0] for name, parts in self.parts.items()}
            listens = pandas.concat([pandas.DataFrame(before), listens])
        pairs = listens.groupby(["user", "item"], sort=False, as_index=False)
        summed = pairs.agg(timestamp=("timestamp", "min"), rating=("rating", "sum"))
        self.parts = {str(name): [summed[name].to_numpy()] for name in summed}


def read_lastfm_360k(folder: Path) -> Dataset:
    """Read the plays and profiles of Last.fm-360K. There are no timestamps.

    Raises:
        WrongUse: A file cannot be read.
        BadData: A profile's line is broken, or many of the log's; they are named.
    """
    layout = Layout(
        {"user": "id", "artist_id": "text", "artist": "text", "plays": "number"},
        "\t",
        tolerated=_TOLERATED,
    )
    log = read_log(folder / LOG_360K, layout, _Plays)
    return assemble("Last.fm 360K", log, log.catalog(), _profiles(folder / PROFILES_360K))


def read_lastfm_1k(folder: Path) -> Dataset:
    """Read the listens and profiles of Last.fm-1K.

    A user has an artist once, at the time of the first listen; the rating counts all listens.

    Raises:
        WrongUse: A file cannot be read.
        BadData: A profile's line is broken, or many of the log's; they are named.
    """
    layout = Layout(
        {
            "user": "id",
            "timestamp": "time",
            "artist_id": "text",
            "artist": "text",
            "track_id": "text",
            "track": "text",
        },
        "\t",
        tolerated=_TOLERATED,
    )
    log = read_log(folder / LOG_1K, layout, _Listens)
    return assemble("Last.fm 1K", log, log.catalog(), _profiles(folder / PROFILES_1K))


def _profiles(path: Path) -> dict[str, dict[str, str]]:
    rows = read_rows(path, "\t", 5)
    return by_id(
        path,
        (row for row in rows if row[1][0] != "#id"),  # 1K has a header, 360K none
        lambda row: make_profile({"gender": row[1], "age": row[2], "country": row[3]}),
    )
