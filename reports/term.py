"""A word of the glossary."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    """A name for a heading, its meaning in a sentence, its formula and its source."""

    name: str
    meaning: str
    formula: str = ""
    source: str = ""
