"""The pairs of lists behind a finding, side by side, with what became of every item."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from fairrec.reports.wording import clean, gated, measure, number
from fairrec.types import AuditResult, Example, Exchange, Finding, is_off_catalogue

MOST_PAIRS = 40
MOST_TITLE = 160
MOST_TEXT = 2_000


@dataclass(frozen=True, slots=True)
class Line:
    """One item of a list: `kind` is same, up, down, new or dropped; `words` say it."""

    title: str
    kind: str
    words: str
    in_catalogue: bool


@dataclass(frozen=True, slots=True)
class Side:
    """One asked prompt and its list. `prompt` is cut where it differs from the other's."""

    prompt: tuple[tuple[str, bool], ...]
    system: str
    lines: tuple[Line, ...]
    outcome: str
    text: str


@dataclass(frozen=True, slots=True)
class Pair:
    """The neutral side and the sensitive side of one example."""

    cluster: str
    value: str
    measure: str
    neutral: Side
    sensitive: Side


def worst_pairs(result: AuditResult) -> list[tuple[str, list[Pair]]]:
    """Return pairs per attribute, gated and larger findings first, at most `MOST_PAIRS`."""
    found: dict[str, list[Pair]] = {}
    seen: set[tuple[str, str]] = set()
    by_attribute: dict[str, list[tuple[Finding, Example]]] = {}
    for finding in _ordered(result):
        for example in finding.examples:
            ids = (example.probe_id, example.reference_probe_id)
            if ids not in seen and all(id in result.exchanges for id in ids):
                seen.add(ids)
                by_attribute.setdefault(finding.attribute or "", []).append((finding, example))
    share = max(1, min(5, MOST_PAIRS // max(1, len(by_attribute))))
    for attribute, pairs in list(by_attribute.items())[:MOST_PAIRS]:
        found[clean(attribute, 80)] = [_pair(result, *pair) for pair in pairs[:share]]
    return list(found.items())


def movements(
    neutral: tuple[str, ...], sensitive: tuple[str, ...]
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return, for both lists, what became of each item as (kind, words).

    >>> movements(("a", "b"), ("b", "c"))
    ([('dropped', 'dropped'), ('up', 'up 1')], [('up', 'up 1'), ('new', 'new')])
    """
    before = {item: place for place, item in enumerate(neutral)}
    after = {item: place for place, item in enumerate(sensitive)}

    def moved(item: str) -> tuple[str, str]:
        if item not in after:
            return "dropped", "dropped"
        if item not in before:
            return "new", "new"
        places = before[item] - after[item]
        if places == 0:
            return "same", "same place"
        return ("up", f"up {places}") if places > 0 else ("down", f"down {-places}")

    return [moved(item) for item in neutral], [moved(item) for item in sensitive]


def prompt_difference(
    neutral: str, sensitive: str
) -> tuple[tuple[tuple[str, bool], ...], tuple[tuple[str, bool], ...]]:
    """Return both prompts cut into pieces, each with whether it differs from the other's.

    >>> prompt_difference("I am a fan", "I am an old fan")[1]
    (('I am ', False), ('an old', True), (' fan', False))
    """
    left, right = (re.findall(r"\s+|\w+|[^\w\s]", text) for text in (neutral, sensitive))
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    sides: tuple[list[tuple[str, bool]], ...] = ([], [])
    for kind, *ends in matcher.get_opcodes():
        pieces = ("".join(left[ends[0] : ends[1]]), "".join(right[ends[2] : ends[3]]))
        for side, piece in zip(sides, pieces, strict=True):
            if piece:
                side.append((piece, kind != "equal"))
    return tuple(sides[0]), tuple(sides[1])


def _ordered(result: AuditResult) -> list[Finding]:
    rest = [f for f in result.findings if f.verdict is None]
    return gated(result) + sorted(rest, key=lambda f: -(f.estimate.value or 0))


def _pair(result: AuditResult, finding: Finding, example: Example) -> Pair:
    neutral = result.exchanges[example.reference_probe_id]
    sensitive = result.exchanges[example.probe_id]
    moved = movements(neutral.items, sensitive.items)
    prompts = prompt_difference(
        clean(neutral.instruction, MOST_TEXT), clean(sensitive.instruction, MOST_TEXT)
    )
    return Pair(
        cluster=clean(example.cluster, MOST_TITLE),
        value=clean(example.value, 80),
        measure=f"{measure(finding)} {number(example.measure)}",
        neutral=_side(neutral, moved[0], prompts[0]),
        sensitive=_side(sensitive, moved[1], prompts[1]),
    )


def _side(
    exchange: Exchange, moved: list[tuple[str, str]], prompt: tuple[tuple[str, bool], ...]
) -> Side:
    return Side(
        prompt=prompt,
        system=clean(exchange.system or "", MOST_TEXT),
        lines=tuple(_lines(exchange, moved)),
        outcome=str(exchange.outcome),
        text=clean(exchange.text, MOST_TEXT),
    )


def _lines(exchange: Exchange, moved: list[tuple[str, str]]) -> Iterator[Line]:
    titles = exchange.titles[: len(exchange.items)]
    for item, title, (kind, words) in zip_longest(
        exchange.items, titles, moved, fillvalue=("", "")
    ):
        name = clean(title or item, MOST_TITLE)
        yield Line(name, kind, words, not is_off_catalogue(str(item)))
