"""The embedded catalogue of music: 528 well-known artists."""

from __future__ import annotations

from functools import cache
from importlib import resources

from fairrec.catalogs.catalog import Catalog
from fairrec.catalogs.reading import catalog_from_cells, cells_of_csv


@cache
def artists() -> Catalog:
    """Return 528 well-known artists and groups of 78 countries, read once.

    The title is the artist's name. Columns: ``country``, ``genre`` (29), ``act`` (solo or group)
    and ``gender`` (female, male, mixed, non-binary) are strings; ``decade``, in which the artist
    became known, is a float. Nothing is missing. ``artists.md`` beside the file says how it was
    made. As topics, the names themselves will do (``artists().titles``), or the frequent values
    of ``genre`` or ``country``.

    >>> catalog = artists()
    >>> position = catalog.titles.index("Cesária Évora")
    >>> catalog.column("country")[position], float(catalog.numbers("decade")[position])
    ('Cape Verde', 1990.0)
    """
    text = (resources.files("fairrec.catalogs.data") / "artists.csv").read_text("utf-8")
    return catalog_from_cells(cells_of_csv(text, "artists.csv"), {"id": "artist_id"}, "artists.csv")
