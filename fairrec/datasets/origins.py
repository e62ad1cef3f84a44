"""Where well-known data sets are given out, and on what terms. fairrec ships none of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_MOVIELENS_CITATION = (
    "F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. "
    "ACM Transactions on Interactive Intelligent Systems 5 (4), Article 19."
)
_OLD_MOVIELENS = (
    "For research. Cite it in publications. Do not pass it on, and do not use it commercially, "
    "without permission of GroupLens. Do not suggest that GroupLens or the University of "
    "Minnesota endorses what you do."
)
_NEW_MOVIELENS = (
    "For research. Cite it in publications. Pass it on only under the same terms. Do not use it "
    "commercially without permission of GroupLens. Do not suggest that GroupLens or the "
    "University of Minnesota endorses what you do."
)
_LASTFM_CITATION = (
    "Òscar Celma. 2010. Music Recommendation and Discovery in the Long Tail. Springer."
)
_LASTFM = (
    "Given out with the permission of Last.fm, for non-commercial use. Cite it in publications. "
    "Do not pass it on. Commercial use needs the permission of Last.fm."
)
_GROUPLENS = "https://files.grouplens.org/datasets/movielens/"
_ZENODO = "https://zenodo.org/records/6090214"


@dataclass(frozen=True, slots=True)
class Origin:
    """A data set that can be downloaded.

    Attributes:
        name: What `fairrec data get` calls it.
        url: Of the archive, .zip or .tar.gz.
        home: Page that describes it, with the terms in full.
        terms: The terms in short.
        citation: What to cite.
        megabytes: Size of the archive, about.
        attributes: What is known of its users.
        file_md5: MD5 (hex) of files in the archive, by name, as its read-me file publishes
            them; where there are none, the MD5 of the archive is asked of the url with ".md5"
            added.
    """

    name: str
    url: str
    home: str
    terms: str
    citation: str
    megabytes: int
    attributes: tuple[str, ...] = ()
    file_md5: Mapping[str, str] = field(default_factory=dict)


def _movielens(name: str, megabytes: int, *, old: bool = False) -> Origin:
    return Origin(
        name,
        f"{_GROUPLENS}{name}.zip",
        "https://grouplens.org/datasets/movielens/",
        _OLD_MOVIELENS if old else _NEW_MOVIELENS,
        _MOVIELENS_CITATION,
        megabytes,
        ("gender", "age", "occupation") if old else (),
    )


def _lastfm(name: str, size: str, megabytes: int, file_md5: Mapping[str, str]) -> Origin:
    return Origin(
        name,
        f"{_ZENODO}/files/lastfm-dataset-{size}.tar.gz",
        _ZENODO,
        _LASTFM,
        _LASTFM_CITATION,
        megabytes,
        ("gender", "age", "country"),
        file_md5=file_md5,
    )


ORIGINS: dict[str, Origin] = {
    origin.name: origin
    for origin in (
        _movielens("ml-100k", 5, old=True),
        _movielens("ml-1m", 6, old=True),
        _movielens("ml-25m", 250),
        _movielens("ml-32m", 239),
        _movielens("ml-latest-small", 1),
        _lastfm(
            "lastfm-360k",
            "360K",
            543,
            {
                "usersha1-artmbid-artname-plays.tsv": "be672526eb7c69495c27ad27803148f1",
                "usersha1-profile.tsv": "51159d4edf6a92cb96f87768aa2be678",
            },
        ),
        _lastfm(
            "lastfm-1k",
            "1K",
            642,
            {
                "userid-timestamp-artid-artname-traid-traname.tsv": (
                    "64747b21563e3d2aa95751e0ddc46b68"
                ),
                "userid-profile.tsv": "c53608b6b445db201098c1489ea497df",
            },
        ),
    )
}
"""By name. The checksums of the Last.fm tables are those of the read-me files of their author."""
