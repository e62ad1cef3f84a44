"""Implicit cues: what hints at an attribute without stating it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fairrec.errors import WrongUse


@dataclass(frozen=True, slots=True)
class CueSet:
    """Sentences of one kind that hint at the values of an attribute.

    Attributes:
        kind: Name of the kind, such as "first_names".
        attribute: What they hint at, such as "gender"; values are named as there.
        source: Where the cues are from.
        values: Value to the sentences that hint at it: "My name is Emily.".

    Raises:
        WrongUse: Fewer than two values, a value without cues, or a cue that stands twice.
    """

    kind: str
    attribute: str
    source: str
    values: Mapping[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        said = [cue for cues in self.values.values() for cue in cues]
        empty = [value for value, cues in self.values.items() if not cues]
        twice = sorted({cue for cue in said if said.count(cue) > 1})
        if len(self.values) < 2:
            problem = f"{len(self.values)} value(s)"
        elif empty:
            problem = f"no cue for {empty[0]!r}"
        elif twice:
            problem = f"the cue {twice[0]!r} more than once"
        else:
            return
        raise WrongUse(
            f"the cues {self.kind!r} have {problem}.",
            expected="at least 2 values, and for each at least one cue that no other has.",
            do="add or remove cues; one that fits two values hints at neither.",
        )

    def statements(self, value: str) -> tuple[str, ...]:
        """Return the sentences that hint at a value; none where the value has no cues."""
        return self.values.get(value, ())
