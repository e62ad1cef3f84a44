"""The pairs of lists behind a finding, side by side, with what became of every item."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from fairrec.reports.glossary import metric_name
from fairrec.reports.layouts import layout
from fairrec.reports.untrusted import clean
from fairrec.reports.wording import gated, number
from fairrec.results import AuditResult, Example, Exchange, Finding
from fairrec.types import is_off_catalogue

MOST_ATTRIBUTES = 20
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

    stated: str
    prompt: tuple[tuple[str, bool], ...]
    system: str
    lines: tuple[Line, ...]
    outcome: str
    text: str


@dataclass(frozen=True, slots=True)
class Pair:
    """The neutral side and the sensitive side of one example; `measures` in words."""

    cluster: str
    value: str
    measures: str
    neutral: Side
    sensitive: Side


def worst_pairs(result: AuditResult, most: int = 3) -> list[tuple[str, list[Pair]]]:
    """Return at most `most` pairs per attribute, gated and larger findings first."""
    seen: set[tuple[str, str]] = set()
    by_attribute: dict[str, list[Example]] = {}
    for finding in _ordered(result):
        for example in finding.examples:
            ids = (example.probe_id, example.reference_probe_id)
            if ids not in seen and all(id in result.exchanges for id in ids):
                seen.add(ids)
                by_attribute.setdefault(finding.attribute or "", []).append(example)
    shown = {a: examples[:most] for a, examples in list(by_attribute.items())[:MOST_ATTRIBUTES]}
    by = metric_name(layout(result).compared_by)
    measures = _measures(result, {e.probe_id for examples in shown.values() for e in examples})
    return [
        (
            clean(attribute, 80),
            [
                _pair(result, e, measures.get(e.probe_id) or f"{by} {number(e.measure)}")
                for e in examples
            ],
        )
        for attribute, examples in shown.items()
    ]


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
            if kind == "equal":
                side.append((piece, False))
            else:
                words = piece.rstrip()
                start, end = len(words) - len(words.lstrip()), len(words)
                side += [(piece[:start], False), (words[start:], True), (piece[end:], False)]
    left_side, right_side = (tuple(part for part in side if part[0]) for side in sides)
    return left_side, right_side


def _ordered(result: AuditResult) -> list[Finding]:
    rest = [f for f in result.findings if f.verdict is None]
    return gated(result) + sorted(rest, key=lambda f: -(f.estimate.value or 0))


def _measures(result: AuditResult, ids: set[str]) -> dict[str, str]:
    """Return what was measured on these probes, such as "Jaccard 0.143, SERP* 0.200"."""
    return {
        row.probe_id: ", ".join(
            f"{metric_name(name)} {number(value)}"
            for name, value in row.measures.items()
            if value is not None
        )
        for row in result.observations
        if row.probe_id in ids and "jaccard" in row.measures
    }


def _pair(result: AuditResult, example: Example, measures: str) -> Pair:
    neutral = result.exchanges[example.reference_probe_id]
    sensitive = result.exchanges[example.probe_id]
    moved = movements(neutral.items, sensitive.items)
    prompts = prompt_difference(
        clean(neutral.instruction, MOST_TEXT), clean(sensitive.instruction, MOST_TEXT)
    )
    return Pair(
        cluster=clean(example.cluster, MOST_TITLE),
        value=clean(example.value, 80),
        measures=measures,
        neutral=_side(neutral, moved[0], prompts[0]),
        sensitive=_side(sensitive, moved[1], prompts[1]),
    )


def _side(
    exchange: Exchange, moved: list[tuple[str, str]], prompt: tuple[tuple[str, bool], ...]
) -> Side:
    stated = f"States: {clean(exchange.value, 80)}" if exchange.value else "States nothing"
    return Side(
        stated=stated,
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
