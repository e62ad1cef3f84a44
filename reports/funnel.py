"""The validity funnel as a table: what became of each group's prompts, and where groups differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from fairrec.reports.untrusted import clean
from fairrec.reports.wording import percent
from fairrec.results import Validity
from fairrec.types import Outcome

DIFFERS_BY = 0.10
"""A share is flagged when it is this far (as a share, 0 to 1) from the reference group's."""

_MATCHES = {"off_catalogue": "off-catalogue", "ambiguous": "ambiguous", "repeated": "repeated"}


@dataclass(frozen=True, slots=True)
class Cell:
    """A count and its share; `flag` says how it differs from the reference, or is empty."""

    count: int
    share: float
    percent: str
    flag: str


@dataclass(frozen=True, slots=True)
class Row:
    """One group of the funnel; `value` is empty for the neutral prompt."""

    attribute: str
    value: str
    asked: int
    outcomes: tuple[Cell, ...]
    recommended: int
    matches: tuple[Cell, ...]

    @property
    def flagged(self) -> bool:
        return any(cell.flag for cell in self.outcomes + self.matches)


@dataclass(frozen=True, slots=True)
class Funnel:
    """The whole table; `reference` names what the flags compare with."""

    outcomes: tuple[str, ...]
    matches: tuple[str, ...]
    rows: tuple[Row, ...]
    reference: str
    asked: int
    answered: int

    @property
    def flagged(self) -> tuple[Row, ...]:
        """The rows in which a share differs from the reference."""
        return tuple(row for row in self.rows if row.flagged)


def funnel(validity: Sequence[Validity]) -> Funnel | None:
    """Return the table, with columns for outcomes that happened; None without any group."""
    if not validity:
        return None
    reference = next((v for v in validity if v.attribute is None), None)
    total = _total(validity)
    names = [o.value for o in Outcome if o is Outcome.ANSWERED or total.outcomes.get(o.value)]
    against = reference or total
    rows: list[Row] = []
    for v in validity:
        rows.append(
            Row(
                attribute=clean(v.attribute or "neutral prompt", 80),
                value=clean(v.value or "", 80),
                asked=v.asked,
                outcomes=tuple(
                    _cell(
                        v.outcomes.get(name, 0),
                        v.asked,
                        against.outcomes.get(name, 0),
                        against.asked,
                    )
                    for name in names
                ),
                recommended=v.recommended,
                matches=tuple(
                    _cell(
                        getattr(v, key), v.recommended, getattr(against, key), against.recommended
                    )
                    for key in _MATCHES
                ),
            )
        )
    return Funnel(
        outcomes=tuple(names),
        matches=tuple(_MATCHES.values()),
        rows=tuple(rows),
        reference="the neutral prompt" if reference else "all groups together",
        asked=total.asked,
        answered=total.outcomes.get("answered", 0),
    )


def _total(validity: Sequence[Validity]) -> Validity:
    outcomes: Counter[str] = Counter()
    for v in validity:
        outcomes.update(v.outcomes)
    sums = {key: sum(getattr(v, key) for v in validity) for key in ("recommended", *_MATCHES)}
    return Validity(None, None, sum(v.asked for v in validity), dict(outcomes), **sums)


def _cell(count: int, whole: int, reference: int, reference_whole: int) -> Cell:
    share = count / whole if whole else 0.0
    difference = share - reference / reference_whole if whole and reference_whole else 0.0
    flag = ""
    if abs(difference) >= DIFFERS_BY - 1e-12:
        flag = f"{'▲' if difference > 0 else '▼'} {100 * difference:+.0f} points".replace("-", "−")
    return Cell(count, share, percent(count, whole), flag)
