"""Item catalogues: the embedded films and artists, your own, and finding the item a text names."""

from fairrec.catalogs.artists import artists
from fairrec.catalogs.catalog import Catalog
from fairrec.catalogs.films import films
from fairrec.catalogs.matching import TitleMatcher
from fairrec.catalogs.pools import candidate_pool
from fairrec.catalogs.reading import read_catalog
from fairrec.catalogs.titles import normalise_title
from fairrec.catalogs.topics import frequent_values

__all__ = [
    "Catalog",
    "TitleMatcher",
    "artists",
    "candidate_pool",
    "films",
    "frequent_values",
    "normalise_title",
    "read_catalog",
]
