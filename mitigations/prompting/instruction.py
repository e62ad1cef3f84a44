"""Fair instructions: the model is asked to be fair, or to look beyond what is popular.

The weakest of mitigations, and the cheapest: whether it does anything, and what, only an audit
before and after can say. The words are data (``mitigations/data/instructions.yaml``), each with
its source.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any, ClassVar, Literal

from fairrec.errors import WrongUse
from fairrec.mitigations.mitigation import RewritesRequests
from fairrec.types import Request

Place = Literal["default", "user", "system"]


@dataclass(frozen=True, kw_only=True, eq=False)
class FairInstruction(RewritesRequests):
    """Adds an instruction to treat people alike.

    Attributes:
        variant: "ignore_demographics", "not_legal", "think_aloud" or "persona".
        words: An instruction of your own in its place.
        place: "user" puts it after the user's words, "system" into the system turn, after what
            stands there; "default" is where the variant's source has it, and "user" for words of
            your own.
        language: Of the embedded words: en, de, es or zh.

    Raises:
        WrongUse: Variant, place or language is unknown, or the words are blank.
    """

    name: ClassVar[str] = "fair_instruction"
    kind: ClassVar[str] = "fairness"

    variant: str = "ignore_demographics"
    words: str | None = None
    place: Place = "default"
    language: str = "en"

    def __post_init__(self) -> None:
        known = variants(self.kind)
        if self.words is None and self.variant not in known:
            raise WrongUse(
                f"the instruction {self.variant!r} is unknown.",
                expected=f"one of {', '.join(known)}.",
                do="choose one of them, or give words= of your own.",
            )
        if self.words is not None and not self.words.strip():
            raise WrongUse("the words are blank.", expected="an instruction.")
        if self.place not in ("default", "user", "system"):
            raise WrongUse(
                f"the place {self.place!r} is unknown.", expected="'default', 'user' or 'system'."
            )
        if self.words is None and self.language not in known[self.variant]:
            raise WrongUse(
                f"the instruction is not there in the language {self.language!r}.",
                expected="en, de, es or zh.",
                do="give words= of your own.",
            )

    def expand(self, request: Request) -> list[Request]:
        """Return the request with the instruction; one without words stays as it is."""
        if not request.instruction:
            return [request]
        own = variants(self.kind).get(self.variant, {})
        said = self.words if self.words is not None else own[self.language]
        place = self.place
        if place == "default":
            place = "user" if self.words is not None else own["place"]
        if place == "system":
            return [replace(request, system=f"{request.system} {said}" if request.system else said)]
        return [replace(request, instruction=f"{request.instruction}\n{said}")]


@dataclass(frozen=True, kw_only=True, eq=False)
class PopularityPrompt(FairInstruction):
    """Adds an instruction to look beyond what is popular.

    Attributes:
        variant: "balanced", "lesser_known" or "many_makers".
    """

    name: ClassVar[str] = "popularity_prompt"
    kind: ClassVar[str] = "popularity"

    variant: str = "balanced"


@cache
def variants(kind: str) -> dict[str, dict[str, Any]]:
    """Return the embedded instructions of a kind, "fairness" or "popularity": by variant its
    source, its place and its words by language."""
    import yaml

    text = (resources.files("fairrec.mitigations.data") / "instructions.yaml").read_text("utf-8")
    return yaml.safe_load(text)[kind]
