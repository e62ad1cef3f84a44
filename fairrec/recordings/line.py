"""One line of a recording: what was asked, on whose behalf, and what was answered.

`docs/recorded-answers.md` describes the form for those who write such files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from fairrec.types import Arm, Attempt, Match, Outcome, Usage

LISTS = frozenset(
    {"titles", "items", "scores", "embedding", "history", "ratings", "relevant", "candidates"}
)
MAPPINGS = frozenset({"profile", "slots", "user_profile"})


def _as_text(value: Any) -> Any:
    """Accept whole numbers as ids and names: tables have them where text is meant."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return str(int(value)) if float(value).is_integer() else str(value)


Name = Annotated[str, BeforeValidator(_as_text)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class RecordedLine(BaseModel):
    """A request and its answer.

    Attributes:
        user: Id of the user, or
        topic: what somebody is a fan of; one of the two.
        arm: Why it was asked; read off the profile when it is not given.
        attribute: Sensitive attribute that is stated; the profile's only one when not given.
        value: Its value.
        profile: What was stated, such as ``{"gender": "female"}``.
        replicate: 0 for the first asking, counting up for repeats of the same prompt.
        template: Which wording of the prompt, where there are several.
        slots: What else filled the template.
        k: Items asked for; the longest list of the file when not given.
        system, instruction: The prompt, for readers of reports.
        titles: What was recommended, best first, in words, or
        items: in item ids.
        scores: One number per title or item.
        embedding: The recommender's vector of the user.
        text: The raw answer; titles are read out of it when neither they nor items are given.
        outcome: What became of the request; "answered" when something was recommended.
        detail: Why it was not.
        matches: How titles were matched to the catalogue, as fairrec writes it.
        user_profile: The user's own attributes, whatever was stated.
        history, ratings: Item ids that the user was known to have consumed, oldest first.
        relevant: Item ids or titles that the user went on to like.
        candidates: Item ids to choose from.
        seconds: How long the answer took.
        calls: How many times a model was asked for it.
        prompt_tokens, completion_tokens: What it cost, where that was counted.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    user: Name | None = None
    topic: Name | None = None
    arm: Arm | None = None
    attribute: str | None = None
    value: Name | None = None
    profile: Mapping[str, Name] = Field(default_factory=dict)
    replicate: int = Field(default=0, ge=0)
    template: Name | None = None
    slots: Mapping[str, Name] = Field(default_factory=dict)
    k: int | None = Field(default=None, ge=1)
    system: str | None = None
    instruction: str = ""
    titles: tuple[str, ...] | None = None
    items: tuple[Name, ...] | None = None
    scores: tuple[Number, ...] | None = None
    embedding: tuple[Number, ...] | None = None
    text: str = ""
    outcome: Outcome | None = None
    detail: str = ""
    matches: tuple[Match, ...] | None = None
    user_profile: Mapping[str, Name] | None = None
    history: tuple[Name, ...] | None = None
    ratings: tuple[Number, ...] | None = None
    relevant: tuple[Name, ...] | None = None
    candidates: tuple[Name, ...] | None = None
    seconds: Number = Field(default=0.0, ge=0)
    calls: int = Field(default=0, ge=0)
    prompt_tokens: int | None = Field(default=None, ge=0)
    completion_tokens: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _is_whole(self) -> RecordedLine:
        if (self.user is None) == (self.topic is None):
            raise ValueError("a line names either a user or a topic")
        if not self.cluster.strip():
            raise ValueError("the user or topic is blank")
        if self.titles is not None and self.items is not None:
            raise ValueError("a line has titles or items, not both")
        listed = self.titles if self.titles is not None else self.items
        if listed is not None and not all(name.strip() for name in listed):
            raise ValueError("a title or item is blank")
        if self.scores is not None:
            if listed is None or len(self.scores) != len(listed):
                raise ValueError(f"{len(self.scores)} scores for {len(listed or ())} items")
            if len(set(listed)) != len(listed):
                raise ValueError("an item that is named twice has two scores")
        if (self.attribute is None) != (self.value is None):
            raise ValueError("attribute and value go together")
        if self.outcome is Outcome.ANSWERED and not listed and not self.text:
            raise ValueError("the outcome is 'answered', but nothing was recommended")
        return self

    @property
    def usage(self) -> Usage | None:
        """Tokens, where any were counted."""
        if self.prompt_tokens is None and self.completion_tokens is None:
            return None
        return Usage(self.prompt_tokens or 0, self.completion_tokens or 0)

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The calls, their time shared out evenly."""
        return tuple(Attempt(self.seconds / self.calls) for _ in range(self.calls))

    @property
    def cluster(self) -> str:
        """The user or topic."""
        return self.user if self.user is not None else self.topic or ""

    @property
    def stated(self) -> tuple[str | None, str | None]:
        """The stated attribute and its value; of a profile of one, that one."""
        if self.attribute is None and len(self.profile) == 1:
            return next(iter(self.profile.items()))
        return self.attribute, self.value

    def arm_for(self, own: Mapping[str, str]) -> Arm:
        """Return the arm: as given, else read off what was stated and who the user is.

        Args:
            own: The user's own attributes, from whichever row says them.
        """
        if self.arm is not None:
            return self.arm
        if self.replicate:
            return Arm.REPEAT
        if not self.profile and self.attribute is None:
            return Arm.NEUTRAL
        if self.topic is not None:
            return Arm.SENSITIVE
        stated = dict(self.profile) or dict([self.stated])
        factual = all(own.get(name or "") == value for name, value in stated.items())
        return Arm.SENSITIVE if factual else Arm.COUNTERFACTUAL
