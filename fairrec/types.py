"""The value types of asking: frozen, plain, without behaviour.

A `Probe` wraps a `Request` with the reason it is asked; a recommender answers a request with a
`Ranking`; the runner keeps it as an `Answer`. What audits make of answers is in
`fairrec.results`; `fairrec.serialization` turns any of them into JSON and back.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

OFF_CATALOGUE = "?"
"""First character of the id that stands for recommended text that is no catalogue item."""


class Outcome(StrEnum):
    """What became of one request. Only `ANSWERED` carries items to judge."""

    ANSWERED = "answered"
    REFUSED = "refused"
    UNPARSABLE = "unparsable"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    FILTERED = "filtered"
    ERROR = "error"


class MatchKind(StrEnum):
    """How a piece of text was matched to the catalogue."""

    EXACT = "exact"
    NORMALISED = "normalised"
    FUZZY = "fuzzy"
    AMBIGUOUS = "ambiguous"
    ABSENT = "absent"


class Arm(StrEnum):
    """Why a probe is asked."""

    NEUTRAL = "neutral"
    SENSITIVE = "sensitive"
    COUNTERFACTUAL = "counterfactual"
    CUE = "cue"
    PLACEBO = "placebo"
    REPEAT = "repeat"


@dataclass(frozen=True, slots=True)
class Request:
    """One thing to ask a recommender.

    `instruction` is the user turn in words, complete in itself; `profile`, `history` and
    `candidates` say the same in structured form, for recommenders that do not read text.

    Attributes:
        k: Number of items wanted, at least 1.
        instruction: The user turn as text.
        system: The system turn as text, or None.
        profile: Stated attributes, such as ``{"gender": "female"}``; empty when none is stated.
        slots: What filled the template, such as ``{"name": "Spike Lee"}``.
        history: Item ids the user has consumed, oldest first.
        candidates: Item ids to choose from; None leaves the choice to the recommender.
        replicate: 0 for the first asking; a repeat of the same prompt counts up.
    """

    k: int
    instruction: str = ""
    system: str | None = None
    profile: Mapping[str, str] = field(default_factory=dict)
    slots: Mapping[str, str] = field(default_factory=dict)
    history: tuple[str, ...] = ()
    candidates: tuple[str, ...] | None = None
    replicate: int = 0

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError(f"k is {self.k}; a request asks for at least 1 item")
        if self.replicate < 0:
            raise ValueError(f"replicate is {self.replicate}; it counts up from 0")


@dataclass(frozen=True, slots=True)
class Match:
    """One piece of an answer's text and the catalogue item it was matched to.

    `item_id` is None when `kind` is AMBIGUOUS or ABSENT; `similarity` is in [0, 1].
    """

    text: str
    kind: MatchKind
    item_id: str | None = None
    similarity: float = 1.0


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that an answer cost, where the back-end counts them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Ranking:
    """What a recommender answered to one request, best first.

    Attributes:
        items: Item ids without repeats. Recommended text that matches no catalogue item
            stays in its place under the id ``"?" + normalised text`` (see `off_catalogue_id`).
        outcome: What became of the request. A missing answer is an outcome, not an empty score.
        scores: One finite score per item, or None.
        matches: How each recommended piece of text was matched; repeats included.
        text: The raw answer; empty for recommenders that produce none.
        detail: Why the outcome is not ANSWERED, in a few words.
        usage: Tokens spent, or None when unknown.
        embedding: The recommender's own vector of the user, finite numbers, where it has one.
    """

    items: tuple[str, ...] = ()
    outcome: Outcome = Outcome.ANSWERED
    scores: tuple[float, ...] | None = None
    matches: tuple[Match, ...] = ()
    text: str = ""
    detail: str = ""
    usage: Usage | None = None
    embedding: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if len(set(self.items)) != len(self.items):
            raise ValueError("a ranking names the same item twice; keep its first place only")
        if self.outcome is Outcome.ANSWERED and not self.items:
            raise ValueError("an answered ranking holds at least one item; use Outcome.EMPTY")
        if self.scores is not None:
            if len(self.scores) != len(self.items):
                raise ValueError(f"{len(self.scores)} scores for {len(self.items)} items")
            if not all(math.isfinite(score) for score in self.scores):
                raise ValueError("a ranking's scores are finite numbers")
        if self.embedding is not None and not all(map(math.isfinite, self.embedding)):
            raise ValueError("a ranking's embedding holds finite numbers")


@dataclass(frozen=True, slots=True)
class Probe:
    """A request and the reason it is asked.

    Attributes:
        request: What is asked.
        arm: Which side of a comparison this is.
        cluster: The topic or user that statistics resample as a whole.
        attribute: The sensitive attribute that is stated, or None.
        value: Its value, or None.
    """

    request: Request
    arm: Arm
    cluster: str
    attribute: str | None = None
    value: str | None = None

    @property
    def id(self) -> str:
        """Content address: equal probes have equal ids, in any process."""
        return content_hash(
            [request_content(self.request), self.arm, self.cluster, self.attribute, self.value]
        )


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at asking: how long it took and, if it failed, why."""

    seconds: float
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A probe's ranking as it was recorded."""

    probe_id: str
    ranking: Ranking
    seconds: float = 0.0
    attempts: tuple[Attempt, ...] = ()


def off_catalogue_id(normalised_text: str) -> str:
    """Return the item id that stands for recommended text outside the catalogue."""
    return OFF_CATALOGUE + normalised_text


def is_off_catalogue(item_id: str) -> bool:
    """Tell whether an item id stands for text outside the catalogue."""
    return item_id.startswith(OFF_CATALOGUE)


def request_content(request: Request) -> dict[str, Any]:
    """Return a request as plain JSON types; equal requests give equal content."""
    return {
        "k": request.k,
        "instruction": request.instruction,
        "system": request.system,
        "profile": dict(request.profile),
        "slots": dict(request.slots),
        "history": list(request.history),
        "candidates": None if request.candidates is None else list(request.candidates),
        "replicate": request.replicate,
    }


def content_hash(content: Mapping[str, Any] | Sequence[Any]) -> str:
    """Return the SHA-256 (hex) of plain JSON types, independent of key order."""
    canonical = json.dumps(
        content, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
