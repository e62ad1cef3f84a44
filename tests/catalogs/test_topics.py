from __future__ import annotations

import numpy as np
import pytest

from fairrec.catalogs import Catalog, films, frequent_values
from fairrec.errors import WrongUse


def test_directors_with_most_films_come_first() -> None:
    assert frequent_values(films(), "director", n=4) == (
        "Steven Spielberg",
        "Woody Allen",
        "Martin Scorsese",
        "Spike Lee",
    )
    assert len(frequent_values(films(), "director", minimum_items=6)) == 88


def test_ties_go_by_popularity_then_name() -> None:
    catalog = Catalog(
        tuple("abcdefg"),
        tuple("ABCDEFG"),
        {
            "artist": np.array(["x", "y", "y", "z", "z", "w", None], dtype=object),
            "votes": np.array([9.0, 1.0, np.nan, 2.0, 3.0, 9.0, 100.0]),
        },
    )
    assert frequent_values(catalog, "artist", minimum_items=1) == ("z", "y", "w", "x")
    assert frequent_values(catalog, "artist", minimum_items=2, popularity=None) == ("y", "z")
    assert frequent_values(catalog, "artist", minimum_items=1, n=2) == ("z", "y")


def test_columns_without_topics_are_refused() -> None:
    with pytest.raises(WrongUse, match="'year' holds numbers"):
        frequent_values(films(), "year")
    with pytest.raises(WrongUse, match="no column 'artist'"):
        frequent_values(films(), "artist")
    with pytest.raises(WrongUse, match="at least 24 items; the most is 23"):
        frequent_values(films(), "director", minimum_items=24)
