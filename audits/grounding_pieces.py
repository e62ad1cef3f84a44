"""The titles that answers name, one row each, and what is wrong with them.

A title that matches several catalogue items has no item of its own. Its group is that of the items
of this title, each for an equal part, where the catalogue has any; otherwise it is not known, as
that of an invented title never is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from fairrec.catalogs import Catalog
from fairrec.catalogs.matching import without_description
from fairrec.catalogs.titles import normalise_title
from fairrec.types import (
    Match,
    MatchKind,
    Outcome,
    Probe,
    Ranking,
    is_off_catalogue,
    off_catalogue_id,
)

Table = NDArray[np.float64]

KINDS = (
    "hallucinated",
    "ambiguous",
    "fuzzy",
    "duplicated",
    "out_of_candidates",
    "consumed",
    "grounded",
)
"""What a title can be, and several at once:

hallucinated: matches no item of the catalogue;
ambiguous: matches several equally well;
fuzzy: matches one item, by letters that are only similar;
duplicated: named before in the same list;
out_of_candidates: an item of the catalogue, but none of the candidates that were shown;
consumed: an item of the user's history as it was shown;
grounded: matches one item, for the first time, among the candidates where there are any.
"""


@dataclass(frozen=True, eq=False)
class Pieces:
    """Titles that answers name, in their order.

    Attributes:
        owner: Shape (m,): the user or topic of each title, as a number.
        rank: Shape (m,): its place in the answer, from 1, repeats counted.
        title: Shape (m,): which mentions of an answer are of one title; a number of each title of
            each answer.
        flags: Shape (m, kinds): 1 or 0 for each of `KINDS`, NaN where the kind cannot occur: no
            candidates were shown, or no history.
        items: Shape (m, N), sparse: the catalogue item that each title names, several for an
            equal part where it is ambiguous; empty rows where no item is known.
        n_owners: Users or topics asked for.
    """

    owner: NDArray[np.int64]
    rank: NDArray[np.int64]
    title: NDArray[np.int64]
    flags: Table
    items: csr_matrix
    n_owners: int

    def shares(self) -> Table:
        """Return the share of each kind among each owner's titles, (owners, kinds).

        NaN for owners without titles, and for kinds that cannot occur.
        """
        parts, wholes = (table[:, 0] for table in self.counts(np.ones((len(self.rank), 1))))
        return np.where(wholes > 0, parts / np.where(wholes > 0, wholes, 1.0), np.nan)

    def distinct(self) -> Pieces:
        """Return each title once, where an answer names it first.

        Such a title is flagged as duplicated where the answer names it again: mentions of one title
        are no independent cases.
        """
        first = np.unique(self.title, return_index=True)[1]
        times = np.bincount(self.title)[self.title[first]] if len(first) else first
        flags = self.flags[first]
        flags[:, KINDS.index("duplicated")] = times > 1
        return Pieces(
            self.owner[first],
            self.rank[first],
            self.title[first],
            flags,
            csr_matrix(self.items[first]),
            self.n_owners,
        )

    def counts(self, weights: Table) -> tuple[Table, Table]:
        """Return how many of each owner's titles are of each kind, and of how many.

        Args:
            weights: Shape (m, G): each title's part in each of G groups.

        Returns:
            Two arrays of shape (owners, G, kinds).
        """
        member = csr_matrix(
            (np.ones(len(self.owner)), (self.owner, np.arange(len(self.owner)))),
            shape=(self.n_owners, len(self.owner)),
        )

        def by_owner(counted: NDArray[np.bool_]) -> Table:
            return np.stack([member @ (weights * flag[:, None]) for flag in counted.T], axis=2)

        return by_owner(self.flags == 1), by_owner(~np.isnan(self.flags))


def read_pieces(
    probes: Sequence[Probe],
    rankings: Mapping[str, Ranking],
    owners: Sequence[str],
    catalog: Catalog,
) -> Pieces:
    """Return every title that the answers to these probes name.

    Args:
        probes: Whose answers count.
        rankings: Answers by probe id.
        owners: Ids of users or topics.
        catalog: What can be recommended.
    """
    number = {name: place for place, name in enumerate(owners)}
    position = {item: place for place, item in enumerate(catalog.ids)}
    named: dict[str, list[int]] = {}
    for place, title in enumerate(catalog.titles):
        named.setdefault(normalise_title(title), []).append(place)
    rows: list[tuple[int, int, int, list[float], list[int]]] = []
    titles = 0
    for probe in probes:
        ranking = rankings[probe.id]
        if ranking.outcome is not Outcome.ANSWERED:
            continue
        shown, history = probe.request.candidates, frozenset(probe.request.history)
        candidates = None if shown is None else frozenset(shown)
        seen: dict[str, int] = {}
        for rank, match in enumerate(_matches(ranking), start=1):
            item = match.item_id if match.item_id in position else None
            stem = normalise_title(without_description(match.text))
            name = item or off_catalogue_id(stem)
            flags = {
                "hallucinated": item is None and match.kind is not MatchKind.AMBIGUOUS,
                "ambiguous": match.kind is MatchKind.AMBIGUOUS,
                "fuzzy": item is not None and match.kind is MatchKind.FUZZY,
                "duplicated": name in seen,
                "out_of_candidates": None
                if candidates is None
                else item is not None and item not in candidates,
                "consumed": item in history if history else None,
                "grounded": item is not None
                and name not in seen
                and (candidates is None or item in candidates),
            }
            if name not in seen:
                seen[name] = titles
                titles += 1
            places = [position[item]] if item else []
            if match.kind is MatchKind.AMBIGUOUS:
                places = named.get(stem, [])
            values = [np.nan if flags[kind] is None else float(flags[kind]) for kind in KINDS]
            rows.append((number[probe.cluster], rank, seen[name], values, places))
    sizes = np.array([len(places) for *_, places in rows], dtype=np.int64)
    return Pieces(
        owner=np.array([row[0] for row in rows], dtype=np.int64),
        rank=np.array([row[1] for row in rows], dtype=np.int64),
        title=np.array([row[2] for row in rows], dtype=np.int64),
        flags=np.array([row[3] for row in rows], dtype=float).reshape(-1, len(KINDS)),
        items=csr_matrix(
            (
                np.repeat(1 / np.maximum(sizes, 1), sizes),
                [place for *_, places in rows for place in places],
                np.concatenate([[0], np.cumsum(sizes)]),
            ),
            shape=(len(rows), len(catalog)),
        ),
        n_owners=len(owners),
    )


def _matches(ranking: Ranking) -> Sequence[Match]:
    """Return how titles were matched; of answers in ids, the ids themselves."""
    return ranking.matches or [
        Match(item[1:], MatchKind.ABSENT)
        if is_off_catalogue(item)
        else Match(item, MatchKind.EXACT, item)
        for item in ranking.items
    ]


def rank_bands(k: int) -> list[tuple[str, int, int]]:
    """Return bands of ranks that widen downwards: name, first and last rank.

    >>> rank_bands(12)
    [('1', 1, 1), ('2 to 5', 2, 5), ('6 to 10', 6, 10), ('11 to 12', 11, 12)]
    """
    ends = [end for end in (1, 5, 10, 20, 50) if end < k]
    pairs = zip([0, *ends], [*ends, k], strict=True)
    return [(f"{a + 1}" if b == a + 1 else f"{a + 1} to {b}", a + 1, b) for a, b in pairs]
