"""What was met while a log was read, and what a reader must know of it."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass
class LogCounts:
    """Counts of a log: what it holds, and what was done with what is not as it should be.

    Attributes:
        rows: Impressions in the log.
        lists: Lists, one per user.
        off_catalogue: Impressions within the first k ranks whose item is not in the catalogue:
            they keep their place and its attention.
        without_id: Those among them that have no id at all.
        repeats: Impressions that name an item of the catalogue again in the same list, or are the
            same row again: the first place counts, a later one stands as if off the catalogue.
        unsorted: Lists whose ranks do not rise from row to row: the rank decides.
        gaps: Places within a list of which the log says nothing: they stand as if something off
            the catalogue had been shown there, so that every item keeps its rank.
        with_gaps: Lists with such places.
        beyond: Impressions beyond rank k.
        short: Lists with fewer than k places.
        ranked_by: What gives an item its place: "rank", "score" or "row".
        sorted_rows: Rows that had to be sorted in memory, users being scattered over the log.
    """

    rows: int = 0
    lists: int = 0
    off_catalogue: int = 0
    without_id: int = 0
    repeats: int = 0
    unsorted: int = 0
    gaps: int = 0
    with_gaps: int = 0
    beyond: int = 0
    short: int = 0
    ranked_by: str = "rank"
    sorted_rows: int = 0

    def as_dict(self) -> dict[str, int | str]:
        """Return all counts by name, as a result's provenance holds them."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def warnings(self, k: int) -> tuple[str, ...]:
        """Return what a reader must know, each with its count; k is the number of ranks used."""
        shown = self.rows - self.beyond
        found = []
        if self.ranked_by == "row":
            found.append("The log has no rank: the order of the rows of each user is taken for it.")
        if self.ranked_by == "score":
            found.append(
                "The log has no rank: items are ranked by score within each user, equal scores by "
                "row."
            )
        if self.sorted_rows:
            found.append(
                f"The rows of a user do not stand together: all {self.sorted_rows:,} rows were "
                f"sorted in memory."
            )
        if self.off_catalogue:
            bare = f", {self.without_id:,} of them without any id" if self.without_id else ""
            share = self.off_catalogue / shown
            found.append(
                f"{self.off_catalogue:,} of {shown:,} impressions ({share:.1%}) show what is not "
                f"in the catalogue{bare}: they keep their place and its attention, but belong to "
                f"no item and no group."
            )
        if self.repeats:
            found.append(
                f"{self.repeats:,} impression(s) show a user an item again: its first place "
                f"counts, the later ones count as off the catalogue."
            )
        if self.unsorted:
            found.append(
                f"The rows of {self.unsorted:,} of {self.lists:,} lists are not in the order of "
                f"their ranks: the rank decides."
            )
        if self.gaps:
            found.append(
                f"{self.gaps:,} place(s) of {self.with_gaps:,} lists are missing from the log: "
                f"items keep their ranks, and what stood there counts as off the catalogue."
            )
        if self.short:
            found.append(
                f"{self.short:,} of {self.lists:,} lists have fewer than {k} places: only what "
                f"was shown counts."
            )
        return tuple(found)
