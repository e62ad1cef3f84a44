from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from fairrec.catalogs import films

SOURCE = Path(__file__).parents[2].parent / "shared" / "data" / "films.csv"


def test_counts_are_those_of_the_provenance_note() -> None:
    catalog = films()
    assert len(catalog) == 3176
    missing = {
        name: sum(value is None or value != value for value in catalog.column(name))
        for name in catalog.columns
    }
    assert missing == {
        "year": 0,
        "genre": 272,
        "distributor": 229,
        "director": 1313,
        "votes": 212,
        "mpaa": 595,
    }
    distinct = {
        name: len(set(catalog.column(name)) - {None})
        for name in ("genre", "distributor", "director", "mpaa")
    }
    assert distinct == {"genre": 12, "distributor": 172, "director": 550, "mpaa": 7}
    assert catalog.numbers("year").min() == 1915
    assert catalog.numbers("year").max() == 2011
    note = (Path(__file__).parents[2] / "fairrec/catalogs/data/films.md").read_text("utf-8")
    for name, count in missing.items():
        share = f" ({100 * count / 3176:.1f} %)" if count else ""
        assert re.search(rf"`{name}` \|.*\| {count:,}{re.escape(share)} \|", note)


def test_titles_are_clean_and_unique_with_their_year() -> None:
    catalog = films()
    years = catalog.numbers("year")
    assert max(Counter(zip(catalog.titles, years.tolist(), strict=True)).values()) == 1
    shared = {title for title, count in Counter(catalog.titles).items() if count > 1}
    assert shared == {"King Kong", "Lolita", "Planet of the Apes"}
    for title in catalog.titles:
        assert not re.search(r", (The|A|An|Le|La|Les|Das|Der|Die)$", title)
        assert not re.search(r"\((18|19|20)\d\d\)", title)
        assert "¢" not in title
        assert title == " ".join(title.split())


def test_is_read_once_and_cannot_be_changed() -> None:
    assert films() is films()
    with pytest.raises(ValueError, match="read-only"):
        films().column("year")[0] = 1


@pytest.mark.skipif(not SOURCE.exists(), reason="the uncleaned table is not here")
def test_facts_are_those_of_the_source() -> None:
    catalog = films()
    with SOURCE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["film_id"] for row in rows] == list(catalog.ids)
    assert [row["genre"] or None for row in rows] == list(catalog.column("genre"))
    votes = [float(row["imdb_votes"] or "nan") for row in rows]
    np.testing.assert_array_equal(votes, catalog.numbers("votes"))
    changed = [
        (row["film_id"], int(row["year"]), int(year))
        for row, year in zip(rows, catalog.numbers("year"), strict=True)
        if int(row["year"]) != year
    ]
    assert changed == [("f0994", 1987, 1997)]
    titles = [row["title"] for row, ours in zip(rows, catalog.titles, strict=True)]
    assert sum(a != b for a, b in zip(titles, catalog.titles, strict=True)) == 15
