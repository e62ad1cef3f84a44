"""The embedded catalogue: 3,176 real films."""

from __future__ import annotations

from functools import cache
from importlib import resources

from fairrec.catalogs.catalog import Catalog
from fairrec.catalogs.reading import catalog_from_cells, cells_of_csv


@cache
def films() -> Catalog:
    """Return 3,176 films released 1915–2011, read once.

    Columns: ``year`` and ``votes`` (on IMDb; 7 % missing) are floats; ``genre``,
    ``distributor``, ``director`` (41 % missing) and ``mpaa`` are strings. The facts are those of
    the movies sample of vega-datasets; ``films.md`` beside the file says what was cleaned and
    what is wrong with them.

    >>> catalog = films()
    >>> len(catalog), catalog.title("f0994")
    (3176, 'Good Will Hunting')
    """
    text = (resources.files("fairrec.catalogs.data") / "films.csv").read_text("utf-8")
    return catalog_from_cells(cells_of_csv(text, "films.csv"), {"id": "film_id"}, "films.csv")
