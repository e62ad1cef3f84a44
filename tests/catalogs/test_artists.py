from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from fairrec.catalogs import artists, frequent_values, normalise_title
from fairrec.catalogs.matching import TitleMatcher

DATA = Path(__file__).parents[2] / "fairrec/catalogs/data"


def test_it_is_large_and_spread_widely() -> None:
    catalog = artists()
    countries, genres = (Counter(catalog.column(name)) for name in ("country", "genre"))
    assert len(catalog) == 528
    assert len(countries) == 78
    assert len(genres) == 29
    assert min(genres.values()) == 5
    assert max(countries.values()) < len(catalog) / 4
    assert sum(count for name, count in countries.items() if name.startswith("United")) < 200


def test_counts_are_those_of_the_provenance_note() -> None:
    note = (DATA / "artists.md").read_text("utf-8")
    assert f"{len(artists())} well-known" in note
    for column in ("act", "gender"):
        for value, count in Counter(artists().column(column)).items():
            assert f"`{value}` ({count})" in note
    for column in ("country", "genre"):
        assert re.search(rf"`{column}` \|.* one of {len(set(artists().column(column)))}\b", note)


def test_names_are_unique_and_in_order() -> None:
    catalog = artists()
    assert max(Counter(map(normalise_title, catalog.titles)).values()) == 1
    assert list(catalog.ids) == [f"a{number:03d}" for number in range(1, len(catalog) + 1)]
    for title in catalog.titles:
        assert title == " ".join(title.split())


def test_columns_are_plausible() -> None:
    catalog = artists()
    decades = catalog.numbers("decade")
    assert np.isfinite(decades).all()
    assert not (decades % 10).any()
    assert decades.max() == 2020
    assert (decades >= 1920)[catalog.column("genre") != "classical"].all()
    assert (decades[catalog.column("genre") == "K-pop"] >= 1990).all()
    for name in ("country", "genre", "act", "gender"):
        assert None not in catalog.column(name)
    assert set(catalog.column("act")) == {"solo", "group"}
    assert set(catalog.column("gender")) == {"female", "male", "mixed", "non-binary"}
    assert (catalog.column("act")[catalog.column("gender") == "mixed"] == "group").all()


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("The Beatles", ("United Kingdom", "rock", 1960.0, "group", "male")),
        ("ABBA", ("Sweden", "pop", 1970.0, "group", "mixed")),
        ("BLACKPINK", ("South Korea", "K-pop", 2010.0, "group", "female")),
        ("Amália Rodrigues", ("Portugal", "fado", 1940.0, "solo", "female")),
    ],
)
def test_some_facts(name: str, facts: tuple[object, ...]) -> None:
    row = artists().titles.index(name)
    columns = ("country", "genre", "decade", "act", "gender")
    assert tuple(artists().column(column)[row] for column in columns) == facts


def test_genres_and_countries_are_topics() -> None:
    genres = frequent_values(artists(), "genre")
    assert genres[0] == "pop"
    assert len(genres) == 29
    assert frequent_values(artists(), "country", n=2) == ("United States", "United Kingdom")


def test_artists_are_found_by_name() -> None:
    matcher = TitleMatcher(artists())
    for position, title in enumerate(artists().titles):
        assert matcher.match(title).item_id == artists().ids[position]
    assert matcher.match("Bjork").item_id == matcher.match("Björk").item_id


def test_is_read_once_and_cannot_be_changed() -> None:
    assert artists() is artists()
    with pytest.raises(ValueError, match="read-only"):
        artists().column("decade")[0] = 1
